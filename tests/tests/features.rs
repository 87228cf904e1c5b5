//! What is tested is what ships: no feature that only tests need changes the node, or is in the program.

use std::error::Error;
use std::process::Command;

/// The lines of `cargo tree` that name an enabled feature of `package`.
fn enabled_features(package: &str, args: &[&str]) -> Result<Vec<String>, Box<dyn Error>> {
    let mut tree = Command::new(env!("CARGO"));
    tree.args(["tree", "--offline", "--prefix", "none"]).args(args).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = tree.output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let named = format!("{package} feature ");
    let lines = String::from_utf8(output.stdout)?;
    Ok(lines.lines().filter(|line| line.starts_with(&named)).map(str::to_owned).collect())
}

fn names(features: &[String], feature: &str) -> bool {
    features.iter().any(|line| line.contains(&format!("\"{feature}\"")))
}

#[test]
fn the_tests_of_the_workspace_run_nodes_that_enforce_every_rule() -> Result<(), Box<dyn Error>> {
    let features =
        enabled_features("ringchat-core", &["--workspace", "-e", "features", "-i", "ringchat-core"])?;
    assert!(names(&features, "inspect"), "the tests look into nodes: {features:?}");
    assert!(!names(&features, "ablation"), "{features:?}");
    Ok(())
}

#[test]
fn the_program_has_nothing_that_only_tests_need() -> Result<(), Box<dyn Error>> {
    for package in ["ringchat-core", "ringchat"] {
        let features =
            enabled_features(package, &["-p", "ringchat", "-e", "features,no-dev", "-i", package])?;
        for feature in ["ablation", "inspect", "fuzzing", "sham"] {
            assert!(!names(&features, feature), "{package}: {features:?}");
        }
    }
    let core = enabled_features("ringchat-core", &["-p", "ringchat", "-e", "features,no-dev"])?;
    assert!(names(&core, "default"), "the tree is empty");
    Ok(())
}
