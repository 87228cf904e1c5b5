//! The status bar.

use ringchat_core::Epoch;
use unicode_width::UnicodeWidthStr;

use super::layout::cut;
use super::ring::RingView;
use crate::wording::{self, counted};

/// The width from which on the right side of the bar is told in full.
const WIDE: usize = 80;

/// What the bar tells of the view.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ViewStatus {
    /// How many texts of the user have no place yet.
    pub(super) waiting: usize,
    /// How many lines the user has not seen.
    pub(super) news: usize,
    /// Whether there are lines below those in sight.
    pub(super) is_scrolled: bool,
    /// The key that shows more of a page.
    pub(super) hint: Option<&'static str>,
}

/// The bar, `columns` wide. What does not fit is left out, from the last of the left side on.
pub(super) fn status_bar(ring: &RingView, view: ViewStatus, columns: usize) -> String {
    let right = right(view, columns);
    let room = columns.saturating_sub(right.width());
    let mut left = String::new();
    for part in parts(ring, view) {
        let longer = if left.is_empty() { format!(" {part}") } else { format!("{left} · {part}") };
        if longer.width() > room {
            break;
        }
        left = longer;
    }
    let gap = " ".repeat(room.saturating_sub(left.width()));
    cut(&(left + &gap + &right), columns)
}

fn parts(ring: &RingView, view: ViewStatus) -> Vec<String> {
    let mut parts: Vec<String> = ring.room.iter().map(|room| format!("#{room}")).collect();
    parts.push(match (&ring.election, ring.leader) {
        (Some(election), _) => format!("electing, best {}", election.best),
        (None, Some(leader)) if Some(leader) == ring.me => "you lead".to_owned(),
        (None, Some(_)) => {
            format!("{} leads", ring.leader_label().unwrap_or_else(|| "somebody".to_owned()))
        }
        (None, None) => "no leader".to_owned(),
    });
    if ring.epoch > Epoch::default() {
        parts.push(format!("epoch {}", ring.epoch));
    }
    parts.push(wording::members(ring.members.len()));
    parts.push(format!("L {}", ring.lamport));
    if view.waiting > 0 {
        parts.push(counted(view.waiting as u64, "waits", "wait"));
    }
    parts
}

fn right(view: ViewStatus, columns: usize) -> String {
    let help = if columns < WIDE { "F1 " } else { "F1 help " };
    let news = if view.news > 0 { format!("{} new · ", view.news) } else { String::new() };
    let told = match view.hint {
        Some(hint) => format!("{hint} · "),
        None if news.is_empty() && view.is_scrolled => "more below · ".to_owned(),
        None => String::new(),
    };
    let all = format!("  {news}{told}{help}");
    if all.width() <= columns { all } else { format!("  {told}{help}") }
}
