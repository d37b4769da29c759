//! The negative controls fit the code as it is; `make controls` runs them.

use std::path::Path;
use std::process::Command;

#[test]
fn every_control_still_fits_and_names_a_promise_and_a_storm() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut broken = Vec::new();
    for file in std::fs::read_dir(root.join("loadtest/controls")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "patch") {
            continue;
        }
        let fits = Command::new("git").args(["apply", "--check"]).arg(&path).current_dir(root).output().unwrap();
        assert!(fits.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&fits.stderr));
        let text = std::fs::read_to_string(&path).unwrap();
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
        broken.push(serde_json::from_str::<loadtest::verify::Rule>(&format!("\"{}\"", field("breaks: "))).unwrap());
        assert!(field("storm: ").starts_with("--seconds"));
    }
    broken.sort_unstable();
    broken.dedup();
    assert_eq!(broken.len(), 8, "each promise has one: {broken:?}");
}
