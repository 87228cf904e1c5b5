//! The exercises: a room, a task, and a goal that is checked while the run is played.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use ringchat_core::{Instant, Occasion};
use ringchat_picture::{ElectionReport, RunReport};
use ringchat_sim::HostId;
use ringchat_sim::oracles::Shape;
use ringchat_sim::scenario::Performer;
use ringchat_trace::{FaultKind, LifeLines, TraceEvent};

use crate::ask::{ExerciseAnswer, GoalAnswer};
use crate::error::LabError;

#[cfg(test)]
mod tests;

/// The exercise in which the next leader is guessed.
pub(crate) const GUESS: u64 = 1;

/// The messages that are to be said while members crash.
const TEXTS: usize = 15;
/// The crashes meanwhile.
const CRASHES: usize = 3;
/// How far a Lamport clock is to leap.
const LEAP: u64 = 50;
/// In a smaller ring the best case and the worst are nearly the same.
const LEAST_RING: u64 = 3;

/// An exercise.
pub(crate) struct Exercise {
    pub(crate) title: &'static str,
    task: &'static str,
    hint: &'static str,
    teaches: &'static str,
    /// The script that it begins with.
    pub(crate) script: &'static str,
    goal: fn(&Seen<'_>) -> GoalAnswer,
}

/// What a goal is computed from.
pub(crate) struct Seen<'a> {
    pub(crate) performer: &'a Performer,
    pub(crate) report: &'a RunReport,
    pub(crate) faults: &'a Faults,
    /// The guess of who will lead.
    pub(crate) guess: Option<&'a str>,
    /// Who created the room.
    pub(crate) creator: &'a str,
}

/// The faults of a run in their order: when, what, and the name of the member that it happened to, if not to the network.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(Vec<(Instant, FaultKind, Option<String>)>);

impl Faults {
    pub(crate) fn of(lives: &[LifeLines]) -> Self {
        let mut faults = Vec::new();
        for life in lives {
            for line in &life.lines {
                if let TraceEvent::Fault(fault) = &line.event {
                    // A member that is struck tells of it itself.
                    let whom = fault.m.map(|_| life.header.name.clone());
                    faults.push((Instant(life.header.wall.saturating_add(line.t)), fault.kind, whom));
                }
            }
        }
        faults.sort_by_key(|(at, ..)| *at);
        Self(faults)
    }

    /// When each of these faults happened, and to whom.
    fn that(&self, are: impl Fn(FaultKind) -> bool) -> impl Iterator<Item = (Instant, &str)> {
        let these = self.0.iter().filter(move |(_, kind, _)| are(*kind));
        these.map(|(at, _, whom)| (*at, whom.as_deref().unwrap_or_default()))
    }

    fn deaths(&self) -> impl Iterator<Item = (Instant, &str)> {
        self.that(FaultKind::is_death)
    }

    fn count(&self, kind: FaultKind) -> usize {
        self.that(|other| other == kind).count()
    }
}

const EXERCISES: [Exercise; 10] = [
    Exercise {
        title: "Who leads next?",
        task: "ada crashes by itself 1 s after the room has gathered; nothing is left to do but to play (▶). Guess who leads \
               next before that, and say why.",
        hint: "Look at the logs just before the crash: who has an entry that the others lack?",
        teaches: "An election compares logs before anything else: the newer, then the longer one wins, so that nothing \
                  that a member has is lost. Only among equal logs does a hash decide.",
        script: "nodes 5 seed 3 delay 9ms\n\
                 at 400ms say ada hello\n\
                 at 900ms cut ada bob\n\
                 at 900ms cut ada cyd\n\
                 at 900ms cut ada eve\n\
                 at 900ms say ada only dan hears this\n\
                 at 1s crash ada",
        goal: who_leads,
    },
    Exercise {
        title: "The fewest messages",
        task: "Change the leader with as few election messages as theory allows: one for each member of the new ring.",
        hint: "Crash the leader, and see who wins. Then go back: the winner has to be the one that begins, and whoever \
               is after the dead begins. So others have to crash at the same moment.",
        teaches: "The token of the greatest member goes round once. Any other beginning costs a message more for each \
                  hop to the winner.",
        script: "nodes 6 seed 5 delay 9ms",
        goal: fewest,
    },
    Exercise {
        title: "One start, the most messages",
        task: "Let one member begin an election that takes as many messages as one beginning can: 2n - 1 in a ring of n.",
        hint: "The winner has to be the last that the token reaches. Crash whoever is between the winner and the \
               leader, at the same moment as the leader.",
        teaches: "n - 1 hops to the winner, and then once round. That is the worst that one start can cost.",
        script: "nodes 6 seed 5 delay 9ms",
        goal: one_start_most,
    },
    Exercise {
        title: "The worst case",
        task: "Let all members that can begin do so before a token reaches them. In this ring the ranks go down along the \
               way of the tokens, as soon as ada is gone and bob does not take part: n(n + 1)/2 messages.",
        hint: "Whoever is after a dead member closes the ring and begins, and the others wait for that. Freeze that member \
               at the same moment, and they all lose patience at once.",
        teaches: "Each token is stopped only by a greater member. If the ranks go down, the greatest token passes n, the \
                  next n - 1, and so on.",
        script: "nodes 6 seed 31 delay 9ms",
        goal: worst,
    },
    Exercise {
        title: "Two tokens at once",
        task: "Let two members begin the same election, so that two tokens travel at once.",
        hint: "The others begin by themselves if they hear of no election for a while. Let the member that would begin \
               first die or freeze just then.",
        teaches: "Tokens need no coordination: the greater one stops the other, wherever they meet.",
        script: "nodes 6 seed 7 delay 9ms",
        goal: two_tokens,
    },
    Exercise {
        title: "The candidate dies",
        task: "Crash the leader, and then the candidate whose token travels. Somebody has to lead in the end.",
        hint: "Step to the moment in which a token has just been passed on, and crash the member that it is for.",
        teaches: "A token whose candidate is dead would circle for ever. So whoever closes the ring after a death begins a \
                  new election with a greater epoch, and tokens of older epochs are dropped.",
        script: "nodes 6 seed 7 delay 9ms",
        goal: candidate_dies,
    },
    Exercise {
        title: "Lose nothing",
        task: "Let somebody type 15 messages while three members crash, one of them after the first message and before the \
               last. Everybody who is left has to show all of them.",
        hint: "Say some, crash the leader, say more, crash the next leader, and so on. What a dead member has said counts \
               for nothing.",
        teaches: "A message stays with its author until every member has it, and is said again to each new leader.",
        script: "nodes 6 seed 7 delay 9ms",
        goal: lose_nothing,
    },
    Exercise {
        title: "Split and heal",
        task: "Split the room, let both sides talk, and heal it. Each side has to be shown what the other one said.",
        hint: "Wait until both sides have a leader before they talk: partition ada bob cyd, then say on each side, then heal.",
        teaches: "Each side goes on as a room of its own. When they meet, one ring takes the other over, and what was said \
                  on the other side is replayed after what was said before the split, each side's in its own order.",
        script: "nodes 6 seed 7 delay 9ms",
        goal: split_and_heal,
    },
    Exercise {
        title: "A leader that is stopped",
        task: "Freeze the leader until the others have another one, and let it go on. There have to be two leaders, and one \
               ring in the end.",
        hint: "A stopped process is silent: after the time of detection it counts as dead. Thaw it when somebody else leads.",
        teaches: "Two members may believe that they lead, but never of one view: a view is named by its epoch and its \
                  leader, and whoever has promised a greater epoch takes nothing of an older one.",
        script: "nodes 6 seed 7 delay 9ms",
        goal: frozen_leader,
    },
    Exercise {
        title: "A leap of a Lamport clock",
        task: "Let a receipt move a Lamport clock forward by 50 or more. Then find two events of which neither could have \
               caused the other, although one has the lesser time.",
        hint: "The clock of a newcomer begins at zero, and a receipt moves it past the stamp of the sender.",
        teaches: "What comes before has the lesser time. A lesser time does not say that it came before.",
        script: "nodes 2 seed 7 delay 9ms",
        goal: leap,
    },
];

/// All exercises.
pub(crate) fn list() -> Vec<ExerciseAnswer> {
    let answer = |(n, exercise): (u64, &Exercise)| {
        let Exercise { title, task, hint, teaches, .. } = *exercise;
        ExerciseAnswer { n, title, task, hint, teaches }
    };
    (1..).zip(&EXERCISES).map(answer).collect()
}

/// The exercise with that number, from 1.
pub(crate) fn find(n: u64) -> Result<&'static Exercise, LabError> {
    let at = usize::try_from(n).ok().and_then(|n| n.checked_sub(1));
    at.and_then(|at| EXERCISES.get(at)).ok_or(LabError::NoExercise(n, EXERCISES.len()))
}

/// How far the exercise with that number is done.
pub(crate) fn goal(n: u64, seen: &Seen<'_>) -> Option<GoalAnswer> {
    find(n).ok().map(|exercise| (exercise.goal)(seen))
}

fn done(words: impl Into<String>) -> GoalAnswer {
    GoalAnswer { done: true, words: words.into() }
}

fn not_yet(words: impl Into<String>) -> GoalAnswer {
    GoalAnswer { done: false, words: words.into() }
}

impl Seen<'_> {
    /// The elections that somebody has won, in rings that are large enough to tell cases apart.
    fn won(&self) -> impl Iterator<Item = &ElectionReport> {
        let elections = self.report.elections.iter();
        elections.filter(|election| election.winner.is_some() && election.theory.members >= LEAST_RING)
    }

    /// The only ring, if all live members form one.
    fn one_ring(&self) -> Option<Vec<HostId>> {
        let rings = self.performer.world().rings(Shape::OneRing).ok()?;
        rings.into_iter().next()
    }
}

fn who_leads(seen: &Seen<'_>) -> GoalAnswer {
    const AGAIN: &str = "start the exercise again";
    let winner = seen.report.elections.iter().find_map(|election| election.winner.as_deref());
    match (seen.guess, winner) {
        (None, None) => not_yet("no guess yet"),
        (None, Some(winner)) => {
            not_yet(format!("{winner} leads, and you have not guessed; {AGAIN}, and guess first"))
        }
        (Some(guess), None) => not_yet(format!("you guess {guess}; play on")),
        (Some(guess), Some(winner)) if winner == guess => done(format!("{winner} leads, as you guessed")),
        (Some(guess), Some(winner)) => {
            not_yet(format!("{winner} leads, not {guess}: look whose log was longer, and {AGAIN}"))
        }
    }
}

fn fewest(seen: &Seen<'_>) -> GoalAnswer {
    let best = seen.won().min_by_key(|election| election.messages.saturating_sub(election.theory.members));
    let Some(best) = best else { return not_yet("no election yet") };
    let (messages, members) = (best.messages, best.theory.members);
    if messages == members {
        done(format!("{messages} messages, one for each of {members} members"))
    } else {
        not_yet(format!("{messages} messages of {members} members; the fewest is {members}"))
    }
}

/// As many messages as theory knows at most in this case.
fn most(seen: &Seen<'_>, case: &str, what: &str) -> GoalAnswer {
    let of_case = seen.won().filter(|election| election.theory.case == case);
    let best = of_case.min_by_key(|election| election.theory.most.saturating_sub(election.messages));
    let Some(best) = best else { return not_yet(format!("no election yet {what}")) };
    let (messages, most) = (best.messages, best.theory.most);
    let words = format!("{messages} of {most} messages, {what}");
    if messages == most { done(words) } else { not_yet(words) }
}

fn one_start_most(seen: &Seen<'_>) -> GoalAnswer {
    most(seen, "one", "with one start")
}

fn worst(seen: &Seen<'_>) -> GoalAnswer {
    most(seen, "all", "with all starting")
}

fn two_tokens(seen: &Seen<'_>) -> GoalAnswer {
    let most = seen.report.elections.iter().max_by_key(|election| election.began.len());
    match most.map(|election| election.began.as_slice()) {
        None => not_yet("no election yet"),
        Some([one, other, ..]) => done(format!("{one} and {other} began the same election")),
        Some(_) => not_yet("one token only"),
    }
}

fn candidate_dies(seen: &Seen<'_>) -> GoalAnswer {
    let elections = &seen.report.elections;
    let dies = |election: &&ElectionReport| {
        let end = election.won_us.unwrap_or(u64::MAX);
        let mut deaths = seen.faults.deaths();
        deaths.any(|(at, who)| {
            election.began.iter().any(|name| name == who) && (election.at_us..end).contains(&at.0)
        })
    };
    let Some(orphan) = elections.iter().find(dies) else { return not_yet("no candidate has died yet") };
    let later = elections.iter().find(|later| later.epoch > orphan.epoch && later.winner.is_some());
    match later.and_then(|later| later.winner.as_deref().map(|winner| (later.epoch, winner))) {
        Some((epoch, winner)) => done(format!(
            "the candidate of epoch {} died, and {winner} leads since epoch {epoch}",
            orphan.epoch
        )),
        None => not_yet(format!("the candidate of epoch {} is dead; nobody leads yet", orphan.epoch)),
    }
}

fn lose_nothing(seen: &Seen<'_>) -> GoalAnswer {
    let world = seen.performer.world();
    let living = world.members();
    let of = |host: &HostId| world.transcripts().of(*host);
    let said: Vec<(&str, Instant)> =
        living.iter().flat_map(|host| of(host).said.iter().map(|(text, at)| (text.as_str(), *at))).collect();
    let origins: BTreeSet<_> = living.iter().filter_map(|host| of(host).me).collect();
    let shown = |host: &HostId| of(host).shown.iter().filter(|(origin, _)| origins.contains(origin)).count();
    let with_all = living.iter().map(shown).min().unwrap_or_default();
    let crashes: Vec<Instant> = seen.faults.deaths().map(|(at, _)| at).collect();
    let meanwhile = said.iter().any(|(_, at)| crashes.first().is_some_and(|first| at < first))
        && said
            .iter()
            .any(|(_, at)| crashes.last().is_some_and(|last| at > last) || is_within(&crashes, *at));
    let lost = seen.one_ring().map(|ring| world.transcripts().lost(&ring).len());
    let words =
        format!("{} of {CRASHES} crashes, {with_all} of {TEXTS} messages with everybody", crashes.len());
    match lost {
        _ if crashes.len() < CRASHES || with_all < TEXTS => not_yet(words),
        _ if !meanwhile => not_yet("nobody typed between the crashes"),
        Some(0) if with_all >= said.len() => done(words),
        Some(0) | None => not_yet(format!("{words}; the room is not at rest yet")),
        Some(lost) => not_yet(format!("{lost} messages are lost")),
    }
}

/// Whether a moment is after the first and before the last of `moments`.
fn is_within(moments: &[Instant], at: Instant) -> bool {
    moments.first().is_some_and(|first| *first < at) && moments.last().is_some_and(|last| at < *last)
}

fn split_and_heal(seen: &Seen<'_>) -> GoalAnswer {
    let (splits, heals) = (seen.faults.count(FaultKind::Partition), seen.faults.count(FaultKind::Heal));
    if splits == 0 {
        return not_yet("the room is whole");
    }
    let world = seen.performer.world();
    let replayed = |host: &HostId| {
        let transcript = world.transcripts().of(*host);
        let others = transcript.shown.iter().zip(&transcript.occasions);
        others.filter(|(_, occasion)| **occasion == Occasion::OtherRing).map(|((origin, _), _)| *origin)
    };
    // The members that were shown something of the other side, and the authors of what they were shown.
    let told: BTreeSet<HostId> =
        world.members().into_iter().filter(|host| replayed(host).next().is_some()).collect();
    let authors = told.iter().flat_map(replayed).filter_map(|origin| world.of_id(origin));
    let both = authors.collect::<BTreeSet<_>>().intersection(&told).count();
    match (heals, seen.one_ring()) {
        (0, _) => not_yet("the room is split; let both sides talk, then heal it"),
        (_, None) => not_yet("healed; the sides are not one ring yet"),
        (_, Some(_)) if told.is_empty() => not_yet("one ring, but nobody has talked on the other side"),
        (_, Some(_)) if both == 0 => not_yet("one side has talked; the other has not"),
        (_, Some(ring)) if ring.iter().all(|host| told.contains(host)) => {
            done("one ring, and each side knows what the other said")
        }
        (_, Some(_)) => not_yet("one ring; not everybody knows yet what the others said"),
    }
}

fn frozen_leader(seen: &Seen<'_>) -> GoalAnswer {
    let elections = &seen.report.elections;
    let leader_at = |at: Instant| {
        let before = elections.iter().filter(|election| election.won_us.is_some_and(|won| won <= at.0));
        before.filter_map(|election| election.winner.as_deref()).next_back().unwrap_or(seen.creator)
    };
    let mut freezes = seen.faults.that(|kind| kind == FaultKind::Freeze);
    let Some((frozen, who)) = freezes.find(|(at, who)| leader_at(*at) == *who) else {
        return not_yet("the leader has not been stopped yet: freeze it");
    };
    let mut thaws = seen.faults.that(|kind| kind == FaultKind::Thaw);
    let thawed = thaws.find(|(at, thawed)| *at > frozen && *thawed == who).map(|(at, _)| at);
    let end = thawed.map_or(u64::MAX, |at| at.0);
    let other = elections.iter().find(|election| {
        let won = election.won_us.is_some_and(|won| (frozen.0..end).contains(&won));
        won && election.winner.as_deref() != Some(who)
    });
    let Some(other) = other.and_then(|election| election.winner.as_deref()) else {
        let words =
            if thawed.is_some() { "thawed before another one led" } else { "still without another one" };
        return not_yet(format!("{who} is stopped, {words}"));
    };
    match (thawed, seen.one_ring()) {
        (None, _) => not_yet(format!("{other} leads, and {who} would say that it leads; let {who} go on")),
        (Some(_), None) => not_yet("not one ring yet"),
        (Some(_), Some(_)) => done(format!("{other} and {who} led at the same time, and there is one ring")),
    }
}

fn leap(seen: &Seen<'_>) -> GoalAnswer {
    let leap = seen.performer.world().counts().leap;
    let words = format!("a receipt has moved a clock by {leap}, of {LEAP}");
    if leap >= LEAP { done(words) } else { not_yet(words) }
}
