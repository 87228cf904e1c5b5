//! Which part of a run a picture shows.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use thiserror::Error;

use super::class::Class;
use super::story::Story;
use crate::trace::run::What;

/// The most rows of a picture, unless another bound is asked for.
pub const MAX_ROWS: usize = 10_000;

/// From so many events on, a row is a turn of a member.
const MANY: usize = 400;

/// Which part of a run is asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The classes of messages; empty for all but signs of life.
    pub classes: BTreeSet<Class>,
    /// What comes before is only the state in which the picture begins.
    pub from: Option<Moment>,
    /// What comes after is left out.
    pub to: Option<Moment>,
    /// The names of the members with columns of their own; empty for all.
    pub members: Vec<String>,
    /// Whether a row is a turn, and not an event; none to let the number of events decide.
    pub turns: Option<bool>,
    /// The most rows.
    pub max: usize,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            classes: BTreeSet::new(),
            from: None,
            to: None,
            members: Vec::new(),
            turns: None,
            max: MAX_ROWS,
        }
    }
}

/// A moment of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// So many microseconds after the start.
    Start(u64),
    /// So many microseconds after the first death, or the first other fault if nobody dies.
    Crash(i64),
    /// The first token of this epoch.
    Epoch(u64),
}

/// The reason why nothing can be shown.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WantedError {
    /// Not a moment.
    #[error("{0:?} is no moment; write 1.2s, 800ms, crash, crash+50ms or \"epoch 2\"")]
    Moment(String),
    /// Not a class.
    #[error("{0:?} is no class of messages; there are election, repair, membership, catchup, chat and beats")]
    Class(String),
    /// No member has that name.
    #[error("no member is called {0:?}; there are {1}")]
    Member(String, String),
    /// The run has no such moment.
    #[error("nobody dies in this run, and no fault happens; leave \"crash\" out")]
    NoCrash,
    /// The run has no such election.
    #[error("there is no election of epoch {0} in this run; there are elections of {1}")]
    NoEpoch(u64, String),
}

impl WantedError {
    /// Whether no run has what was asked for, whatever the traces are.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Moment(_) | Self::Class(_))
    }
}

impl Moment {
    /// Reads a moment.
    ///
    /// # Errors
    /// If `text` is none.
    pub fn parse(text: &str) -> Result<Self, WantedError> {
        let wrong = || WantedError::Moment(text.into());
        let words: Vec<&str> = text.split_whitespace().collect();
        if let ["epoch", epoch] = words.as_slice() {
            return epoch.parse().map(Self::Epoch).map_err(|_| wrong());
        }
        let Some(after) = text.strip_prefix("crash") else {
            return duration(text).map(Self::Start).ok_or_else(wrong);
        };
        let (sign, time) = match after.chars().next() {
            None => return Ok(Self::Crash(0)),
            Some('+') => (1, after.get(1..)),
            Some('-') => (-1, after.get(1..)),
            Some(_) => return Err(wrong()),
        };
        let time = time.and_then(duration).and_then(|time| i64::try_from(time).ok()).ok_or_else(wrong)?;
        Ok(Self::Crash(time * sign))
    }

    fn time(self, story: &Story<'_>) -> Result<u64, WantedError> {
        match self {
            Self::Start(t) => Ok(t),
            Self::Crash(offset) => {
                let is_death =
                    |e: &&usize| matches!(&story.event(**e).what, What::Deed(d) if d.kind.is_death());
                let crash = story.faults.iter().find(is_death).or(story.faults.first());
                let crash = crash.ok_or(WantedError::NoCrash)?;
                Ok(story.event(*crash).t.saturating_add_signed(offset))
            }
            Self::Epoch(epoch) => {
                let contest = story.contests.iter().find(|contest| contest.epoch == epoch);
                let there = || {
                    let epochs = story.contests.iter().map(|contest| contest.epoch.to_string());
                    WantedError::NoEpoch(epoch, list(epochs))
                };
                contest.map(|contest| story.event(contest.first).t).ok_or_else(there)
            }
        }
    }
}

/// Reads `1.2s` or `800ms`, at most a hundred days, as microseconds.
fn duration(text: &str) -> Option<u64> {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 1_000),
        None => (text.strip_suffix('s')?, 1_000_000),
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let is_digits = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if !is_digits(whole) || !is_digits(part) || part.len() > 6 || whole.len() > 7 {
        return None;
    }
    let scale = 10u64.pow(u32::try_from(part.len()).ok()?);
    let (whole, part): (u64, u64) = (whole.parse().ok()?, part.parse().ok()?);
    Some(whole * unit + part * unit / scale)
}

/// The classes that a word of `--only` stands for.
///
/// # Errors
/// If it stands for none.
pub fn classes_of(word: &str) -> Result<&'static [Class], WantedError> {
    Ok(match word {
        "election" => &[Class::Elect, Class::Lead],
        "repair" => &[Class::Repair],
        "membership" => &[Class::Member],
        "catchup" => &[Class::Catchup],
        "chat" => &[Class::Chat],
        "beats" => &[Class::Beat],
        _ => return Err(WantedError::Class(word.into())),
    })
}

/// What is shown of a run.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    classes: BTreeSet<Class>,
    /// The first event.
    pub(crate) from: usize,
    /// The event after the last.
    pub(crate) to: usize,
    /// The lives with columns of their own, if not all.
    pub(crate) members: Option<BTreeSet<usize>>,
    /// Whether a row is a turn.
    pub(crate) turns: bool,
    pub(crate) max: usize,
    /// Whether the names of columns are repeated.
    pub(crate) pages: bool,
    /// Whether it is shown bit by bit.
    pub(crate) plays: bool,
}

impl Window {
    pub(crate) fn new(story: &Story<'_>, wanted: &Wanted) -> Result<Self, WantedError> {
        let at = |moment: Option<Moment>| moment.map(|moment| moment.time(story)).transpose();
        let events = &story.run.events;
        let from = at(wanted.from)?.map_or(0, |t| events.partition_point(|event| event.t < t));
        let to = at(wanted.to)?.map_or(events.len(), |t| events.partition_point(|event| event.t <= t));
        let classes: BTreeSet<Class> = if wanted.classes.is_empty() {
            Class::MESSAGES.into_iter().filter(|class| *class != Class::Beat).collect()
        } else {
            wanted.classes.clone()
        };
        let members = if wanted.members.is_empty() { None } else { Some(named(story, &wanted.members)?) };
        let window = Self {
            classes,
            from,
            to,
            members,
            turns: false,
            max: wanted.max.max(1),
            pages: false,
            plays: false,
        };
        let messages = (from..to).filter(|&e| match &story.event(e).what {
            What::Sent { gist, .. } | What::Took { gist, .. } => window.has(Class::of(gist.kind)),
            _ => false,
        });
        let turns = wanted.turns.unwrap_or_else(|| messages.count() > MANY);
        Ok(Self { turns, ..window })
    }

    /// Whether messages of this class are shown.
    pub(crate) fn has(&self, class: Class) -> bool {
        self.classes.contains(&class)
    }

    /// Whether event `e` lies in the window.
    pub(crate) fn holds(&self, e: usize) -> bool {
        (self.from..self.to).contains(&e)
    }
}

fn named(story: &Story<'_>, names: &[String]) -> Result<BTreeSet<usize>, WantedError> {
    let mut found = BTreeSet::new();
    for name in names {
        let these: Vec<usize> = (0..story.run.lives.len()).filter(|&m| story.name(m) == name).collect();
        if these.is_empty() {
            let all: BTreeSet<String> = (0..story.run.lives.len()).map(|m| story.name(m).into()).collect();
            return Err(WantedError::Member(name.clone(), list(all.into_iter())));
        }
        found.extend(these);
    }
    Ok(found)
}

/// Words in a row: `a, b and c`.
pub(crate) fn list(words: impl Iterator<Item = String>) -> String {
    let words: Vec<String> = words.collect();
    match words.as_slice() {
        [] => "none".into(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
