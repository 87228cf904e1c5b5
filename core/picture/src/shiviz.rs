//! The log that `ShiViz` reads: two lines an event, with vector clocks made anew from the pairs.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use super::class::Class;
use super::story::Story;
use super::text;
use super::wanted::{Window, list};
use super::words;
use crate::trace::run::What;

/// The expression that `ShiViz` is to read the lines with.
const PARSER: &str = r"(?<host>\S*) (?<clock>\{.*\})\n(?<event>.*)";

/// Writes what `window` shows. A receipt whose sending is not there is an event of its own.
pub(crate) fn shiviz(story: &Story<'_>, window: &Window) -> String {
    let hosts = hosts(story);
    let mut clocks: BTreeMap<usize, BTreeMap<usize, u64>> = BTreeMap::new();
    let mut at: BTreeMap<usize, BTreeMap<usize, u64>> = BTreeMap::new();
    let mut out = format!("{PARSER}\n\n");
    for e in window.from..window.to {
        let Some(what) = what(story, window, e) else { continue };
        let m = story.event(e).m;
        let cause = story.cause(e).and_then(|cause| at.get(&cause)).cloned().unwrap_or_default();
        let clock = clocks.entry(m).or_default();
        for (other, time) in cause {
            let known = clock.entry(other).or_default();
            *known = time.max(*known);
        }
        *clock.entry(m).or_default() += 1;
        if matches!(story.event(e).what, What::Sent { .. }) {
            at.insert(e, clock.clone());
        }
        let parts: Vec<String> = clock.iter().map(|(m, time)| format!("\"{}\":{time}", hosts[*m])).collect();
        let _ = writeln!(out, "{} {{{}}}\n{what}", hosts[m], parts.join(","));
    }
    out
}

/// A name for each life that `ShiViz` can read: without blanks and quotes, and none twice.
fn hosts(story: &Story<'_>) -> Vec<String> {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let name = |m: usize| {
        let plain = |c: char| if c.is_whitespace() || matches!(c, '"' | '\\' | '{' | '}') { '_' } else { c };
        story.name(m).chars().map(plain).collect::<String>()
    };
    let mut hosts = Vec::new();
    for m in 0..story.run.lives.len() {
        let (mut host, mut number) = (name(m), 1);
        while !taken.insert(host.clone()) {
            number += 1;
            host = format!("{}#{number}", name(m));
        }
        hosts.push(host);
    }
    hosts
}

fn what(story: &Story<'_>, window: &Window, e: usize) -> Option<String> {
    match &story.event(e).what {
        What::Sent { to, gist } if window.has(Class::of(gist.kind)) => {
            let to = list(to.iter().map(|(_, to)| to.map_or("?", |to| story.name(to)).into()));
            Some(format!("sends {} to {to}", text::message(story, gist)))
        }
        What::Took { from, gist, .. } if window.has(Class::of(gist.kind)) => {
            let from = from.map_or("?", |from| story.name(from));
            Some(format!("receives {} from {from}", text::message(story, gist)))
        }
        What::Told(_) | What::Deed(_) | What::End(_) => {
            let short = words::said(story, e).short.replace(['\n', '\r'], " ");
            (!short.is_empty()).then_some(short)
        }
        _ => None,
    }
}
