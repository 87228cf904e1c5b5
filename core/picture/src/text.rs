//! A run as lines of text.

use alloc::format;
use alloc::string::String;
use core::fmt::Write as _;

use ringchat_core::trace::Mode;

use super::class::Class;
use super::election_words;
use super::story::Story;
use super::wanted::{Window, list};
use super::words;
use crate::trace::run::{Fate, Gist, What};

/// A line an event: time, member, Lamport time, what.
pub(crate) fn text(story: &Story<'_>, window: &Window) -> String {
    let mut out = String::new();
    let names = (0..story.run.lives.len()).map(|m| story.name(m).chars().count());
    let width = names.max().unwrap_or(0);
    for e in window.from..window.to {
        let event = story.event(e);
        let Some(line) = line(story, window, e) else { continue };
        let (t, name, lamport) = (stamp(event.t, story.zero), story.name(event.m), event.lamport);
        let _ = writeln!(out, "{t:>14}  {name:width$}  {lamport:>6}  {line}");
    }
    let _ = writeln!(out, "\n{}", election_words::description(story));
    out
}

/// Seconds with all digits, for tools.
fn stamp(t: u64, zero: u64) -> String {
    let us = t.abs_diff(zero);
    format!("{}{}.{:06}", if t < zero { '-' } else { '+' }, us / 1_000_000, us % 1_000_000)
}

fn line(story: &Story<'_>, window: &Window, e: usize) -> Option<String> {
    match &story.event(e).what {
        What::Sent { to, gist } if window.has(Class::of(gist.kind)) => {
            let whom = list(to.iter().map(|(_, to)| to.map_or("?", |to| story.name(to)).into()));
            let lost = story.begun(e).filter(|&f| story.run.frames[f].fate == Fate::Lost);
            let lost = if lost.count() > 0 { " (lost)" } else { "" };
            Some(format!("-> {whom}: {}{lost}", message(story, gist)))
        }
        What::Took { from, stamp, gist, .. } if window.has(Class::of(gist.kind)) => {
            let from = from.map_or("?", |from| story.name(from));
            Some(format!("<- {from}: {} @{stamp}", message(story, gist)))
        }
        What::Told(_) | What::Deed(_) | What::End(_) | What::Failed { .. } | What::Down { .. } => {
            let sentence = words::said(story, e).sentence();
            (!sentence.is_empty()).then(|| format!("== {sentence}"))
        }
        What::State(holding) if holding.mode == Mode::Leading || holding.ring.is_some() => {
            let ring = holding.ring.as_ref()?;
            Some(format!("== ring {}", list(ring.iter().map(|&m| story.name(m).into()))))
        }
        What::Missed(count) => Some(format!("== {count} lines are missing here")),
        What::Full => Some("== from here on less is told: the file is full".into()),
        _ => None,
    }
}

/// A message and what it carries.
pub(crate) fn message(story: &Story<'_>, gist: &Gist) -> String {
    let mut out = String::from(gist.kind.name());
    if let Some(epoch) = gist.epoch {
        let _ = write!(out, " epoch {epoch}");
    }
    if let Some(about) = gist.about {
        let _ = write!(out, " {}", story.name(about));
    }
    if let Some((epoch, length)) = gist.key {
        let _ = write!(out, " ({epoch}, {length})");
    }
    if gist.to > 0 {
        let _ = write!(out, " {}..{}", gist.from, gist.to);
    }
    if gist.texts > 0 {
        let _ = write!(out, " {} texts", gist.texts);
    }
    out
}
