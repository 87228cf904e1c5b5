//! Actions that find nobody to whom they could happen.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::language::{Impairment, ScenarioAction, Target};
use super::play::Play;
use crate::{HostId, Life, Place};

/// An action that was not done, or not to all of its targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undone {
    /// The line that asks for it, from 1.
    pub line: usize,
    /// Why not, in words: `ada is dead`.
    pub why: String,
}

impl Play {
    /// Why the action cannot be done now, if that is so of one of its targets. Of a group it is done to whom it can be.
    pub(super) fn why_not(&self, action: &ScenarioAction) -> Option<String> {
        let is_alive = |life| matches!(life, Life::Running | Life::Frozen);
        let runs = |life| life == Life::Running;
        match action {
            ScenarioAction::Say(who, _)
            | ScenarioAction::Flood(who, _)
            | ScenarioAction::Crash(who)
            | ScenarioAction::PowerOff(who)
            | ScenarioAction::Leave(who) => self.unfit(who, is_alive),
            ScenarioAction::Freeze(who) => self.unfit(who, runs),
            ScenarioAction::Sleep(who) => self.unfit(&[*who], runs),
            ScenarioAction::Thaw(who) => self.unfit(who, |life| life == Life::Frozen),
            ScenarioAction::Restart(who, _) | ScenarioAction::Partition(who) => self.unfit(who, |_| true),
            ScenarioAction::Join(who, _) => who.iter().find_map(|who| self.why_no_join(*who)),
            ScenarioAction::Cut(from, to) => self.why_no_cut(*from, *to),
            ScenarioAction::Impair(impairment) => match impairment {
                Impairment::FreezeForEver(who) => self.unfit(who, runs),
                Impairment::Break(who, _) | Impairment::HalfOpen(who, _) => self.unfit(who, is_alive),
                Impairment::Slow(who, _)
                | Impairment::Late(who, _)
                | Impairment::Jump(who, _)
                | Impairment::Queues(who, _) => self.unfit(&[*who], is_alive),
                Impairment::Dials(_) => None,
            },
            ScenarioAction::Heal(_) => None,
        }
    }

    /// Why something cannot happen to the targets, which takes processes with such a life.
    fn unfit(&self, who: &[Target], fits: impl Fn(Life) -> bool) -> Option<String> {
        let not = |host: &HostId| !fits(self.world.life(*host));
        who.iter().find_map(|&target| {
            let hosts = self.those(target);
            match hosts.iter().find(|host| not(host)) {
                None if hosts.is_empty() => Some(nobody(target)),
                Some(_) if is_group(target) && !hosts.iter().all(not) => None,
                Some(&host) => Some(self.state(host)),
                None => None,
            }
        })
    }

    fn why_no_join(&self, who: Target) -> Option<String> {
        let Target::At(place) = who else { return Some("only a place can join".to_string()) };
        self.lives_at(place).map(|host| format!("{} is there already", self.world.label(host)))
    }

    /// The live process at the place.
    pub(super) fn lives_at(&self, place: Place) -> Option<HostId> {
        let is_alive = |host: &HostId| matches!(self.world.life(*host), Life::Running | Life::Frozen);
        self.world.at(place).filter(is_alive)
    }

    fn why_no_cut(&self, from: Target, to: Target) -> Option<String> {
        let sides: [Vec<HostId>; 2] = [from, to].map(|who| self.those(who));
        match &sides {
            [from, to] if !from.is_empty() && from == to => Some("both ends are the same".to_string()),
            _ => self.unfit(&[from, to], |_| true),
        }
    }

    /// How the process is, in words.
    fn state(&self, host: HostId) -> String {
        let state = match self.world.life(host) {
            Life::Running => "runs",
            Life::Frozen => "is stopped",
            Life::Dead => "is dead",
            Life::Ended => "has left",
        };
        format!("{} {state}", self.world.label(host))
    }
}

fn is_group(target: Target) -> bool {
    matches!(target, Target::All | Target::Others)
}

/// That a target is nobody just now.
fn nobody(target: Target) -> String {
    match target {
        Target::At(place) => format!("nobody was ever at place {place}"),
        Target::Leader => "nobody leads".to_string(),
        Target::Next | Target::Prev | Target::Opposite => "nobody leads, or the leader is alone".to_string(),
        Target::All | Target::Others => "nobody is there".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::scenario::{parse, perform};

    fn undone(deeds: &[&str]) -> Vec<(usize, String)> {
        let script = format!("nodes 4 seed 2\nname 1 ada\n{}", deeds.join("\n"));
        let run = perform(&parse(&script).unwrap());
        assert!(run.result.is_ok(), "{:?}", run.result);
        run.undone.into_iter().map(|undone| (undone.line, undone.why)).collect()
    }

    #[test]
    fn what_finds_nobody_is_told() {
        let told = |line, why: &str| vec![(line, why.to_string())];
        assert_eq!(undone(&["at 1s crash ada", "at 2s say ada hi"]), told(4, "ada is dead"));
        // The others do not know of the death yet.
        assert_eq!(undone(&["at 1s crash leader", "at 1.001s crash leader"]), told(4, "ada is dead"));
        assert_eq!(undone(&["at 1s thaw 2"]), told(3, "2 runs"));
        assert_eq!(undone(&["at 1s leave 3", "at 3s freeze 3"]), told(4, "3 has left"));
        assert_eq!(undone(&["at 1s cut leader ada"]), told(3, "both ends are the same"));
        assert_eq!(undone(&["at 1s partition 9"]), told(3, "nobody was ever at place 9"));
        assert_eq!(undone(&["at 1s join leader via 2"]), told(3, "only a place can join"));
        let run = ["at 1s freeze 2", "at 1.2s thaw all", "at 3s crash others", "at 6s say next hi"];
        assert_eq!(undone(&run), told(6, "nobody leads, or the leader is alone"));
    }

    #[test]
    fn whoever_is_alive_cannot_join() {
        let deeds = ["at 1s join 3 via 1", "until time within 1s", "expect members 4"];
        assert_eq!(undone(&deeds), [(3, "3 is there already".to_string())]);
        assert_eq!(undone(&["at 1s crash 3", "at 3s join 3 via 1", "until converged within 5s"]), []);
    }
}
