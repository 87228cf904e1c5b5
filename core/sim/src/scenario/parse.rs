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
    pub steps: Vec<(usize, Statement)>,
}

/// A step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// At this time after the last `until`, something happens.
    At(Duration, ScenarioAction),
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
pub enum ScenarioAction {
    /// `say WHO TEXT`.
    Say(Vec<Target>, String),
    /// `flood WHO COUNT`: so many messages at once.
    Flood(Vec<Target>, u64),
    /// `crash WHO...`: killed, all at one instant.
    Crash(Vec<Target>),
    /// `power-off WHO...`.
    PowerOff(Vec<Target>),
    /// `restart WHO... via CONTACT`: killed, and started again at the same address.
    Restart(Vec<Target>, Target),
    /// `freeze WHO...`.
    Freeze(Vec<Target>),
    /// `sleep WHO`: it freezes while all others are all right, and is held to it.
    Sleep(Target),
    /// `thaw WHO...`.
    Thaw(Vec<Target>),
    /// `leave WHO...`.
    Leave(Vec<Target>),
    /// `join PLACE... via CONTACT...`: contacts are tried in turn.
    Join(Vec<Target>, Vec<Target>),
    /// `cut FROM TO`: one way.
    Cut(Target, Target),
    /// `partition WHO...`: from all others, both ways.
    Partition(Vec<Target>),
    /// `heal`, or `heal reset`.
    Heal(Heal),
    /// Something goes badly, or well again.
    Impair(Impairment),
}

/// Something that goes badly for a member or on its way, or well again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Impairment {
    /// `freeze-for-ever WHO...`: nobody waits for it.
    FreezeForEver(Vec<Target>),
    /// `break WHO...`: one connection of each; with `link N` in the end the one that this number picks.
    Break(Vec<Target>, usize),
    /// `half-open WHO...`: the same, and only its own end breaks.
    HalfOpen(Vec<Target>, usize),
    /// `slow WHO BYTES`: bytes a second; 0 for as fast as it can.
    Slow(Target, u64),
    /// `late WHO TIME`: its ticks come up to so late; 0s for on time.
    Late(Target, Duration),
    /// `clock WHO forward TIME`, `clock WHO back TIME`: it jumps by so many microseconds.
    Jump(Target, i64),
    /// `queues WHO BYTES`: a connection on which more waits to be sent breaks.
    Queues(Target, usize),
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

impl ScenarioAction {
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
                | Self::Impair(Impairment::Break(..))
        )
    }
}

/// Whom a line means, at the moment when it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
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
    ShownBy(Target, String),
    /// `live WHO TEXT`, `while-away WHO TEXT`, `other-ring WHO TEXT`: shown as said so.
    ShownAs(Occasion, Target, String),
    /// `members N`: so many are alive and in.
    Members(usize),
    /// `rings N`.
    Rings(usize),
    /// `elections N`: at most so many epochs were fought for.
    Elections(usize),
    /// `faults N`: so many peers were found, by those that live, to break the protocol.
    Faults(u64),
    /// `ready WHO`.
    Ready(Target),
    /// `ended WHO`: by itself, in order.
    Ended(Target),
    /// `left-behind WHO`: it was told so.
    LeftBehind(Target),
    /// `gap WHO`: it was told that something is missing.
    Gap(Target),
    /// `cut-off WHO`: it was told that it is too slow.
    CutOff(Target),
    /// `leads WHO`.
    Leads(Target),
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
        ["at", time, action @ ..] => Statement::At(parse_time(time)?, parse_action(action)?),
        ["until", condition @ .., "within", time] => {
            Statement::Until(parse_condition(condition)?, parse_time(time)?)
        }
        ["quiet", "for", time] => Statement::Quiet(parse_time(time)?),
        ["expect", "not", condition @ ..] => Statement::ExpectNot(parse_condition(condition)?),
        ["expect", condition @ ..] => Statement::Expect(parse_condition(condition)?),
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

fn parse_action(words: &[&str]) -> Result<ScenarioAction, String> {
    Ok(match words {
        ["say", who, text @ ..] => ScenarioAction::Say(vec![parse_target(who)?], text.join(" ")),
        ["flood", who, count] => ScenarioAction::Flood(vec![parse_target(who)?], parse_number(count)?),
        ["crash", who @ ..] => ScenarioAction::Crash(parse_all(who)?),
        ["power-off", who @ ..] => ScenarioAction::PowerOff(parse_all(who)?),
        ["restart", who @ .., "via", contact] => {
            ScenarioAction::Restart(parse_all(who)?, parse_target(contact)?)
        }
        ["freeze", who @ ..] => ScenarioAction::Freeze(parse_all(who)?),
        ["sleep", who] => ScenarioAction::Sleep(parse_target(who)?),
        ["thaw", who @ ..] => ScenarioAction::Thaw(parse_all(who)?),
        ["leave", who @ ..] => ScenarioAction::Leave(parse_all(who)?),
        ["join", rest @ ..] => {
            let via = rest.iter().position(|word| *word == "via").ok_or("nobody is joined through")?;
            ScenarioAction::Join(parse_all(&rest[..via])?, parse_all(&rest[via + 1..])?)
        }
        ["cut", from, to] => ScenarioAction::Cut(parse_target(from)?, parse_target(to)?),
        ["partition", who @ ..] => ScenarioAction::Partition(parse_all(who)?),
        ["heal"] => ScenarioAction::Heal(Heal::Deliver),
        ["heal", "reset"] => ScenarioAction::Heal(Heal::Reset),
        _ => ScenarioAction::Impair(parse_impairment(words)?),
    })
}

fn parse_impairment(words: &[&str]) -> Result<Impairment, String> {
    Ok(match words {
        ["freeze-for-ever", who @ ..] => Impairment::FreezeForEver(parse_all(who)?),
        ["break", who @ .., "link", n] => Impairment::Break(parse_all(who)?, parse_number(n)?),
        ["break", who @ ..] => Impairment::Break(parse_all(who)?, 0),
        ["half-open", who @ .., "link", n] => Impairment::HalfOpen(parse_all(who)?, parse_number(n)?),
        ["half-open", who @ ..] => Impairment::HalfOpen(parse_all(who)?, 0),
        ["slow", who, pace] => Impairment::Slow(parse_target(who)?, parse_number(pace)?),
        ["late", who, time] => Impairment::Late(parse_target(who)?, parse_time(time)?),
        ["clock", who, "forward", time] => Impairment::Jump(parse_target(who)?, parse_micros(time)?),
        ["clock", who, "back", time] => Impairment::Jump(parse_target(who)?, -parse_micros(time)?),
        ["queues", who, bytes] => Impairment::Queues(parse_target(who)?, parse_number(bytes)?),
        ["dials", "refused", count] => Impairment::Dials(BadDials::Refused(parse_number(count)?)),
        ["dials", "lost", count] => Impairment::Dials(BadDials::Lost(parse_number(count)?)),
        _ => return Err("unknown action".into()),
    })
}

fn parse_condition(words: &[&str]) -> Result<Condition, String> {
    Ok(match words {
        ["converged"] => Condition::Converged,
        ["merged"] => Condition::Merged,
        ["settled"] => Condition::Settled,
        ["new-leader"] => Condition::NewLeader,
        ["shown-by-all", text @ ..] => Condition::ShownBy(Target::All, text.join(" ")),
        ["shown-by", who, text @ ..] => Condition::ShownBy(parse_target(who)?, text.join(" ")),
        ["live", who, text @ ..] => Condition::ShownAs(Occasion::Live, parse_target(who)?, text.join(" ")),
        ["while-away", who, text @ ..] => {
            Condition::ShownAs(Occasion::WhileAway, parse_target(who)?, text.join(" "))
        }
        ["other-ring", who, text @ ..] => {
            Condition::ShownAs(Occasion::OtherRing, parse_target(who)?, text.join(" "))
        }
        ["members", count] => Condition::Members(parse_number(count)?),
        ["rings", count] => Condition::Rings(parse_number(count)?),
        ["elections", count] => Condition::Elections(parse_number(count)?),
        ["faults", count] => Condition::Faults(parse_number(count)?),
        ["ready", who] => Condition::Ready(parse_target(who)?),
        ["ended", who] => Condition::Ended(parse_target(who)?),
        ["left-behind", who] => Condition::LeftBehind(parse_target(who)?),
        ["gap", who] => Condition::Gap(parse_target(who)?),
        ["cut-off", who] => Condition::CutOff(parse_target(who)?),
        ["leads", who] => Condition::Leads(parse_target(who)?),
        ["time"] => Condition::Time,
        _ => return Err("unknown condition".into()),
    })
}

fn parse_all(words: &[&str]) -> Result<Vec<Target>, String> {
    if words.is_empty() {
        return Err("nobody is named".into());
    }
    words.iter().map(|word| parse_target(word)).collect()
}

fn parse_target(word: &str) -> Result<Target, String> {
    Ok(match word {
        "leader" => Target::Leader,
        "next" => Target::Next,
        "prev" => Target::Prev,
        "opposite" => Target::Opposite,
        "all" => Target::All,
        "others" => Target::Others,
        _ => Target::At(parse_number(word)?),
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
        let say = ScenarioAction::Say(vec![Target::Leader], "hello world".into());
        let expected = [
            (4, Statement::At(Duration::from_millis(1500), say)),
            (5, Statement::Until(Condition::NewLeader, Duration::from_secs(5))),
            (6, Statement::ExpectNot(Condition::ShownBy(Target::At(2), "a b".into()))),
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
