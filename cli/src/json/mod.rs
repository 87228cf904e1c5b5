//! The face of a session for programs: one JSON object a line, both ways.
//!
//! The codes of `error` are, when the session ends: `listen`, `system`, `join_timeout`, `not_ringchat`, `version`,
//! `room_full`, `unsure`, `input`, `output`, `internal`; and when it goes on: `bad_command`,
//! `text_too_long`, `not_taken`, `not_yet`, `left_behind`, `cut_off`, `too_many_to_merge`, `log_file`.

mod command;
mod event;
mod input;

use std::sync::mpsc::Receiver;
use std::time::Duration;

use ringchat_core::{ChatLine, Notice, Report, Seq, Stamp};
use serde_json::Value;

use crate::line::Line;
use crate::outcome::Outcome;
use crate::outlet::Outlet;
use crate::room::Runtime;
use crate::session::Face;
use event::{Event, GapReason};

pub(crate) use command::Command;
pub(crate) use input::{Input, MAX_LINE, Questions, questions};

/// How long the last lines may take to be read.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// The face.
pub(crate) struct Json {
    outlet: Outlet,
    runtime: Runtime,
    verbose: bool,
    asked: Receiver<input::Asked>,
    said: Receiver<Option<Value>>,
    /// The number of own messages whose refs were taken from `said`.
    matched: Seq,
}

impl Json {
    /// A face that answers what comes through `questions`.
    pub(crate) fn new(outlet: Outlet, runtime: Runtime, verbose: bool, questions: Questions) -> Self {
        let Questions { asked, said } = questions;
        Self { outlet, runtime, verbose, asked, said, matched: Seq::default() }
    }

    fn put(&self, lamport: Stamp, event: &Event<'_>) {
        self.outlet.offer(&event.line(lamport));
    }

    /// The ref that came with the own message numbered `seq`. They come in the order said, but some may
    /// never come.
    fn reference(&mut self, seq: Seq) -> Option<Value> {
        let mut reference = None;
        while self.matched < seq {
            reference = self.said.try_recv().ok()?;
            self.matched = self.matched.next();
        }
        reference
    }

    fn report(&mut self, lamport: Stamp, report: &Report) {
        // An answer to nobody is one whose question went with missed notices.
        if let Ok((ask, reference)) = self.asked.try_recv() {
            self.put(lamport, &Event::answer(ask, reference, report));
        }
    }
}

impl Face for Json {
    fn chat(&mut self, lamport: Stamp, line: &ChatLine<'_>) {
        self.put(lamport, &Event::said(line));
        if line.mine {
            let reference = self.reference(line.seq);
            self.put(lamport, &Event::Sent { reference, seq: line.index });
        }
    }

    fn notice(&mut self, lamport: Stamp, notice: &Notice) {
        if let Notice::Report(report) = notice {
            self.report(lamport, report);
        } else if let Some(event) = Event::of(notice, self.runtime) {
            self.put(lamport, &event);
        }
    }

    fn missed(&mut self, _lamport: Stamp, count: u64) {
        self.asked.try_iter().for_each(drop);
        self.outlet.lose(count);
    }

    fn trouble(&mut self, lamport: Stamp, code: &str, message: &str) {
        self.put(lamport, &Event::error(code, message));
    }

    fn log(&mut self, line: &Line, _notice: &Notice) {
        if self.verbose {
            line.to_stderr();
        }
    }

    fn bye(&mut self, lamport: Stamp, outcome: &Outcome) {
        for line in last_lines(lamport, outcome) {
            self.outlet.insist(&line);
        }
        self.outlet.finish(LAST_WORDS);
    }
}

/// What stands in the output for so many events that it was read too slowly for.
pub(crate) fn gap_line(lamport: Stamp, count: u64) -> String {
    Event::Gap { from: None, count, reason: Some(GapReason::Output) }.line(lamport)
}

/// What a line of chat is in the output.
pub(crate) fn chat_line(lamport: Stamp, line: &ChatLine<'_>) -> String {
    Event::said(line).line(lamport)
}

/// What stands at the end of every output: what went wrong, if anything, and `bye`.
pub(crate) fn last_lines(lamport: Stamp, outcome: &Outcome) -> Vec<String> {
    let error = outcome.error.as_ref().map(|(code, message)| Event::Error {
        code,
        message: message.as_str().into(),
        fatal: true,
        reference: None,
    });
    let bye = Event::Bye { reason: outcome.reason };
    error.iter().chain([&bye]).map(|event| event.line(lamport)).collect()
}

#[cfg(test)]
mod tests;
