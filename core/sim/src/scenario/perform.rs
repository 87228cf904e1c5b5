//! A scenario of nodes as they ship, played for people: with real keys, and with all that there is to tell of it.

use alloc::vec::Vec;

use ringchat_core::Instant;
use ringchat_core::trace::Tracing;
use ringchat_trace::LifeLines;

use super::play::Play;
use super::undone::Undone;
use super::{Failure, Scenario, Survivor, survivors};
use crate::Counts;
use crate::lives::life_lines;

/// A larger room is traced only from when its first ring has gathered: the rings of all sizes in the traces of all members
/// would not fit into memory.
const TRACED_WHOLE: usize = 64;

/// How a scenario went.
#[derive(Clone, Debug)]
pub struct Performance {
    /// Why it does not go as written, if it does not.
    pub result: Result<(), Failure>,
    /// The line that was being played when it ended; 0 while the first ring gathers.
    pub line: usize,
    /// The trace of each life, texts included.
    pub lives: Vec<LifeLines>,
    /// What was counted meanwhile.
    pub counts: Counts,
    /// When the first ring had gathered, by the clock of the traces.
    pub gathered: Instant,
    /// The rings at the end; none if a live member is in no ring.
    pub rings: Option<Vec<Vec<Survivor>>>,
    /// How many messages of live members are missing somewhere in their ring at the end, if all live members are in rings.
    pub lost: Option<usize>,
    /// What could not be done.
    pub undone: Vec<Undone>,
}

/// Plays a scenario in a private room whose keys, signatures and links are real. The same scenario gives the same run,
/// however the program is built.
pub fn perform(scenario: &Scenario) -> Performance {
    let mut play = with_real_keys(scenario);
    let result = play_traced(&mut play, scenario.ring.len() > TRACED_WHOLE);
    let lives = life_lines(&play.world);
    let zero = lives.iter().map(|life| life.header.wall).min().unwrap_or(0);
    Performance {
        result,
        line: play.line,
        lives,
        counts: play.world.counts().clone(),
        gathered: Instant(play.gathered.unwrap_or(Instant::ZERO).0.saturating_sub(zero)),
        rings: survivors(&play.world).ok(),
        lost: play.lost().ok(),
        undone: play.undone,
    }
}

/// A player of nodes as they ship, which tell all that they do.
pub(super) fn with_real_keys(scenario: &Scenario) -> Play {
    let mut play = Play::new(scenario, false);
    play.world = play.world.with_real_keys();
    play.world.set_tracing(Tracing::Texts);
    play
}

/// Plays all of it. A large room tells nothing while its first ring gathers.
fn play_traced(play: &mut Play, is_large: bool) -> Result<(), Failure> {
    if is_large {
        play.world.set_tracing(Tracing::Off);
    }
    let mut is_untold = is_large;
    while let Some(stop) = play.next()? {
        if is_untold && play.gathered.is_some() {
            play.world.trace_all(Tracing::Texts)?;
            is_untold = false;
        }
        play.world.run_to(stop)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use ringchat_trace::TraceEvent;

    use super::*;
    use crate::scenario::parse;

    const CRASH: &str = "ring 6 2 4 1 3 5 seed 7 delay 9ms detect 500ms\nname 6 fay\nname 4 dan\n\
                         at 100ms say dan hi\nat 600ms crash fay\nuntil converged within 5s\n";

    fn performed(more: &str) -> Performance {
        perform(&parse(&(CRASH.to_string() + more)).unwrap())
    }

    #[test]
    fn a_room_with_real_keys_elects_and_is_told_of() {
        let run = performed("expect lost 0\nexpect elections 1\nexpect not leads 6\n");
        assert!(run.result.is_ok(), "{:?}", run.result);
        let rings = run.rings.unwrap();
        assert!(rings.len() == 1 && rings[0].len() == 5 && rings[0].iter().all(|it| it.shown == ["hi"]));
        assert!(rings[0].iter().any(|survivor| survivor.label == "dan"), "{rings:?}");
        let names: Vec<&str> = run.lives.iter().map(|life| life.header.name.as_str()).collect();
        assert_eq!(names, ["fay", "m2", "dan", "m1", "m3", "m5"]);
        assert!(run.lives.iter().all(|life| life.header.detect_ms == 500));
        assert_eq!((run.line, run.lost), (9, Some(0)));
    }

    #[test]
    fn a_large_room_is_told_of_from_when_it_has_gathered() {
        let script = "nodes 65 seed 3\nat 600ms crash leader\nuntil converged within 5s\n";
        let run = perform(&parse(script).unwrap());
        assert!(run.result.is_ok(), "{:?}", run.result);
        assert_eq!((run.lives.len(), run.gathered), (65, Instant::ZERO));
        for life in &run.lives {
            let first = life.lines.iter().find_map(|line| match &line.event {
                TraceEvent::State(state) => state.ring.as_ref(),
                _ => None,
            });
            assert_eq!(first.unwrap().len(), 65, "it tells who is there");
        }
    }

    #[test]
    fn what_an_election_took_is_compared_with_theory() {
        let counts = performed("").counts;
        let [(epoch, messages)] = counts.elects.iter().collect::<Vec<_>>()[..] else { panic!("{counts:?}") };
        let voters = &counts.voters[epoch];
        assert_eq!((voters.sent.len(), voters.began), (5, 1));
        for (wanted, holds) in [
            (messages.to_string(), true),
            ((messages + 1).to_string(), false),
            ("best".into(), *messages == 5),
            ("worst".into(), *messages == 9),
        ] {
            let run = performed(&alloc::format!("expect election-messages {wanted}\n"));
            assert_eq!(run.result.is_ok(), holds, "{wanted} of {messages}: {:?}", run.result);
            assert_eq!(run.line, 7);
        }
    }

    #[test]
    fn a_room_that_held_no_election_took_no_messages() {
        let run = perform(&parse("nodes 2\nexpect election-messages 0\n").unwrap());
        assert!(run.result.is_ok());
        let run = perform(&parse("nodes 2\nexpect election-messages best\n").unwrap());
        assert!(run.result.unwrap_err().to_string().contains("no election"));
    }
}
