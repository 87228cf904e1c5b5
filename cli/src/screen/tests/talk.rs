//! Who says what, to whom it matters, and what is shown of it.

use super::*;
use crate::attention::BellKind;
use crate::presence::PresenceKind;

fn says(from: &Member, seq: u64, text: &str, occasion: Occasion) -> Notice {
    let texts = Text::new(text).unwrap().into();
    let said = Run::sham(RoomId::UNKNOWN, from.clone().into(), Seq(seq), Stamp(12), texts);
    Notice::Chat(Chat { index: Index(seq), said, mine: false, known_as: None, occasion, hidden: 0 })
}

/// Alice's screen, in a room of three.
fn alices() -> (Shown, [Member; 3]) {
    let members = [member("Alice", 1), member("Bob", 2), member("Carol", 3)];
    let mut shown = Shown::new(false, false);
    shown.notice(&ready(&members));
    (shown, members)
}

/// The lines after those that greet the user.
fn talk(shown: Shown) -> Vec<String> {
    shown.lines().split_off(4)
}

#[test]
fn what_somebody_does_is_shown_as_such() {
    let (mut shown, [_, bob, _]) = alices();
    shown.notice(&says(&bob, 1, "/me waves", Occasion::Live));
    assert_eq!(talk(shown), ["> * Bob(127.0.0.1:2)[12] waves"]);
}

#[test]
fn in_a_pipe_all_texts_have_one_form() {
    let mut shown = Shown::new(true, false);
    shown.notice(&says(&member("Bob", 2), 1, "/me waves", Occasion::Live));
    assert_eq!(shown.lines(), ["> Bob(127.0.0.1:2)[12]: /me waves"]);
}

#[test]
fn a_mention_is_of_the_user_by_another_just_now() {
    let (shown, [alice, bob, _]) = alices();
    let is_mention = |from: &Member, text: &str, mine: bool, occasion| {
        let Notice::Chat(chat) = says(from, 1, text, occasion) else { panic!("no chat") };
        let chat = Chat { mine, ..chat };
        chat.lines().all(|line| shown.screen.is_mention(&line))
    };
    assert!(is_mention(&bob, "hello @alice", false, Occasion::Live));
    assert!(!is_mention(&bob, "hello all", false, Occasion::Live));
    assert!(!is_mention(&alice, "I am Alice", true, Occasion::Live));
    assert!(!is_mention(&bob, "hello Alice", false, Occasion::WhileAway));
}

#[test]
fn the_bell_is_for_mentions_until_the_user_chooses_otherwise() {
    let (mut shown, members) = alices();
    assert_eq!(shown.screen.bell.kind, BellKind::Mentions);
    shown.ask(Request::Bell(None), &members);
    shown.ask(Request::Bell(Some(BellKind::Off)), &members);
    shown.ask(Request::Bell(None), &members);
    assert_eq!(shown.screen.bell.kind, BellKind::Off);
    assert_eq!(
        talk(shown),
        [
            "/// the terminal rings when somebody says your name ///",
            "/// the terminal does not ring ///",
            "/// the terminal does not ring ///",
        ]
    );
}

#[test]
fn whoever_is_ignored_is_not_shown_by_any_name_until_heard_again() {
    let (mut shown, members) = alices();
    let [_, bob, carol] = &members;
    shown.ask(Request::Ignore("bob".to_owned()), &members);
    let renamed = Member::new(bob.id, bob.addr(), Name::new("Robert").unwrap());
    shown.notice(&says(&renamed, 1, "Alice, hello", Occasion::Live));
    shown.notice(&says(carol, 1, "hi", Occasion::Live));
    shown.notice(&Notice::Left { member: bob.clone().into(), reason: Departure::Quit });
    shown.ask(Request::Ignored, &members);
    shown.ask(Request::Last(20), &members);
    shown.ask(Request::Unignore("bob".to_owned()), &members);
    shown.ask(Request::Ignored, &members);
    shown.ask(Request::Last(20), &members);
    let robert = format!("> Robert(127.0.0.1:2 {})[12]: Alice, hello", ShortKey::new(bob.id.key()));
    assert_eq!(
        talk(shown),
        [
            "/// texts of Bob(127.0.0.1:2) are not shown; /unignore Bob shows them again ///",
            "> Carol(127.0.0.1:3)[12]: hi",
            "/// Bob(127.0.0.1:2): 1 message not shown ///",
            "/// last 1 ///",
            "> Carol(127.0.0.1:3)[12]: hi",
            "/// now ///",
            "/// texts of Bob(127.0.0.1:2) are shown again ///",
            "/// you ignore nobody; /ignore NAME begins it ///",
            "/// last 2 ///",
            robert.as_str(),
            "> Carol(127.0.0.1:3)[12]: hi",
            "/// now ///",
        ]
    );
}

#[test]
fn the_log_has_what_an_ignored_member_says() {
    let (mut shown, members) = alices();
    shown.ask(Request::Ignore("bob".to_owned()), &members);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log");
    let mut log = ChatLog::new(file.clone());
    let said = says(&members[1], 1, "hi", Occasion::Live);
    Teller { log: &mut log, frontend: &mut shown.screen, people: &mut shown.people }.show(Stamp(9), &said);
    log.flush().unwrap();
    assert_eq!(std::fs::read_to_string(file).unwrap(), "9: Bob(127.0.0.1:2)[12]: hi\n");
    assert_eq!(talk(shown).len(), 1, "the screen has only the answer");
}

#[test]
fn the_last_texts_are_shown_again_with_ones_own_among_them() {
    let (mut shown, members) = alices();
    let [alice, bob, _] = &members;
    shown.notice(&says(bob, 1, "the Build is green", Occasion::Live));
    shown.notice(&message(alice.clone(), 1, true));
    shown.ask(Request::Last(20), &members);
    shown.ask(Request::Last(1), &members);
    shown.ask(Request::LastWith("bUILD".to_owned()), &members);
    shown.ask(Request::LastWith("red".to_owned()), &members);
    assert_eq!(
        talk(shown)[1..],
        [
            "/// last 2 ///",
            "> Bob(127.0.0.1:2)[12]: the Build is green",
            "> Alice(127.0.0.1:1)[12]: hi",
            "/// now ///",
            "/// last 1 ///",
            "> Alice(127.0.0.1:1)[12]: hi",
            "/// now ///",
            "/// last 1 with \"bUILD\" ///",
            "> Bob(127.0.0.1:2)[12]: the Build is green",
            "/// now ///",
            "/// no text with \"red\" is kept ///",
        ]
    );
}

#[test]
fn comings_and_goings_are_told_as_chosen_and_those_of_the_leader_always() {
    let (mut shown, members) = alices();
    let [alice, bob, carol] = &members;
    let lost = |member: &Member| Notice::Left { member: member.clone().into(), reason: Departure::Lost };
    shown.ask(Request::Presence(None), &members);
    shown.ask(Request::Presence(Some(PresenceKind::Recent)), &members);
    shown.notice(&says(bob, 1, "hi", Occasion::Live));
    shown.notice(&lost(carol));
    shown.notice(&lost(bob));
    shown.notice(&Notice::Joined { member: bob.clone().into() });
    shown.screen.caught_up();
    assert!(shown.screen.due().is_some_and(|due| due > Duration::from_secs(5)), "one waits");
    shown.ask(Request::Presence(Some(PresenceKind::None)), &members);
    shown.notice(&lost(bob));
    shown.notice(&lost(alice));
    assert_eq!(
        talk(shown),
        [
            "/// the screen tells who comes and goes ///",
            "/// the screen tells who comes and goes of those that spoke in the last ten minutes ///",
            "> Bob(127.0.0.1:2)[12]: hi",
            "/// Bob was lost ///",
            "/// the screen does not tell who comes and goes ///",
            "/// Alice was lost ///",
        ]
    );
}

#[test]
fn the_room_tells_how_others_join_it() {
    let (mut shown, members) = alices();
    shown.ask(Request::Room, &members);
    assert_eq!(
        talk(shown),
        [
            "/// open room of 3 members; you are Alice(127.0.0.1:1) ///",
            "/// others join with: ringchat 127.0.0.1:1 ///",
            "/// only this machine can reach you, because you listen on its loopback; -a chooses another address ///",
        ]
    );
}

#[test]
fn of_a_private_room_on_the_network_no_name_is_told_to_be_announced() {
    let (mut shown, members) = alices();
    let mut listing = Listing::sham("hush", true, members[0].addr());
    listing.is_private = true;
    shown.screen.show.listing = Some(listing);
    shown.ask(Request::Room, &members);
    shown.screen.announced(Stamp(3));
    let lines = talk(shown);
    assert_eq!(
        lines[1..3],
        [
            "/// without a name on the network, announced by you ///",
            "/// on the network others join with: ringchat --room hush --ticket ///",
        ]
    );
    let announced =
        "/// announced on the network, without a name: only those who have the ticket find this room ///";
    assert_eq!(lines.last().map(String::as_str), Some(announced));
}

#[test]
fn a_room_on_the_network_is_told_by_its_name_and_whether_it_is_announced() {
    let (mut shown, members) = alices();
    for (name, is_announced) in [("staff", false), ("our room", true)] {
        let listing = Listing::sham(name, is_announced, members[0].addr());
        shown.screen.show.listing = Some(listing);
        shown.ask(Request::Room, &members);
    }
    shown.screen.announced(Stamp(3));
    let lines = talk(shown);
    assert_eq!(
        lines[1..3],
        [
            "/// called \"staff\" on the network, not announced by you ///",
            "/// on the network others join with: ringchat --room staff ///",
        ]
    );
    let joined: Vec<_> = lines.iter().filter(|line| line.contains("our room")).collect();
    assert_eq!(
        joined,
        [
            "/// called \"our room\" on the network, announced by you ///",
            "/// on the network others join with: ringchat --room 'our room' ///",
            "/// announced on the network as \"our room\" ///",
        ]
    );
}

#[test]
fn where_two_rooms_have_one_name_others_are_told_an_address_too() {
    let (mut shown, members) = alices();
    shown.screen.show.listing = Some(Listing::sham("dup", true, members[0].addr()).with_twin());
    shown.ask(Request::Room, &members);
    let wanted =
        format!("/// on the network others join with: ringchat --room dup {} ///", members[0].addr());
    assert_eq!(talk(shown)[2], wanted);
}

#[test]
fn times_stand_before_lines_once_the_user_wants_them() {
    let (mut shown, members) = alices();
    shown.ask(Request::Times(None), &members);
    shown.notice(&says(&members[1], 1, "hi", Occasion::Live));
    shown.ask(Request::Last(1), &members);
    shown.ask(Request::Times(None), &members);
    let lines = talk(shown);
    assert!(lines[0].ends_with(" /// times are shown ///"), "{lines:?}");
    assert!(lines[1].ends_with(" > Bob(127.0.0.1:2)[12]: hi") && lines[1].as_bytes()[2] == b':', "{lines:?}");
    let first_day = Calendar::new(true, false).date(Line::default(), UnixTime(0));
    assert_eq!(lines[3], first_day[0].render(false), "the text came at the beginning of 1970");
    assert_eq!(lines.last().map(String::as_str), Some("/// no times are shown ///"));
}

#[test]
fn a_text_that_is_shown_again_later_is_in_doubt_only_if_it_was_when_it_came() {
    let (mut shown, members) = alices();
    shown.notice(&says(&members[1], 1, "in time", Occasion::Live));
    shown.screen.now = || UnixTime(121);
    shown.notice(&says(&members[1], 2, "by another clock", Occasion::Live));
    shown.screen.now = || UnixTime(500);
    shown.ask(Request::Last(2), &members);
    let lines = talk(shown);
    let doubt = "> Bob(127.0.0.1:2, 1970-01-01 00:00 UTC by its clock)[12]: by another clock";
    assert_eq!(
        lines,
        [
            "> Bob(127.0.0.1:2)[12]: in time",
            doubt,
            "/// last 2 ///",
            "> Bob(127.0.0.1:2)[12]: in time",
            doubt,
            "/// now ///",
        ]
    );
}
