//! Draws the ring: its members in order, who leads, and the election that is under way.

use ringchat_core::Epoch;
use unicode_width::UnicodeWidthStr;

use super::layout::cut;
use super::ring::{DrawnMember, RingView};
use crate::wording::counted;

/// How many members are drawn on each side of this one if not all fit.
const AROUND: usize = 3;

/// The rows of the election, with the empty one above it.
const ELECTION: usize = 4;

/// The rows that show this member and how many others there are.
const LEAST: usize = 2;

/// The columns of the edge of the loop.
const EDGE: usize = 3;

/// What stands beside the leader, if there is room for it.
const LEADS: &str = "  * leads";

/// The rows of the ring, at most `height`, each with at most `columns`.
pub(super) fn ring_rows(ring: &RingView, columns: usize, height: usize) -> Vec<String> {
    let epoch = if ring.epoch > Epoch::default() { format!(", epoch {}", ring.epoch) } else { String::new() };
    let mut rows = vec![format!("ring of {}{epoch}", ring.members.len())];
    let election = ring.election.as_ref();
    let room = height.saturating_sub(rows.len() + if election.is_some() { ELECTION } else { 0 });
    // A member alone would look like a ring of one: a row for the others counts for more than an empty one.
    let has_gap = room > LEAST;
    rows.extend(has_gap.then(String::new));
    rows.extend(loop_rows(ring, room - usize::from(has_gap), columns));
    if let Some(election) = election {
        let steps = counted(election.steps, "step", "steps");
        rows.extend([
            String::new(),
            "election".to_owned(),
            format!("  {steps} seen here"),
            format!("  best {}", election.best),
        ]);
    }
    rows.truncate(height);
    rows.iter().map(|row| cut(row, columns)).collect()
}

/// The members, joined by the edges of a loop.
fn loop_rows(ring: &RingView, room: usize, columns: usize) -> Vec<String> {
    let (shown, hidden) = excerpt(ring, room);
    let mut names: Vec<String> =
        shown.iter().map(|drawn| member(ring, drawn, columns.saturating_sub(EDGE))).collect();
    if hidden > 0 {
        names.push(format!("... {hidden} more"));
    }
    let last = names.len().saturating_sub(1);
    let edge = |at: usize| match at {
        0 if last == 0 => "   ",
        0 => "┌> ",
        at if at == last => "└─ ",
        _ => "│  ",
    };
    names.iter().enumerate().map(|(at, name)| edge(at).to_owned() + name).collect()
}

/// The members that are drawn in `room` rows, and how many are not.
fn excerpt(ring: &RingView, room: usize) -> (Vec<DrawnMember>, usize) {
    let all = ring.drawn();
    let count = all.len();
    if count <= room {
        return (all, 0);
    }
    let own = all.iter().position(|drawn| Some(drawn.id) == ring.me).unwrap_or(0);
    // One row tells how many are missing.
    let around = AROUND.min(room.saturating_sub(2) / 2);
    let first = own + count - around;
    let places = (first..=first + 2 * around).map(|at| at % count);
    let shown: Vec<DrawnMember> = places.filter_map(|at| all.get(at).cloned()).collect();
    let present = shown.iter().filter(|drawn| !drawn.is_lost).count();
    (shown, ring.members.len().saturating_sub(present))
}

/// A member, and what is to be told of it, in full if that has at most `columns`.
fn member(ring: &RingView, DrawnMember { id, label, is_lost }: &DrawnMember, columns: usize) -> String {
    if *is_lost {
        return format!("x {label}");
    }
    let you = if Some(*id) == ring.me { "  you" } else { "" };
    let token = ring.token.as_ref().filter(|token| token.at == *id);
    let token = token.map_or_else(String::new, |token| format!("  ●{}", token.candidate));
    let leads = match Some(*id) == ring.leader {
        false => "",
        true if label.width().max(6) + you.len() + token.width() + LEADS.len() > columns => "  *",
        true => LEADS,
    };
    let beside = format!("{you}{token}{leads}");
    // Short names leave room, so that what stands beside them is in one column.
    let room = if beside.is_empty() { 0 } else { 6_usize.saturating_sub(label.width()) };
    format!("{label}{}{beside}", " ".repeat(room))
}
