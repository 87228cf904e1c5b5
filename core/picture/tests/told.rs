//! What is told of a run, and of traces in which something is missing.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on is to panic")]

use ringchat_core::trace::MessageKind;
use ringchat_picture::trace::TraceReader;
use ringchat_picture::{Class, Format, Wanted, draw};
use ringchat_sim::scenario::play_lives;
use ringchat_trace::{EndLine, LifeLines, TraceEvent};
use serde_json::Value;

const CRASH: &str = "nodes 6 seed 3\nat 1s crash leader\nuntil converged within 5s\n";

fn lives_of(text: &str) -> Vec<LifeLines> {
    let (result, lives, _) = play_lives(text);
    result.unwrap();
    lives
}

/// As real machines tell it: nobody tells of faults.
fn real(text: &str) -> Vec<LifeLines> {
    let mut lives = lives_of(text);
    for life in &mut lives {
        life.header.sim = false;
        life.lines.retain(|line| !matches!(line.event, TraceEvent::Fault(_)));
        for (i, line) in (0..).zip(&mut life.lines) {
            line.i = i;
        }
    }
    lives
}

fn page(lives: &[LifeLines]) -> Value {
    let mut reader = TraceReader::default();
    for life in lives {
        reader.life(life).unwrap();
    }
    let wanted = Wanted { classes: Class::MESSAGES.into_iter().collect(), ..Wanted::default() };
    serde_json::from_str(&draw(&reader.finish(None).unwrap(), Format::Json, &wanted).unwrap().content)
        .unwrap()
}

fn list<'a>(page: &'a Value, what: &str) -> &'a [Value] {
    page[what].as_array().unwrap()
}

#[test]
fn one_death_is_one_gap_that_closes() {
    let page = page(&lives_of(CRASH));
    let words = list(&page, "events").iter().map(|event| {
        let pieces = event["say"].as_array().into_iter().flatten();
        pieces.filter_map(|piece| piece[0].as_str()).collect::<String>()
    });
    let mut closed: Vec<String> = words.filter(|words| words.starts_with("The ring closes: ")).collect();
    closed.dedup();
    assert_eq!(closed.len(), 1, "both ends of the gap tell of the same: {closed:?}");
}

#[test]
fn the_bound_of_clocks_is_never_told_as_nothing() {
    let page = page(&real("nodes 4 seed 2 delay 1ms\nat 1s crash leader\nuntil converged within 5s\n"));
    let bound = page["agree"].as_u64().unwrap();
    assert!((1..1_000).contains(&bound), "{bound}");
    let notes = list(&page, "notes");
    assert!(notes.contains(&format!("clocks agree within ± {bound} µs").into()), "{notes:?}");
}

#[test]
fn lines_that_were_taken_out_are_told_of() {
    let mut lives = real(CRASH);
    let note = |lives: &[LifeLines]| {
        let page = page(lives);
        list(&page, "notes").iter().find(|note| note.as_str().unwrap().starts_with("lines of")).cloned()
    };
    assert_eq!(note(&lives), None);
    let life = lives.iter_mut().find(|life| life.header.name == "m3").unwrap();
    let last = life.lines.iter().rposition(|line| matches!(line.event, TraceEvent::Recv(_)));
    life.lines.remove(last.unwrap());
    assert_eq!(note(&lives), Some("lines of m3 are missing".into()));
}

/// What was sent to the members called so, and what became of it.
fn fates<'a>(page: &'a Value, name: &str) -> Vec<&'a str> {
    let m = list(page, "members").iter().position(|member| member["name"] == name).unwrap();
    let to_it = list(page, "flights").iter().filter(|frame| frame["to"] == m);
    to_it.filter_map(|frame| frame["fate"].as_str()).collect()
}

/// The trace of a member from a time on, or up to it, as `/trace on` and `/trace off` leave it.
fn cut(life: &mut LifeLines, t: u64, is_begun: bool) {
    let introduces = |event: &TraceEvent| matches!(event, TraceEvent::Who(_) | TraceEvent::Room(_));
    if is_begun {
        life.header.wall += t;
        life.lines.retain(|line| line.t >= t || introduces(&line.event));
        life.lines.iter_mut().for_each(|line| line.t = line.t.saturating_sub(t));
    } else {
        life.lines.retain(|line| line.t < t);
        let mut last = life.lines.last().unwrap().clone();
        last.event = TraceEvent::End(EndLine { why: "off".into(), unsure: 0 });
        life.lines.push(last);
    }
    (0..).zip(&mut life.lines).for_each(|(i, line)| line.i = i);
}

#[test]
fn only_what_came_while_a_member_was_traced_can_be_lost() {
    const TALK: &str = "nodes 4 seed 3\nat 1s say 1 a\nat 3s say 2 b\nat 5s say 1 c\nuntil time within 6s\n\
                        at 0s leave 3\nuntil time within 1s\nat 0s leave 4\nuntil time within 1s\n";
    for is_simulated in [true, false] {
        let whole = if is_simulated { lives_of(TALK) } else { real(TALK) };
        let lost = fates(&page(&whole), "m3").iter().filter(|fate| **fate == "lost").count();
        for is_begun in [true, false] {
            let mut lives = whole.clone();
            cut(lives.iter_mut().find(|life| life.header.name == "m3").unwrap(), 4_000_000, is_begun);
            let page = page(&lives);
            let fates = fates(&page, "m3");
            let count = |wanted: &str| fates.iter().filter(|fate| **fate == wanted).count();
            assert!(count("arrived") > 3 && count("unseen") > 3, "{is_begun}: {fates:?}");
            assert!(count("lost") <= if is_begun { lost } else { 0 }, "{is_begun}: {fates:?}");
        }
    }
}

#[test]
fn a_token_whose_other_end_nobody_tells_of_bears_its_name() {
    let lives = real(CRASH);
    let life = lives.iter().find(|life| life.header.name == "m4").unwrap();
    let mut reader = TraceReader::default();
    reader.life(life).unwrap();
    let drawn = draw(&reader.finish(None).unwrap(), Format::Svg, &Wanted::default()).unwrap().content;
    let tokens = life.lines.iter().filter(|line| match &line.event {
        TraceEvent::Send(sent) => sent.what.k == MessageKind::Elect,
        TraceEvent::Recv(taken) => taken.what.k == MessageKind::Elect,
        _ => false,
    });
    assert!(tokens.clone().count() > 1);
    assert_eq!(drawn.matches("class=\"c b pt\"").count(), tokens.count());
}

#[test]
fn an_announcement_that_its_member_only_heard_counts() {
    let lives = real(CRASH);
    for life in &lives {
        let page = page(std::slice::from_ref(life));
        for election in list(&page, "elections").iter().filter(|election| !election["t2"].is_null()) {
            assert!(election["announced"].as_u64().unwrap() > 0, "{}: {election}", life.header.name);
        }
    }
}
