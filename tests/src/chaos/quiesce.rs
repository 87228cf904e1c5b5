//! The end of a random run: the faults stop, except one that may stay, and the room has to come to rest.

use std::time::Duration;

use ringchat_core::{Config, Text};

use super::{Chaos, Lasting};
use ringchat_sim::oracles::{Shape, Violation};
use ringchat_sim::{HostId, Property, World};

/// How long the members may take to agree once the faults have stopped.
const AGREEING: Duration = Duration::from_secs(40);
/// How much longer for each member: to pass over a dead machine takes half of `detect`.
const AGREEING_EACH: Duration = Duration::from_millis(500);
/// How often conditions are checked.
const PACE: Duration = Duration::from_millis(50);
/// What a process has sent before it froze for ever may still arrive and let it in. Then it takes time to give it up.
const LAST_WORDS: Duration = Duration::from_secs(6);
/// After all agree: what began before, such as the retry of a dial, ends in this time.
const CALMING: Duration = Duration::from_secs(3);
/// How long the room has to be quiet in the end.
const QUIET: Duration = Duration::from_secs(5);
/// How long a room is watched in which two members can never link.
const WATCH: Duration = Duration::from_mins(1);
/// How many elections that may cost in this time. A member that cannot reach the leader leads alone, and comes back
/// after 5 s, 10 s, 20 s and so on.
const WATCH_ELECTIONS: usize = 4;

/// Two members of whom one cannot reach the other.
pub(super) type Apart = [HostId; 2];

impl Chaos {
    /// Ends all faults that would end later.
    pub(super) fn end_faults(&mut self) -> Result<(), Violation> {
        for undo in std::mem::take(&mut self.later).into_values() {
            self.undo(undo)?;
        }
        Ok(())
    }

    /// One fault may stay for ever. Returns the two members that can never link, if there are any.
    pub(super) fn something_lasts(&mut self) -> Option<Apart> {
        let kinds = match self.faults.lasting {
            Lasting::Nothing => 0,
            Lasting::Frozen => 1,
            Lasting::Any => 3,
        };
        match self.rng.below(kinds + 1) {
            1 => {
                let host = self.dispensable()?;
                self.world.freeze_for_ever(host);
            }
            2 => self.partition(),
            3 => {
                let mut members = self.steady();
                self.rng.shuffle(&mut members);
                let &[from, to, ..] = &members[..] else { return None };
                self.world.cut(self.world.place(from), self.world.place(to));
                return Some([from, to]);
            }
            _ => {}
        }
        None
    }

    /// All members that can reach each other agree, are heard, and fall quiet.
    pub(super) fn all_come_to_rest(&mut self) -> Result<(), Violation> {
        if self.faults.lasting != Lasting::Nothing {
            self.world.run_for(LAST_WORDS)?;
        }
        let start = self.world.now();
        self.agree()?;
        self.agreed_after = Some(self.world.now().since(start));
        self.all_are_heard()?;
        self.world.run_for(CALMING)?;
        if self.faults.lies.is_some() {
            return self.falls_quiet();
        }
        self.world.be_quiet(QUIET)
    }

    /// The room falls quiet. What a liar has told of rings that do not exist may last for a while, and then the ring closes anew.
    fn falls_quiet(&mut self) -> Result<(), Violation> {
        let end = self.world.now().after(self.patience());
        while let Err(violation) = self.world.be_quiet(QUIET) {
            if violation.property != Property::QuietAtRest || self.world.now() >= end {
                return Err(violation);
            }
        }
        Ok(())
    }

    fn shape(&self) -> Shape {
        if self.faults.fault_model().is_strict() { Shape::OneRing } else { Shape::Merged }
    }

    fn patience(&self) -> Duration {
        AGREEING + AGREEING_EACH * self.nodes
    }

    /// All live members agree, and nothing is lost.
    fn agree(&mut self) -> Result<(), Violation> {
        if self.faults.lies.is_some() && self.faults.partition == 0 {
            self.are_one_room_again()?;
        }
        self.wait_until(|chaos| chaos.world.rings(chaos.shape()).map(drop))
    }

    /// All who were there before a member lied, and still are, form one ring.
    fn are_one_room_again(&mut self) -> Result<(), Violation> {
        let lives = self.world.counts().new_lives;
        let limit = |world: &World| {
            Config::reunion(Config::DETECT, world.processes(), world.counts().new_lives - lives)
        };
        self.wait_within(limit, |chaos| {
            let mut old = chaos.world.alive();
            old.retain(|host| chaos.before_lies.contains(host));
            let rings = chaos.world.rings_among(&old)?.len();
            let apart = || Err(chaos.violation(Property::Convergence, format!("there are {rings} rings")));
            if rings > 1 { apart() } else { Ok(()) }
        })
        .map_err(|violation| Violation { property: Property::OneRoomAfterLies, ..violation })
    }

    /// Each member hears what each other member of its ring says now. The last fault, such as a half-open link, may be
    /// noticed only by that.
    fn all_are_heard(&mut self) -> Result<(), Violation> {
        let last = self.all_say()?;
        self.wait_until(|chaos| {
            let rings = chaos.world.rings(chaos.shape())?;
            rings.iter().try_for_each(|ring| chaos.hear_each_other(ring, &last))
        })
    }

    /// Runs until `holds` succeeds, at most for as long as members may take to agree.
    fn wait_until(&mut self, holds: impl Fn(&Self) -> Result<(), Violation>) -> Result<(), Violation> {
        let patience = self.patience();
        self.wait_within(|_| patience, holds)
    }

    /// Runs until `holds` succeeds, at most for as long as `limit` tells.
    fn wait_within(
        &mut self,
        limit: impl Fn(&World) -> Duration,
        holds: impl Fn(&Self) -> Result<(), Violation>,
    ) -> Result<(), Violation> {
        let start = self.world.now();
        while let Err(violation) = holds(self) {
            if self.world.now() >= start.after(limit(&self.world)) {
                return Err(violation);
            }
            self.world.run_for(PACE)?;
        }
        Ok(())
    }

    fn all_say(&mut self) -> Result<Vec<(HostId, Text)>, Violation> {
        let last: Vec<(HostId, Text)> =
            self.world.alive().into_iter().map(|host| (host, self.text(host, false))).collect();
        for (host, text) in &last {
            self.world.say(*host, text)?;
        }
        Ok(last)
    }

    fn hear_each_other(&self, ring: &[HostId], last: &[(HostId, Text)]) -> Result<(), Violation> {
        for (from, text) in last.iter().filter(|(from, _)| ring.contains(from)) {
            let deaf = ring.iter().find(|&&to| !self.world.transcripts().of(to).showed(text.as_str()));
            if let Some(&deaf) = deaf {
                let (from, deaf) = (self.world.label(*from), self.world.label(deaf));
                return Err(
                    self.violation(Property::NothingLost, format!("{deaf} does not hear {from} in the end"))
                );
            }
        }
        Ok(())
    }

    /// Two members can never link. All others hear each other, and the room holds only a few elections.
    pub(super) fn others_go_on(&mut self, apart: Apart) -> Result<(), Violation> {
        self.world.run_for(self.patience())?;
        let before = self.world.counts().elects.len();
        self.world.run_for(WATCH)?;
        let elections = self.world.counts().elects.len() - before;
        if elections > WATCH_ELECTIONS {
            return Err(
                self.violation(Property::NoElectionLoop, format!("{elections} elections in {WATCH:?}"))
            );
        }
        let last = self.all_say()?;
        self.wait_until(|chaos| chaos.others_hear_each_other(apart, &last))
    }

    fn others_hear_each_other(&self, apart: Apart, last: &[(HostId, Text)]) -> Result<(), Violation> {
        let mut others = self.world.alive();
        others.retain(|host| !apart.contains(host));
        self.world.rings_among(&others)?.iter().try_for_each(|ring| self.hear_each_other(ring, last))
    }
}
