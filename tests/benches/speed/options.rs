//! The command line.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use argh::FromArgs;

use crate::clock::{self, Nanos};
use crate::system::System;

/// Measures ringchat beside a bare hub and beside what people would use instead.
#[derive(FromArgs)]
pub(crate) struct Options {
    /// the workloads, with commas between: T, T-all, L, F, churn, J, M, idle, scale; all if not given
    #[argh(option)]
    only: Option<String>,
    /// the systems, with commas between: hub, threads, threads-queue, async-std, async-std-queue, pipes, pipes-traced, redis, nats, mosquitto, ngircd
    #[argh(option)]
    systems: Option<String>,
    /// the sizes of rooms, with commas between, among those that a workload has
    #[argh(option)]
    n: Option<String>,
    /// how often each is run; 3 if not given
    #[argh(option, default = "3")]
    runs: usize,
    /// how long a sender floods the room, in seconds; 1 if not given
    #[argh(option, default = "1.0")]
    seconds: f64,
    /// a folder to draw pictures in
    #[argh(option)]
    pub(crate) plot: Option<PathBuf>,
    /// only see that everything works: small rooms, one short run
    #[argh(switch)]
    short: bool,
    /// given by cargo
    #[argh(switch, hidden_help)]
    #[allow(dead_code, reason = "cargo gives it to every benchmark")]
    bench: bool,
}

/// How much is to be done.
pub(crate) struct Effort {
    only: Vec<String>,
    systems: Vec<System>,
    sizes: Vec<u16>,
    /// How often each is run.
    pub(crate) runs: usize,
    /// How long a sender floods the room, in nanoseconds.
    pub(crate) flood: Nanos,
    /// How many texts are said one after the other to time each.
    pub(crate) paced: u32,
    /// When it began.
    pub(crate) began: Nanos,
    /// Whether this is the short form.
    pub(crate) short: bool,
}

impl Options {
    /// What the options ask for.
    pub(crate) fn effort(&self) -> Result<Effort> {
        if self.short {
            return Ok(Effort::short());
        }
        ensure!(self.seconds > 0.0 && self.seconds <= 60.0, "--seconds is more than 0 and at most 60");
        let only = list(self.only.as_deref()).map(str::to_owned).collect();
        let systems = list(self.systems.as_deref()).map(str::parse).collect::<Result<Vec<System>>>()?;
        let sizes = list(self.n.as_deref()).map(str::parse).collect::<Result<Vec<u16>, _>>()?;
        let flood = std::time::Duration::from_secs_f64(self.seconds).as_nanos();
        let flood = u64::try_from(flood)?;
        let began = clock::now();
        Ok(Effort { only, systems, sizes, runs: self.runs, flood, paced: 100, began, short: false })
    }
}

impl Effort {
    /// Sees that everything works.
    pub(crate) fn short() -> Self {
        let (only, systems, sizes) = (Vec::new(), Vec::new(), Vec::new());
        let began = clock::now();
        Self { only, systems, sizes, runs: 1, flood: 50_000_000, paced: 4, began, short: true }
    }

    /// Whether a workload is to be run in a room of this size.
    pub(crate) fn wants(&self, workload: &str, n: u16) -> bool {
        let named = self.only.is_empty() || self.only.iter().any(|only| only == workload);
        let small = !self.short || n <= 10;
        named && small && (self.sizes.is_empty() || self.sizes.contains(&n))
    }

    /// Whether a system is to be measured.
    pub(crate) fn has(&self, system: System) -> bool {
        self.systems.is_empty() || self.systems.contains(&system)
    }
}

fn list(text: Option<&str>) -> impl Iterator<Item = &str> {
    text.unwrap_or_default().split(',').filter(|item| !item.is_empty())
}
