//! Measures numbers of the README. Run by
//! `cargo test --release -p ringchat --test e2e -- --ignored --nocapture measure`.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::{Runtimes, TestRoom};

const MEMBERS: usize = 5;
const ROUNDS: usize = 20;

#[test]
#[ignore = "measures, and wants the machine for itself"]
fn measure() {
    println!("median (worst) of {ROUNDS} in a room of {MEMBERS}");
    println!(
        "{:<10} {:>22} {:>20} {:>16}",
        "", "leader killed to next", "process started", "resident memory"
    );
    println!("{:<10} {:>22} {:>20} {:>16}", "runtime", "message shown by all", "to joined", "of a member");
    for (name, runtimes) in [("threads", Runtimes::Threads), ("async-std", Runtimes::AsyncStd)] {
        let (mut gaps, mut joins) = (Vec::new(), Vec::new());
        let mut room = TestRoom::of(MEMBERS, runtimes);
        let mut members = room.everyone();
        for _ in 0..ROUNDS {
            let leader = room.leader(&members);
            members.retain(|&who| who != leader);
            gaps.push(kill_to_next_message(&mut room, leader, &members));
            room.settle(&members);
            let start = Instant::now();
            members.push(room.join(members[0]));
            joins.push(start.elapsed());
            room.settle(&members);
        }
        let resident = members.iter().map(|&who| room.process(who).resident_kib()).max().unwrap();
        let (gap, join) = (summary(gaps), summary(joins));
        println!("{name:<10} {gap:>22} {join:>20} {:>12.1} MiB", mebibytes(resident));
    }
}

/// The time from the signal until all `survivors` show a line that one of them says right after it.
fn kill_to_next_message(room: &mut TestRoom, leader: usize, survivors: &[usize]) -> Duration {
    let start = Instant::now();
    room.signal(&[leader], Signal::KILL);
    room.talk(&survivors[..1], 1);
    room.wait_shown(survivors, &survivors[..1]);
    start.elapsed()
}

/// The median and the maximum.
fn summary(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let millis = |time: Duration| time.as_secs_f64() * 1000.0;
    format!("{:.1} ms ({:.1})", millis(times[times.len() / 2]), millis(times[times.len() - 1]))
}

#[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
fn mebibytes(kib: u64) -> f64 {
    kib as f64 / 1024.0
}
