//! The elections of a run, and what theory says about each.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use ringchat_core::trace::MessageKind;
use ringchat_core::wire::{CandidateRank, Standing};
use ringchat_core::{ElectionPhase, Epoch, Index};

use super::story::Story;
use super::theory::Theory;
use crate::trace::run::{Fate, Gist, Tidings, What};

/// One election: of one epoch, among members that reached each other.
#[derive(Clone, Debug)]
pub(crate) struct Contest {
    /// The epoch that its winner opens.
    pub(crate) epoch: u64,
    /// All that sent, took or told something of it.
    pub(crate) members: BTreeSet<usize>,
    /// The first event of it.
    pub(crate) first: usize,
    /// The last event of it.
    pub(crate) last: usize,
    /// The sendings of tokens.
    pub(crate) tokens: Vec<usize>,
    /// How many tokens were sent: each copy counts.
    pub(crate) messages: u64,
    /// How many messages the announcement took, until all followed.
    pub(crate) announced: u64,
    /// The event in which the winner tells that it has won, and the winner.
    pub(crate) won: Option<(usize, usize)>,
    /// The event with which the last member came to follow the winner.
    pub(crate) followed: Option<usize>,
    /// The members that stood before they saw a token.
    pub(crate) starters: Vec<usize>,
    /// The way of the winner's token, the winner first: the new ring.
    pub(crate) ring: Vec<usize>,
    /// The place of each member among all, by what an election compares. The greatest wins.
    pub(crate) ranks: BTreeMap<usize, u64>,
    /// Epoch and length of the log with which each member stood, or would have stood.
    pub(crate) keys: BTreeMap<usize, (u64, u64)>,
    /// Whether all that it mentions have traces.
    pub(crate) is_whole: bool,
    pub(crate) theory: Theory,
}

/// The elections of a run, in the order in which they began.
pub(crate) fn contests(story: &Story<'_>) -> Vec<Contest> {
    let mut contests = Vec::new();
    for (epoch, events) in by_epoch(story) {
        for members in reached(story, &events) {
            let of_these = |e: &&usize| members.contains(&story.event(**e).m);
            let events: Vec<usize> = events.iter().filter(of_these).copied().collect();
            contests.extend(contest(story, epoch, members, &events));
        }
    }
    contests.sort_by_key(|contest| contest.first);
    contests
}

/// All events that are about an election, by epoch.
fn by_epoch(story: &Story<'_>) -> BTreeMap<u64, Vec<usize>> {
    let mut epochs: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (e, event) in story.events() {
        let epoch = match &event.what {
            What::Sent { gist, .. } | What::Took { gist, .. } if gist.kind == MessageKind::Elect => {
                gist.epoch
            }
            What::Told(Tidings::Election { step, epoch, .. }) if *step != ElectionPhase::Elected => {
                Some(*epoch)
            }
            _ => None,
        };
        if let Some(epoch) = epoch {
            epochs.entry(epoch).or_default().push(e);
        }
    }
    epochs
}

/// The members of each group that tokens went between.
fn reached(story: &Story<'_>, events: &[usize]) -> Vec<BTreeSet<usize>> {
    let mut groups: Vec<BTreeSet<usize>> = Vec::new();
    let mut join = |those: BTreeSet<usize>| {
        let (touched, mut apart): (Vec<_>, Vec<_>) =
            core::mem::take(&mut groups).into_iter().partition(|group| !group.is_disjoint(&those));
        apart.push(touched.into_iter().flatten().chain(those).collect());
        groups = apart;
    };
    for &e in events {
        let m = story.event(e).m;
        let others = story.effects(e).map(|taken| story.event(taken).m);
        join(others.chain([m]).collect());
    }
    groups
}

fn contest(story: &Story<'_>, epoch: u64, members: BTreeSet<usize>, events: &[usize]) -> Option<Contest> {
    let (&first, &last) = (events.first()?, events.last()?);
    let tokens: Vec<usize> =
        events.iter().copied().filter(|&e| matches!(story.event(e).what, What::Sent { .. })).collect();
    let messages = events.iter().map(|&e| copies(story, e)).sum();
    let won = events.iter().find_map(|&e| match &story.event(e).what {
        What::Told(Tidings::Election { step: ElectionPhase::Won, .. }) => Some((e, story.event(e).m)),
        _ => None,
    });
    let ring = won.map_or_else(Vec::new, |(e, winner)| way_of_token(story, events, e, winner));
    let won = won.or_else(|| heard(story, epoch, &members));
    let mut keys: BTreeMap<usize, (u64, u64)> = tokens.iter().filter_map(|&e| key(story, e)).collect();
    for &m in &members {
        let holds = || story.holding(m, first).map(|holding| (holding.epoch, holding.log));
        if let Some(holds) = (!keys.contains_key(&m)).then(holds).flatten() {
            keys.insert(m, holds);
        }
    }
    let followed = won.and_then(|(e, winner)| followed(story, epoch, e, winner));
    let mut contest = Contest {
        epoch,
        first,
        last,
        starters: starters(story, events),
        messages,
        announced: won.map_or(0, |won| announced(story, epoch, (first, followed), won)),
        followed,
        ranks: ranks(story, &members, &keys),
        members,
        tokens,
        won,
        ring,
        keys,
        is_whole: events.iter().all(|&e| is_told(story, e)),
        theory: Theory::none(0),
    };
    contest.theory = theory(story, &contest);
    Some(contest)
}

/// How many messages event `e` sent, or took from somebody whose trace does not tell of the sending.
fn copies(story: &Story<'_>, e: usize) -> u64 {
    match &story.event(e).what {
        What::Sent { to, .. } => to.len() as u64,
        What::Took { .. } if story.cause(e).is_none() => 1,
        _ => 0,
    }
}

/// Whether all that an event mentions have traces.
fn is_told(story: &Story<'_>, e: usize) -> bool {
    let (gist, mut others) = match &story.event(e).what {
        What::Sent { to, gist } => (gist, to.iter().map(|(_, to)| *to).collect::<Vec<_>>()),
        What::Took { from, gist, .. } => (gist, [*from].into()),
        _ => return true,
    };
    others.extend(gist.about.iter().chain(&gist.path).map(|&m| Some(m)));
    others.into_iter().all(|m| m.is_some_and(|m| story.has_trace(m)))
}

/// Who has won without a trace of it, and the event in which the first of `members` tells that.
fn heard(story: &Story<'_>, epoch: u64, members: &BTreeSet<usize>) -> Option<(usize, usize)> {
    story.events().filter(|(_, event)| members.contains(&event.m)).find_map(|(e, event)| match &event.what {
        What::Told(
            Tidings::Election { step: ElectionPhase::Elected, candidate: who, epoch: of }
            | Tidings::Leader { who, epoch: of },
        ) if *of == epoch && !story.has_trace(*who) => Some((e, *who)),
        _ => None,
    })
}

/// The candidate of a token, and what it stood with.
fn key(story: &Story<'_>, e: usize) -> Option<(usize, (u64, u64))> {
    match &story.event(e).what {
        What::Sent { gist: Gist { about: Some(candidate), key: Some(key), .. }, .. } => {
            Some((*candidate, *key))
        }
        _ => None,
    }
}

/// The path that the winner's token had when it came back.
fn way_of_token(story: &Story<'_>, events: &[usize], won: usize, winner: usize) -> Vec<usize> {
    let before = events.iter().rev().filter(|&&e| e <= won && story.event(e).m == winner);
    let back = before.map(|&e| &story.event(e).what).find_map(|what| match what {
        What::Took { gist, .. } if gist.about == Some(winner) => Some(gist.path.clone()),
        _ => None,
    });
    back.unwrap_or_else(|| [winner].into())
}

fn starters(story: &Story<'_>, events: &[usize]) -> Vec<usize> {
    let mut saw_a_token = BTreeSet::new();
    let mut starters = Vec::new();
    for &e in events {
        let event = story.event(e);
        match &event.what {
            What::Took { .. } => _ = saw_a_token.insert(event.m),
            What::Told(Tidings::Election { step: ElectionPhase::Start, .. })
                if saw_a_token.insert(event.m) =>
            {
                starters.push(event.m);
            }
            _ => {}
        }
    }
    starters
}

/// Counts the announcements of a winner, until all follow or one comes back. One whose trace is the only one follows at once.
fn announced(
    story: &Story<'_>,
    epoch: u64,
    (first, followed): (usize, Option<usize>),
    (won, winner): (usize, usize),
) -> u64 {
    let t = story.event(won).t;
    let mut count = 0;
    for (e, event) in story.events().skip(first) {
        if followed.is_some_and(|followed| e >= followed) && event.t > t {
            break;
        }
        match &event.what {
            What::Sent { gist, .. } if is_news(gist, epoch, winner) => count += copies(story, e),
            What::Took { gist, .. } if event.m == winner && is_news(gist, epoch, winner) => break,
            What::Took { gist, .. } if is_news(gist, epoch, winner) => count += copies(story, e),
            _ => {}
        }
    }
    count
}

fn is_news(gist: &Gist, epoch: u64, winner: usize) -> bool {
    gist.kind == MessageKind::Elected && gist.epoch == Some(epoch) && gist.about.is_none_or(|m| m == winner)
}

/// The last event in which a member tells that it follows the winner, among those that came to it by the election.
fn followed(story: &Story<'_>, epoch: u64, won: usize, winner: usize) -> Option<usize> {
    let mut joined: BTreeSet<usize> = BTreeSet::new();
    let mut last = None;
    for (e, event) in story.events().skip(won) {
        match &event.what {
            What::Told(Tidings::Joined(who)) => _ = joined.insert(*who),
            What::Told(Tidings::Leader { who, epoch: of })
                if *of == epoch && *who == winner && !joined.contains(&event.m) =>
            {
                last = Some(e);
            }
            What::Told(Tidings::Election { epoch: later, .. }) if *later > epoch => break,
            _ => {}
        }
    }
    last
}

fn ranks(
    story: &Story<'_>,
    members: &BTreeSet<usize>,
    keys: &BTreeMap<usize, (u64, u64)>,
) -> BTreeMap<usize, u64> {
    let usual = keys.values().max().copied().unwrap_or_default();
    let mut order: Vec<(Option<Standing>, usize)> =
        members.iter().map(|&m| (standing(story, m, keys.get(&m).copied().unwrap_or(usual)), m)).collect();
    order.sort();
    (1..).zip(order).map(|(rank, (_, m))| (m, rank)).collect()
}

/// How a member with such a log compares with others.
pub(crate) fn standing(story: &Story<'_>, m: usize, (epoch, length): (u64, u64)) -> Option<Standing> {
    let life = story.run.lives.get(m)?;
    let rank = CandidateRank { epoch: Epoch(epoch), length: Index(length), id: life.id };
    Some(rank.standing(story.run.room?))
}

fn theory(story: &Story<'_>, contest: &Contest) -> Theory {
    let n = if contest.ring.is_empty() { contest.members.len() } else { contest.ring.len() };
    if n <= 1 || !contest.is_whole {
        return Theory::none(n as u64);
    }
    if contest.won.is_none() || is_disturbed(story, contest) {
        return Theory::other(n as u64);
    }
    let place = |m: &usize| contest.ring.iter().position(|other| other == m);
    match contest.starters.as_slice() {
        [starter] => match place(starter) {
            Some(at) => Theory::one(n as u64, ((n - at) % n) as u64),
            None => Theory::other(n as u64),
        },
        starters if contest.ring.iter().all(|m| starters.contains(m)) => {
            let ranks = contest.ring.iter().filter_map(|m| contest.ranks.get(m).copied());
            Theory::all(&ranks.collect::<Vec<_>>())
        }
        _ => Theory::other(n as u64),
    }
}

/// Whether a fault came in between, a token got lost, or the members differ from the new ring.
fn is_disturbed(story: &Story<'_>, contest: &Contest) -> bool {
    let end = contest.won.map_or(contest.last, |(e, _)| e);
    let fault = story.faults.iter().any(|&e| (contest.first..=end).contains(&e));
    let lost = contest.tokens.iter().flat_map(|&e| story.begun(e));
    let lost = lost.filter_map(|f| story.run.frames.get(f)).any(|frame| frame.fate != Fate::Arrived);
    fault || lost || contest.members.iter().any(|m| !contest.ring.contains(m))
}
