//! Texts of all kinds arrive as they were said.

use crate::support::{ReceivedEvent, Runtimes, TestRoom, on_every_runtime};

on_every_runtime! {
    texts_of_all_kinds_arrive_as_they_were_said
    a_text_too_long_is_refused_and_nothing_is_lost
    a_line_that_is_no_command_is_refused_and_nothing_is_lost
    a_text_of_no_characters_is_refused_and_every_answer_brings_its_ref_back
}

/// The length of the longest text in bytes.
const LONGEST: usize = 16 * 1024;

fn texts_of_all_kinds_arrive_as_they_were_said(runtimes: Runtimes) {
    let mut room = TestRoom::of(3, runtimes);
    for text in texts_of_all_kinds() {
        room.say(1, &text);
    }
    room.say(1, "the last");

    room.check_survivors(&[0, 1, 2]);
}

fn texts_of_all_kinds() -> Vec<String> {
    let planes = (0..=16_u32).filter_map(|plane| char::from_u32(plane * 0x1_0000 + 0xfffd)).collect();
    let first_of_planes = (1..=16_u32).filter_map(|plane| char::from_u32(plane * 0x1_0000)).collect();
    let controls = (0..=0x9f_u8).map(char::from).collect();
    vec![
        "x".repeat(LONGEST),
        "\u{10fffd}".repeat(LONGEST / 4),
        planes,
        first_of_planes,
        controls,
        "several\nlines\r\n\nof text\n".to_owned(),
        "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m".to_owned(),
        "\u{202e}right to left\u{2066}\u{2028}\u{e0041}".to_owned(),
        "e\u{301}".repeat(1000),
        r#"{"event":"bye","reason":"quit"}"#.to_owned(),
        "//exit".to_owned(),
    ]
}

fn a_text_too_long_is_refused_and_nothing_is_lost(runtimes: Runtimes) {
    let mut room = TestRoom::of(2, runtimes);
    room.say(1, "before");
    let line = serde_json::json!({"command": "say", "text": "x".repeat(LONGEST + 1)}).to_string();
    room.process(1).write_line(&line);
    room.say(1, "after");

    room.until_event(1, "it is refused", |event| matches!(event, ReceivedEvent::Error { fatal: false, .. }));
    room.check_survivors(&[0, 1]);
}

fn a_text_of_no_characters_is_refused_and_every_answer_brings_its_ref_back(runtimes: Runtimes) {
    let mut room = TestRoom::of(2, runtimes);
    room.process(1).write_line(r#"{"command":"say","text":"","ref":"say"}"#);
    for command in ["members", "ring", "stats"] {
        room.process(1).write_line(&serde_json::json!({"command": command, "ref": command}).to_string());
    }
    room.say(1, "after");

    room.check_survivors(&[0, 1]);
    room.record(1, |record| {
        let answers = record.tail(50);
        let answered = |event: &str, reference: &str| {
            let brings =
                |line: &str| line.contains(event) && line.contains(&format!(r#""ref":"{reference}""#));
            answers.iter().any(|line| brings(line))
        };
        assert!(answered(r#""code":"bad_command""#, "say"), "{answers:?}");
        for command in ["members", "ring", "stats"] {
            assert!(answered(&format!(r#""event":"{command}""#), command), "{answers:?}");
        }
    });
}

fn a_line_that_is_no_command_is_refused_and_nothing_is_lost(runtimes: Runtimes) {
    let mut room = TestRoom::of(2, runtimes);
    let lines = [
        "",
        "hello",
        "[]",
        "{}",
        r#"{"command":"dance"}"#,
        r#"{"command":"say"}"#,
        r#"{"command":"say","text":7}"#,
    ];
    for line in lines {
        room.process(1).write_line(line);
    }
    room.say(1, "after");

    room.check_survivors(&[0, 1]);
    let refused = room.record(1, |record| {
        record
            .events
            .iter()
            .filter(|event| matches!(event, ReceivedEvent::Error { fatal: false, .. }))
            .count()
    });
    assert!(
        refused >= lines.len() - 1,
        "{refused} of {} are refused; an empty line may be passed over",
        lines.len()
    );
}
