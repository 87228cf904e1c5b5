//! Lifelines, whose colour tells what a member does, and the bands behind everything.

use alloc::format;
use alloc::string::String;

use super::class::Class;
use super::election_words;
use super::layout::Canvas;
use super::marks::{HEAD, LEFT, MarkKind, RIGHT};
use super::story::{Looks, ReignKind, Split};
use ringchat_trace::FaultKind;

use crate::trace::run::{Tidings, What};

/// How far a band reaches above and below the rows that it is about.
const MARGIN: i32 = 12;

/// Where lifelines begin.
const TOP: i32 = HEAD + 4;

pub(super) fn lifelines(canvas: &mut Canvas<'_>) {
    for m in 0..canvas.story.run.lives.len() {
        let Some(x) = canvas.columns.x(m) else { continue };
        if canvas.columns.is_alone(m) {
            lifeline(canvas, m, x);
        } else {
            let bottom = canvas.bottom();
            canvas.draw(0, MarkKind::Lifeline, None, [x, TOP, x, bottom]);
        }
    }
}

/// The lifeline of one member: a piece for each thing that it does.
fn lifeline(canvas: &mut Canvas<'_>, m: usize, x: i32) {
    let course = &canvas.story.courses[m];
    let bottom = canvas.bottom();
    if !canvas.story.run.lives[m].has_trace {
        canvas.draw(0, MarkKind::Lifeline, Some(Class::Dead), [x, TOP, x, bottom]);
        return;
    }
    let mut now = canvas.window.from.checked_sub(1).and_then(|e| course.looks_after(e));
    let mut began = (0, TOP);
    if now.is_none() {
        // It enters later.
        let first = course.first.unwrap_or(0).max(canvas.window.from);
        began = (canvas.rows.row_before(first), y_of_turn(canvas, first));
        now = Some(Looks::Joining).filter(|_| course.looks.first().is_none_or(|&(e, _)| e >= first));
    }
    for &(e, looks) in &course.looks {
        if !canvas.window.holds(e) {
            continue;
        }
        let at = y_of_turn(canvas, e);
        if let Some(now) = now {
            piece(canvas, now, x, began, at);
        }
        (now, began) = (Some(looks), (canvas.rows.row_before(e), at));
    }
    if let Some(now) = now {
        piece(canvas, now, x, began, bottom);
    }
}

fn piece(canvas: &mut Canvas<'_>, looks: Looks, x: i32, (row, y1): (usize, i32), y2: i32) {
    if y2 <= y1 || looks == Looks::Left {
        return;
    }
    let line = match looks {
        Looks::Joining => Some(Class::Member),
        Looks::Dead => Some(Class::Dead),
        Looks::Frozen => Some(Class::Freeze),
        _ => None,
    };
    canvas.draw(row, MarkKind::Lifeline, line, [x, y1, x, y2]);
    let over = match looks {
        Looks::Leading => (MarkKind::Reign, Class::Lead),
        Looks::Electing => (MarkKind::Wait, Class::Elect),
        Looks::Waiting => (MarkKind::Wait, Class::Catchup),
        _ => return,
    };
    canvas.draw(row, over.0, Some(over.1), [x, y1, x, y2]);
}

/// Where the turn stands that event `e` belongs to.
fn y_of_turn(canvas: &Canvas<'_>, e: usize) -> i32 {
    let story = canvas.story;
    let earlier = (0..=e).rev().take_while(|&before| story.event(before).t == story.event(e).t);
    let own = earlier.filter(|&before| story.event(before).m == story.event(e).m || before == e);
    let first = own.filter(|&before| canvas.rows.of(before).is_some()).last();
    canvas.rows.y(story, first.unwrap_or(e))
}

pub(super) fn bands(canvas: &mut Canvas<'_>) {
    splits(canvas);
    interregna(canvas);
    elections(canvas);
}

fn band(canvas: &mut Canvas<'_>, class: Class, y1: i32, y2: i32, label: String, e: usize) {
    let (right, row) = (canvas.columns.width - RIGHT, canvas.rows.row_before(e));
    let (y1, y2) = (y1.max(TOP), y2.min(canvas.bottom()));
    if y2 > y1 {
        let mark = canvas.draw(row, MarkKind::Band, Some(class), [LEFT, y1, right, y2]);
        (mark.label, mark.event) = (label, Some(e));
    }
}

fn elections(canvas: &mut Canvas<'_>) {
    let story = canvas.story;
    for contest in &story.contests {
        let Some(&first) = contest.tokens.first().filter(|&&e| canvas.window.holds(e)) else { continue };
        let end = contest.won.map_or(contest.last, |(e, _)| e);
        let (top, win) = (canvas.rows.y(story, first) - MARGIN, y_of_turn(canvas, end) + MARGIN);
        let mut label = format!("election of epoch {}", contest.epoch);
        // A page that plays shows the band from its beginning on, and counts itself.
        if !canvas.window.plays {
            let messages = election_words::messages(story, contest).replacen(" election", "", 1);
            label = format!("{label} · {messages}");
        }
        band(canvas, Class::Elect, top, win, label, first);
        if let Some(followed) = contest.followed.filter(|&e| canvas.window.holds(e)) {
            // Whoever still waits when this leader is lost waits for the next one.
            let won = story.event(end).t;
            let lost = story.reigns.iter().find(|reign| reign.kind == ReignKind::Nobody && reign.t1 > won);
            let reign = lost.map_or(i32::MAX, |reign| canvas.rows.y_at(reign.t1));
            let until = (y_of_turn(canvas, followed) + MARGIN).min(reign);
            band(canvas, Class::Catchup, win, until, "all catch up with the new leader".into(), end);
        }
    }
}

fn interregna(canvas: &mut Canvas<'_>) {
    let story = canvas.story;
    for reign in &story.reigns {
        if reign.kind == ReignKind::Nobody {
            let e = story.run.events.partition_point(|event| event.t < reign.t1);
            if canvas.window.holds(e) {
                let next = story
                    .contests
                    .iter()
                    .filter_map(|contest| contest.tokens.first())
                    .find(|&&first| first > e);
                let until =
                    next.map_or_else(|| canvas.rows.y_at(reign.t2), |&e| canvas.rows.y(story, e) - MARGIN);
                let from = canvas.rows.y_at(reign.t1);
                band(canvas, Class::Dead, from, until, "no leader".into(), e);
            }
        }
    }
}

fn splits(canvas: &mut Canvas<'_>) {
    let story = canvas.story;
    for split in story.splits.iter().filter(|split| canvas.window.holds(split.from)) {
        let top = canvas.rows.y(story, split.from);
        let end = split.to.filter(|&e| canvas.window.holds(e));
        let bottom = end.map_or_else(|| canvas.bottom(), |e| canvas.rows.y(story, e));
        band(canvas, Class::Freeze, top, bottom, "the room is split".into(), split.from);
        walls(canvas, split, top, bottom);
        if let Some(heal) = end {
            merge(canvas, heal);
        }
    }
}

/// From the end of a split to the last member that tells of the one ring.
fn merge(canvas: &mut Canvas<'_>, heal: usize) {
    let story = canvas.story;
    let later = story.events().skip(heal + 1);
    let of_this = later.take_while(
        |(_, event)| !matches!(&event.what, What::Deed(deed) if deed.kind == FaultKind::Partition),
    );
    let merged = |what: &What| matches!(what, What::Told(Tidings::Ring { why, .. }) if why == "merge");
    let last = of_this.filter(|(_, event)| merged(&event.what)).map(|(e, _)| e).last();
    if let Some(last) = last.filter(|&e| canvas.window.holds(e)) {
        let (top, bottom) = (canvas.rows.y(story, heal), y_of_turn(canvas, last) + MARGIN);
        band(canvas, Class::Merge, top, bottom, "two rings become one".into(), heal);
    }
}

/// A wall between the sides, if each stands together; else the letter of its side at each lifeline.
fn walls(canvas: &mut Canvas<'_>, split: &Split, top: i32, bottom: i32) {
    let row = canvas.rows.row_before(split.from);
    let side_of = |m: usize| split.sides.iter().position(|side| side.contains(&m));
    let sides: alloc::vec::Vec<(i32, Option<usize>)> =
        canvas.columns.all.iter().map(|c| (c.x, c.lives.first().and_then(|&m| side_of(m)))).collect();
    let changes = sides.windows(2).filter(|pair| matches!(pair, [(_, a), (_, b)] if a != b)).count();
    if changes < split.sides.len() {
        for pair in sides.windows(2) {
            if let [(left, a), (right, b)] = *pair
                && a != b
            {
                let x = i32::midpoint(left, right);
                canvas.draw(row, MarkKind::Wall, Some(Class::Freeze), [x, top, x, bottom]).event =
                    Some(split.from);
            }
        }
        return;
    }
    for (x, side) in sides {
        let letter = side.and_then(|side| u8::try_from(side).ok()).and_then(|side| b'A'.checked_add(side));
        if let Some(letter) = letter {
            let mark = canvas.draw(row, MarkKind::Side, Some(Class::Freeze), [x, top + 14, x, top + 14]);
            (mark.label, mark.event) = (char::from(letter).into(), Some(split.from));
        }
    }
}
