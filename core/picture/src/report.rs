//! What a run comes to in a few lines: its faults, and its elections beside what theory says.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

use super::election_words;
use super::elections::Contest;
use super::story::Story;
use super::wanted::list;
use super::words;
use crate::trace::MergedRun;
use crate::trace::run::{Tidings, What};

/// So many members are named with their times, when all come to follow.
const FOLLOWERS: usize = 12;

/// What a run comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunReport {
    /// For people: a line for each fault, each coming and going, and each step of an election as a whole.
    pub lines: Vec<String>,
    /// For programs.
    pub elections: Vec<ElectionReport>,
}

/// What one election came to. Times are microseconds since the run began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ElectionReport {
    /// The epoch that its winner opens.
    pub epoch: u64,
    /// When it began.
    pub at_us: u64,
    /// Who stood before a token came.
    pub began: Vec<String>,
    /// All that took part: the new ring from the winner on, if somebody won.
    pub members: Vec<String>,
    /// Who won, if somebody did.
    pub winner: Option<String>,
    /// When the winner knew.
    pub won_us: Option<u64>,
    /// When the last member followed the winner.
    pub followed_us: Option<u64>,
    /// How many tokens were sent.
    pub messages: u64,
    /// How many messages the announcement took.
    pub announced: u64,
    /// What theory says.
    pub theory: TheoryReport,
}

/// What theory says of an election in which the same members began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TheoryReport {
    /// `one` or `all` members began undisturbed; `other` otherwise; `none` if the member was alone, or traces are missing.
    pub case: &'static str,
    /// How many members the ring has.
    pub members: u64,
    /// How many hops it is from the one that began to the winner.
    pub hops: Option<u64>,
    /// How many messages it takes, if that is certain.
    pub exact: Option<u64>,
    /// The fewest in any such ring.
    pub least: u64,
    /// The most.
    pub most: u64,
    /// The mean over all orders of the ring, with one digit after the point; empty if there is none.
    pub mean: String,
}

/// Reports what happens in `run` from `start` on, in microseconds since it began. Times count from the first fault, or else
/// from `start`.
pub fn report(run: &MergedRun, start: u64) -> RunReport {
    let mut story = Story::new(run);
    if story.faults.is_empty() {
        story.zero = start;
    }
    let mut lines: Vec<(u64, String)> = Vec::new();
    for (e, event) in story.events().filter(|(_, event)| event.t >= start) {
        if matches!(event.what, What::Deed(_)) {
            lines.push((event.t, words::said(&story, e).sentence().trim_end_matches('.').into()));
        }
    }
    for (m, course) in story.courses.iter().enumerate() {
        let after = |e: &Option<usize>| e.map(|e| story.event(e).t).filter(|&t| t > start);
        lines.extend(after(&course.first).map(|t| (t, format!("{} starts", story.name(m)))));
        lines.extend(after(&course.left).map(|t| (t, format!("{} has left", story.name(m)))));
    }
    lines.extend(story.contests.iter().flat_map(|contest| steps(&story, contest)));
    lines.sort_by_key(|(t, _)| *t);
    let lines = lines.into_iter().map(|(t, line)| format!("{}  {line}", stamp(t, story.zero))).collect();
    RunReport { lines, elections: story.contests.iter().map(|contest| election(&story, contest)).collect() }
}

/// The beginning, the end, and the success of an election.
fn steps(story: &Story<'_>, contest: &Contest) -> Vec<(u64, String)> {
    let t = |e: usize| story.event(e).t;
    let names = |members: &[usize]| list(members.iter().map(|&m| story.name(m).into()));
    let starts = if contest.starters.len() == 1 { "starts" } else { "start" };
    let (who, epoch) = (names(&contest.starters), contest.epoch);
    let mut steps = Vec::new();
    steps.push((t(contest.first), format!("{who} {starts} the election of epoch {epoch}")));
    let took = election_words::messages(story, contest);
    let Some((won, winner)) = contest.won else {
        steps.push((t(contest.last), format!("nobody has won epoch {epoch}: {took}")));
        return steps;
    };
    let winner = story.name(winner);
    let theory = election_words::theory(contest);
    steps
        .push((t(won), format!("{winner} leads: {took}, {} of the announcement{theory}", contest.announced)));
    let follow = || format!("all follow {winner}{}", followers(story, contest));
    steps.extend(contest.followed.map(|e| (t(e), follow())));
    steps
}

/// When each member came to follow the winner; of many, when the first did.
fn followers(story: &Story<'_>, contest: &Contest) -> String {
    let (Some((won, winner)), Some(last)) = (contest.won, contest.followed) else { return String::new() };
    let follows = |what: &What| match what {
        What::Told(Tidings::Leader { who, epoch }) => (*who, *epoch) == (winner, contest.epoch),
        _ => false,
    };
    let events = (won..=last).map(|e| story.event(e)).filter(|event| follows(&event.what));
    let others = events.filter(|event| event.m != winner && contest.members.contains(&event.m));
    let times: Vec<(&str, String)> =
        others.map(|event| (story.name(event.m), stamp(event.t, story.zero))).collect();
    match times.as_slice() {
        [] | [_] => String::new(),
        each if each.len() <= FOLLOWERS => {
            let each: Vec<String> = each.iter().map(|(name, time)| format!("{name} {time}")).collect();
            format!(": {}", each.join(", "))
        }
        [(name, time), ..] => format!(": {name} first, {time}"),
    }
}

fn election(story: &Story<'_>, contest: &Contest) -> ElectionReport {
    let t = |e: usize| story.event(e).t;
    let name = |m: usize| String::from(story.name(m));
    let theory = &contest.theory;
    let members: Vec<usize> = if contest.ring.is_empty() {
        contest.members.iter().copied().collect()
    } else {
        contest.ring.clone()
    };
    ElectionReport {
        epoch: contest.epoch,
        at_us: t(contest.first),
        began: contest.starters.iter().map(|&m| name(m)).collect(),
        members: members.into_iter().map(name).collect(),
        winner: contest.won.map(|(_, winner)| name(winner)),
        won_us: contest.won.map(|(e, _)| t(e)),
        followed_us: contest.followed.map(t),
        messages: contest.messages,
        announced: contest.announced,
        theory: TheoryReport {
            case: theory.case.name(),
            members: theory.n,
            hops: theory.hops,
            exact: theory.exact,
            least: theory.least,
            most: theory.most,
            mean: theory.mean.clone(),
        },
    }
}

/// Seconds to the millisecond.
fn stamp(t: u64, zero: u64) -> String {
    let (sign, us) = (if t < zero { '-' } else { '+' }, t.abs_diff(zero));
    format!("{sign}{}.{:03} s", us / 1_000_000, us % 1_000_000 / 1_000)
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use ringchat_sim::scenario::{parse, perform};

    use super::*;
    use crate::trace::TraceReader;

    #[test]
    fn a_crash_is_reported_with_its_election_beside_theory() {
        let text = "ring 6 2 4 1 3 5 seed 7 delay 9ms\nname 6 fay\nname 2 bob\nat 600ms crash fay\n\
                    until converged within 5s\nat 0s leave bob\nuntil time within 1s\n";
        let run = perform(&parse(text).unwrap());
        run.result.unwrap();
        let mut reader = TraceReader::default();
        run.lives.iter().try_for_each(|life| reader.life(life)).unwrap();
        let report = report(&reader.finish(None).unwrap(), run.gathered.0);
        let [election] = &report.elections[..] else { panic!("{report:?}") };
        let theory = &election.theory;
        assert_eq!((theory.case, theory.members, &election.began), ("one", 5, &vec!["bob".into()]));
        assert_eq!(theory.exact, Some(5 + theory.hops.unwrap()));
        let counted: Vec<u64> = run.counts.elects.values().copied().collect();
        assert_eq!((counted, theory.exact), (vec![election.messages], Some(election.messages)));
        let winner = election.winner.clone().unwrap();
        assert_eq!((&election.members[0], election.members.len()), (&winner, 5));
        let [killed, starts, leads, follow, left] = &report.lines[..] else { panic!("{report:?}") };
        assert_eq!(killed, "+0.000 s  fay, the leader, is killed");
        assert!(starts.ends_with(" s  bob starts the election of epoch 2"), "{starts}");
        let messages = election.messages;
        assert!(leads.contains(&format!(" s  {winner} leads: {messages} election messages, ")), "{leads}");
        assert!(
            leads.contains("(theory: one start, 5 members, ") && leads.contains(&format!("= {messages};"))
        );
        let (at, each) = follow.split_once(&format!("  all follow {winner}: ")).unwrap();
        let each: Vec<&str> = each.split(", ").collect();
        assert!(each.len() == 4 && each[3].ends_with(at), "{follow}");
        assert!(each.is_sorted_by_key(|one| one.split_once(' ').map(|(_, time)| time)), "{follow}");
        assert!(left.ends_with("bob has left"));
    }
}
