//! The player of scenarios.

use alloc::borrow::ToOwned as _;
use alloc::collections::BTreeSet;
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
use crate::oracles::{FaultModel, Shape, Violation};
use crate::{Death, HostId, Life, Place, Quality, World};

/// How often conditions are checked.
const PACE: Duration = Duration::from_millis(5);
/// How long each member of the first ring may take to get in.
const GATHERING: Duration = Duration::from_secs(10);

/// A scenario that is being played.
pub(super) struct Play {
    pub(super) world: World,
    /// The quality of the network without impairments.
    quality: Quality,
    /// The time from which statements count.
    zero: Instant,
    /// The leader at that time.
    leader: Option<NodeId>,
    /// The line that is being played.
    pub(super) line: usize,
    /// When the first ring had gathered.
    pub(super) gathered: Instant,
}

impl Play {
    pub(super) fn new(scenario: &Scenario, trace: bool) -> Self {
        let quality = Quality { most: scenario.delay, ..Quality::GOOD };
        let mut world = World::new(scenario.seed, quality, fault_model(scenario), trace);
        world.set_times(scenario.detect, Config::JOIN_TIMEOUT);
        for (place, name) in &scenario.names {
            world.set_name(*place, name.clone());
        }
        Self { world, quality, zero: Instant::ZERO, leader: None, line: 0, gathered: Instant::ZERO }
    }

    pub(super) fn run(&mut self, scenario: &Scenario) -> Result<(), Failure> {
        self.begin(scenario)?;
        self.go_on(scenario)
    }

    /// Lets the first ring gather.
    pub(super) fn begin(&mut self, scenario: &Scenario) -> Result<(), Failure> {
        self.gather(scenario)?;
        self.gathered = self.world.now();
        Ok(())
    }

    /// Plays what happens to the first ring.
    pub(super) fn go_on(&mut self, scenario: &Scenario) -> Result<(), Failure> {
        for (line, statement) in &scenario.statements {
            self.line = *line;
            match statement {
                Statement::At(time, action) => {
                    self.world.run_to(self.zero.after(*time))?;
                    self.act(action)?;
                }
                Statement::Until(condition, limit) => self.wait(*line, condition, *limit)?,
                Statement::Quiet(time) => self.world.be_quiet(*time)?,
                Statement::Expect(condition) => {
                    self.holds(condition).map_err(|instead| Failure::Unmet { line: *line, instead })?;
                }
                Statement::ExpectNot(condition) => {
                    if self.holds(condition).is_ok() {
                        return Err(Failure::Unmet { line: *line, instead: "it is so".into() });
                    }
                }
            }
        }
        Ok(())
    }

    /// Lets each member join after the one before it, so that the ring has the order written.
    fn gather(&mut self, scenario: &Scenario) -> Result<(), Failure> {
        let mut last = None;
        for &place in &scenario.ring {
            let host = match last {
                None => self.world.create(place),
                Some(contact) => self.world.join(place, &[contact]),
            };
            last = Some(place);
            let ready = |world: &World| world.transcripts().of(host).ready.is_some();
            if !self.world.run_until(GATHERING, PACE, ready)? {
                return Err(Failure::Unmet {
                    line: 0,
                    instead: format!("{} does not get in", self.world.label(host)),
                });
            }
        }
        self.wait(0, &Condition::Converged, GATHERING)
    }

    fn wait(&mut self, line: usize, condition: &Condition, limit: Duration) -> Result<(), Failure> {
        if *condition == Condition::Time {
            self.world.run_for(limit)?;
        } else {
            let end = self.world.now().after(limit);
            while let Err(instead) = self.holds(condition) {
                if self.world.now() >= end {
                    return Err(Failure::Unmet { line, instead });
                }
                self.world.run_for(PACE)?;
            }
        }
        self.zero = self.world.now();
        self.leader = self.current_leader().map(|(id, _)| id);
        Ok(())
    }

    fn act(&mut self, action: &ScenarioAction) -> Result<(), Failure> {
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
            if let Target::At(place) = who {
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

    fn those(&self, who: Target) -> Vec<HostId> {
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

/// The strongest fault model that a scenario keeps to.
fn fault_model(scenario: &Scenario) -> FaultModel {
    let actions = || {
        scenario.statements.iter().filter_map(|(_, statement)| match statement {
            Statement::At(_, action) => Some(action),
            _ => None,
        })
    };
    if actions().any(ScenarioAction::is_more_than_a_crash) {
        FaultModel::Any
    } else if actions().any(|action| matches!(action, ScenarioAction::Sleep(_))) {
        FaultModel::OneSleeps
    } else {
        FaultModel::CrashOnly
    }
}
