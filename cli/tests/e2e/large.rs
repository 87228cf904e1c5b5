//! Measures what large traces take. Run by
//! `cargo test --release -p ringchat --test e2e -- --ignored --nocapture large`.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use ringchat_trace::{NoteLine, TraceEvent, TraceLine, TraceRecord};

use crate::sim::ringchat;

const MEMBERS: usize = 20;
/// What `--trace-limit` is, if nothing else is asked for.
const BYTES: u64 = 64 << 20;
/// The part of a simulated run that is repeated, in microseconds.
const REPEATED: (u64, u64) = (2_000_000, 20_000_000);
const LONGEST: Duration = Duration::from_secs(10);
const MOST_KIB: u64 = 1 << 20;

#[test]
#[ignore = "measures, and wants the machine for itself"]
fn large_traces_become_one_picture() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let mut script = format!("nodes {MEMBERS} seed 3\n");
    for second in 1..=20 {
        writeln!(script, "at {second}s flood others 100").unwrap();
    }
    let played = ringchat(&["sim", "--script", "-", "--trace", &path("traces")], &script);
    assert!(played.status.success());
    for file in fs::read_dir(path("traces")).unwrap() {
        enlarge(&file.unwrap().path());
    }
    for options in [&[][..], &["--only", "election"], &["--only", "chat,beats", "--max", "1000000"]] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_ringchat"));
        program.args(["trace", &path("traces"), "-o", &path("run.svg")]).args(options);
        let start = Instant::now();
        let kib = peak_kib(program.spawn().unwrap());
        let time = start.elapsed();
        println!("{options:?}: {MEMBERS} files of {} MiB: {time:.1?}, {} MiB", BYTES >> 20, kib >> 10);
        assert!(time < LONGEST && kib < MOST_KIB);
    }
}

/// Repeats a part of a trace until the file is large. Texts are left out, as they usually are.
fn enlarge(path: &Path) {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = Vec::new();
    let mut wall = 0;
    let mut file = BufWriter::new(File::create(path).unwrap());
    let mut bytes = Vec::new();
    for line in text.lines() {
        match TraceRecord::read(line.as_bytes()).unwrap() {
            TraceRecord::Header(header) => {
                wall = header.wall;
                TraceRecord::Header(header).write(&mut bytes);
            }
            TraceRecord::Line(line) if wall + line.t < REPEATED.0 => {
                TraceRecord::Line(line).write(&mut bytes);
            }
            TraceRecord::Line(line) if wall + line.t < REPEATED.1 => lines.push(line),
            TraceRecord::Line(_) => break,
        }
    }
    for round in 0.. {
        file.write_all(&bytes).unwrap();
        if file.get_ref().metadata().unwrap().len() >= BYTES {
            break;
        }
        bytes.clear();
        for line in &lines {
            TraceRecord::Line(later(line, round)).write(&mut bytes);
        }
    }
    file.flush().unwrap();
}

/// The same line, as it would be so many rounds later.
fn later(line: &TraceLine, rounds: u64) -> TraceLine {
    let mut line = line.clone();
    line.i += rounds * 1_000_000;
    line.t += rounds * (REPEATED.1 - REPEATED.0);
    // No member's clock counts as far in one round.
    let ticks = rounds * 1_000_000;
    line.lc += ticks;
    match &mut line.event {
        TraceEvent::Send(sent) => sent.what.said.clear(),
        TraceEvent::Recv(taken) => {
            taken.st += ticks;
            taken.what.said.clear();
        }
        TraceEvent::Note(NoteLine::Chat { said, .. }) => said.clear(),
        _ => {}
    }
    line
}

/// Waits until a process has ended well. Returns the most memory that it had resident.
fn peak_kib(mut process: Child) -> u64 {
    let status = format!("/proc/{}/status", process.id());
    let mut peak = 0;
    loop {
        let status = fs::read_to_string(&status).unwrap_or_default();
        let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = most.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse().ok());
        peak = peak.max(kib.unwrap_or(0));
        if let Some(status) = process.try_wait().unwrap() {
            assert!(status.success());
            return peak;
        }
        // Nothing tells when another process has grown.
        thread::park_timeout(Duration::from_millis(5));
    }
}
