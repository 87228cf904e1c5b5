//! Text that is typed, pasted, or typed before the prompt.

use tempfile::TempDir;

use crate::Room;
use crate::json_member::JsonMember;
use crate::pty::Terminal;

#[test]
fn line_ends_at_the_end_of_a_paste_are_not_sent() {
    let mut room = Room::new(&[]);
    room.keys("\u{1b}[200~one\rtwo\r\r\u{1b}[201~");
    room.bob.wait_line("  | two");
    room.bob.keys("\r");
    assert_eq!(room.eve.heard(), "one\ntwo");
}

#[test]
fn a_long_paste_is_sent_after_a_question_and_escape_goes_on_editing() {
    let mut room = Room::new(&[]);
    let text = (1..=12).map(|n| n.to_string()).collect::<Vec<_>>().join("\r");
    room.keys(&format!("\u{1b}[200~{text}\u{1b}[201~"));
    room.bob.wait_line("  | 12");
    room.bob.keys("\r");
    room.bob.wait_line("12 lines as one message? Enter sends, Esc goes on editing");
    room.bob.keys("\u{1b}");
    room.bob.wait("no question", |lines| lines.last().is_some_and(|line| line == "  | 12"));
    room.bob.keys("!\r");
    room.bob.wait_line("12 lines as one message? Enter sends, Esc goes on editing");
    room.bob.keys("\r");
    assert_eq!(room.eve.heard(), text.replace('\r', "\n") + "!");
}

#[test]
fn a_paste_of_many_megabytes_is_cut_and_keys_work_after_it() {
    let mut room = Room::new(&[]);
    room.keys(&format!("\u{1b}[200~{}\u{1b}[201~", "x".repeat(9 * 1024 * 1024)));
    room.bob.wait("a complaint", |lines| lines.iter().any(|line| line.contains("at most 64 KiB")));
    room.bob.keys("\u{3}after\r");
    assert_eq!(room.eve.heard(), "after");
}

#[test]
fn control_j_and_alt_enter_begin_a_new_line() {
    let mut room = Room::new(&[]);
    room.keys("one\ntwo\u{1b}\rthree");
    room.bob.wait_line("  | three");
    room.bob.keys("\r");
    assert_eq!(room.eve.heard(), "one\ntwo\nthree");
}

#[test]
fn the_first_control_c_clears_the_line_and_the_next_leaves() {
    let mut room = Room::new(&[]);
    room.type_in("half a");
    room.bob.keys("\u{3}");
    room.bob.wait_line(&room.prompt);
    room.keys("\u{1b}[A");
    room.bob.wait_line(&format!("{} half a", room.prompt));
    room.bob.keys("\u{3}\u{3}");
    assert_eq!(room.bob.exit().code(), Some(130));
    assert_eq!(room.eve.wait("left")["reason"], "quit");
}

#[test]
fn arrows_move_between_rows_and_then_through_what_was_typed_before() {
    let mut room = Room::new(&[]);
    room.keys("first\r");
    assert_eq!(room.eve.heard(), "first");
    room.keys("one\ntwo\u{1b}[A!\u{1b}[B?\r");
    assert_eq!(room.eve.heard(), "!one\ntwo?", "the row above has the prompt in that column");
    room.keys("fi\u{1b}[A\r");
    assert_eq!(room.eve.heard(), "first");
}

#[test]
fn a_mistake_is_taken_back_and_words_are_cut_and_put_elsewhere() {
    let mut room = Room::new(&[]);
    room.keys("one two\u{17}\u{1}\u{19} \u{5}\u{15}\u{1f}\r");
    assert_eq!(room.eve.heard(), "two one ");
}

#[test]
fn a_character_of_several_parts_is_deleted_whole() {
    let mut room = Room::new(&[]);
    room.keys("a👩\u{200d}👩\u{200d}👧e\u{301}\u{7f}\u{7f}b\r");
    assert_eq!(room.eve.heard(), "ab");
}

#[test]
fn lines_typed_before_the_prompt_are_sent_and_the_rest_can_be_edited() {
    let dir = TempDir::new().unwrap();
    let eve = JsonMember::start(dir.path(), &["-l", "-n", "Eve"]);
    let port = eve.addr.rsplit_once(':').unwrap().1.to_owned();
    eve.freeze();
    let mut bob = Terminal::start(dir.path(), &["-n", "Bob", "-na", "127.0.0.1", "-np", &port], &[]);
    bob.wait("joining", |lines| lines.iter().any(|line| line.contains("joining through")));
    bob.keys("early\rha");
    bob.wait("an echo", |lines| lines.last().is_some_and(|line| line == "ha"));
    eve.thaw();
    assert_eq!(eve.heard(), "early");
    bob.wait("what is half typed", |lines| {
        lines.last().is_some_and(|line| line.starts_with("> Bob(") && line.ends_with(": ha"))
    });
    bob.keys("lf\r");
    assert_eq!(eve.heard(), "half");
}

#[test]
fn blank_lines_are_no_messages() {
    let mut room = Room::new(&[]);
    room.keys("\r  \r\n\n\rtext\r");
    assert_eq!(room.eve.heard(), "text");
}

#[test]
fn commands_that_are_typed_ahead_are_answered_in_their_order() {
    let mut room = Room::new(&[]);
    room.keys("/rign\r/WHO\r/help clear\r/who eve\r/ring\r/fly away\r");
    let ring = "/// ring: Eve* -> Bob -> Eve (epoch 1) ///";
    let lines = room.bob.wait("all answers", |lines| {
        lines.iter().any(|line| line == ring)
            && lines.iter().filter(|line| line.contains("no such")).count() == 2
    });
    let answers: Vec<&String> = lines.iter().skip_while(|line| !line.contains("no such")).collect();
    let answers: Vec<&&String> = answers.iter().filter(|line| line.starts_with("///")).collect();
    let eve = format!("/// Eve({}), leads ///", room.eve.addr);
    assert!(answers[0].contains("did you mean /ring?"), "{answers:?}");
    assert_eq!(*answers[1], "/// 2 members ///");
    assert_eq!(**answers[2], eve);
    assert!(answers[3].ends_with(", you ///"), "{answers:?}");
    assert!(answers[4].starts_with("/// /clear"), "{answers:?}");
    assert_eq!(*answers[5], "/// 1 of 2 members ///");
    assert_eq!(**answers[6], eve);
    assert_eq!(**answers[7], ring);
    assert!(answers[8].contains("no such command"), "{answers:?}");
}

#[test]
fn last_words_are_said_before_leaving() {
    let mut room = Room::new(&[]);
    room.keys("/quit see you\r");
    assert_eq!(room.eve.heard(), "see you");
    assert_eq!(room.eve.wait("left")["reason"], "quit");
    assert_eq!(room.bob.exit().code(), Some(0));
}
