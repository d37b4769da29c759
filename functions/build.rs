//! How the functions are linked: at fixed addresses.
//!
//! A program that may lie anywhere is put together anew at each start, an address at a time, and each page that holds one
//! is copied. With what is linked for SQS that takes a fifth of a cold start (infra/README.md has the figures). What it
//! would protect from, a chosen address in an overflow, the language does not allow.

#[expect(clippy::disallowed_methods, reason = "so a build script is asked")]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
