//! Forms that list events, and have no rows.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to panic")]

use ringchat_picture::trace::TraceReader;
use ringchat_picture::{Format, Wanted, draw};
use ringchat_sim::scenario::play_lives;

#[test]
fn a_list_is_whole_and_says_so_however_few_rows_a_diagram_may_have() {
    let (result, lives, _) = play_lives("nodes 3 seed 4\nat 1s crash leader\nuntil converged within 5s\n");
    result.unwrap();
    let mut reader = TraceReader::default();
    lives.iter().try_for_each(|life| reader.life(life)).unwrap();
    let run = reader.finish(None).unwrap();
    let drawn = |format, max| draw(&run, format, &Wanted { max, ..Wanted::default() }).unwrap();
    assert_eq!(drawn(Format::Text, 5), drawn(Format::Text, 10_000));
    let is_told = |format| drawn(format, 5).notes.iter().any(|note| note.contains("not shown"));
    assert!(is_told(Format::Svg) && !is_told(Format::Text));
}
