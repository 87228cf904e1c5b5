//! What is tested is what ships: no feature that changes a node, or what it takes for signed, is in the program.

use std::collections::BTreeSet;
use std::error::Error;
use std::process::Command;

/// What `cargo tree` prints.
fn tree(args: &[&str]) -> Result<String, Box<dyn Error>> {
    let mut tree = Command::new(env!("CARGO"));
    tree.args(["tree", "--offline", "--prefix", "none"]).args(args).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = tree.output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The lines of `cargo tree` that name an enabled feature of `package`.
fn enabled_features(package: &str, args: &[&str]) -> Result<Vec<String>, Box<dyn Error>> {
    let named = format!("{package} feature ");
    Ok(tree(args)?.lines().filter(|line| line.starts_with(&named)).map(str::to_owned).collect())
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
fn the_program_has_nothing_that_changes_a_node() -> Result<(), Box<dyn Error>> {
    for package in ["ringchat-core", "ringchat-sim", "ringchat"] {
        let features =
            enabled_features(package, &["-p", "ringchat", "-e", "features,no-dev", "-i", package])?;
        for feature in ["ablation", "fuzzing", "sham"] {
            assert!(!names(&features, feature), "{package}: {features:?}");
        }
    }
    let core = enabled_features("ringchat-core", &["-p", "ringchat", "-e", "features,no-dev"])?;
    assert!(names(&core, "default"), "the tree is empty");
    Ok(())
}

#[test]
fn core_brings_no_randomness_of_its_own_and_one_curve() -> Result<(), Box<dyn Error>> {
    let tree = tree(&["-p", "ringchat-core", "-e", "normal,build"])?;
    let packages: BTreeSet<&str> = tree.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    let named =
        |name: &str| packages.iter().filter(|package| package.split(' ').next() == Some(name)).count();
    for name in ["getrandom", "rand", "rand_core", "ring"] {
        assert_eq!(named(name), 0, "{name}: {packages:?}");
    }
    assert_eq!((named("snow"), named("curve25519-dalek")), (1, 1), "{packages:?}");
    Ok(())
}
