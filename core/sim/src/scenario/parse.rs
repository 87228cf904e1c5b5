//! The reader of scenarios: a line, a statement.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use ringchat_core::Occasion;

use super::language::{BadDials, Condition, Impairment, Scenario, ScenarioAction, Statement, Target};
use crate::{Heal, Quality};

/// The reason why a text is not a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// The problem, in words.
    pub problem: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.problem)
    }
}

impl core::error::Error for ParseError {}

/// Reads a scenario. Empty lines, and those that start with `#`, say nothing.
///
/// # Errors
/// The first line that is not a statement.
pub fn parse(text: &str) -> Result<Scenario, ParseError> {
    let mut scenario =
        Scenario { ring: Vec::new(), seed: 1, delay: Quality::GOOD.most, statements: Vec::new() };
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
        return Err(ParseError { line: 1, problem: "no line names the first ring".into() });
    }
    Ok(scenario)
}

fn parse_line(scenario: &mut Scenario, number: usize, words: &[&str]) -> Result<(), String> {
    let statement = match words {
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
        _ => return Err("unknown statement".into()),
    };
    scenario.statements.push((number, statement));
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
            let via = rest.iter().position(|word| *word == "via").ok_or("no contact is named")?;
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
        return Err("no target is named".into());
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
        _ => Err(format!("\"{word}\" is not a time")),
    }
}

fn parse_micros(word: &str) -> Result<i64, String> {
    i64::try_from(parse_time(word)?.as_micros()).map_err(|_| format!("\"{word}\" is too long"))
}

fn parse_number<T: core::str::FromStr>(word: &str) -> Result<T, String> {
    word.parse().map_err(|_| format!("\"{word}\" is neither a number nor a name"))
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
        assert_eq!(scenario.statements, expected);
    }

    #[test]
    fn an_unknown_line_is_told_by_its_number() {
        for line in ["at 1s dance 3", "at soon crash 3", "until heaven within 5s", "crash 3", "at 1s crash"] {
            let error = parse(&format!("nodes 3\n{line}")).unwrap_err();
            assert_eq!(error.line, 2, "{error}");
        }
    }
}
