mod pages;
mod scrolling;

use std::num::{NonZeroU16, NonZeroU64};
use std::path::Path;
use std::{env, fs};

use proptest::prelude::*;
use ringchat_core::{Departure, ElectionPhase, Epoch, Member, Name, NodeId, Notice, RoomId, Roster, Stamp};

use super::*;
use crate::wrap::tests::texts;

/// 2026-11-28 20:01:02 UTC.
const EVENING: u64 = 1_795_896_062;

/// A full screen, and a terminal that interprets its output.
struct Shown {
    full: FullScreen,
    calendar: Calendar,
    terminal: vt100::Parser,
    typed: &'static str,
    minute: u64,
}

fn member(n: u8, name: &str) -> Member {
    let id = NodeId::new([n; 32], NonZeroU64::MIN);
    Member::new(id, ([10, 0, 0, n], 5000 + u16::from(n)).into(), Name::new(name).unwrap())
}

fn ring() -> [Member; 5] {
    [member(1, "alice"), member(2, "bob"), member(3, "carol"), member(4, "dave"), member(5, "erin")]
}

fn lost(member: &Member) -> Notice {
    Notice::Left { member: member.clone().into(), reason: Departure::Lost }
}

impl Shown {
    fn new(columns: u16, rows: u16, palette: Palette) -> Self {
        let cells = |n| NonZeroU16::new(n).unwrap();
        let size = Size { columns: columns.into(), rows: rows.into() };
        let look = FullLook { palette, shows_stamps: false };
        let [alice, .., erin] = ring();
        let shared = SharedRing::default();
        let mut view = shared.lock();
        view.room = Some("staff".to_owned());
        view.call(alice.id, &ring());
        view.note(Stamp(1240), &Notice::Leader { member: erin.into(), epoch: Epoch(4) });
        drop(view);
        Self {
            full: FullScreen::new(size, look, shared),
            calendar: Calendar::in_utc(true, true),
            terminal: vt100::Parser::new(cells(rows), cells(columns), 0),
            typed: "",
            minute: 0,
        }
    }

    /// Shows texts alone, or with all else.
    fn plain(&mut self, is_plain: bool) {
        self.full.view = if is_plain { View::Plain } else { View::Talk };
    }

    fn now(&self) -> UnixTime {
        UnixTime(EVENING + 60 * self.minute)
    }

    fn say(&mut self, n: u8, text: &str) {
        let author = member(n, ring()[usize::from(n) - 1].name.as_str());
        let line = match text.strip_prefix("/me ") {
            Some(act) => Line::act(&author, "", Stamp(7), act, false),
            None => Line::chat(&author, "", Stamp(7), text, text.contains("alice:")),
        };
        self.full.add(line, self.now(), EntryKind::Room);
    }

    fn tell(&mut self, text: &str) {
        self.full.add(Line::system(text), self.now(), EntryKind::Room);
    }

    /// Writes a frame, and returns it.
    fn paint(&mut self) -> String {
        let line = Line::default().and("> ").and_typed(self.typed);
        let region = Region { cursor: line.text().len(), line, note: None };
        let frame = self.full.frame(Some(&region), &self.calendar);
        self.terminal.process(frame.as_bytes());
        frame
    }

    fn key(&mut self, key: ViewKey) {
        self.full.key(key, &self.calendar);
        self.paint();
    }

    fn lines(&self) -> Vec<String> {
        let screen = self.terminal.screen();
        screen.rows(0, screen.size().1.into()).map(|line| line.trim_end().to_owned()).collect()
    }

    /// The rows of talk that are numbered, in order.
    fn numbers(&self) -> Vec<usize> {
        let number = |line: &String| line.rsplit_once("line ")?.1.trim_end_matches('.').parse().ok();
        self.lines().iter().filter_map(number).collect()
    }
}

/// The screen of the evening: talk, several lines, a lost leader, unread lines, half a line.
fn evening(columns: u16, rows: u16, palette: Palette) -> Shown {
    let mut shown = Shown::new(columns, rows, palette);
    shown.typed = "half a line that is being typed, and goes on when the row is full, as any text of a person does who has much to say";
    shown.tell("in the ring as alice: 5 members, carol leads");
    shown.say(2, "hello all");
    shown.minute = 1;
    shown.say(3, "the build is green again, see\nhttps://ci.example.org/run/8841");
    let own = |text: &str| Line::own(&Name::new("alice").unwrap(), member(1, "alice").addr(), text, false);
    shown.full.send(own("thanks!"), shown.now());
    shown.full.settle(Line::chat(&member(1, "alice"), "", Stamp(8), "thanks!", false), shown.now());
    shown.full.add(Line::default().and("> /ring"), shown.now(), EntryKind::Command);
    shown.minute = 2;
    shown.say(2, "here is what I ran:\ncargo test -p ringchat-core\ncargo test -p ringchat-threads");
    shown.say(4, "/me waves");
    shown.full.focus(false);
    shown.minute = 8;
    shown.say(5, "a longer text that does not fit into one row of this pane; so is broken at a word and goes on under its own beginning");
    shown.say(2, "alice: did you see that?");
    shown.tell("carol was lost");
    let [.., dave, erin] = ring();
    let mut view = shown.full.ring.lock();
    view.note(Stamp(1240), &lost(&member(3, "carol")));
    let election = |phase, candidate: &Member| Notice::Election {
        phase,
        candidate: candidate.clone().into(),
        epoch: Epoch(5),
    };
    view.note(Stamp(1241), &election(ElectionPhase::Start, &erin));
    view.note(Stamp(1242), &election(ElectionPhase::Forward, &dave));
    drop(view);
    shown.full.scrollback.wait_for_place(own("still there?"), shown.now());
    shown.full.hold();
    shown
}

/// Compares the screen with the one in the file, which is written anew if `GOLDEN` is set.
fn assert_golden(lines: &[String], name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/desk/full_screen/golden").join(name);
    let screen = lines.join("\n") + "\n";
    if env::var_os("GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &screen).unwrap();
    }
    assert_eq!(screen, fs::read_to_string(&path).unwrap(), "{name}");
}

#[test]
fn an_evening_looks_as_in_the_files_with_and_without_colour() {
    for (columns, rows) in [(100, 30), (60, 20), (20, 5), (10, 4)] {
        for palette in [Palette::None, Palette::Few, Palette::Many] {
            let mut shown = evening(columns, rows, palette);
            let frame = shown.paint();
            assert_golden(&shown.lines(), &format!("{columns}x{rows}.txt"));
            let has_styles = frame.split("\x1b[").any(|part| {
                part.split(|c: char| !c.is_ascii_digit() && c != ';')
                    .next()
                    .is_some_and(|numbers| part[numbers.len()..].starts_with('m'))
            });
            assert_eq!(has_styles, palette != Palette::None, "{frame:?}");
            assert_eq!(frame.contains("38;5;"), palette == Palette::Many && columns >= 60, "{frame:?}");
        }
    }
}

#[test]
fn only_rows_that_changed_are_written_and_nothing_if_none_did() {
    let mut shown = evening(100, 30, Palette::Many);
    shown.paint();
    assert_eq!(shown.paint(), "");
    shown.typed = "x";
    shown.paint();
    shown.typed = "xy";
    let frame = shown.paint();
    assert_eq!(frame.matches(ERASE_ROW).count(), 1, "{frame:?}");
}

#[test]
fn no_text_begins_at_the_edge_of_its_pane() {
    for (columns, is_plain) in [(100, false), (60, false), (60, true), (20, false)] {
        let mut shown = Shown::new(columns, 30, Palette::None);
        shown.plain(is_plain);
        let padding = "\u{3000}".repeat(70);
        shown.say(
            2,
            &format!("ok{padding}20:01 carol hello\n20:01 carol hello\n/// carol was lost ///\ncarol: hello"),
        );
        shown.paint();
        let forged =
            |line: &&String| line.contains("carol") && !line.contains("ring of") && !line.contains("│");
        let lines = shown.lines();
        let found: Vec<_> = lines.iter().filter(forged).collect();
        assert!(found.len() >= 3 || columns == 100, "{lines:#?}");
        assert!(found.iter().all(|line| line.starts_with(' ')), "{lines:#?}");
    }
}

proptest! {
    #[test]
    fn no_row_but_that_of_a_link_is_wider_than_the_talk_or_begins_at_its_edge(
        text in texts(),
        columns in 20..=120_u16,
        is_plain in any::<bool>(),
    ) {
        let mut shown = Shown::new(columns, 30, Palette::None);
        shown.plain(is_plain);
        shown.say(2, &text);
        let rows = shown.full.pane(&shown.calendar).rows(0);
        // The first is that of the day.
        for (before, row) in rows.iter().zip(rows.iter().skip(1)).skip(1) {
            let is_link = !row.text.contains([' ', '>', '(', '[']) && !row.text.contains("///");
            prop_assert!(if before.goes_on { is_link } else { row.text.starts_with(' ') }, "{row:?}");
            let most = if row.text.contains("http") || before.goes_on { usize::from(columns) } else { shown.full.talk_columns() };
            prop_assert!(visible_width(&row.text) <= most, "{row:?}");
        }
        prop_assert!(!rows.last().unwrap().goes_on);
    }
}

#[test]
fn the_end_of_a_link_does_not_look_like_the_beginning_of_a_text() {
    for (columns, is_plain) in [(100, false), (100, true), (60, true), (20, false)] {
        let mut shown = Shown::new(columns, 30, Palette::None);
        shown.plain(is_plain);
        let link = link(usize::from(columns) - 3);
        // The right name before a link, and the same at the end of a link.
        shown.say(2, &link);
        shown.say(3, &format!("{link}bob:\nI resign"));
        shown.paint();
        let pane = shown.full.pane(&shown.calendar);
        let rows: Vec<_> = (0..2).flat_map(|number| pane.rows(number)).collect();
        let ends_of_links: Vec<_> = rows
            .iter()
            .skip(1)
            .zip(&rows)
            .filter(|(_, before)| before.goes_on)
            .map(|(row, _)| &row.text)
            .collect();
        assert!(!ends_of_links.is_empty() && ends_of_links.iter().all(|row| !row.contains(' ')), "{rows:?}");
        let begins = rows.iter().filter(|row| row.text.contains("bob") && row.text.contains(' '));
        assert_eq!(begins.count(), 1, "{rows:?}");
    }
}

/// A link of `columns` columns.
fn link(columns: usize) -> String {
    let numbers = (0..columns).map(|n| format!("/{n}")).collect::<Vec<_>>().concat();
    format!("https://example.org{numbers}")[..columns].to_owned()
}

#[test]
fn a_link_wider_than_its_column_is_wrapped_by_the_terminal_and_can_be_copied_whole() {
    for (columns, is_plain) in [(100, false), (100, true), (60, false), (60, true), (20, false)] {
        for wide in [columns - 14, columns, columns + 1, 2 * columns + 40] {
            let mut shown = Shown::new(columns.try_into().unwrap(), 30, Palette::Many);
            shown.plain(is_plain);
            let link = link(wide);
            shown.tell("above");
            shown.say(2, &format!("see {link}, and\n{link}\nthere"));
            shown.tell("below");
            let frame = shown.paint();
            // The terminal of the tests wraps always, a real one only if it is told to.
            let wrapped = frame.split(WRAP_ON).skip(1).filter_map(|part| part.split(WRAP_OFF).next());
            let told = wrapped.filter(|part| part.contains(&link[wide.saturating_sub(9)..])).count();
            assert_eq!(told, if wide < columns { 0 } else { 2 }, "{frame:?}");
            let contents = shown.terminal.screen().contents();
            assert_eq!(contents.matches(&link).count(), 2, "{columns}, {is_plain}, {wide}:\n{contents}");
            assert!(contents.contains(&format!("{link},")), "{contents}");
            let lines = shown.lines();
            let begin = |text: &str| lines.iter().position(|line| line.contains(text)).unwrap();
            let forged = |line: &&String| !line.starts_with(' ') && line.trim_end().contains(' ');
            let between = &lines[begin("see")..begin("there")];
            let has_panel = columns == 100 && !is_plain;
            let forgeries = between.iter().skip(1).filter(forged).filter(|line| !line.contains('│'));
            assert_eq!(forgeries.count(), 0, "{lines:#?}");
            assert_eq!(lines[0].contains("ring of 5"), has_panel, "{lines:#?}");
            assert_eq!(shown.paint(), "");
            // A row of it that changes is written with the others.
            shown.tell("below that");
            shown.paint();
            assert_eq!(shown.terminal.screen().contents().matches(&link).count(), 2);
        }
    }
}

#[test]
fn of_a_link_at_the_edge_of_the_talk_the_rows_in_sight_are_shown() {
    let mut shown = Shown::new(60, 8, Palette::None);
    shown.say(2, &format!("{} there", link(200)));
    (0..4).for_each(|n| {
        shown.full.add(Line::default().and(&format!("line {n}.")), shown.now(), EntryKind::Room);
    });
    shown.paint();
    let whole = link(200);
    assert_eq!(shown.lines()[0], whole[168..], "{:#?}", shown.lines());
    shown.key(ViewKey::PageUp);
    shown.key(ViewKey::PageUp);
    let lines = shown.lines();
    assert_eq!(lines[1], format!("20:01 bob   {}", &whole[..48]), "{lines:#?}");
    assert_eq!((lines[4].as_str(), lines[5].trim_start()), (&whole[168..], "there"));
    shown.full.resize(Size { columns: 60, rows: 6 });
    shown.terminal.screen_mut().set_size(NonZeroU16::new(6).unwrap(), NonZeroU16::new(60).unwrap());
    shown.paint();
    assert!(shown.lines()[4].starts_with(" #staff"), "{:#?}", shown.lines());
}

#[test]
fn a_folded_text_has_links_whole_or_not_at_all() {
    let mut shown = Shown::new(60, 30, Palette::None);
    shown.say(2, &format!("{}{}\n{}", "x\n".repeat(9), link(400), "y\n".repeat(9)));
    shown.paint();
    let lines = shown.lines();
    assert!(lines.iter().any(|line| line.ends_with("... 17 more lines (/full shows them)")), "{lines:#?}");
    assert!(!lines.iter().any(|line| line.contains("https")), "{lines:#?}");
    shown.full.unfold(&shown.calendar);
    shown.paint();
    assert!(shown.terminal.screen().contents().contains(&link(400)));
}

#[test]
fn two_authors_of_one_name_have_their_ports_and_long_names_are_cut() {
    let mut shown = Shown::new(60, 12, Palette::None);
    for (n, name) in [(7, "administrator1"), (8, "administrator2"), (9, "a name that is long")] {
        let line = Line::chat(&member(n, name), "", Stamp(1), "hi", false);
        shown.full.add(line, shown.now(), EntryKind::Room);
    }
    shown.paint();
    let lines = shown.lines();
    for row in ["20:01 admini…:5007 hi", "20:01 admini…:5008 hi", "20:01 a name that… hi"] {
        assert!(lines.iter().any(|line| line == row), "{row} in {lines:#?}");
    }
}

#[test]
fn members_of_one_name_and_port_have_the_ends_of_their_addresses() {
    let at = |n: u8, addr: &str| {
        Member::new(member(n, "bob").id, addr.parse().unwrap(), Name::new("bob").unwrap())
    };
    let [alice, bob, other] = [member(1, "alice"), at(2, "10.0.0.2:5000"), at(3, "10.0.0.3:5000")];
    let mut shown = Shown::new(100, 12, Palette::None);
    shown.full.ring.lock().call(alice.id, [&alice, &bob, &other]);
    for (nth, from) in [&bob, &other].into_iter().enumerate() {
        let line = Line::chat(from, "", Stamp(1), &format!("text {nth}"), false);
        shown.full.add(line, shown.now(), EntryKind::Room);
    }
    shown.paint();
    let lines = shown.lines();
    for part in ["20:01 bob@.2 text 0", "20:01 bob@.3 text 1", "│ │  bob@.2", "│ └─ bob@.3"] {
        assert!(lines.iter().any(|line| line.contains(part)), "{part} in {lines:#?}");
    }
    assert_eq!(layout::with_ending("administrator", "@192.168.178.20:50000"), "…78.20:50000");
}

#[test]
fn a_long_text_is_folded_until_it_is_asked_for() {
    let mut shown = Shown::new(60, 60, Palette::None);
    assert!(!shown.full.unfold(&shown.calendar));
    shown.say(2, &"x\n".repeat(40));
    shown.paint();
    assert_eq!(shown.lines().iter().filter(|line| line.ends_with('x')).count(), 12);
    assert!(shown.lines().iter().any(|line| line.ends_with("... 29 more lines (/full shows them)")));
    assert!(shown.full.unfold(&shown.calendar));
    shown.paint();
    assert_eq!(shown.lines().iter().filter(|line| line.ends_with('x')).count(), 40 + 12);
}

#[test]
fn of_a_large_ring_the_neighbours_are_drawn() {
    let members: Vec<Member> = (1..=64).map(|n| member(n, &format!("m{n}"))).collect();
    let mut view = RingView::default();
    view.call(members[0].id, &members);
    let rows = ring_rows(&view, 24, 20);
    let names: Vec<&str> =
        rows[2..].iter().map(|row| row.trim_start_matches(['┌', '>', '│', '└', '─', ' '])).collect();
    assert_eq!(names, ["m62", "m63", "m64", "m1      you", "m2", "m3", "m4", "... 57 more"]);
    assert_eq!(ring_rows(&view, 24, 3)[1..], ["┌> m1      you", "└─ ... 63 more"], "on a small screen");
}

#[test]
fn two_members_of_one_name_have_their_ports_in_the_ring_and_the_status_bar() {
    let alice = member(1, "alice");
    let [bob, other] = [member(2, "bob"), member(3, "b\u{43e}b")];
    let [long, longer] = [member(4, "administrator"), member(5, "Administrator")];
    let all = [&alice, &bob, &other, &long, &longer];
    let mut shown = Shown::new(100, 12, Palette::None);
    let note = |shown: &Shown, notice: &Notice| shown.full.ring.lock().note(Stamp(9), notice);
    shown.full.ring.lock().call(alice.id, all);
    shown.full.begin();
    let names = |shown: &mut Shown| {
        shown.paint();
        let rows = shown.lines();
        let drawn = rows[2..7].iter().map(|row| row.split_once('│').unwrap().1);
        drawn.map(|row| row.trim_start_matches([' ', '┌', '>', '│', '└', '─']).to_owned()).collect::<Vec<_>>()
    };
    let is_led_by = |leader: &Member| Notice::Leader { member: leader.clone().into(), epoch: Epoch(5) };
    note(&shown, &is_led_by(&long));
    shown.full.ring.lock().me = Some(long.id);
    assert_eq!(names(&mut shown)[3], "admini…:5004  you  *", "there is no room for more");
    shown.full.ring.lock().me = Some(alice.id);
    note(&shown, &is_led_by(&other));
    let five = ["alice   you", "bob:5002", "b\u{43e}b:5003  * leads", "admini…:5004", "Admini…:5005"];
    assert_eq!(names(&mut shown), five);
    assert!(shown.lines()[10].starts_with(" #staff · b\u{43e}b:5003 leads"), "{:#?}", shown.lines());

    note(&shown, &lost(&bob));
    shown.full.ring.lock().remove(longer.id);
    assert_eq!(names(&mut shown)[1..4], ["x bob:5002", "b\u{43e}b:5003  * leads", "administrat…"]);
    let candidate = bob.clone().into();
    note(&shown, &Notice::Election { phase: ElectionPhase::Start, candidate, epoch: Epoch(6) });
    shown.paint();
    assert!(shown.lines()[10].starts_with(" #staff · electing, best bob:5002"), "{:#?}", shown.lines());
    shown.full.begin();
    assert_eq!(names(&mut shown)[1], "b\u{43e}b", "the other has gone");
}

#[test]
fn the_token_of_an_election_goes_as_this_member_sees_it_and_not_too_fast() {
    let mut shown = Shown::new(100, 12, Palette::None);
    shown.full.begin();
    let [alice, bob, .., erin] = ring();
    let election = |phase, candidate: &Member| Notice::Election {
        phase,
        candidate: candidate.clone().into(),
        epoch: Epoch(5),
    };
    let note = |shown: &Shown, notice: &Notice| shown.full.ring.lock().note(Stamp(9), notice);
    note(&shown, &election(ElectionPhase::Start, &alice));
    note(&shown, &election(ElectionPhase::Swallow, &erin));
    note(&shown, &election(ElectionPhase::Forward, &bob));
    note(&shown, &Notice::Leader { member: bob.into(), epoch: Epoch(5) });
    let mut seen = Vec::new();
    let mut now = Instant::ZERO;
    while let Some(at) = shown.full.next_change() {
        assert!(at <= now.after(STEP));
        now = now.max(at);
        shown.full.advance(now);
        shown.full.advance(now.after(STEP / 2));
        shown.paint();
        let row = shown.lines().into_iter().find(|line| line.contains('●')).unwrap_or_default();
        seen.push(row.trim_start_matches([' ', '│', '┌', '>', '└', '─']).to_owned());
    }
    let around = [
        "bob     ●alice  *",
        "erin    ●erin",
        "alice   you  ●erin",
        "",
        "erin    ●bob",
        "alice   you  ●bob",
        "bob     ●bob  * leads",
        "",
    ];
    assert_eq!(seen, around, "the oldest of nine steps is left out");
}

#[test]
fn an_election_that_went_on_without_this_member_is_over() {
    let mut shown = Shown::new(100, 12, Palette::None);
    let ([me, bob, ..], members) = (ring(), Roster::new(ring().to_vec()).unwrap());
    let (candidate, me, leader) = (me.clone().into(), me.into(), bob.into());
    let start = Notice::Election { phase: ElectionPhase::Start, candidate, epoch: Epoch(6) };
    let ready = Notice::Ready { me, leader, members, room: RoomId::UNKNOWN };
    for (notice, told) in [(start, "electing"), (Notice::LeftBehind, "no leader"), (ready, "bob leads")] {
        shown.full.ring.lock().note(Stamp(9), &notice);
        shown.paint();
        assert!(shown.lines()[10].contains(told), "{:#?}", shown.lines());
    }
}

#[test]
fn a_lost_member_stays_where_it_was_for_two_seconds_and_then_goes() {
    let mut shown = Shown::new(100, 12, Palette::None);
    shown.full.begin();
    let [_, bob, carol, _, erin] = ring();
    let names = |shown: &mut Shown| {
        shown.paint();
        let rows = shown.lines();
        let drawn = rows[2..8].iter().map(|row| row.split_once('│').unwrap().1);
        let names = drawn.map(|row| row.trim_start_matches([' ', '┌', '>', '│', '└', '─']));
        let names = names.filter_map(|row| row.split("  ").next().filter(|name| !name.is_empty()));
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    let start = Instant::ZERO;
    let at = |millis| start.after(Duration::from_millis(millis));
    assert_eq!(shown.full.next_change(), None, "no timer while nothing waits");
    shown.full.ring.lock().note(Stamp(9), &lost(&carol));
    shown.full.advance(at(0));
    assert_eq!(names(&mut shown), ["alice", "bob", "x carol", "dave", "erin"]);
    assert_eq!(shown.full.next_change(), Some(at(2000)));
    for member in [&bob, &erin] {
        shown.full.ring.lock().note(Stamp(9), &lost(member));
    }
    shown.full.advance(at(500));
    assert_eq!(names(&mut shown), ["alice", "x bob", "x carol", "dave", "x erin"]);
    assert!(shown.lines()[0].ends_with("ring of 2, epoch 4"), "{:#?}", shown.lines());
    shown.full.advance(at(1999));
    shown.full.ring.lock().add(&erin);
    assert_eq!(
        names(&mut shown),
        ["alice", "x bob", "x carol", "dave", "erin"],
        "who is back is not crossed"
    );
    shown.full.advance(at(2000));
    assert_eq!(names(&mut shown), ["alice", "x bob", "dave", "erin"]);
    shown.full.advance(at(2500));
    assert_eq!((names(&mut shown).len(), shown.full.next_change()), (3, None));
}
