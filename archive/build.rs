//! The macros of sqlx read these folders without telling cargo.

fn main() {
    for folder in ["../migrations", "../.sqlx"] {
        println!("cargo:rerun-if-changed={folder}");
    }
}
