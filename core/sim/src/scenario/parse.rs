//! The language of scenarios: a line, a step.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use ringchat_core::Occasion;

use crate::{Heal, Place, Quality};

/// A scenario.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The first ring: places in ring order. The first creates the room.
    pub ring: Vec<Place>,
    /// Decides delays, pieces and ids.
    pub seed: u64,
    /// The longest time that anything is on its way.
    pub delay: Duration,
    /// What happens, with the number of its line.
    pub steps: Vec<(usize, Step)>,
}

/// A step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// At this time after the last `until`, something happens.
    At(Duration, Deed),
    /// Time passes until this is so, at most so long. Then time is counted from zero again.
    Until(Condition, Duration),
    /// This is to be so now.
    Expect(Condition),
    /// This is not to be so now.
    ExpectNot(Condition),
    /// `quiet for TIME`: nothing but heartbeats is sent.
    Quiet(Duration),
}

/// Something that somebody, or fate, does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// `say WHO TEXT`.
    Say(Vec<Who>, String),
    /// `flood WHO COUNT`: so many messages at once.
    Flood(Vec<Who>, u64),
    /// `crash WHO...`: killed, all at one instant.
    Crash(Vec<Who>),
    /// `power-off WHO...`.
    PowerOff(Vec<Who>),
    /// `restart WHO... via CONTACT`: killed, and started again at the same address.
    Restart(Vec<Who>, Who),
    /// `freeze WHO...`.
    Freeze(Vec<Who>),
    /// `sleep WHO`: it freezes while all others are all right, and is held to it.
    Sleep(Who),
    /// `thaw WHO...`.
    Thaw(Vec<Who>),
    /// `leave WHO...`.
    Leave(Vec<Who>),
    /// `join PLACE... via CONTACT...`: contacts are tried in turn.
    Join(Vec<Who>, Vec<Who>),
    /// `cut FROM TO`: one way.
    Cut(Who, Who),
    /// `partition WHO...`: from all others, both ways.
    Partition(Vec<Who>),
    /// `heal`, or `heal reset`.
    Heal(Heal),
    /// Something goes badly, or well again.
    Hinder(Hindrance),
}

/// Something that goes badly for a member or on its way, or well again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// `freeze-for-ever WHO...`: nobody waits for it.
    FreezeForEver(Vec<Who>),
    /// `break WHO...`: one connection of each; with `link N` in the end the one that this number picks.
    Break(Vec<Who>, usize),
    /// `half-open WHO...`: the same, and only its own end breaks.
    HalfOpen(Vec<Who>, usize),
    /// `slow WHO BYTES`: bytes a second; 0 for as fast as it can.
    Slow(Who, u64),
    /// `late WHO TIME`: its ticks come up to so late; 0s for on time.
    Late(Who, Duration),
    /// `clock WHO forward TIME`, `clock WHO back TIME`: it jumps by so many microseconds.
    Jump(Who, i64),
    /// `queues WHO BYTES`: a connection on which more waits to be sent breaks.
    Queues(Who, usize),
    /// `dials refused COUNT`, `dials lost COUNT`: so many of a thousand; 0 for none.
    Dials(BadDials),
}

/// How dials fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadDials {
    /// So many of a thousand are refused.
    Refused(u32),
    /// So many of a thousand come to nothing.
    Lost(u32),
}

impl Deed {
    /// Whether a live member may be taken for dead after this.
    pub fn is_more_than_a_crash(&self) -> bool {
        !matches!(
            self,
            Self::Say(..)
                | Self::Flood(..)
                | Self::Crash(_)
                | Self::PowerOff(_)
                | Self::Restart(..)
                | Self::Leave(_)
                | Self::Join(..)
                | Self::Sleep(_)
                | Self::Thaw(_)
                | Self::Hinder(Hindrance::Break(..))
        )
    }
}

/// Whom a line means, at the moment when it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The newest process of a place.
    At(Place),
    /// The leader.
    Leader,
    /// The one after the leader.
    Next,
    /// The one before the leader.
    Prev,
    /// The one half-way round the ring from the leader.
    Opposite,
    /// Everybody.
    All,
    /// Everybody but the leader.
    Others,
}

/// Something that is so or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `converged`: all that live form one ring, and lack nothing.
    Converged,
    /// `merged`: all that live form rings, and none looks for another.
    Merged,
    /// `settled`: all that live form rings.
    Settled,
    /// `new-leader`: the leader is another than at the last `until`.
    NewLeader,
    /// `shown-by WHO TEXT`, `shown-by-all TEXT`.
    ShownBy(Who, String),
    /// `live WHO TEXT`, `while-away WHO TEXT`, `other-ring WHO TEXT`: shown as said so.
    ShownAs(Occasion, Who, String),
    /// `members N`: so many are alive and in.
    Members(usize),
    /// `rings N`.
    Rings(usize),
    /// `elections N`: at most so many epochs were fought for.
    Elections(usize),
    /// `faults N`: so many peers were found, by those that live, to break the protocol.
    Faults(u64),
    /// `ready WHO`.
    Ready(Who),
    /// `ended WHO`: by itself, in order.
    Ended(Who),
    /// `left-behind WHO`: it was told so.
    LeftBehind(Who),
    /// `gap WHO`: it was told that something is missing.
    Gap(Who),
    /// `cut-off WHO`: it was told that it is too slow.
    CutOff(Who),
    /// `leads WHO`.
    Leads(Who),
    /// `time`: only lets time pass.
    Time,
}

/// Why a text is no scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.problem)
    }
}

impl core::error::Error for ParseError {}

/// Reads a scenario.
///
/// # Errors
/// The first line that says nothing known.
pub fn parse(text: &str) -> Result<Scenario, ParseError> {
    let mut scenario = Scenario { ring: Vec::new(), seed: 1, delay: Quality::GOOD.most, steps: Vec::new() };
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        parse_line(&mut scenario, number, &words)
            .map_err(|problem| ParseError { line: number, problem: format!("{problem} in \"{line}\"") })?;
    }
    if scenario.ring.is_empty() {
        return Err(ParseError { line: 1, problem: "no line says how many nodes there are".into() });
    }
    Ok(scenario)
}

fn parse_line(scenario: &mut Scenario, number: usize, words: &[&str]) -> Result<(), String> {
    let step = match words {
        ["nodes", count, rest @ ..] => {
            scenario.ring = (1..=parse_number(count)?).collect();
            return parse_head(scenario, rest);
        }
        ["ring", rest @ ..] => return parse_ring(scenario, rest),
        ["at", time, deed @ ..] => Step::At(parse_time(time)?, parse_deed(deed)?),
        ["until", condition @ .., "within", time] => {
            Step::Until(parse_condition(condition)?, parse_time(time)?)
        }
        ["quiet", "for", time] => Step::Quiet(parse_time(time)?),
        ["expect", "not", condition @ ..] => Step::ExpectNot(parse_condition(condition)?),
        ["expect", condition @ ..] => Step::Expect(parse_condition(condition)?),
        _ => return Err("unknown step".into()),
    };
    scenario.steps.push((number, step));
    Ok(())
}

fn parse_ring(scenario: &mut Scenario, words: &[&str]) -> Result<(), String> {
    let places = words.iter().take_while(|word| !matches!(**word, "seed" | "delay")).count();
    scenario.ring = words[..places].iter().map(|word| parse_number(word)).collect::<Result<_, _>>()?;
    parse_head(scenario, &words[places..])
}

fn parse_head(scenario: &mut Scenario, words: &[&str]) -> Result<(), String> {
    match words {
        [] => Ok(()),
        ["seed", seed, rest @ ..] => {
            scenario.seed = parse_number(seed)?;
            parse_head(scenario, rest)
        }
        ["delay", time, rest @ ..] => {
            scenario.delay = parse_time(time)?;
            parse_head(scenario, rest)
        }
        _ => Err("unknown words after the nodes".into()),
    }
}

fn parse_deed(words: &[&str]) -> Result<Deed, String> {
    Ok(match words {
        ["say", who, text @ ..] => Deed::Say(vec![parse_who(who)?], text.join(" ")),
        ["flood", who, count] => Deed::Flood(vec![parse_who(who)?], parse_number(count)?),
        ["crash", who @ ..] => Deed::Crash(parse_all(who)?),
        ["power-off", who @ ..] => Deed::PowerOff(parse_all(who)?),
        ["restart", who @ .., "via", contact] => Deed::Restart(parse_all(who)?, parse_who(contact)?),
        ["freeze", who @ ..] => Deed::Freeze(parse_all(who)?),
        ["sleep", who] => Deed::Sleep(parse_who(who)?),
        ["thaw", who @ ..] => Deed::Thaw(parse_all(who)?),
        ["leave", who @ ..] => Deed::Leave(parse_all(who)?),
        ["join", rest @ ..] => {
            let via = rest.iter().position(|word| *word == "via").ok_or("nobody is joined through")?;
            Deed::Join(parse_all(&rest[..via])?, parse_all(&rest[via + 1..])?)
        }
        ["cut", from, to] => Deed::Cut(parse_who(from)?, parse_who(to)?),
        ["partition", who @ ..] => Deed::Partition(parse_all(who)?),
        ["heal"] => Deed::Heal(Heal::Deliver),
        ["heal", "reset"] => Deed::Heal(Heal::Reset),
        _ => Deed::Hinder(parse_hindrance(words)?),
    })
}

fn parse_hindrance(words: &[&str]) -> Result<Hindrance, String> {
    Ok(match words {
        ["freeze-for-ever", who @ ..] => Hindrance::FreezeForEver(parse_all(who)?),
        ["break", who @ .., "link", n] => Hindrance::Break(parse_all(who)?, parse_number(n)?),
        ["break", who @ ..] => Hindrance::Break(parse_all(who)?, 0),
        ["half-open", who @ .., "link", n] => Hindrance::HalfOpen(parse_all(who)?, parse_number(n)?),
        ["half-open", who @ ..] => Hindrance::HalfOpen(parse_all(who)?, 0),
        ["slow", who, pace] => Hindrance::Slow(parse_who(who)?, parse_number(pace)?),
        ["late", who, time] => Hindrance::Late(parse_who(who)?, parse_time(time)?),
        ["clock", who, "forward", time] => Hindrance::Jump(parse_who(who)?, parse_micros(time)?),
        ["clock", who, "back", time] => Hindrance::Jump(parse_who(who)?, -parse_micros(time)?),
        ["queues", who, bytes] => Hindrance::Queues(parse_who(who)?, parse_number(bytes)?),
        ["dials", "refused", count] => Hindrance::Dials(BadDials::Refused(parse_number(count)?)),
        ["dials", "lost", count] => Hindrance::Dials(BadDials::Lost(parse_number(count)?)),
        _ => return Err("unknown deed".into()),
    })
}

fn parse_condition(words: &[&str]) -> Result<Condition, String> {
    Ok(match words {
        ["converged"] => Condition::Converged,
        ["merged"] => Condition::Merged,
        ["settled"] => Condition::Settled,
        ["new-leader"] => Condition::NewLeader,
        ["shown-by-all", text @ ..] => Condition::ShownBy(Who::All, text.join(" ")),
        ["shown-by", who, text @ ..] => Condition::ShownBy(parse_who(who)?, text.join(" ")),
        ["live", who, text @ ..] => Condition::ShownAs(Occasion::Live, parse_who(who)?, text.join(" ")),
        ["while-away", who, text @ ..] => {
            Condition::ShownAs(Occasion::WhileAway, parse_who(who)?, text.join(" "))
        }
        ["other-ring", who, text @ ..] => {
            Condition::ShownAs(Occasion::OtherRing, parse_who(who)?, text.join(" "))
        }
        ["members", count] => Condition::Members(parse_number(count)?),
        ["rings", count] => Condition::Rings(parse_number(count)?),
        ["elections", count] => Condition::Elections(parse_number(count)?),
        ["faults", count] => Condition::Faults(parse_number(count)?),
        ["ready", who] => Condition::Ready(parse_who(who)?),
        ["ended", who] => Condition::Ended(parse_who(who)?),
        ["left-behind", who] => Condition::LeftBehind(parse_who(who)?),
        ["gap", who] => Condition::Gap(parse_who(who)?),
        ["cut-off", who] => Condition::CutOff(parse_who(who)?),
        ["leads", who] => Condition::Leads(parse_who(who)?),
        ["time"] => Condition::Time,
        _ => return Err("unknown condition".into()),
    })
}

fn parse_all(words: &[&str]) -> Result<Vec<Who>, String> {
    if words.is_empty() {
        return Err("nobody is named".into());
    }
    words.iter().map(|word| parse_who(word)).collect()
}

fn parse_who(word: &str) -> Result<Who, String> {
    Ok(match word {
        "leader" => Who::Leader,
        "next" => Who::Next,
        "prev" => Who::Prev,
        "opposite" => Who::Opposite,
        "all" => Who::All,
        "others" => Who::Others,
        _ => Who::At(parse_number(word)?),
    })
}

fn parse_time(word: &str) -> Result<Duration, String> {
    if let Some(millis) = word.strip_suffix("ms") {
        return parse_number(millis).map(Duration::from_millis);
    }
    match word.strip_suffix('s').map(str::parse::<f64>) {
        Some(Ok(seconds)) if (0.0..1e6).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(format!("\"{word}\" is no time")),
    }
}

fn parse_micros(word: &str) -> Result<i64, String> {
    i64::try_from(parse_time(word)?.as_micros()).map_err(|_| format!("\"{word}\" is too long"))
}

fn parse_number<T: core::str::FromStr>(word: &str) -> Result<T, String> {
    word.parse().map_err(|_| format!("\"{word}\" is no number and nobody's name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_is_read_line_by_line() {
        let text = "# a comment\nring 3 1 2 seed 7 delay 9ms\n\nat 1.5s say leader hello world\nuntil new-leader within 5s\nexpect not shown-by 2 a b";
        let scenario = parse(text).unwrap();
        assert_eq!((scenario.ring, scenario.seed), (vec![3, 1, 2], 7));
        assert_eq!(scenario.delay, Duration::from_millis(9));
        let say = Deed::Say(vec![Who::Leader], "hello world".into());
        let expected = [
            (4, Step::At(Duration::from_millis(1500), say)),
            (5, Step::Until(Condition::NewLeader, Duration::from_secs(5))),
            (6, Step::ExpectNot(Condition::ShownBy(Who::At(2), "a b".into()))),
        ];
        assert_eq!(scenario.steps, expected);
    }

    #[test]
    fn a_line_that_says_nothing_known_is_named() {
        for line in ["at 1s dance 3", "at soon crash 3", "until heaven within 5s", "crash 3", "at 1s crash"] {
            let error = parse(&format!("nodes 3\n{line}")).unwrap_err();
            assert_eq!(error.line, 2, "{error}");
        }
    }
}
