//! A page that appends what a feed hands out holds the whole run, whatever the run has become.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on is to panic")]

use ringchat_picture::trace::{MergedRun, TraceReader};
use ringchat_picture::{Feed, Format, Wanted, draw};
use ringchat_sim::scenario::play_lives;
use ringchat_trace::LifeLines;
use serde_json::{Map, Value, json};

const CRASH: &str = "ring 6 2 4 1 3 5 seed 7 delay 9ms\nat 100ms say 2 hi\nat 600ms crash leader\n\
                     until converged within 5s\nat 300ms say 1 still here\nuntil time within 500ms\n";
const SPLIT: &str = "nodes 5 seed 3 delay 5ms\nat 200ms crash 2\nuntil converged within 5s\n";

fn lives_of(script: &str) -> Vec<LifeLines> {
    let (result, lives, _) = play_lives(script);
    result.unwrap();
    lives
}

/// What the members did up to a moment, in microseconds.
fn run_until(script: &str, end: u64) -> MergedRun {
    until(lives_of(script), end)
}

fn until(mut lives: Vec<LifeLines>, end: u64) -> MergedRun {
    let start = lives.iter().map(|life| life.header.wall).min().unwrap();
    let mut reader = TraceReader::default();
    for life in &mut lives {
        let late = life.header.wall - start;
        life.lines.retain(|line| late + line.t <= end);
        reader.life(life).unwrap();
    }
    reader.finish(None).unwrap()
}

/// The whole as a page holds it: each log under its member, an empty one as none.
fn whole(run: &MergedRun) -> Value {
    let content = draw(run, Format::Json, &Wanted::default()).unwrap().content;
    let Value::Object(mut page) = serde_json::from_str(&content).unwrap() else { panic!("no object") };
    let logs = page.remove("logs").unwrap();
    page.insert("logs".into(), json!({}));
    let mut page = Value::Object(page);
    append(&mut page, &json!({ "logs": logs }));
    page
}

/// As the page does it.
fn append(page: &mut Value, part: &Value) {
    let page = page.as_object_mut().unwrap();
    let none = Map::new();
    let from = part["from"].as_object().unwrap_or(&none);
    for (name, new) in part.as_object().unwrap() {
        if name == "logs" {
            let logs = page.entry("logs").or_insert(json!({}));
            for log in new.as_array().unwrap() {
                let key = log["m"].to_string();
                let mut cells = logs[&key].as_array().cloned().unwrap_or_default();
                cells.truncate(usize::try_from(log["from"].as_u64().unwrap_or(0)).unwrap());
                cells.extend(log["cells"].as_array().unwrap().iter().cloned());
                logs[&key] = cells.into();
            }
            logs.as_object_mut().unwrap().retain(|_, cells| cells != &json!([]));
        } else if let Some(from) = from.get(name) {
            let list = page.entry(name).or_insert(json!([])).as_array_mut().unwrap();
            list.truncate(usize::try_from(from.as_u64().unwrap()).unwrap());
            list.extend(new.as_array().unwrap().iter().cloned());
        } else if name != "from" {
            page.insert(name.clone(), new.clone());
        }
    }
    // A page that gets everything anew drops the logs of members that are no more.
    let members = page.get("members").and_then(Value::as_array).map_or(usize::MAX, Vec::len);
    if let Some(logs) = page["logs"].as_object_mut() {
        logs.retain(|m, _| m.parse::<usize>().unwrap() < members);
    }
}

/// Draws it, and lets a page that has the drawing before take what is new. Returns the size of that.
fn take(feed: &mut Feed, page: &mut Value, run: &MergedRun) -> usize {
    let have = feed.version();
    feed.draw(run, &Wanted::default()).unwrap();
    let part = feed.since(have);
    append(page, &serde_json::from_str(&part).unwrap());
    part.len()
}

#[test]
fn a_run_that_grows_is_whole_at_each_step_and_little_is_sent() {
    let (mut feed, mut page) = (Feed::default(), json!({}));
    let (lives, mut sent) = (lives_of(CRASH), Vec::new());
    for end in (100_000..=2_000_000).step_by(20_000) {
        let run = until(lives.clone(), end);
        sent.push(take(&mut feed, &mut page, &run));
        assert_eq!(page, whole(&run), "until {end}");
    }
    let all = whole(&run_until(CRASH, 2_000_000)).to_string().len();
    let much = sent.iter().filter(|size| **size > all / 4).count();
    assert!(much <= 3 && sent.iter().sum::<usize>() < 4 * all, "{all}: {sent:?}");
}

#[test]
fn two_runs_in_turn_are_each_whole() {
    let (mut feed, mut page) = (Feed::default(), json!({}));
    let [crash, split] = [CRASH, SPLIT].map(|script| run_until(script, 3_000_000));
    for run in [&crash, &split, &crash, &split] {
        take(&mut feed, &mut page, run);
        assert_eq!(page, whole(run));
    }
}

#[test]
fn the_same_run_drawn_again_is_no_news() {
    let mut feed = Feed::default();
    assert_eq!((feed.version(), feed.since(0).as_str()), (0, "{}"));
    feed.draw(&run_until(CRASH, 400_000), &Wanted::default()).unwrap();
    let longer = run_until(CRASH, 700_000);
    feed.draw(&longer, &Wanted::default()).unwrap();
    let news = feed.since(1);
    feed.draw(&longer, &Wanted::default()).unwrap();
    assert_eq!((feed.version(), feed.since(2).as_str()), (2, "{}"));
    assert_eq!(feed.since(1), news, "the difference stays that to the version before");
}

#[test]
fn a_page_that_has_none_or_an_unknown_drawing_gets_the_whole() {
    let mut feed = Feed::default();
    for end in [300_000, 500_000, 700_000] {
        feed.draw(&run_until(CRASH, end), &Wanted::default()).unwrap();
    }
    for have in [0, 1, 77, u64::MAX] {
        // Whatever the page had before, also that of another room.
        let mut page = whole(&run_until(SPLIT, 3_000_000));
        append(&mut page, &serde_json::from_str(&feed.since(have)).unwrap());
        let run = whole(&run_until(CRASH, 700_000));
        assert_eq!(page["logs"], run["logs"], "{have}");
        assert_eq!(page, run, "{have}");
    }
}

#[test]
fn a_run_of_which_one_member_tells_is_seen_by_that_member() {
    let lives = lives_of(CRASH);
    let mut reader = TraceReader::default();
    reader.life(&lives[2]).unwrap();
    let page = whole(&reader.finish(None).unwrap());
    let seen_by = usize::try_from(page["seen_by"].as_u64().unwrap()).unwrap();
    assert_eq!(page["members"][seen_by]["file"], true);
    assert_eq!(whole(&run_until(CRASH, 700_000))["seen_by"], Value::Null);
}
