//! The player of scenarios.

use alloc::borrow::ToOwned as _;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;
use core::slice;
use core::time::Duration;

use ringchat_core::{Config, Ending, Instant, NodeId, Text};

use super::Failure;
use super::language::{
    BadDials, Condition, Impairment, Messages, Scenario, ScenarioAction, Statement, Target,
};
use super::undone::Undone;
use crate::oracles::{FaultModel, Shape, Violation};
use crate::{Death, HostId, Life, Place, Quality, World};

/// How often conditions are checked.
const PACE: Duration = Duration::from_millis(5);
/// How long each member of the first ring may take to get in.
const GATHERING: Duration = Duration::from_secs(10);

/// A scenario that is being played. All time passes in [`World::run_to`], so a run is the same however often it stops.
#[derive(Debug)]
pub(super) struct Play {
    pub(super) world: World,
    scenario: Scenario,
    /// The quality of the network without impairments.
    quality: Quality,
    /// The time from which statements count.
    zero: Instant,
    /// The leader at that time.
    leader: Option<NodeId>,
    /// The line that is being played.
    pub(super) line: usize,
    /// When the first ring had gathered, once it has.
    pub(super) gathered: Option<Instant>,
    /// When each statement was done.
    pub(super) done: Vec<Instant>,
    /// The newest member of the first ring, and how many have started.
    last: Option<Place>,
    started: usize,
    waits: Option<Wait>,
    /// What could not be done.
    pub(super) undone: Vec<Undone>,
}

/// What has to come before the player goes on.
#[derive(Debug)]
enum Wait {
    /// The time of an action.
    Deed(Instant, ScenarioAction),
    /// The end of a quiet time, before which so many messages had been sent.
    Rest(Instant, BTreeMap<&'static str, u64>),
    /// The end of a time in which anything may happen.
    Time(Instant),
    /// The newest member of the first ring, until then.
    Ready(HostId, Instant),
    /// A condition, until then.
    Until(Condition, Instant),
}

impl Play {
    pub(super) fn new(scenario: &Scenario, trace: bool) -> Self {
        let quality = Quality { most: scenario.delay, ..Quality::GOOD };
        let mut world = World::new(scenario.seed, quality, fault_model(scenario), trace);
        world.set_times(scenario.detect, Config::JOIN_TIMEOUT);
        for (place, name) in &scenario.names {
            world.set_name(*place, name.clone());
        }
        Self {
            world,
            scenario: scenario.clone(),
            quality,
            zero: Instant::ZERO,
            leader: None,
            line: 0,
            gathered: None,
            done: Vec::new(),
            last: None,
            started: 0,
            waits: None,
            undone: Vec::new(),
        }
    }

    /// Plays all of it.
    pub(super) fn run(&mut self) -> Result<(), Failure> {
        while let Some(stop) = self.next()? {
            self.world.run_to(stop)?;
        }
        Ok(())
    }

    /// Does what is due. Returns the moment up to which time has to pass before this is called again; none if all is
    /// played.
    pub(super) fn next(&mut self) -> Result<Option<Instant>, Failure> {
        if let Some(wait) = self.waits.take()
            && let Some(stop) = self.end(wait)?
        {
            return Ok(Some(stop));
        }
        self.begin()
    }

    /// Begins what comes next. Returns the first moment to look at it again; none if all is played.
    fn begin(&mut self) -> Result<Option<Instant>, Failure> {
        loop {
            let now = self.world.now();
            let wait = if let Some(&place) = self.scenario.ring.get(self.started) {
                Wait::Ready(self.start(place), now.after(GATHERING))
            } else if self.gathered.is_none() {
                Wait::Until(Condition::Converged, now.after(GATHERING))
            } else {
                let Some((line, statement)) = self.scenario.statements.get(self.done.len()).cloned() else {
                    return Ok(None);
                };
                self.line = line;
                match statement {
                    Statement::At(time, action) => Wait::Deed(self.zero.after(time), action),
                    Statement::Until(Condition::Time, limit) => Wait::Time(now.after(limit)),
                    Statement::Until(condition, limit) => Wait::Until(condition, now.after(limit)),
                    Statement::Quiet(time) => Wait::Rest(now.after(time), self.world.counts().sent.clone()),
                    Statement::Expect(condition) => {
                        self.holds(&condition).map_err(|instead| Failure::Unmet { line, instead })?;
                        self.done.push(now);
                        continue;
                    }
                    Statement::ExpectNot(condition) => {
                        if self.holds(&condition).is_ok() {
                            return Err(Failure::Unmet { line, instead: "it is so".into() });
                        }
                        self.done.push(now);
                        continue;
                    }
                }
            };
            let stop = match &wait {
                Wait::Deed(at, _) | Wait::Rest(at, _) | Wait::Time(at) => Some(*at),
                Wait::Ready(..) | Wait::Until(..) => None,
            };
            if let Some(stop) = stop {
                self.waits = Some(wait);
                return Ok(Some(stop));
            }
            if let Some(stop) = self.end(wait)? {
                return Ok(Some(stop));
            }
        }
    }

    /// Each member of the first ring joins after the one before it, so that the ring has the order written.
    fn start(&mut self, place: Place) -> HostId {
        self.started += 1;
        match self.last.replace(place) {
            None => self.world.create(place),
            Some(contact) => self.world.join(place, &[contact]),
        }
    }

    /// Ends a wait whose moment has come. Returns another moment if that was too early.
    fn end(&mut self, wait: Wait) -> Result<Option<Instant>, Failure> {
        match wait {
            Wait::Deed(_, action) => self.act(&action)?,
            Wait::Rest(_, before) => self.world.was_quiet(&before)?,
            Wait::Time(_) => self.count_from_here(),
            Wait::Ready(host, limit) => {
                let ready = self.world.transcripts().of(host).ready.is_some();
                let instead = || format!("{} does not get in", self.world.label(host));
                return if ready { Ok(None) } else { self.later(instead(), limit, wait) };
            }
            Wait::Until(ref condition, limit) => {
                if let Err(instead) = self.holds(condition) {
                    return self.later(instead, limit, wait);
                }
                self.count_from_here();
                if self.gathered.is_none() {
                    self.gathered = Some(self.world.now());
                    return Ok(None);
                }
            }
        }
        self.done.push(self.world.now());
        Ok(None)
    }

    /// Waits on until the limit is over.
    fn later(&mut self, instead: String, limit: Instant, wait: Wait) -> Result<Option<Instant>, Failure> {
        if self.world.now() >= limit {
            return Err(Failure::Unmet { line: self.line, instead });
        }
        self.waits = Some(wait);
        Ok(Some(self.world.now().after(PACE)))
    }

    fn count_from_here(&mut self) {
        self.zero = self.world.now();
        self.leader = self.current_leader().map(|(id, _)| id);
    }

    fn act(&mut self, action: &ScenarioAction) -> Result<(), Failure> {
        let line = self.line;
        self.undone.extend(self.why_not(action).map(|why| Undone { line, why }));
        match action {
            ScenarioAction::Say(who, text) => self.say(who, slice::from_ref(text))?,
            ScenarioAction::Flood(who, count) => {
                let texts: Vec<String> = (1..=*count).map(|n| format!("flood {n}")).collect();
                self.say(who, &texts)?;
            }
            ScenarioAction::Crash(who) => self.for_each(who, |world, h| world.kill(h, Death::Killed)),
            ScenarioAction::PowerOff(who) => self.for_each(who, |world, h| world.kill(h, Death::PowerOff)),
            ScenarioAction::Restart(who, contact) => {
                let contacts = self.places(&[*contact]);
                self.for_each(who, |world, h| {
                    world.join(world.place(h), &contacts);
                });
            }
            ScenarioAction::Freeze(who) => self.for_each(who, World::freeze),
            ScenarioAction::Sleep(who) => self.for_each(&[*who], World::sleep),
            ScenarioAction::Thaw(who) => self.each(who).into_iter().try_for_each(|h| self.world.thaw(h))?,
            ScenarioAction::Leave(who) => self.each(who).into_iter().try_for_each(|h| self.world.leave(h))?,
            ScenarioAction::Join(who, contacts) => self.join(who, contacts),
            ScenarioAction::Cut(from, to) => {
                for (from, to) in self.places(&[*from]).into_iter().zip(self.places(&[*to])) {
                    self.world.cut(from, to);
                }
            }
            ScenarioAction::Partition(who) => self.world.partition(&self.places(who)),
            ScenarioAction::Heal(how) => self.world.heal(*how),
            ScenarioAction::Impair(impairment) => self.impair(impairment),
        }
        Ok(())
    }

    fn impair(&mut self, impairment: &Impairment) {
        match impairment {
            Impairment::FreezeForEver(who) => self.for_each(who, World::freeze_for_ever),
            Impairment::Break(who, n) => self.for_each(who, |world, h| world.break_link(h, *n)),
            Impairment::HalfOpen(who, n) => self.for_each(who, |world, h| world.half_open(h, *n)),
            Impairment::Slow(who, pace) => {
                let pace = (*pace > 0).then_some(*pace);
                self.for_each(&[*who], |world, h| world.slow(h, pace));
            }
            Impairment::Late(who, most) => self.for_each(&[*who], |world, h| world.make_late(h, *most)),
            Impairment::Jump(who, by) => self.for_each(&[*who], |world, h| world.jump(h, *by)),
            Impairment::Queues(who, bytes) => {
                self.for_each(&[*who], |world, h| world.bound_queues(h, *bytes));
            }
            Impairment::Dials(how) => {
                let (refusals, time_outs) = match *how {
                    BadDials::Refused(count) => (count, 0),
                    BadDials::Lost(count) => (0, count),
                };
                self.world.set_quality(Quality { refusals, time_outs, ..self.quality });
            }
        }
    }

    /// Lets something happen to each target. All of them are looked up before it happens to the first.
    fn for_each(&mut self, who: &[Target], mut happens: impl FnMut(&mut World, HostId)) {
        for host in self.each(who) {
            happens(&mut self.world, host);
        }
    }

    fn say(&mut self, who: &[Target], texts: &[String]) -> Result<(), Violation> {
        let short = |text| Text::new(text).unwrap_or_else(|error| unreachable!("a line is shorter: {error}"));
        let texts: Vec<Text> = texts.iter().map(|text| short(text)).collect();
        self.each(who).into_iter().try_for_each(|host| self.world.say_all(host, &texts))
    }

    fn join(&mut self, who: &[Target], contacts: &[Target]) {
        let place = |contact: &Target| match *contact {
            Target::At(place) => vec![place],
            other => self.those(other).into_iter().map(|host| self.world.place(host)).collect(),
        };
        let contacts: Vec<_> = contacts.iter().flat_map(place).collect();
        for who in who {
            if let Target::At(place) = who
                && self.lives_at(*place).is_none()
            {
                self.world.join(*place, &contacts);
            }
        }
    }
}

/// Lookups.
impl Play {
    /// The places of the targets.
    fn places(&self, who: &[Target]) -> Vec<Place> {
        self.each(who).into_iter().map(|host| self.world.place(host)).collect()
    }

    fn each(&self, who: &[Target]) -> Vec<HostId> {
        who.iter().flat_map(|&who| self.those(who)).collect()
    }

    pub(super) fn those(&self, who: Target) -> Vec<HostId> {
        match who {
            Target::At(place) => self.world.at(place).into_iter().collect(),
            Target::All => self.world.members(),
            Target::Others => {
                let leader = self.current_leader().map(|(_, host)| host);
                self.world.members().into_iter().filter(|&host| Some(host) != leader).collect()
            }
            Target::Leader => self.current_leader().into_iter().map(|(_, host)| host).collect(),
            Target::Next => self.seen_from_leader(|ring| ring.first().copied()),
            Target::Prev => self.seen_from_leader(|ring| ring.last().copied()),
            Target::Opposite => self.seen_from_leader(|ring| ring.get(ring.len() / 2).copied()),
        }
    }

    /// The member that `pick` picks from the ring, which begins after the leader.
    fn seen_from_leader(&self, pick: impl Fn(&[NodeId]) -> Option<NodeId>) -> Vec<HostId> {
        let ring = self
            .current_leader()
            .map(|(leader, host)| self.world.node(host).roster().after(leader).collect::<Vec<_>>());
        let picked = ring.and_then(|ring| pick(&ring));
        picked.and_then(|id| self.world.of_id(id)).into_iter().collect()
    }

    /// The live leader of the highest epoch that a running member reports.
    fn current_leader(&self) -> Option<(NodeId, HostId)> {
        let reports = self.world.reports().into_iter();
        let running = reports.filter(|(host, _)| self.world.life(*host) == Life::Running);
        let led = running.filter_map(|(_, report)| Some((report.epoch, report.leader?.id)));
        let (_, id) = led.max()?;
        Some((id, self.world.of_id(id)?))
    }

    /// Checks a condition.
    ///
    /// # Errors
    /// What holds instead.
    fn holds(&self, condition: &Condition) -> Result<(), String> {
        let is = |so: bool, instead: &str| if so { Ok(()) } else { Err(instead.to_owned()) };
        match condition {
            Condition::Converged => self.agreed(Shape::OneRing).map(drop),
            Condition::Merged => self.agreed(Shape::Merged).map(drop),
            Condition::Settled => self.agreed(Shape::SomeRings).map(drop),
            Condition::Rings(count) => {
                let rings = self.agreed(Shape::SomeRings)?.len();
                is(rings == *count, &format!("there are {rings} rings"))
            }
            Condition::NewLeader => {
                let leader = self.current_leader().map(|(id, _)| id);
                is(leader.is_some() && leader != self.leader, "the leader is the same or none")
            }
            Condition::Members(count) => {
                let members = self.world.members().len();
                is(members == *count, &format!("there are {members}"))
            }
            Condition::Elections(most) => {
                let elections = self.world.counts().elects.len();
                is(elections <= *most, &format!("there were {elections}"))
            }
            Condition::ElectionMessages(wanted) => self.took(*wanted),
            Condition::Lost(count) => {
                let lost = self.lost()?;
                is(lost == *count, &format!("{lost} are lost"))
            }
            Condition::Faults(count) => {
                let faults: u64 = self.world.reports().iter().map(|(_, report)| report.stats.faults).sum();
                is(faults == *count, &format!("there are {faults}"))
            }
            Condition::Time => Ok(()),
            of_targets => self.holds_for_each(of_targets),
        }
    }

    /// Checks how many messages the newest election took.
    fn took(&self, wanted: Messages) -> Result<(), String> {
        let counts = self.world.counts();
        let newest = counts.elects.last_key_value();
        let Some((epoch, &messages)) = newest else {
            return if wanted == Messages::Exactly(0) { Ok(()) } else { Err("there was no election".into()) };
        };
        let voters = counts.voters.get(epoch);
        let n = voters.map_or(0, |voters| voters.sent.len() as u64);
        let wanted = match (wanted, voters.map_or(0, |voters| voters.began)) {
            (Messages::Exactly(count), _) => count,
            (Messages::Best, _) => n,
            (Messages::Worst, 1) => 2 * n - 1,
            (Messages::Worst, _) => n * (n + 1) / 2,
        };
        if messages == wanted {
            return Ok(());
        }
        Err(format!("the election of epoch {epoch} took {messages} messages of {n} members, not {wanted}"))
    }

    /// How many messages of live members are missing somewhere in their ring.
    ///
    /// # Errors
    /// If a live member is in no ring.
    pub(super) fn lost(&self) -> Result<usize, String> {
        let rings = self.agreed(Shape::SomeRings)?;
        let lost = rings.iter().flat_map(|ring| self.world.transcripts().lost(ring));
        Ok(lost.collect::<BTreeSet<_>>().len())
    }

    /// Checks a condition that each of its targets has to meet.
    fn holds_for_each(&self, condition: &Condition) -> Result<(), String> {
        let of = |host| self.world.transcripts().of(host);
        match condition {
            Condition::ShownBy(who, text) => {
                self.every(*who, |host| of(host).showed(text), "does not show it")
            }
            Condition::ShownAs(occasion, who, text) => {
                let not = format!("does not show it as {occasion:?}");
                self.every(*who, |host| of(host).showed_as(text, *occasion), &not)
            }
            Condition::Ready(who) => self.every(*who, |host| of(host).ready.is_some(), "is not in"),
            Condition::Ended(who) => {
                let left = Some(Ending::Left { unsure: 0 });
                let ended = |host| self.world.life(host) == Life::Ended && of(host).ending == left;
                self.every(*who, ended, "has not ended in order")
            }
            Condition::LeftBehind(who) => {
                self.every(*who, |host| of(host).left_behind > 0, "was not left behind")
            }
            Condition::Gap(who) => self.every(*who, |host| of(host).has_gap(), "was told of no gap"),
            Condition::CutOff(who) => self.every(*who, |host| of(host).cut_off > 0, "was not cut off"),
            Condition::Leads(who) => {
                let leader = self.current_leader().map(|(_, host)| host);
                self.every(*who, |host| Some(host) == leader, "does not lead")
            }
            _ => Ok(()),
        }
    }

    fn every(&self, who: Target, so: impl Fn(HostId) -> bool, not: &str) -> Result<(), String> {
        let those = self.those(who);
        match those.iter().find(|&&host| !so(host)) {
            Some(&host) => Err(format!("{} {not}", self.world.label(host))),
            None if those.is_empty() => Err("there is nobody of that kind".into()),
            None => Ok(()),
        }
    }

    fn agreed(&self, shape: Shape) -> Result<Vec<Vec<HostId>>, String> {
        self.world.rings(shape).map_err(|violation| violation.to_string())
    }
}

/// The strongest fault model that a scenario keeps to. Where links are slow for its `detect`, a live member may be taken
/// for dead.
fn fault_model(scenario: &Scenario) -> FaultModel {
    let actions = || {
        scenario.statements.iter().filter_map(|(_, statement)| match statement {
            Statement::At(_, action) => Some(action),
            _ => None,
        })
    };
    // A dial has half of `detect`, and takes up to seven one-way delays.
    let is_slow = scenario.delay.saturating_mul(16) > scenario.detect;
    if is_slow || actions().any(ScenarioAction::is_more_than_a_crash) {
        FaultModel::Any
    } else if actions().any(|action| matches!(action, ScenarioAction::Sleep(_))) {
        FaultModel::OneSleeps
    } else {
        FaultModel::CrashOnly
    }
}
