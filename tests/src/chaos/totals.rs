//! The sums of many random runs.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::RunOutcome;

/// The sums of many random runs.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Runs.
    pub runs: u64,
    steps: u64,
    checked: u64,
    virtual_seconds: u64,
    elections: u64,
    merges: u64,
    agreements: Agreements,
    sent: BTreeMap<&'static str, u64>,
    faults: BTreeMap<&'static str, u64>,
}

impl Totals {
    /// Adds a run.
    pub fn add(&mut self, outcome: &RunOutcome) {
        self.runs += 1;
        self.steps += outcome.counts.steps;
        self.checked += outcome.checked;
        self.virtual_seconds += outcome.time.0 / 1_000_000;
        self.elections += outcome.counts.elects.len() as u64;
        self.merges += outcome.counts.merges.len() as u64;
        self.agreements.add(outcome.agreed_after);
        add_all(&mut self.sent, &outcome.counts.sent);
        add_all(&mut self.faults, &outcome.counts.faults);
    }
}

/// How long it took to agree once the faults had stopped.
#[derive(Clone, Copy, Debug, Default)]
struct Agreements {
    count: u32,
    sum: Duration,
    longest: Duration,
}

impl Agreements {
    fn add(&mut self, after: Option<Duration>) {
        let Some(after) = after else { return };
        self.count += 1;
        self.sum += after;
        self.longest = self.longest.max(after);
    }
}

impl fmt::Display for Agreements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mean = self.sum.checked_div(self.count).unwrap_or_default();
        write!(f, "{} ms in the mean, {} ms at most", mean.as_millis(), self.longest.as_millis())
    }
}

fn add_all(sums: &mut BTreeMap<&'static str, u64>, counts: &BTreeMap<&'static str, u64>) {
    for (kind, count) in counts {
        *sums.entry(kind).or_default() += count;
    }
}

/// A line for each sum.
impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "steps: {} in {} s of virtual time", self.steps, self.virtual_seconds)?;
        writeln!(f, "messages checked: {}", self.checked)?;
        writeln!(f, "elections: {}", self.elections)?;
        writeln!(f, "merges: {}", self.merges)?;
        writeln!(f, "agreement after the last fault: {}", self.agreements)?;
        writeln!(f, "faults: {}", Kinds(&self.faults))?;
        write!(f, "sent: {}", Kinds(&self.sent))
    }
}

struct Kinds<'a>(&'a BTreeMap<&'static str, u64>);

impl fmt::Display for Kinds<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        for (n, (kind, count)) in self.0.iter().enumerate() {
            write!(f, "{}{kind} {count}", if n == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}
