//! What is said of elections: each step with its reason, and each election as a whole.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use ringchat_core::ElectionPhase;

use super::class::Class;
use super::elections::Contest;
use super::rows::relative;
use super::story::Story;
use super::theory::Case;
use super::wanted::list;
use super::words::{Said, name, plain};
use crate::trace::run::{Tidings, What};

/// What is said of a step of an election.
pub(crate) fn step(
    story: &Story<'_>,
    e: usize,
    m: usize,
    step: ElectionPhase,
    candidate: usize,
    epoch: u64,
) -> Said {
    let me = name(story, m);
    let token = (format!("{}'s token", story.name(candidate)), "elect");
    let contest = story.contest(epoch, m);
    let numbers = contest.map_or_else(String::new, |contest| numbers(contest, candidate, ">", m));
    let why = contest.map_or_else(String::new, |contest| compared(story, contest, candidate, m));
    match step {
        ElectionPhase::Start => start(story, e, m, epoch),
        ElectionPhase::Forward => {
            let say = vec![me.clone(), plain(" passes "), token, plain(&format!(" on{numbers}."))];
            Said::new(Class::Elect, format!("{} passes {} on", me.0, story.name(candidate)), say, why)
        }
        ElectionPhase::Swallow => swallow(story, e, m, candidate, epoch),
        ElectionPhase::Won => {
            let ring = contest.map_or_else(Vec::new, |contest| contest.ring.clone());
            let say = vec![
                me.clone(),
                plain("'s own token came round: "),
                (format!("{} leads", me.0), "lead"),
                plain(&format!(" in epoch {epoch}.")),
            ];
            let ring = list(ring.iter().map(|&m| story.name(m).into()));
            Said::new(
                Class::Lead,
                format!("{} has won", me.0),
                say,
                format!("The path of the token is the new ring: {ring}."),
            )
        }
        ElectionPhase::Elected => {
            let leader = format!("{} leads", story.name(candidate));
            let say =
                vec![me.clone(), plain(" hears that "), (leader, "lead"), plain(", and shows its log.")];
            let short = format!("{} hears of {}", me.0, story.name(candidate));
            Said::new(
                Class::Lead,
                short,
                say,
                "It waits until the leader has told what its log is to become.",
            )
        }
    }
}

/// A member stops a token, and perhaps sends its own instead.
fn swallow(story: &Story<'_>, e: usize, m: usize, candidate: usize, epoch: u64) -> Said {
    let me = name(story, m);
    let token = format!("{}'s token", story.name(candidate));
    let contest = story.contest(epoch, m);
    let numbers = contest.map_or_else(String::new, |contest| numbers(contest, candidate, "<", m));
    let why = contest.map_or_else(String::new, |contest| compared(story, contest, candidate, m));
    let stands = story.rest_of_turn(e).any(|(_, event)| {
        matches!(event.what, What::Told(Tidings::Election { step: ElectionPhase::Start, .. }))
    });
    let (end, why) = match (stands, better_than(story, e, m, epoch)) {
        (true, _) => (format!("{numbers}. It sends its own instead."), why),
        (false, Some(best)) if best == candidate => {
            (": it has passed that on before.".into(), "A token that was seen before goes no further.".into())
        }
        (false, Some(best)) => {
            let best = if best == m {
                "stood itself".into()
            } else {
                format!("passed {}'s token on", story.name(best))
            };
            (format!("{numbers}. It has {best}, and that is better."), why)
        }
        (false, None) => (format!("{numbers}."), why),
    };
    let say = vec![me.clone(), plain(" "), (format!("stops {token}"), "elect"), plain(&end)];
    Said::new(Class::Elect, format!("{} stops {}", me.0, story.name(candidate)), say, why)
}

fn start(story: &Story<'_>, e: usize, m: usize, epoch: u64) -> Said {
    let me = name(story, m);
    let begins = story.contest(epoch, m).is_some_and(|contest| contest.starters.contains(&m));
    let short = format!("{} stands", me.0);
    if !begins {
        let say =
            vec![me.clone(), plain(" sends "), (format!("{}'s token", me.0), "elect"), plain(" instead.")];
        return Said::new(
            Class::Elect,
            short,
            say,
            "All that saw a token are electing: they append nothing of an older epoch.",
        );
    }
    let lost = story.holding(m, e).and_then(|_| last_leader(story, m, e));
    let is_next = lost.is_some_and(|lost| next_of(story, e, lost) == Some(m));
    let place = if is_next {
        format!(", next after {}, ", lost.map_or("the leader", |lost| story.name(lost)))
    } else {
        " ".into()
    };
    let say = vec![
        me,
        plain(&place),
        ("stands for election".into(), "elect"),
        plain(&format!(" of epoch {epoch}.")),
    ];
    let why = if is_next {
        "The member after the lost leader begins at once; the others would wait, so that few begin."
    } else {
        "It waited for another to begin, and none did, or the election before had no winner."
    };
    Said::new(Class::Elect, short, say, why)
}

/// The leader that a member followed last.
fn last_leader(story: &Story<'_>, m: usize, e: usize) -> Option<usize> {
    story.run.events.iter().take(e).rev().filter(|event| event.m == m).find_map(|event| match &event.what {
        What::State(holding) => holding.leader,
        _ => None,
    })
}

fn next_of(story: &Story<'_>, e: usize, m: usize) -> Option<usize> {
    let ring = story.ring_before(e)?;
    let at = ring.iter().position(|&other| other == m)?;
    ring.get((at + 1) % ring.len()).copied()
}

/// The best candidate that a member knew before event `e`.
fn better_than(story: &Story<'_>, e: usize, m: usize, epoch: u64) -> Option<usize> {
    let contest = story.contest(epoch, m)?;
    let before = (contest.first..e).rev().map(|before| story.event(before)).filter(|event| event.m == m);
    before.into_iter().find_map(|event| match &event.what {
        What::Told(Tidings::Election {
            step: ElectionPhase::Forward | ElectionPhase::Start,
            candidate,
            epoch: of,
        }) if *of == epoch => Some(*candidate),
        _ => None,
    })
}

fn numbers(contest: &Contest, a: usize, sign: &str, b: usize) -> String {
    match (contest.ranks.get(&a), contest.ranks.get(&b)) {
        (Some(a), Some(b)) => format!(": {a} {sign} {b}"),
        _ => String::new(),
    }
}

/// What decides between a candidate and a member.
fn compared(story: &Story<'_>, contest: &Contest, candidate: usize, m: usize) -> String {
    let (Some(a), Some(b)) = (contest.keys.get(&candidate), contest.keys.get(&m)) else {
        return String::new();
    };
    let (theirs, own) = (story.name(candidate), story.name(m));
    if a.0 != b.0 {
        return format!(
            "{theirs}'s log ends in epoch {}, {own}'s in epoch {}: the newer log wins.",
            a.0, b.0
        );
    }
    if a.1 != b.1 {
        return format!("{theirs}'s log has {} entries, {own}'s {}: the longer log wins.", a.1, b.1);
    }
    format!(
        "Equal logs (epoch {}, {} entries), so the higher rank wins. A hash of room, log and id draws the ranks, anew for \
         each election.",
        a.0, a.1
    )
}

/// A sentence an election.
pub(crate) fn description(story: &Story<'_>) -> String {
    let sentences: Vec<String> = story.contests.iter().map(|contest| about(story, contest)).collect();
    if sentences.is_empty() { "No election is held.".into() } else { sentences.join(" ") }
}

/// What an election comes to.
pub(crate) fn about(story: &Story<'_>, contest: &Contest) -> String {
    let starters = match contest.starters.as_slice() {
        [] => "a member without a trace begins".into(),
        [one] => format!("{} begins", story.name(*one)),
        several => format!("{} begin", list(several.iter().map(|&m| story.name(m).into()))),
    };
    let begin = relative(story.event(contest.first).t, story.zero);
    let messages = messages(story, contest);
    let end = match contest.won {
        Some((e, winner)) => {
            let (event, announced) = (story.event(e), contest.announced);
            let (who, t) = (story.name(winner), relative(event.t, story.zero));
            if event.m == winner {
                format!("{who} wins at {t} after {messages}, {announced} of the announcement")
            } else {
                let first = story.name(event.m);
                format!(
                    "{first} hears at {t} that {who} has won; {messages}, {announced} of the announcement"
                )
            }
        }
        None => format!("nobody wins; {messages}"),
    };
    let theory = theory(contest);
    format!("Epoch {}: {starters} at {begin}; {end}{theory}.", contest.epoch)
}

/// How many messages an election took, or how many of them are known.
pub(crate) fn messages(story: &Story<'_>, contest: &Contest) -> String {
    let s = if contest.messages == 1 { "" } else { "s" };
    let by = match story.seen_by() {
        _ if contest.is_whole => String::new(),
        Some(teller) => format!(" seen by {}", story.name(teller)),
        None => " in these traces".into(),
    };
    format!("{} election message{s}{by}", contest.messages)
}

/// What theory says of an election, to stand after its number of messages.
pub(crate) fn theory(contest: &Contest) -> String {
    let theory = &contest.theory;
    let n = theory.n;
    match (theory.case, theory.exact, theory.hops) {
        (Case::One, Some(exact), Some(hops)) => {
            let s = if hops == 1 { "" } else { "s" };
            format!(
                " (theory: one start, {n} members, {hops} hop{s} to the winner: n + d = {exact}; {} to {}, mean {})",
                theory.least, theory.most, theory.mean
            )
        }
        (Case::All, Some(exact), _) => format!(
            " (theory: all {n} start: {exact} in this order; {} to {}, mean {})",
            theory.least, theory.most, theory.mean
        ),
        (Case::None, ..) => String::new(),
        _ => format!(" (theory: {} to {} for {n} members)", theory.least, theory.most),
    }
}

#[cfg(test)]
mod tests {
    use ringchat_sim::scenario::play_lives;

    use super::*;
    use crate::trace::{MergedRun, TraceReader};
    use crate::words::said;

    fn run_of(scenario: &str) -> MergedRun {
        let (result, lives, _) = play_lives(scenario);
        result.unwrap();
        let mut reader = TraceReader::default();
        for life in &lives {
            reader.life(life).unwrap();
        }
        reader.finish(None).unwrap()
    }

    /// Sentence and reason of the first event whose short line is `short`.
    fn of(story: &Story<'_>, short: &str) -> (String, String) {
        let all = story.events().map(|(e, _)| said(story, e));
        let found = all.into_iter().find(|said| said.short == short);
        let said = found.unwrap_or_else(|| panic!("nothing is called {short:?}"));
        (said.sentence(), said.why)
    }

    const CRASH: &str = "ring 6 2 4 1 3 5 seed 7 delay 9ms\nat 100ms say 2 hi\nat 200ms say 4 hello\n\
                         at 600ms crash leader\nuntil converged within 5s\n";

    #[test]
    fn each_step_of_an_election_is_told_with_its_reason_and_its_numbers() {
        let run = run_of(CRASH);
        let story = Story::new(&run);
        let equal = "Equal logs (epoch 1, 8 entries), so the higher rank wins. A hash of room, log and id draws the \
                     ranks, anew for each election.";
        assert_eq!(of(&story, "m6 is killed").0, "m6, the leader, is killed.");
        let (stands, why) = of(&story, "m2 stands");
        assert_eq!(stands, "m2, next after m6, stands for election of epoch 2.");
        assert!(why.contains("at once"), "{why}");
        let passes = ("m4 passes m2's token on: 2 > 1.".into(), equal.into());
        assert_eq!(of(&story, "m4 passes m2 on"), passes);
        let stops = ("m1 stops m2's token: 2 < 3. It sends its own instead.".into(), equal.into());
        assert_eq!(of(&story, "m1 stops m2"), stops);
        assert_eq!(of(&story, "m1 stands").0, "m1 sends m1's token instead.");
        let (won, why) = of(&story, "m5 has won");
        assert_eq!(won, "m5's own token came round: m5 leads in epoch 2.");
        assert_eq!(why, "The path of the token is the new ring: m5, m2, m4, m1 and m3.");
        assert_eq!(of(&story, "m2 hears of m5").0, "m2 hears that m5 leads, and shows its log.");
        assert_eq!(of(&story, "m2 follows m5").0, "m2 has the whole log and follows m5.");
        assert_eq!(of(&story, "m5: next is m2").0, "The ring closes: m5 → m2.");
        assert_eq!(of(&story, "m1 shows “hi” of m2").0, "m1 shows “hi” of m2.");
    }

    #[test]
    fn an_election_is_told_beside_theory() {
        let run = run_of(CRASH);
        let said = description(&Story::new(&run));
        assert!(
            said.starts_with("Epoch 2: m2 begins at +16 ms; m5 wins at +81 ms after 9 election messages,"),
            "{said}"
        );
        let theory = "(theory: one start, 5 members, 4 hops to the winner: n + d = 9; 5 to 9, mean 7).";
        assert!(said.ends_with(theory), "{said}");
    }

    #[test]
    fn the_longer_log_is_the_reason_if_logs_differ() {
        let run = run_of("nodes 4 seed 1\nat 1s crash leader\nuntil converged within 5s\n");
        let mut story = Story::new(&run);
        let contest = story.contests.first_mut().unwrap();
        let [a, b] = [contest.ring[0], contest.ring[1]];
        contest.keys.extend([(a, (1, 9)), (b, (1, 8))]);
        let contest = story.contests.first().unwrap();
        assert!(compared(&story, contest, a, b).ends_with("'s 8: the longer log wins."));
        story.contests.first_mut().unwrap().keys.insert(b, (2, 3));
        let contest = story.contests.first().unwrap();
        assert!(compared(&story, contest, b, a).ends_with("the newer log wins."));
    }
}
