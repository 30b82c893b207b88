//! Two versions of this crate in one program would have two scope trees, each blind to the other: Cargo refuses them.
//!
//! It does so because of `links` in our manifest, a line that looks as if nobody needed it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

#[test]
fn two_versions_in_one_program_are_refused() {
    let told = program_with_two_versions("two-linked", &our_package()).unwrap_err();
    assert!(told.contains("links") && told.contains("bowline-concurrency"), "refused for another reason: {told}");
}

/// The same program but for that line: nothing else is in the way of two versions.
#[test]
fn two_versions_would_be_taken_without_the_links_line() {
    let package = our_package();
    let unlinked: String = package.split_inclusive('\n').filter(|line| !line.starts_with("links = ")).collect();
    program_with_two_versions("two-unlinked", &unlinked).unwrap();
}

/// The section `[package]` of our manifest, without what it takes from the workspace. Without dependencies it resolves offline.
fn our_package() -> String {
    let manifest = fs::read_to_string(here().join("Cargo.toml")).unwrap();
    let package = manifest.split_once("[package]\n").unwrap().1.split("\n[").next().unwrap();
    let own = package.lines().filter(|line| !line.ends_with(".workspace = true"));
    own.map(|line| format!("{line}\n")).collect()
}

/// Lets Cargo resolve a program that depends on `package` in two versions. The error is what Cargo says.
fn program_with_two_versions(name: &str, package: &str) -> Result<(), String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    for (copy, version) in [("first", "0.1.0"), ("second", "0.2.0")] {
        let manifest = format!("[package]\nversion = \"{version}\"\nedition = \"2024\"\n{package}\n[workspace]\n");
        write(&folder.join(copy), &manifest, "lib.rs");
        fs::copy(here().join("build.rs"), folder.join(copy).join("build.rs")).unwrap();
    }
    // A workspace of its own: the folder lies in ours.
    let program = "[package]\nname = \"program\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n\
                   first = { package = \"bowline-concurrency\", path = \"../first\" }\n\
                   second = { package = \"bowline-concurrency\", path = \"../second\" }\n";
    write(&folder.join("program"), program, "main.rs");
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["generate-lockfile", "--offline", "--manifest-path"])
        .arg(folder.join("program/Cargo.toml"))
        .output()
        .unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

fn write(package: &Path, manifest: &str, source: &str) {
    fs::create_dir_all(package.join("src")).unwrap();
    fs::write(package.join("Cargo.toml"), manifest).unwrap();
    fs::write(package.join("src").join(source), "fn main() {}\n").unwrap();
}

/// Where our manifest lies; at run time, because a binary may have been moved with its workspace.
fn here() -> PathBuf {
    env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into()).into()
}
