//! The workspace: where it lies, what Cargo says about its packages, which files it has.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::{
    command::{Cmd, cargo},
    json::Json,
    outcome::{Error, Result},
};

/// Optional parts are built and tested too, and every build of `ci` has the same features, so that they share their work.
/// (The step `features` checks each feature by itself.)
pub(crate) const EVERYTHING: &[&str] = &["--workspace", "--all-features"];

/// The manifest of the other workspace: the models of `cargo xtask shuttle`.
pub(crate) const SHUTTLE: &str = "shuttle/Cargo.toml";

#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) packages: Vec<Package>,
    /// Where Cargo builds, wherever the environment has moved it.
    pub(crate) target: PathBuf,
}

#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) description: String,
    pub(crate) license: String,
    pub(crate) keywords: usize,
    pub(crate) features: Vec<String>,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) targets: Vec<Target>,
}

#[derive(Debug)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) optional: bool,
    pub(crate) dev: bool,
}

#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) path: PathBuf,
}

impl Workspace {
    pub(crate) fn load() -> Result<Self> {
        Self::load_from("Cargo.toml")
    }

    /// The workspace of another manifest.
    pub(crate) fn load_from(manifest: &str) -> Result<Self> {
        let text = cargo(&["metadata", "--format-version=1", "--no-deps", "--manifest-path", manifest]).read()?;
        let json = Json::parse(&text)
            .ok_or_else(|| Error::Failed("`cargo metadata` wrote something that is not JSON".to_owned()))?;
        let packages = json.get("packages").items().iter().map(Package::from_json).collect();
        Ok(Self { packages, target: PathBuf::from(json.get("target_directory").text()) })
    }

    /// The packages that are published.
    pub(crate) fn libraries(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.folder.starts_with(root().join("crates")))
    }

    /// Every target of `kind` (`lib`, `bin`, `test`, `example`, `bench`) with its package.
    pub(crate) fn targets(&self, kind: &str) -> impl Iterator<Item = (&Package, &Target)> {
        let of_kind = move |package| Package::targets_of(package, kind).map(move |target| (package, target));
        self.packages.iter().flat_map(of_kind)
    }
}

impl Package {
    fn from_json(json: &Json) -> Self {
        let text = |name| json.get(name).text().to_owned();
        let manifest = PathBuf::from(text("manifest_path"));
        Self {
            name: text("name"),
            folder: manifest.parent().unwrap_or(&manifest).to_owned(),
            description: text("description"),
            license: text("license"),
            keywords: json.get("keywords").items().len(),
            features: json.get("features").members().iter().map(|(name, _)| name.clone()).collect(),
            dependencies: json.get("dependencies").items().iter().map(Dependency::from_json).collect(),
            targets: json.get("targets").items().iter().map(Target::from_json).collect(),
        }
    }

    /// A package of which only the name is known, to be filled by tests of the rules.
    #[cfg(test)]
    pub(crate) fn of(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            folder: PathBuf::new(),
            description: String::new(),
            license: String::new(),
            keywords: 0,
            features: Vec::new(),
            dependencies: Vec::new(),
            targets: Vec::new(),
        }
    }

    fn targets_of(&self, kind: &str) -> impl Iterator<Item = &Target> {
        self.targets.iter().filter(move |target| target.kind == kind)
    }

    /// The folder, as it is shown: relative to the workspace.
    pub(crate) fn place(&self) -> String {
        crate::command::shown(&self.folder)
    }
}

impl Dependency {
    fn from_json(json: &Json) -> Self {
        Self {
            name: json.get("name").text().to_owned(),
            optional: json.get("optional") == &Json::Bool(true),
            dev: json.get("kind").text() == "dev",
        }
    }
}

impl Target {
    fn from_json(json: &Json) -> Self {
        let kind = json.get("kind").items().first().map_or("", Json::text);
        Self {
            name: json.get("name").text().to_owned(),
            kind: kind.to_owned(),
            path: PathBuf::from(json.get("src_path").text()),
        }
    }
}

/// The workspace folder, wherever the command was given.
pub(crate) fn root() -> PathBuf {
    // Cargo's word at run time first: a shared target folder may hold the program of another clone.
    let manifest = env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    Path::new(&manifest).parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// Every file that belongs to the workspace, sorted, relative to its folder: what Git tracks or would track,
/// or, where this is no Git clone, what lies outside of `target` and of hidden folders.
pub(crate) fn files() -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    if root().join(".git").exists() && crate::command::find("git").is_some() {
        let listed = Cmd::new("git".into(), "git")
            .args(&["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .read()?;
        files.extend(listed.split_terminator('\0').map(PathBuf::from));
        // Git still lists a file that was removed a moment ago.
        files.retain(|file| root().join(file).is_file());
    } else {
        walk(&root(), &mut files).map_err(|error| format!("cannot list the files of the workspace: {error}"))?;
    }
    files.sort();
    files.dedup();
    Ok(files)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && (!name.starts_with('.') || [".cargo", ".ci", ".config"].contains(&name.as_str())) {
                walk(&path, files)?;
            }
        } else {
            files.push(path.strip_prefix(root()).unwrap_or(&path).to_owned());
        }
    }
    Ok(())
}
