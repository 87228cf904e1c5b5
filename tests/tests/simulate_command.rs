//! The command `simulate`, run as a person or a script runs it, in processes of its own.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn simulate(args: &[&str], temp: &Path) -> Result<Output> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_simulate"));
    Ok(command.args(args).env("TMPDIR", temp).output()?)
}

fn words(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

fn last_line(output: &Output) -> String {
    words(&output.stdout).lines().last().unwrap_or_default().to_owned()
}

/// Runs whose nodes do not submit messages without a place again, so that some are lost. Of two jobs each might find
/// a violation before the other ends.
const BROKEN: [&str; 8] = ["--jobs", "1", "--seeds", "200", "--faults", "crash", "--without", "Resubmit"];

#[test]
fn equal_seeds_give_byte_equal_records_in_separate_processes() -> Result<()> {
    let folder = tempfile::tempdir()?;
    for faults in ["crash", "cut", "lasting"] {
        let record = |seed: &str, name: &str| -> Result<Vec<u8>> {
            let file = folder.path().join(name);
            let path = file.to_string_lossy().into_owned();
            let args = ["--seeds", "1", "--first-seed", seed, "--faults", faults, "--trace", &path];
            assert!(simulate(&args, folder.path())?.status.success());
            Ok(fs::read(file)?)
        };
        let first = record("7", "first")?;
        assert!(words(&first).lines().count() > 100, "{faults} has a short record");
        assert!(first == record("7", "again")?, "{faults}: the records of one seed differ");
        assert!(first != record("13", "other")?, "{faults}: the records of two seeds are equal");
    }
    Ok(())
}

#[test]
fn runs_that_hold_end_with_their_number_and_0() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let output = simulate(&["--seeds", "12"], folder.path())?;
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(last_line(&output), "simulate: 12 runs, 0 violations");
    let told = words(&output.stdout);
    for sum in ["steps: ", "messages checked: ", "elections: ", "merges: ", "faults: ", "sent: "] {
        assert!(told.lines().any(|line| line.starts_with(sum)), "nothing is told of {sum}\n{told}");
    }
    assert_eq!(fs::read_dir(folder.path())?.count(), 0, "a record of what?");
    Ok(())
}

#[cfg(feature = "ablation")]
#[test]
fn a_violation_ends_with_1_and_leaves_a_record_that_replays_to_it() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let output = simulate(&BROKEN, folder.path())?;
    assert_eq!(output.status.code(), Some(1));
    assert!(last_line(&output).ends_with(" runs, 1 violations"), "{}", last_line(&output));
    let told = words(&output.stdout);
    let line = told.lines().find(|line| line.starts_with("seed ")).unwrap_or_default();
    let violation = line.split_once(": ").map(|(_, violation)| violation).unwrap_or_default();
    assert!(violation.contains(" violated at "), "{told}");

    let record = fs::read_dir(folder.path())?.next().ok_or("there is no record")??.path();
    let record_path = record.to_string_lossy().into_owned();
    assert!(told.contains(&record_path), "the record is not named\n{told}");
    let again = simulate(&["--replay", &record_path], folder.path())?;
    assert_eq!(again.status.code(), Some(1));
    assert_eq!(last_line(&again), "simulate: 1 runs, 1 violations");
    let again = words(&again.stdout);
    assert!(again.starts_with(&fs::read_to_string(&record)?), "not every step of the record is shown");
    assert!(again.contains(&format!("end: {violation}")), "another end");
    assert!(again.contains("it goes as it was recorded"));
    Ok(())
}

#[cfg(not(feature = "ablation"))]
#[test]
fn rules_are_not_taken_away_by_a_build_that_enforces_them() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let output = simulate(&BROKEN, folder.path())?;
    assert_eq!(output.status.code(), Some(1));
    let told = words(&output.stderr);
    assert!(told.contains("cargo run --release -p ringchat-tests --features ablation"), "{told}");
    Ok(())
}

#[test]
fn a_replay_tells_where_the_code_departs_from_the_record() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("record");
    let path = file.to_string_lossy().into_owned();
    simulate(&["--seeds", "1", "--first-seed", "3", "--faults", "calm", "--trace", &path], folder.path())?;
    let record = fs::read_to_string(&file)?;
    let tenth = record.lines().nth(9).ok_or("the record is short")?;
    fs::write(&file, record.replacen(tenth, "something else", 1))?;
    let output = simulate(&["--replay", &path], folder.path())?;
    assert_eq!(output.status.code(), Some(0), "the run itself holds");
    let told = words(&output.stdout);
    assert!(told.contains("line 10 is the first to differ"), "the difference is not told");
    assert!(told.contains("recorded: something else"));
    assert!(told.contains(&format!("now:      {tenth}")));
    Ok(())
}

#[test]
fn what_is_no_record_is_refused_with_2() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("poem");
    fs::write(&file, "roses are red\n")?;
    for path in [&file, &folder.path().join("nothing")] {
        let output = simulate(&["--replay", &path.to_string_lossy()], folder.path())?;
        assert_eq!(output.status.code(), Some(2));
        assert!(words(&output.stderr).contains(&*path.to_string_lossy()), "the file is not named");
    }
    Ok(())
}
