//! Each exercise can be solved, and does not solve itself.

use alloc::borrow::ToOwned as _;
use alloc::string::String;

use serde_json::{Value, json};

use crate::Lab;
use crate::tests::{code, good, lab, more};

/// So long both are played, in microseconds.
const END: u64 = 30_000_000;

/// Plays the exercise with deeds so many milliseconds after the room has gathered.
fn played(lab: &mut Lab, n: u64, deeds: &[(u64, &str)]) -> Value {
    let mut run = good(lab, &json!({"ask": "exercise", "n": n}));
    let gathered = run["gathered"].as_u64().unwrap();
    for (at, deed) in deeds {
        let at = gathered + at * 1_000;
        more(lab, &run["run"], at);
        run = good(lab, &json!({"ask": "do", "run": run["run"], "at": at, "deed": deed}));
        assert_eq!(run["exercise"], n);
    }
    let answer = more(lab, &run["run"], END);
    assert!(answer["failure"].is_null(), "{}", answer["failure"]);
    answer["goal"].clone()
}

/// What is said of an exercise before anything is done and after the deeds that solve it.
fn solved(n: u64, deeds: &[(u64, &str)]) -> (String, String) {
    let mut lab = lab();
    let before = played(&mut lab, n, &[]);
    assert_eq!(before["done"], false, "{n} solves itself: {before}");
    let after = played(&mut lab, n, deeds);
    assert_eq!(after["done"], true, "{n}: {after}");
    let words = |goal: &Value| String::from(goal["words"].as_str().unwrap());
    (words(&before), words(&after))
}

#[test]
fn the_longest_log_is_guessed() {
    for (who, right) in [("dan", true), ("bob", false)] {
        let mut lab = lab();
        let run = good(&mut lab, &json!({"ask": "exercise", "n": 1}))["run"].clone();
        assert_eq!(more(&mut lab, &run, 500_000)["goal"]["words"], "no guess yet");
        assert_eq!(code(&mut lab, &json!({"ask": "guess", "run": run, "who": "nobody"})), "guess");
        good(&mut lab, &json!({"ask": "guess", "run": run, "who": who}));
        assert_eq!(more(&mut lab, &run, END)["goal"]["done"], right);
        assert_eq!(code(&mut lab, &json!({"ask": "guess", "run": run, "who": "dan"})), "guess");
    }
    let mut lab = lab();
    assert_eq!(played(&mut lab, 1, &[])["done"], false);
}

#[test]
fn a_goal_tells_nothing_of_what_is_not_shown_yet() {
    let mut lab = lab();
    let run = good(&mut lab, &json!({"ask": "exercise", "n": 1}));
    let (number, gathered) = (&run["run"], run["gathered"].as_u64().unwrap());
    good(&mut lab, &json!({"ask": "guess", "run": number, "who": "bob"}));
    let mut goal = |seen: u64| {
        let request = json!({"ask": "more", "run": number, "to": END, "have": 0, "seen": gathered + seen});
        good(&mut lab, &request)["goal"]["words"].as_str().unwrap().to_owned()
    };
    assert_eq!(goal(500_000), "you guess bob; play on");
    assert_eq!(goal(990_000), "you guess bob; play on");
    assert!(goal(9_000_000).starts_with("dan leads, not bob: "));
    assert!(goal(500_000).starts_with("dan leads, "), "what was shown stays shown");
}

#[test]
fn a_guess_can_be_made_until_the_end_is_shown_and_survives_a_deed() {
    let mut lab = lab();
    let run = good(&mut lab, &json!({"ask": "exercise", "n": 1}));
    let (number, gathered) = (&run["run"], run["gathered"].as_u64().unwrap());
    let request = json!({"ask": "more", "run": number, "to": END, "have": 0, "seen": gathered + 500_000});
    assert_eq!(good(&mut lab, &request)["goal"]["words"], "no guess yet");
    good(&mut lab, &json!({"ask": "guess", "run": number, "who": "dan"}));
    let other =
        good(&mut lab, &json!({"ask": "do", "run": number, "at": gathered + 500_000, "deed": "say bob hi"}));
    assert_eq!(other["guess"], "dan");
    let other = good(&mut lab, &json!({"ask": "undo", "run": other["run"]}));
    assert_eq!(other["guess"], "dan");
}

#[test]
fn the_winner_begins_and_no_message_is_spare() {
    let (before, after) = solved(2, &[(500, "crash ada bob cyd")]);
    assert_eq!((&*before, &*after), ("no election yet", "3 messages, one for each of 3 members"));
    let almost = played(&mut lab(), 2, &[(500, "crash ada")]);
    assert_eq!(almost, json!({"done": false, "words": "7 messages of 5 members; the fewest is 5"}));
}

#[test]
fn the_winner_is_the_last_that_one_token_reaches() {
    let (_, after) = solved(3, &[(500, "crash leader eve fay")]);
    assert_eq!(after, "5 of 5 messages, with one start");
    let almost = played(&mut lab(), 3, &[(500, "crash leader")]);
    assert_eq!(almost, json!({"done": false, "words": "7 of 9 messages, with one start"}));
}

#[test]
fn all_begin_in_a_descending_ring() {
    let (_, after) = solved(4, &[(500, "crash leader"), (500, "freeze bob")]);
    assert_eq!(after, "10 of 10 messages, with all starting");
    let almost = played(&mut lab(), 4, &[(500, "crash leader")]);
    assert_eq!(almost["done"], false, "one start is another case");
}

#[test]
fn two_members_begin_one_election() {
    let (before, after) = solved(5, &[(500, "crash leader"), (500, "freeze bob")]);
    assert!(before == "no election yet" && after.ends_with(" began the same election"), "{after}");
    assert_eq!(played(&mut lab(), 5, &[(500, "crash leader")])["words"], "one token only");
}

#[test]
fn a_dead_candidate_is_followed_by_another_election() {
    let (_, after) = solved(6, &[(500, "crash leader"), (520, "crash bob")]);
    assert_eq!(after, "the candidate of epoch 2 died, and cyd leads since epoch 3");
    let other = played(&mut lab(), 6, &[(500, "crash leader"), (520, "crash eve")]);
    assert_eq!(other["done"], false, "eve is no candidate: {other}");
}

#[test]
fn three_crashes_lose_nothing() {
    let says = [(200, "flood fay 5"), (2_000, "flood fay 5"), (4_000, "flood fay 5")];
    let [first, second, third] = says;
    let crash = |at| (at, "crash leader");
    let (before, after) = solved(7, &[first, crash(210), second, crash(2_010), third, crash(4_010)]);
    assert_eq!(before, "0 of 3 crashes, 0 of 15 messages with everybody");
    assert_eq!(after, "3 of 3 crashes, 15 of 15 messages with everybody");
    let late = played(&mut lab(), 7, &[(210, "crash leader next prev"), (9_000, "flood dan 15")]);
    assert_eq!(late["words"], "nobody typed between the crashes");
}

#[test]
fn both_sides_of_a_split_hear_what_the_other_said() {
    let split = (100, "partition ada bob cyd");
    let (before, after) =
        solved(8, &[split, (6_000, "say ada left"), (6_000, "say fay right"), (7_000, "heal")]);
    assert_eq!(before, "the room is whole");
    assert_eq!(after, "one ring, and each side knows what the other said");
    let one = played(&mut lab(), 8, &[split, (6_000, "say ada left"), (7_000, "heal")]);
    assert_eq!(one["words"], "one side has talked; the other has not");
}

#[test]
fn a_frozen_leader_finds_another_one() {
    let (before, after) = solved(9, &[(100, "freeze leader"), (6_000, "thaw ada")]);
    assert_eq!(before, "the leader has not been stopped yet: freeze it");
    assert!(after.ends_with(" and ada led at the same time, and there is one ring"), "{after}");
    let short = played(&mut lab(), 9, &[(100, "freeze leader"), (300, "thaw ada")]);
    assert_eq!(short["words"], "ada is stopped, thawed before another one led");
    let member = played(&mut lab(), 9, &[(100, "freeze cyd")]);
    assert_eq!(member["words"], "the leader has not been stopped yet: freeze it");
}

#[test]
fn the_clock_of_a_newcomer_leaps() {
    let (before, after) = solved(10, &[(20_000, "join cyd via ada")]);
    assert!(before.ends_with(", of 50") && after.ends_with(", of 50"), "{before} {after}");
}
