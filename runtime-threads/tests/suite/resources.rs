//! What a process holds and costs, as Linux tells it.

use std::fs;
use std::time::{Duration, Instant};

/// Runs `once` many times, and fails if threads or file descriptors are left behind.
///
/// The first run is not counted: it may start what an executor keeps.
pub(crate) fn leaves_nothing_behind(once: impl Fn()) {
    const TIMES: usize = 200;
    once();
    let before = held();
    (0..TIMES).for_each(|_| once());
    // The kernel lists a joined thread, and an executor an idle helper, for a moment longer.
    let deadline = Instant::now() + Duration::from_secs(30);
    while held() > before && Instant::now() < deadline {
        std::thread::yield_now();
    }
    let (threads, files) = held();
    assert!((threads, files) <= before, "{threads} threads and {files} files, before {before:?}");
}

/// Threads and open files of this process.
fn held() -> (usize, usize) {
    (count("/proc/self/task"), count("/proc/self/fd"))
}

fn count(dir: &str) -> usize {
    fs::read_dir(dir).unwrap().count()
}

/// The processor time that this process has used, in ticks of 10 ms.
pub(crate) fn ticks() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    // After the name, which stands in parentheses, come state and numbers; these are utime and stime.
    let (_, numbers) = stat.rsplit_once(')').unwrap();
    numbers.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}
