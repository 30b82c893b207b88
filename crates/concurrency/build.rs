//! Nothing is built here: Cargo asks for a build script where a manifest says `links`.

fn main() {
    // Without this Cargo would run it again after every change of a file.
    println!("cargo::rerun-if-changed=build.rs");
}
