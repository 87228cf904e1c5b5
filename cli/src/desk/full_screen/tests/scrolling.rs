//! What is in sight, and what the user has not seen yet.

use super::*;

#[test]
fn what_was_shown_can_be_scrolled_to_and_stays_when_lines_come() {
    let mut shown = Shown::new(60, 12, Palette::None);
    (0..50).for_each(|n| shown.tell(&format!("line {n}")));
    shown.full.clear();
    for n in 0..50 {
        shown.full.add(Line::default().and(&format!("line {n}.")), shown.now(), EntryKind::Room);
    }
    shown.paint();
    assert_eq!(shown.numbers(), (40..50).collect::<Vec<_>>());
    shown.key(ViewKey::PageUp);
    assert_eq!(shown.numbers(), (31..41).collect::<Vec<_>>());
    shown.full.add(Line::default().and("line 50."), shown.now(), EntryKind::Room);
    shown.paint();
    assert_eq!(shown.numbers(), (31..41).collect::<Vec<_>>());
    assert!(shown.lines().iter().any(|line| line.ends_with("1 new · F1")), "{:#?}", shown.lines());
    (0..9).for_each(|_| shown.key(ViewKey::PageUp));
    assert_eq!(shown.numbers(), (0..9).collect::<Vec<_>>(), "below the day");
    shown.key(ViewKey::PageDown);
    assert_eq!(shown.numbers(), (8..18).collect::<Vec<_>>());
    (0..9).for_each(|_| shown.key(ViewKey::PageDown));
    assert_eq!(shown.numbers(), (42..51).collect::<Vec<_>>(), "below the rule of new lines");
    shown.key(ViewKey::PageUp);
    shown.key(ViewKey::Newest);
    assert_eq!(shown.numbers().last(), Some(&50));
    assert!(!shown.lines().iter().any(|line| line.contains("new · F1")), "{:#?}", shown.lines());
}

#[test]
fn what_came_while_the_user_looked_elsewhere_is_counted_until_it_is_seen() {
    let mut shown = Shown::new(60, 12, Palette::None);
    let news = |shown: &mut Shown| {
        shown.tell("something");
        shown.paint();
        let bar = shown.lines()[10].clone();
        bar.split_once(" new · ").map(|(left, _)| left.rsplit_once(' ').unwrap().1.to_owned())
    };
    assert_eq!(news(&mut shown), None);
    shown.full.focus(false);
    assert_eq!(news(&mut shown).as_deref(), Some("1"));
    shown.full.focus(true);
    assert_eq!(news(&mut shown), None);
    shown.key(ViewKey::Keys);
    assert_eq!(news(&mut shown).as_deref(), Some("1"));
    shown.full.focus(false);
    assert_eq!(news(&mut shown).as_deref(), Some("2"));
    assert_eq!(shown.lines().iter().filter(|line| line.starts_with("── new")).count(), 0);
    shown.full.key(ViewKey::Keys, &shown.calendar);
    shown.paint();
    assert_eq!(shown.lines().iter().filter(|line| line.starts_with("── new")).count(), 1);
    shown.full.begin();
    shown.paint();
    assert!(!shown.lines().iter().any(|line| line.contains("new")), "{:#?}", shown.lines());
}

#[test]
fn lines_that_go_while_the_user_looks_at_them_make_way_for_the_oldest_that_are_left() {
    let mut shown = Shown::new(60, 12, Palette::None);
    let tell = |shown: &mut Shown, numbers: std::ops::Range<usize>| {
        for n in numbers {
            shown.full.add(Line::default().and(&format!("line {n}.")), shown.now(), EntryKind::Room);
        }
        shown.paint();
    };
    tell(&mut shown, 0..50);
    shown.key(ViewKey::PageUp);
    assert_eq!(shown.numbers(), (31..41).collect::<Vec<_>>());
    tell(&mut shown, 50..11_000);
    let oldest = shown.full.scrollback.first();
    assert_eq!(shown.numbers(), (oldest..oldest + 9).collect::<Vec<_>>(), "below the day");
    shown.key(ViewKey::PageDown);
    assert_eq!(shown.numbers(), (oldest + 8..oldest + 18).collect::<Vec<_>>());
}

#[test]
fn a_user_who_answers_while_scrolled_up_sees_where_the_new_lines_begin() {
    let mut shown = Shown::new(60, 12, Palette::None);
    (0..30).for_each(|n| shown.tell(&format!("line {n}")));
    shown.paint();
    let rules = |shown: &Shown| shown.lines().iter().filter(|line| line.starts_with("── new")).count();
    shown.key(ViewKey::PageUp);
    shown.tell("news");
    let own = || Line::default().and("an answer");
    shown.full.send(own(), shown.now());
    shown.paint();
    assert_eq!(rules(&shown), 1, "{:#?}", shown.lines());
    shown.full.send(own(), shown.now());
    shown.paint();
    assert_eq!(rules(&shown), 0, "{:#?}", shown.lines());
}

#[test]
fn the_smallest_window_shows_the_newest_texts_and_what_is_typed() {
    for (columns, rows) in (12..25).flat_map(|columns| (1..6).map(move |rows| (columns, rows))) {
        let mut shown = Shown::new(columns, rows, Palette::None);
        for key in [ViewKey::Keys, ViewKey::Ring, ViewKey::Plain, ViewKey::Back] {
            shown.say(2, "hey");
            shown.key(key);
        }
        let lines = shown.lines();
        assert!(lines.last().is_some_and(|line| line == ">"), "{columns} x {rows}: {lines:#?}");
        let shows_text = lines.iter().any(|line| line.ends_with("hey"));
        assert_eq!(shows_text, rows > 1, "{columns} x {rows}: {lines:#?}");
    }
}
