//! `cargo xtask doc`: the documentation of the libraries, and a page that lists them.

use std::{env, fs, path::Path};

use crate::{
    command::{Cmd, cargo, find, shown},
    outcome::{Error, Outcome, Result},
    workspace::{Package, Workspace},
};

pub(crate) fn run(arguments: &[String]) -> Result {
    let open = match arguments {
        [] => false,
        [flag] if flag == "--open" => true,
        _ => return Err(Error::Usage("`doc` knows only `--open`".to_owned())),
    };
    let workspace = Workspace::load()?;
    let libraries: Vec<_> = workspace.libraries().collect();
    let mut command = cargo(&["doc", "--no-deps", "--all-features"]);
    for library in &libraries {
        command = command.args(&["-p", &library.name]);
    }
    let flags = env::var("RUSTDOCFLAGS").unwrap_or_default();
    command.env("RUSTDOCFLAGS", format!("{flags} -D warnings").trim()).run()?;

    let index = workspace.target.join("doc/index.html");
    fs::write(&index, page(&libraries)).map_err(|error| format!("cannot write {}: {error}", index.display()))?;
    println!("the index page is {}", shown(&index));
    if open {
        open_in_browser(&index)?;
    }
    Ok(Outcome::Passed)
}

fn page(libraries: &[&Package]) -> String {
    let mut rows = String::new();
    for library in libraries {
        let (name, purpose) = (escaped(&library.name), escaped(&library.description));
        rows += &format!("<dt><a href=\"{}/index.html\">{name}</a></dt><dd>{purpose}</dd>\n", name.replace('-', "_"));
    }
    format!(
        "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width\">
<title>Bowline: the crates</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem }}
dt {{ font-family: ui-monospace, monospace }}
dd {{ margin: 0 0 1rem 0 }}
</style>
<h1>Bowline</h1>
<p>Structured async for Tokio. Each crate is complete by itself:</p>
<dl>
{rows}</dl>
</html>
"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

fn open_in_browser(page: &Path) -> Result<()> {
    let opener = ["xdg-open", "open", "explorer"].into_iter().find_map(|name| Some((name, find(name)?)));
    let Some((name, program)) = opener else {
        return Err(Error::Failed(format!("no program to open {} with was found", page.display())));
    };
    Cmd::new(program, name).args(&[page.display().to_string()]).run()
}
