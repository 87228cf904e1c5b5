//! The pages that stand instead of the talk.

use super::*;

#[test]
fn the_ring_the_keys_and_texts_alone_look_as_in_the_files() {
    for (key, name) in [(ViewKey::Ring, "ring"), (ViewKey::Keys, "keys"), (ViewKey::Plain, "plain")] {
        let mut shown = evening(60, 20, Palette::None);
        shown.key(key);
        assert_golden(&shown.lines(), &format!("60x20-{name}.txt"));
        shown.key(key);
        assert_golden(&shown.lines(), "60x20.txt");
    }
}

#[test]
fn each_key_shows_its_page_whichever_is_in_sight_and_one_escape_leaves() {
    let pages = [(ViewKey::Ring, "ring"), (ViewKey::Keys, "keys"), (ViewKey::Plain, "plain")];
    for (before, _) in pages {
        for (key, name) in pages.into_iter().filter(|(key, _)| *key != before) {
            let mut shown = evening(60, 20, Palette::None);
            shown.key(ViewKey::Back);
            assert_golden(&shown.lines(), "60x20.txt");
            shown.key(before);
            if before == ViewKey::Ring {
                // What is not in sight does not scroll.
                shown.key(ViewKey::PageUp);
            }
            shown.key(key);
            assert_golden(&shown.lines(), &format!("60x20-{name}.txt"));
            shown.key(ViewKey::Back);
            assert_golden(&shown.lines(), "60x20.txt");
        }
    }
}

#[test]
fn texts_stay_alone_while_the_user_says_something() {
    let mut shown = evening(60, 20, Palette::None);
    shown.key(ViewKey::Plain);
    shown.full.send(Line::default().and("hello"), UnixTime(EVENING));
    shown.paint();
    assert!(shown.lines().iter().any(|line| line.starts_with("> bob:")), "{:#?}", shown.lines());
}

#[test]
fn the_page_of_keys_scrolls_where_it_does_not_fit_and_says_so() {
    let mut shown = Shown::new(20, 5, Palette::None);
    let page = |shown: &Shown| {
        let lines = shown.lines();
        let (rows, bar) = (lines[..3].join("\n"), lines[3].trim().to_owned());
        (rows, bar)
    };
    shown.key(ViewKey::Keys);
    assert_eq!(page(&shown).0, "F1         these\n           keys, or\n           the talk");
    let mut seen = Vec::new();
    while page(&shown).1 == "PgDn: more · F1" && seen.len() < 20 {
        assert!(shown.full.takes_arrows());
        seen.push(page(&shown).0);
        shown.key(ViewKey::PageDown);
    }
    assert_eq!(page(&shown).1, "PgUp: more · F1", "{seen:#?}");
    assert!(page(&shown).0.ends_with("/help      all\n           commands"), "{seen:#?}");
    shown.key(ViewKey::RowDown);
    shown.key(ViewKey::RowUp);
    assert_eq!(page(&shown).1, "PgDn: more · F1");
    assert!(page(&shown).0.ends_with("/help      all"), "{:#?}", page(&shown));
    (0..=seen.len()).for_each(|_| shown.key(ViewKey::PageUp));
    assert_eq!(page(&shown).0, seen[0]);
    shown.key(ViewKey::PageDown);
    shown.key(ViewKey::Keys);
    shown.key(ViewKey::Keys);
    assert_eq!(page(&shown).0, seen[0], "it begins anew");
    shown.tell("something");
    shown.paint();
    assert_eq!(page(&shown).1, "PgDn: more · F1", "what is new is told where there is room");

    let mut large = Shown::new(100, 30, Palette::None);
    large.key(ViewKey::Keys);
    assert!(!large.full.takes_arrows() && large.lines()[28].ends_with("F1 help"), "{:#?}", large.lines());
}
