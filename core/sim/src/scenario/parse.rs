//! The reader of scenarios: a line, a statement.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use ringchat_core::limits::MAX_ROSTER;
use ringchat_core::{Config, Name, Occasion, Text};

use super::language::{
    BadDials, Condition, Impairment, Messages, Scenario, ScenarioAction, Statement, Target,
};
use crate::{Heal, Place, Quality};

/// No time is longer.
const MAX_SECONDS: u64 = 1_000_000;

/// An error repeats so many characters of a line.
const BRIEF: usize = 60;

/// Nobody says more at once.
const MAX_FLOOD: u64 = 1_000_000;

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
    let mut scenario = Scenario {
        ring: Vec::new(),
        seed: 1,
        delay: Quality::GOOD.most,
        detect: Config::DETECT,
        names: Vec::new(),
        statements: Vec::new(),
    };
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        parse_line(&mut scenario, number, &words).map_err(|problem| ParseError {
            line: number,
            problem: format!("{problem} in \"{}\"", brief(line)),
        })?;
    }
    if scenario.ring.is_empty() {
        return Err(ParseError { line: 1, problem: "no line names the first ring".into() });
    }
    Ok(scenario)
}

/// The names that were given so far.
type Names = [(Place, Name)];

fn parse_line(scenario: &mut Scenario, number: usize, words: &[&str]) -> Result<(), String> {
    let known = scenario.names.as_slice();
    let statement = match words {
        ["nodes", count, rest @ ..] => {
            scenario.ring = (1..=parse_place(count)?).collect();
            return parse_head(scenario, rest);
        }
        ["ring", rest @ ..] => return parse_ring(scenario, rest),
        ["name", place, name] => {
            let named = (parse_place(place)?, parse_name(known, name)?);
            scenario.names.push(named);
            return Ok(());
        }
        ["at", time, action @ ..] => Statement::At(parse_time(time)?, parse_action(known, action)?),
        ["until", condition @ .., "within", time] => {
            Statement::Until(parse_condition(known, condition)?, parse_time(time)?)
        }
        ["quiet", "for", time] => Statement::Quiet(parse_time(time)?),
        ["expect", "not", condition @ ..] => Statement::ExpectNot(parse_condition(known, condition)?),
        ["expect", condition @ ..] => Statement::Expect(parse_condition(known, condition)?),
        _ => return Err("unknown statement".into()),
    };
    scenario.statements.push((number, statement));
    Ok(())
}

fn parse_ring(scenario: &mut Scenario, words: &[&str]) -> Result<(), String> {
    let places = words.iter().take_while(|word| !matches!(**word, "seed" | "delay" | "detect")).count();
    scenario.ring = words[..places].iter().map(|word| parse_place(word)).collect::<Result<_, _>>()?;
    let all: BTreeSet<&Place> = scenario.ring.iter().collect();
    if all.len() < scenario.ring.len() {
        return Err("a place is named twice".into());
    }
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
        ["detect", time, rest @ ..] => {
            scenario.detect = parse_time(time)?;
            if scenario.detect < Duration::from_millis(10) {
                return Err("detect has to be 10ms or more".into());
            }
            parse_head(scenario, rest)
        }
        _ => Err("unknown words after the nodes".into()),
    }
}

fn parse_action(known: &Names, words: &[&str]) -> Result<ScenarioAction, String> {
    Ok(match words {
        ["say", who, text @ ..] => {
            let text = text.join(" ");
            Text::new(&text).map_err(|error| error.to_string())?;
            ScenarioAction::Say(vec![parse_target(known, who)?], text)
        }
        ["flood", who, count] => {
            ScenarioAction::Flood(vec![parse_target(known, who)?], parse_up_to(count, MAX_FLOOD)?)
        }
        ["crash", who @ ..] => ScenarioAction::Crash(parse_all(known, who)?),
        ["power-off", who @ ..] => ScenarioAction::PowerOff(parse_all(known, who)?),
        ["restart", who @ .., "via", contact] => {
            ScenarioAction::Restart(parse_all(known, who)?, parse_target(known, contact)?)
        }
        ["freeze", who @ ..] => ScenarioAction::Freeze(parse_all(known, who)?),
        ["sleep", who] => ScenarioAction::Sleep(parse_target(known, who)?),
        ["thaw", who @ ..] => ScenarioAction::Thaw(parse_all(known, who)?),
        ["leave", who @ ..] => ScenarioAction::Leave(parse_all(known, who)?),
        ["join", rest @ ..] => {
            let via = rest.iter().position(|word| *word == "via").ok_or("no contact is named")?;
            ScenarioAction::Join(parse_all(known, &rest[..via])?, parse_all(known, &rest[via + 1..])?)
        }
        ["cut", from, to] => ScenarioAction::Cut(parse_target(known, from)?, parse_target(known, to)?),
        ["partition", who @ ..] => ScenarioAction::Partition(parse_all(known, who)?),
        ["heal"] => ScenarioAction::Heal(Heal::Deliver),
        ["heal", "reset"] => ScenarioAction::Heal(Heal::Reset),
        _ => ScenarioAction::Impair(parse_impairment(known, words)?),
    })
}

fn parse_impairment(known: &Names, words: &[&str]) -> Result<Impairment, String> {
    Ok(match words {
        ["freeze-for-ever", who @ ..] => Impairment::FreezeForEver(parse_all(known, who)?),
        ["break", who @ .., "link", n] => Impairment::Break(parse_all(known, who)?, parse_number(n)?),
        ["break", who @ ..] => Impairment::Break(parse_all(known, who)?, 0),
        ["half-open", who @ .., "link", n] => Impairment::HalfOpen(parse_all(known, who)?, parse_number(n)?),
        ["half-open", who @ ..] => Impairment::HalfOpen(parse_all(known, who)?, 0),
        ["slow", who, pace] => Impairment::Slow(parse_target(known, who)?, parse_number(pace)?),
        ["late", who, time] => Impairment::Late(parse_target(known, who)?, parse_time(time)?),
        ["clock", who, "forward", time] => Impairment::Jump(parse_target(known, who)?, parse_micros(time)?),
        ["clock", who, "back", time] => Impairment::Jump(parse_target(known, who)?, -parse_micros(time)?),
        ["queues", who, bytes] => Impairment::Queues(parse_target(known, who)?, parse_number(bytes)?),
        ["dials", "refused", count] => Impairment::Dials(BadDials::Refused(parse_number(count)?)),
        ["dials", "lost", count] => Impairment::Dials(BadDials::Lost(parse_number(count)?)),
        _ => return Err("unknown action".into()),
    })
}

fn parse_condition(known: &Names, words: &[&str]) -> Result<Condition, String> {
    Ok(match words {
        ["converged"] => Condition::Converged,
        ["merged"] => Condition::Merged,
        ["settled"] => Condition::Settled,
        ["new-leader"] => Condition::NewLeader,
        ["shown-by-all", text @ ..] => Condition::ShownBy(Target::All, text.join(" ")),
        ["shown-by", who, text @ ..] => Condition::ShownBy(parse_target(known, who)?, text.join(" ")),
        ["live", who, text @ ..] => {
            Condition::ShownAs(Occasion::Live, parse_target(known, who)?, text.join(" "))
        }
        ["while-away", who, text @ ..] => {
            Condition::ShownAs(Occasion::WhileAway, parse_target(known, who)?, text.join(" "))
        }
        ["other-ring", who, text @ ..] => {
            Condition::ShownAs(Occasion::OtherRing, parse_target(known, who)?, text.join(" "))
        }
        ["members", count] => Condition::Members(parse_number(count)?),
        ["rings", count] => Condition::Rings(parse_number(count)?),
        ["elections", count] => Condition::Elections(parse_number(count)?),
        ["election-messages", "best"] => Condition::ElectionMessages(Messages::Best),
        ["election-messages", "worst"] => Condition::ElectionMessages(Messages::Worst),
        ["election-messages", count] => Condition::ElectionMessages(Messages::Exactly(parse_number(count)?)),
        ["lost", count] => Condition::Lost(parse_number(count)?),
        ["faults", count] => Condition::Faults(parse_number(count)?),
        ["ready", who] => Condition::Ready(parse_target(known, who)?),
        ["ended", who] => Condition::Ended(parse_target(known, who)?),
        ["left-behind", who] => Condition::LeftBehind(parse_target(known, who)?),
        ["gap", who] => Condition::Gap(parse_target(known, who)?),
        ["cut-off", who] => Condition::CutOff(parse_target(known, who)?),
        ["leads", who] => Condition::Leads(parse_target(known, who)?),
        ["time"] => Condition::Time,
        _ => return Err("unknown condition".into()),
    })
}

fn parse_all(known: &Names, words: &[&str]) -> Result<Vec<Target>, String> {
    if words.is_empty() {
        return Err("no target is named".into());
    }
    words.iter().map(|word| parse_target(known, word)).collect()
}

fn parse_target(known: &Names, word: &str) -> Result<Target, String> {
    Ok(match word {
        "leader" => Target::Leader,
        "next" => Target::Next,
        "prev" => Target::Prev,
        "opposite" => Target::Opposite,
        "all" => Target::All,
        "others" => Target::Others,
        _ => match known.iter().find(|(_, name)| name.as_str() == word) {
            Some((place, _)) => Target::At(*place),
            None => Target::At(parse_place(word)?),
        },
    })
}

fn parse_place(word: &str) -> Result<Place, String> {
    let most = Place::try_from(MAX_ROSTER).unwrap_or(Place::MAX);
    parse_up_to(word, most)
        .and_then(|place| if place > 0 { Ok(place) } else { Err("places count from 1".into()) })
}

/// A name that is no target yet.
fn parse_name(known: &Names, word: &str) -> Result<Name, String> {
    let is_target = parse_target(known, word).is_ok() || word.bytes().all(|byte| byte.is_ascii_digit());
    if is_target || matches!(word, "via" | "link") {
        return Err(format!("\"{word}\" means something else already"));
    }
    Name::new(word).map_err(|error| error.to_string())
}

/// Reads a time: `1.5s`, `20ms`; at most 1,000,000 s.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn parse_time(word: &str) -> Result<Duration, String> {
    let time = match word.strip_suffix("ms") {
        Some(millis) => millis.parse().ok().map(Duration::from_millis),
        None => word.strip_suffix('s').and_then(|seconds| seconds.parse().ok()).and_then(of_seconds),
    };
    let word = brief(word);
    match time {
        Some(time) if time <= Duration::from_secs(MAX_SECONDS) => Ok(time),
        Some(_) => Err(format!("\"{word}\" is longer than {MAX_SECONDS}s")),
        None => Err(format!("\"{word}\" is not a time; write it as 1.5s, or in whole milliseconds as 20ms")),
    }
}

fn of_seconds(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}

/// As much of a text as an error repeats.
pub fn brief(text: &str) -> String {
    match text.char_indices().nth(BRIEF) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or(text)),
        None => text.into(),
    }
}

fn parse_micros(word: &str) -> Result<i64, String> {
    i64::try_from(parse_time(word)?.as_micros()).map_err(|_| format!("\"{word}\" is too long"))
}

fn parse_up_to<T: core::str::FromStr + PartialOrd + Copy + fmt::Display>(
    word: &str,
    most: T,
) -> Result<T, String> {
    let number = parse_number(word)?;
    if number > most { Err(format!("{word} is more than {most}")) } else { Ok(number) }
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

    #[test]
    fn a_time_is_at_most_a_million_seconds_in_either_unit() {
        for (word, seconds) in [("1000000s", 1_000_000), ("1000000000ms", 1_000_000), ("1.0s", 1), ("0s", 0)]
        {
            assert_eq!(parse_time(word), Ok(Duration::from_secs(seconds)), "{word}");
        }
        for (word, told) in [
            ("1000000.1s", "\"1000000.1s\" is longer than 1000000s"),
            ("1000000001ms", "\"1000000001ms\" is longer than 1000000s"),
            ("1.5ms", "\"1.5ms\" is not a time; write it as 1.5s, or in whole milliseconds as 20ms"),
            ("soon", "\"soon\" is not a time; write it as 1.5s, or in whole milliseconds as 20ms"),
        ] {
            assert_eq!(parse_time(word), Err(told.into()));
        }
        assert!(
            ["-1s", "NaNs", "infs", "1e40s", "5", "s", "ms"].iter().all(|word| parse_time(word).is_err())
        );
    }

    #[test]
    fn an_error_repeats_the_beginning_of_a_long_line() {
        let error = parse(&format!("nodes 3\nat 0s say 1 {}", "é".repeat(20_000))).unwrap_err();
        assert!(error.problem.ends_with("ééé…\"") && error.problem.chars().count() < 160, "{error}");
    }

    #[test]
    fn names_are_targets_from_their_line_on() {
        let scenario = parse("nodes 3 detect 300ms\nname 2 bob\nat 1s crash bob 3").unwrap();
        let crash = ScenarioAction::Crash(vec![Target::At(2), Target::At(3)]);
        assert_eq!(scenario.statements, [(3, Statement::At(Duration::from_secs(1), crash))]);
        assert_eq!(scenario.detect, Duration::from_millis(300));
        for line in ["at 1s crash bob", "name 2 leader", "name 2 7", "name 0 bob", "name 2 a\u{7}b", "name 2"]
        {
            assert!(parse(&format!("nodes 3\n{line}")).is_err(), "{line}");
        }
        assert!(parse("nodes 3\nname 1 bob\nname 2 bob").is_err());
    }

    #[test]
    fn what_would_take_more_than_a_room_or_a_lifetime_is_refused() {
        for text in [
            "nodes 4000000000".into(),
            "nodes 0".into(),
            "ring 1 2 1".into(),
            "nodes 3\nat 0s flood 1 99999999999".into(),
            "nodes 3\nat 99999999999999ms heal".into(),
            format!("nodes 3\nat 0s say 1 {}", "x".repeat(20_000)),
        ] {
            assert!(parse(&text).is_err(), "{}", text.get(..40).unwrap_or(&text));
        }
    }
}
