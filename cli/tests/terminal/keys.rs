//! No key delays the output.

use crate::Room;

/// Ctrl-Z, which stops, and Ctrl-\, which ends the program.
const ENDS: [u8; 2] = [0x1a, 0x1c];

#[test]
fn after_any_byte_a_line_is_shown_without_a_further_key() {
    let mut room = Room::new(&[]);
    for byte in (0..=255_u8).filter(|byte| !ENDS.contains(byte)) {
        // Some keys leave the room if there is no text.
        room.bob.keys("x");
        room.bob.press(&[byte]);
        room.eve.say(&format!("after byte {byte}."));
        assert!(room.shows(&format!("after byte {byte}.")));
    }
}

#[test]
fn after_any_key_with_alt_a_line_is_shown_without_a_further_key() {
    let mut room = Room::new(&[]);
    for byte in (0..128_u8).filter(|byte| !ENDS.contains(byte)) {
        room.bob.keys("x");
        room.bob.press(&[0x1b, byte]);
        room.eve.say(&format!("after alt {byte}."));
        assert!(room.shows(&format!("after alt {byte}.")));
        // Ends a sequence that the two bytes may have begun.
        room.bob.keys("~");
    }
}

#[test]
fn without_colour_lines_appear_and_pastes_are_guarded_as_with_it() {
    let mut room = Room::with(&[], &[("NO_COLOR", "1")]);
    room.type_in("half");
    room.eve.say("hello");
    assert!(room.shows("hello"));
    room.bob.keys("\u{1b}[200~a\u{9b}31mb\u{7}c\u{202e}\u{1b}[201~!");
    room.bob.wait_line(&format!("{} halfa31mbc!", room.prompt));
    let raw = String::from_utf8(room.bob.raw()).unwrap();
    assert!(!raw.contains(['\u{9b}', '\u{7}', '\u{202e}']));
    let coloured = raw.split('\u{1b}').skip(1).any(|sequence| {
        let end = sequence.find(|c: char| c.is_ascii_alphabetic());
        end.is_some_and(|end| sequence[end..].starts_with('m'))
    });
    assert!(!coloured, "{raw:?}");
}
