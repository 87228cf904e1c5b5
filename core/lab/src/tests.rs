//! The lab as a page uses it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::*;
use crate::bounds::LONGEST;

const ROOM: &str = "nodes 4 seed 7 delay 9ms";

pub(crate) fn lab() -> Lab {
    Lab::new(ROOM).unwrap()
}

pub(crate) fn ask(lab: &mut Lab, request: &Value) -> Value {
    serde_json::from_str(&lab.ask(&request.to_string())).unwrap()
}

/// An answer that is no error.
pub(crate) fn good(lab: &mut Lab, request: &Value) -> Value {
    let answer = ask(lab, request);
    assert!(answer.get("error").is_none(), "{request}: {answer}");
    answer
}

/// The last answer to `more`, once it is not busy any more.
pub(crate) fn more(lab: &mut Lab, run: &Value, to: u64) -> Value {
    loop {
        let answer = good(lab, &json!({"ask": "more", "run": run, "to": to, "have": 0}));
        if answer["busy"] == false {
            return answer;
        }
    }
}

pub(crate) fn code(lab: &mut Lab, request: &Value) -> String {
    let answer = ask(lab, request);
    assert!(answer["error"]["message"].as_str().is_some_and(|message| message.len() > 20), "{answer}");
    answer["error"]["code"].as_str().unwrap().into()
}

fn numbers(runs: &Value) -> Vec<u64> {
    runs.as_array().unwrap().iter().map(|run| run["run"].as_u64().unwrap()).collect()
}

#[test]
fn a_lab_begins_with_a_room_whose_members_have_names() {
    let mut lab = lab();
    let hello = good(&mut lab, &json!({"ask": "hello"}));
    assert_eq!((&hello["kind"], &hello["current"]), (&json!("lab"), &json!(1)));
    let run = &hello["runs"][0];
    assert_eq!(run["script"], "nodes 4 seed 7 delay 9ms\nname 1 ada\nname 2 bob\nname 3 cyd\nname 4 dan");
    assert_eq!(run["members"][3], json!({"place": 4, "name": "dan"}));
    assert!(run["gathered"].as_u64().unwrap() > 0 && run["parent"].is_null() && run["exercise"].is_null());
    assert_eq!(hello["exercises"].as_array().unwrap().len(), 10);
    assert_eq!(hello["exercises"][3]["n"], 4);
}

#[test]
fn a_page_gets_the_whole_run_and_then_only_what_is_new() {
    let mut lab = lab();
    let first = more(&mut lab, &json!(1), 3_000_000);
    assert_eq!((&first["now"], &first["version"]), (&json!(3_000_000), &json!(1)));
    assert!(first["part"]["events"].as_array().unwrap().len() > 10);
    let quiet = good(&mut lab, &json!({"ask": "more", "run": 1, "to": 9_000_000, "have": 1}));
    assert_eq!(
        (&quiet["now"], &quiet["version"], &quiet["part"]),
        (&json!(9_000_000), &json!(1), &json!({}))
    );
    let back = good(&mut lab, &json!({"ask": "more", "run": 1, "to": 1_000, "have": 1}));
    assert_eq!(back["now"], 9_000_000, "what is played stays played");
}

#[test]
fn a_deed_in_the_past_makes_a_branch_that_can_be_kept_apart() {
    let mut lab = lab();
    more(&mut lab, &json!(1), 3_000_000);
    let request = json!({"ask": "do", "run": 1, "at": 1_285_000, "deed": " crash leader ", "keep": true});
    let branch = good(&mut lab, &request);
    assert_eq!((&branch["run"], &branch["parent"]), (&json!(2), &json!(1)));
    assert_eq!(branch["label"], "crash leader at 1.285s");
    let gathered = branch["gathered"].as_u64().unwrap();
    let time = script::seconds(u128::from(1_285_000 - gathered));
    assert!(
        branch["script"].as_str().unwrap().ends_with(&format!("dan\nat {time} crash leader")),
        "{branch}"
    );
    let answer = more(&mut lab, &json!(2), 3_000_000);
    let whole = more(&mut lab, &json!(1), 3_000_000);
    let before = |answer: &Value| {
        let events = answer["part"]["events"].as_array().unwrap().iter();
        let events = events.filter(|event| event["t"].as_u64().unwrap() < 1_285_000);
        events
            .map(|event| format!("{} {} {} {}", event["t"], event["m"], event["lc"], event["what"]))
            .collect()
    };
    let (before, same): (Vec<String>, Vec<String>) = (before(&whole), before(&answer));
    assert!(before.len() > 50 && before == same, "the branch is the same run up to the deed");
    let faults = answer["part"]["faults"].as_array().unwrap();
    assert_eq!((faults.len(), &faults[0]["t"]), (1, &json!(1_285_000)));
    let replaced =
        good(&mut lab, &json!({"ask": "do", "run": 2, "at": 2_500_000, "deed": "join gus via all"}));
    assert_eq!((&replaced["run"], &replaced["parent"]), (&json!(3), &json!(1)));
    let script = replaced["script"].as_str().unwrap();
    assert!(script.contains("\nname 7 gus\n") && script.ends_with("s join gus via all"), "{script}");
    assert!(replaced["members"].as_array().unwrap().contains(&json!({"place": 7, "name": "gus"})));
    assert_eq!(numbers(&good(&mut lab, &json!({"ask": "hello"}))["runs"]), [1, 3]);
    assert_eq!(code(&mut lab, &json!({"ask": "more", "run": 2, "to": 1})), "run");
    let answer = more(&mut lab, &json!(3), 6_000_000);
    assert!(answer["part"]["members"].as_array().unwrap().iter().any(|member| member["name"] == "gus"));
}

#[test]
fn a_cut_keeps_what_was_done_by_then_and_counts_from_the_last_until() {
    let mut lab = lab();
    let text = "# a story\nnodes 3 seed 2\nat 1s say bob hi\nuntil shown-by-all hi within 2s\n# later\nat 2s crash ada\n\
                until converged within 5s\nexpect lost 0";
    let run =
        good(&mut lab, &json!({"ask": "start", "script": text.replace("bob", "2").replace("ada", "1")}));
    let gathered = run["gathered"].as_u64().unwrap();
    let played = more(&mut lab, &run["run"], 20_000_000);
    assert!(played["failure"].is_null(), "{played}");
    let done = |lab: &mut Lab, at: u64| {
        let request = json!({"ask": "do", "run": run["run"], "at": at, "deed": "heal", "keep": true});
        String::from(good(lab, &request)["script"].as_str().unwrap())
    };
    let early = done(&mut lab, gathered + 1_500);
    assert!(early.starts_with("# a story\n") && early.ends_with("name 3 cyd\nat 0.0015s heal"), "{early}");
    let before = done(&mut lab, gathered + 1_999_999);
    assert!(before.contains("\nuntil shown-by-all hi within 2s\n") && !before.contains("crash"), "{before}");
    let late = done(&mut lab, 19_000_000);
    assert!(late.contains("crash 1\nuntil converged within 5s\nexpect lost 0\nat 1"), "{late}");
    let replayed = more(&mut lab, &json!(5), 20_000_000);
    assert_eq!(replayed["failure"], Value::Null);
    let times: Vec<&Value> =
        replayed["part"]["faults"].as_array().unwrap().iter().map(|fault| &fault["t"]).collect();
    assert!(times.len() == 2 && *times[1] == 19_000_000, "the deed comes when it was asked for: {times:?}");
}

#[test]
fn a_script_becomes_shorter_and_another_one() {
    let mut lab = lab();
    more(&mut lab, &json!(1), 2_000_000);
    good(&mut lab, &json!({"ask": "do", "run": 1, "at": 1_000_000, "deed": "crash bob"}));
    let undone = good(&mut lab, &json!({"ask": "undo", "run": 2}));
    assert_eq!((&undone["run"], &undone["label"]), (&json!(3), &json!("the room")));
    assert!(!undone["script"].as_str().unwrap().contains("crash"));
    assert_eq!(code(&mut lab, &json!({"ask": "undo", "run": 3})), "undo");
    let edited = good(&mut lab, &json!({"ask": "edit", "run": 3, "script": "ring 3 1 2\nname 3 max"}));
    assert_eq!(edited["members"][0], json!({"place": 3, "name": "max"}));
    assert_eq!(numbers(&good(&mut lab, &json!({"ask": "close", "run": 4}))["runs"]), Vec::<u64>::new());
}

#[test]
fn the_oldest_run_that_is_no_ancestor_goes_first() {
    let mut lab = lab();
    more(&mut lab, &json!(1), 2_000_000);
    for run in 2..=8 {
        good(&mut lab, &json!({"ask": "start", "script": format!("nodes {run}")}));
    }
    let request = json!({"ask": "do", "run": 1, "at": 1_500_000, "deed": "crash 1", "keep": true});
    good(&mut lab, &request);
    assert_eq!(numbers(&good(&mut lab, &json!({"ask": "hello"}))["runs"]), [1, 3, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn what_does_not_hold_ends_a_run_and_is_told_with_its_line() {
    let mut lab = lab();
    let run =
        good(&mut lab, &json!({"ask": "start", "script": "nodes 2\nat 1s crash 2\nuntil rings 2 within 1s"}));
    let ended = more(&mut lab, &run["run"], 9_000_000);
    // The two lines with names come before.
    assert_eq!(ended["failure"]["line"], 5);
    let what = ended["failure"]["what"].as_str().unwrap();
    assert!(what.contains("until rings 2 within 1s") && what.contains("there are 1 rings"), "{what}");
    let now = ended["now"].as_u64().unwrap();
    assert!(now < 9_000_000);
    assert_eq!(code(&mut lab, &json!({"ask": "do", "run": 2, "at": now + 1, "deed": "heal"})), "time");
}

#[test]
fn what_cannot_be_done_is_refused_with_a_reason_and_changes_nothing() {
    let mut lab = lab();
    more(&mut lab, &json!(1), 2_000_000);
    let before = lab.ask(r#"{"ask":"hello"}"#);
    let deed = |at: u64, deed: &str| json!({"ask": "do", "run": 1, "at": at, "deed": deed});
    let start = |script: String| json!({"ask": "start", "script": script});
    let says = "\nat 1s say all x".repeat(501);
    for (request, expected) in [
        (json!({"ask": "dance"}), "request"),
        (json!({"ask": "more", "run": 1}), "request"),
        (json!({"ask": "more", "run": 1, "to": -1}), "request"),
        (json!([]), "request"),
        (json!({"ask": "close", "run": 7}), "run"),
        (json!({"ask": "exercise", "n": 0}), "exercise"),
        (json!({"ask": "exercise", "n": 11}), "exercise"),
        (start("nodes".into()), "script"),
        (start(String::new()), "script"),
        (start("nodes 65".into()), "too-much"),
        (start(format!("nodes 2{says}")), "too-much"),
        (start("nodes 60\nat 1s restart all via 1\nat 2s restart all via 1\nat 3s restart all via 1\nat 4s restart all via 1".into()), "too-much"),
        (start("nodes 9\nat 1s flood all 2000".into()), "too-much"),
        (start(format!("nodes 20\nat 1s say all {}", "x".repeat(16_000))), "too-much"),
        (start("nodes 2".repeat(10_000)), "too-much"),
        (deed(1, "crash leader"), "time"),
        (deed(2_000_001, "crash leader"), "time"),
        (deed(1_000_000, "dance"), "deed"),
        (deed(1_000_000, ""), "deed"),
        (deed(1_000_000, "heal\nat 1s heal"), "deed"),
        (deed(1_000_000, "crash nobody"), "deed"),
        (deed(1_000_000, "flood ada 1000000"), "too-much"),
        (json!({"ask": "undo", "run": 1}), "undo"),
        (json!({"ask": "guess", "run": 1, "who": "bob"}), "guess"),
    ] {
        assert_eq!(code(&mut lab, &request), expected, "{request}");
    }
    assert_eq!(lab.ask(r#"{"ask":"hello"}"#), before);
    assert!(Lab::new("nodes 0").is_err());
}

#[test]
fn a_lab_with_much_to_play_is_busy_and_makes_way_with_each_answer() {
    let mut lab = Lab::new("nodes 3 detect 20ms").unwrap();
    let (mut last, mut busy) = (0, 0);
    loop {
        let answer = good(&mut lab, &json!({"ask": "more", "run": 1, "to": 60_000_000, "have": 1_000_000}));
        let now = answer["now"].as_u64().unwrap();
        if answer["busy"] == false {
            assert_eq!(now, 60_000_000);
            break;
        }
        assert!(now > last, "it stays at {now}");
        (last, busy) = (now, busy + 1);
    }
    assert!(busy > 0, "one request played all");
}

#[test]
fn a_run_ends_at_its_bounds_and_says_what_to_do() {
    let mut lab = Lab::new("nodes 1").unwrap();
    let longest = u64::try_from(LONGEST.as_micros()).unwrap();
    let inside = more(&mut lab, &json!(1), longest);
    assert_eq!((&inside["now"], &inside["failure"]), (&json!(longest), &Value::Null));
    let beyond = more(&mut lab, &json!(1), u64::MAX);
    assert_eq!((&beyond["now"], &beyond["failure"]["line"]), (&json!(longest), &json!(0)));
    assert!(beyond["failure"]["what"].as_str().unwrap().contains("start another one"));
    let run =
        good(&mut lab, &json!({"ask": "start", "script": "nodes 6\nat 1s restart 2 via 1\nat 2s crash 1"}));
    let most = lab.runs[1].told() + 30;
    lab.runs[1].most = most;
    let told = more(&mut lab, &run["run"], longest);
    let what = told["failure"]["what"].as_str().unwrap();
    assert!(what.contains("too much happens") && what.contains("start another one"), "{what}");
    let lines = lab.runs[1].told();
    assert!((most..most + 500).contains(&lines), "{lines}");
    let now = &told["now"];
    assert_eq!(&more(&mut lab, &run["run"], longest)["now"], now, "it goes no further");
}

#[test]
fn the_largest_room_gathers_within_one_request() {
    let mut lab = Lab::new("nodes 64").unwrap();
    let hello = good(&mut lab, &json!({"ask": "hello"}));
    assert!(hello["runs"][0]["gathered"].as_u64().is_some(), "{hello}");
    assert_eq!(hello["runs"][0]["members"].as_array().unwrap().len(), 64);
}

#[test]
fn an_error_tells_the_line_of_the_text_as_it_was_written() {
    let mut lab = lab();
    for (script, line) in
        [("nodes 4 seed 7\nat 1s crash ada\nat 2s nonsense", 3), ("# a room\nnodes 2\nat x say ada hi", 3)]
    {
        let answer = ask(&mut lab, &json!({"ask": "start", "script": script}));
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("this script cannot be played: line {line}: ")), "{message}");
    }
}

#[test]
fn a_room_with_links_that_are_too_slow_tells_what_to_do() {
    let mut lab = lab();
    let run = good(&mut lab, &json!({"ask": "start", "script": "nodes 5 delay 5s"}));
    assert!(run["gathered"].is_null());
    let what =
        more(&mut lab, &run["run"], LONGEST.as_micros().try_into().unwrap())["failure"]["what"].clone();
    let what = what.as_str().unwrap();
    assert!(what.contains("links of up to 5s") && what.ends_with("make the delay smaller"), "{what}");
}
