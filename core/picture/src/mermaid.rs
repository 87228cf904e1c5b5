//! A sequence diagram for Mermaid, with its most telling messages only: it grows unreadable soon.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use ringchat_core::ElectionPhase;

use super::class::Class;
use super::columns::Columns;
use super::story::Story;
use super::wanted::Window;
use super::words;
use crate::trace::run::{Fate, Tidings, What};

/// The most arrows.
const ARROWS: usize = 80;

/// The classes in the order in which they are chosen.
const ORDER: [Class; 7] =
    [Class::Elect, Class::Lead, Class::Member, Class::Repair, Class::Catchup, Class::Chat, Class::Beat];

/// Draws what `window` shows.
pub(crate) fn mermaid(story: &Story<'_>, window: &Window) -> String {
    let columns = Columns::new(story, window.from, window.members.as_ref());
    let arrows = chosen(story, window, &columns);
    let mut out = String::from("sequenceDiagram\n");
    for (at, column) in columns.all.iter().enumerate() {
        let _ = writeln!(out, "    participant c{at} as {}", safe(&column.label));
    }
    for e in window.from..window.to {
        let event = story.event(e);
        match &event.what {
            What::Told(
                Tidings::Election { step: ElectionPhase::Start | ElectionPhase::Won, .. }
                | Tidings::Leader { .. },
            )
            | What::Deed(_) => {
                let m = if let What::Deed(deed) = &event.what { deed.to.unwrap_or(event.m) } else { event.m };
                let short = words::said(story, e).short;
                if let Some(at) = columns.at(m).filter(|_| !short.is_empty()) {
                    let _ = writeln!(out, "    Note over c{at}: {}", safe(&short));
                }
            }
            What::Sent { .. } => {
                let frames = story.begun(e).filter(|f| arrows.contains(f));
                frames.for_each(|f| arrow(story, &columns, f, &mut out));
            }
            _ => {}
        }
    }
    out
}

/// The messages that are drawn.
fn chosen(story: &Story<'_>, window: &Window, columns: &Columns) -> BTreeSet<usize> {
    let is_between = |from: Option<usize>, to: Option<usize>| {
        let at = |m: Option<usize>| m.and_then(|m| columns.at(m));
        at(from).zip(at(to)).is_some_and(|(from, to)| from != to)
    };
    let mut frames: Vec<(usize, usize)> = Vec::new();
    for (f, frame) in story.run.frames.iter().enumerate() {
        let Some(sent) = frame.sent.filter(|&sent| window.holds(sent)) else { continue };
        let What::Sent { gist, .. } = &story.event(sent).what else { continue };
        let class = Class::of(gist.kind);
        if window.has(class) && is_between(frame.from, frame.to) {
            frames.push((ORDER.iter().position(|&other| other == class).unwrap_or(ORDER.len()), f));
        }
    }
    frames.sort_unstable();
    frames.into_iter().take(ARROWS).map(|(_, f)| f).collect()
}

fn arrow(story: &Story<'_>, columns: &Columns, f: usize, out: &mut String) {
    let frame = &story.run.frames[f];
    let at = |m: Option<usize>| m.and_then(|m| columns.at(m));
    let (Some(from), Some(to), Some(sent)) = (at(frame.from), at(frame.to), frame.sent) else { return };
    let What::Sent { gist, .. } = &story.event(sent).what else { return };
    let line = match (frame.fate, Class::of(gist.kind)) {
        (Fate::Lost, _) => "--x",
        (_, Class::Elect) => "->>",
        _ => "-->>",
    };
    let label = match (Class::of(gist.kind), gist.about) {
        (Class::Elect, Some(candidate)) => format!("{} for {}", gist.kind.name(), story.name(candidate)),
        _ => gist.kind.name().into(),
    };
    let _ = writeln!(out, "    c{from}{line}c{to}: {}", safe(&label));
}

/// Text that Mermaid takes for nothing but text.
fn safe(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() || matches!(c, ';' | '#' | ':' | '<' | '>' | '%') { ' ' } else { c })
        .collect()
}
