//! Scale: what a join, a chat line, a crash and an election cost in simulated rooms, up to a thousand members.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use ringchat_core::Text;
use ringchat_sim::oracles::{FaultModel, Shape, Violation};
use ringchat_sim::{Counts, Death, HostId, Life, Quality, World};

use super::{Outcome, Run};
use crate::clock;
use crate::measured::{Measure, Target, Unit, float, millis};
use crate::options::Effort;
use crate::system::System;

const DELAY: Duration = Duration::from_millis(1);
const QUALITY: Quality = Quality { least: DELAY, most: DELAY, pieces: 0, refusals: 0, time_outs: 0 };
/// How long, in the room's time, anything may take.
const LIMIT: Duration = Duration::from_mins(2);
/// How often it is looked at.
const PACE: Duration = Duration::from_millis(50);
/// How long everything that follows from something is waited for.
const AFTERMATH: Duration = Duration::from_secs(2);

/// The most messages that a join or a crash may take, for each member of a room of any size.
const MESSAGES_EACH: f64 = 3.0;
/// The most bytes of one of them, where no roster must travel.
const BYTES_EACH: f64 = 256.0;
/// The most wall time that a thousand may take to come together and get over the loss of their leader, in milliseconds.
const WALL_TIME: f64 = 20_000.0;

/// A room is formed, a line is said, one more joins, a member dies, the leader dies, a line is said again.
pub(super) fn run(_system: System, n: u16, _effort: &Effort) -> Result<Run> {
    let from = clock::now();
    let mut room = Room::form(n)?;
    let formed = clock::now() - from;
    let line = room.cost(|room| room.say("first"))?;
    let deliveries = line.sent("Deliver");
    ensure!(deliveries == u64::from(n) - 1, "a line was delivered {deliveries} times in a room of {n}");
    let join = room.cost(Room::join)?;
    let crash = room.cost(Room::kill_last)?;
    let mut recovered = 0;
    let election = room.cost(|room| {
        let from = clock::now();
        room.kill_leader();
        room.say("second")?;
        recovered = clock::now() - from;
        Ok(())
    })?;

    let others = float(u64::from(n) - 1);
    let each = [Target::Limit(MESSAGES_EACH), Target::Limit(BYTES_EACH)];
    let goal = if n == 1000 { vec![Target::Limit(WALL_TIME)] } else { Vec::new() };
    let rows = [
        ("line: deliveries", Unit::Count, vec![Target::Limit(others)], float(deliveries)),
        ("line: messages", Unit::Count, Vec::new(), line.messages()),
        ("line: all bytes", Unit::Kibibytes, Vec::new(), line.kibibytes()),
        ("join: messages a member", Unit::Count, vec![each[0]], join.messages() / float(n.into())),
        ("join: bytes, largest kind", Unit::Bytes, vec![each[1]], join.largest()),
        ("join: all bytes", Unit::Kibibytes, Vec::new(), join.kibibytes()),
        ("crash: messages a member", Unit::Count, vec![each[0]], crash.messages() / float(n.into())),
        ("crash: bytes, largest kind", Unit::Bytes, vec![each[1]], crash.largest()),
        ("crash: all bytes", Unit::Kibibytes, Vec::new(), crash.kibibytes()),
        ("election: messages", Unit::Count, Vec::new(), election.messages()),
        ("election: all bytes", Unit::Kibibytes, Vec::new(), election.kibibytes()),
        ("wall time: formed", Unit::Millis, Vec::new(), millis(formed)),
        ("wall time: new leader", Unit::Millis, Vec::new(), millis(recovered)),
        ("wall time: both", Unit::Millis, goal, millis(formed + recovered)),
    ];
    let outcome = |(what, unit, targets, value)| {
        let measure = Measure { workload: "scale", what, n, unit };
        Outcome { measure, targets, value }
    };
    Ok(Some(rows.into_iter().map(outcome).collect()))
}

/// A simulated room.
struct Room {
    world: World,
    hosts: Vec<HostId>,
}

impl Room {
    fn form(n: u16) -> Result<Self> {
        let mut world = World::new(1, QUALITY, FaultModel::CrashOnly, false);
        let mut hosts = vec![world.create(1)];
        world.run_for(PACE).map_err(broken)?;
        hosts.extend((2..=u32::from(n)).map(|place| world.join(place, &[1])));
        let mut room = Self { world, hosts };
        room.wait_ready()?;
        room.agree()?;
        Ok(room)
    }

    /// What `deed` and all that follows from it costs.
    fn cost(&mut self, deed: impl FnOnce(&mut Self) -> Result<()>) -> Result<Cost> {
        let before = self.world.counts().clone();
        deed(self)?;
        self.world.run_for(AFTERMATH).map_err(broken)?;
        Ok(Cost { before, after: self.world.counts().clone() })
    }

    fn join(&mut self) -> Result<()> {
        let place = u32::try_from(self.hosts.len())? + 1;
        self.hosts.push(self.world.join(place, &[1]));
        self.wait_ready()
    }

    fn kill_last(&mut self) -> Result<()> {
        let host = self.hosts.pop().context("an empty room")?;
        self.world.kill(host, Death::Killed);
        Ok(())
    }

    fn kill_leader(&mut self) {
        self.world.kill(self.hosts.remove(0), Death::Killed);
    }

    /// The last member says something; all show it.
    fn say(&mut self, text: &str) -> Result<()> {
        let speaker = *self.hosts.last().context("an empty room")?;
        self.world.say(speaker, &Text::new(text)?).map_err(broken)?;
        let hosts = self.hosts.clone();
        self.wait(|world| hosts.iter().all(|host| world.transcripts().of(*host).showed(text)))
            .with_context(|| format!("not all show the {text} line"))
    }

    fn wait_ready(&mut self) -> Result<()> {
        let hosts = self.hosts.clone();
        self.wait(|world| hosts.iter().all(|host| world.transcripts().of(*host).ready.is_some()))
            .context("not all get in")
    }

    fn wait(&mut self, done: impl FnMut(&World) -> bool) -> Result<()> {
        let came = self.world.run_until(LIMIT, PACE, done).map_err(broken)?;
        ensure!(came, "not within {LIMIT:?}");
        Ok(())
    }

    /// Fails unless all agree that they are one ring.
    fn agree(&self) -> Result<()> {
        let all = self.hosts.iter().all(|host| self.world.life(*host) == Life::Running);
        ensure!(all, "a process has ended by itself");
        self.world.rings(Shape::OneRing).map(|_| ()).map_err(broken)
    }
}

#[allow(clippy::needless_pass_by_value, reason = "this is how map_err calls it")]
fn broken(violation: Violation) -> anyhow::Error {
    anyhow!("{violation}")
}

type ByKind = BTreeMap<&'static str, u64>;

/// What was sent between two moments. Heartbeats are left out: they come anyway.
struct Cost {
    before: Counts,
    after: Counts,
}

impl Cost {
    /// Messages of one kind.
    fn sent(&self, kind: &str) -> u64 {
        more(&self.before.sent, &self.after.sent, |of| of == kind)
    }

    fn messages(&self) -> f64 {
        float(more(&self.before.sent, &self.after.sent, is_no_heartbeat))
    }

    fn kibibytes(&self) -> f64 {
        float(more(&self.before.bytes, &self.after.bytes, is_no_heartbeat)) / 1024.0
    }

    /// The bytes of a message of the kind that has the most of those without a roster, in the mean.
    fn largest(&self) -> f64 {
        let kinds = self.after.sent.keys().filter(|kind| is_no_heartbeat(kind) && !has_roster(kind));
        let bytes = |kind: &str| float(more(&self.before.bytes, &self.after.bytes, |of| of == kind));
        let sizes = kinds.map(|kind| (bytes(kind), self.sent(kind))).filter(|(_, sent)| *sent > 0);
        sizes.map(|(bytes, sent)| bytes / float(sent)).fold(0.0, f64::max)
    }
}

fn is_no_heartbeat(kind: &str) -> bool {
    !matches!(kind, "Ping" | "Pong")
}

/// Whether such messages tell a roster to who does not have it.
fn has_roster(kind: &str) -> bool {
    matches!(kind, "Elect" | "Elected" | "Install" | "Roster")
}

fn more(before: &ByKind, after: &ByKind, counts: impl Fn(&str) -> bool) -> u64 {
    let sum = |all: &ByKind| all.iter().filter(|(kind, _)| counts(kind)).map(|(_, count)| count).sum::<u64>();
    sum(after) - sum(before)
}
