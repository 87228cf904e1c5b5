//! Every file of `scenarios/` goes as it is written.

use std::path::PathBuf;

use ringchat_sim::scenario::play;

/// The lines of the trace that a failure shows.
const SHOWN: usize = 40;

#[test]
fn every_scenario_goes_as_written() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files = std::fs::read_dir(folder)?
        .map(|file| Ok(file?.path()))
        .collect::<Result<Vec<_>, std::io::Error>>()?;
    files.sort();
    assert!(files.len() >= 40, "only {} scenarios are found", files.len());
    let only = std::env::var("SCENARIO").ok();
    let mut failed = Vec::new();
    for file in files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if only.as_ref().is_some_and(|only| *only != name) {
            continue;
        }
        let (result, trace) = play(&std::fs::read_to_string(&file)?);
        if let Err(failure) = result {
            let lines: Vec<&str> = trace.lines().collect();
            let shown = if only.is_some() { lines.len() } else { SHOWN };
            eprintln!("{}", lines[lines.len().saturating_sub(shown)..].join("\n"));
            failed.push(format!("{name}: {failure}"));
        }
    }
    assert!(failed.is_empty(), "all of a trace is shown with SCENARIO=name\n{}", failed.join("\n"));
    Ok(())
}
