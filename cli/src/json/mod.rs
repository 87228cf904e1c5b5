//! The frontend of a session for programs: one JSON object a line, both ways.
//!
//! The codes of `error` are, when the session ends: `listen`, `system`, `join_timeout`, `not_ringchat`, `version`,
//! `room_full`, `slow`, `refused`, `unsure`, `input`, `output`, `internal`; and when it goes on: `bad_command`,
//! `text_too_long`, `not_taken`, `not_yet`, `left_behind`, `cut_off`, `too_many_to_merge`, `log_file`.

mod command;
mod event;
mod input;

use std::sync::mpsc::Receiver;
use std::time::Duration;

use ringchat_core::{ChatLine, Notice, Report, Seq, Stamp};
use serde_json::Value;

use crate::any_room::RuntimeKind;
use crate::line::Line;
use crate::line_writer::LineWriter;
use crate::outcome::SessionOutcome;
use crate::session::Frontend;
use event::{GapReason, JsonEvent};

#[cfg(feature = "fuzzing")]
pub(crate) use command::JsonCommand;
#[cfg(feature = "fuzzing")]
pub(crate) use input::MAX_LINE;
pub(crate) use input::{Awaited, ProgramInput, awaited};

/// How long the last lines may take to be read.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// The frontend.
pub(crate) struct Json {
    writer: LineWriter,
    runtime: RuntimeKind,
    verbose: bool,
    asked: Receiver<input::QueryWithRef>,
    said: Receiver<Option<Value>>,
    /// The number of own messages whose refs were taken from `said`.
    matched: Seq,
}

impl Json {
    /// A frontend that answers what comes through `awaited`.
    pub(crate) fn new(writer: LineWriter, runtime: RuntimeKind, verbose: bool, awaited: Awaited) -> Self {
        let Awaited { asked, said } = awaited;
        Self { writer, runtime, verbose, asked, said, matched: 0 }
    }

    fn put(&self, lamport: Stamp, event: &JsonEvent<'_>) {
        self.writer.offer(&event.line(lamport));
    }

    /// The ref that came with the own message numbered `oseq`. They come in the order said, but some may
    /// never come.
    fn reference(&mut self, oseq: Seq) -> Option<Value> {
        let mut reference = None;
        while self.matched < oseq {
            reference = self.said.try_recv().ok()?;
            self.matched += 1;
        }
        reference
    }

    fn report(&mut self, lamport: Stamp, report: &Report) {
        // An answer to nobody is one whose question went with missed notices.
        if let Ok((ask, reference)) = self.asked.try_recv() {
            self.put(lamport, &JsonEvent::answer(ask, reference, report));
        }
    }
}

impl Frontend for Json {
    fn chat(&mut self, lamport: Stamp, line: &ChatLine<'_>) {
        self.put(lamport, &JsonEvent::said(line));
        if line.mine {
            let reference = self.reference(line.oseq);
            self.put(lamport, &JsonEvent::Sent { reference, seq: line.seq });
        }
    }

    fn notice(&mut self, lamport: Stamp, notice: &Notice) {
        if let Notice::Report(report) = notice {
            self.report(lamport, report);
        } else if let Some(event) = JsonEvent::of(notice, self.runtime) {
            self.put(lamport, &event);
        }
    }

    fn missed(&mut self, _lamport: Stamp, count: u64) {
        self.asked.try_iter().for_each(drop);
        self.writer.lose(count);
    }

    fn trouble(&mut self, lamport: Stamp, code: &str, message: &str) {
        self.put(lamport, &JsonEvent::error(code, message));
    }

    fn log(&mut self, line: &Line, _notice: &Notice) {
        if self.verbose {
            line.to_stderr();
        }
    }

    fn bye(&mut self, lamport: Stamp, outcome: &SessionOutcome) {
        for line in last_lines(lamport, outcome) {
            self.writer.insist(&line);
        }
        self.writer.finish(LAST_WORDS);
    }
}

/// What stands in the output for so many events that it was read too slowly for.
pub(crate) fn gap_line(lamport: Stamp, count: u64) -> String {
    JsonEvent::Gap { from: None, count, reason: Some(GapReason::Output) }.line(lamport)
}

/// What a line of chat is in the output.
#[cfg(feature = "fuzzing")]
pub(crate) fn chat_line(lamport: Stamp, line: &ChatLine<'_>) -> String {
    JsonEvent::said(line).line(lamport)
}

/// What stands at the end of every output: what went wrong, if anything, and `bye`.
pub(crate) fn last_lines(lamport: Stamp, outcome: &SessionOutcome) -> Vec<String> {
    let error = outcome.error.as_ref().map(|(code, message)| JsonEvent::Error {
        code,
        message: message.as_str().into(),
        fatal: true,
        reference: None,
    });
    let bye = JsonEvent::Bye { reason: outcome.reason };
    error.iter().chain([&bye]).map(|event| event.line(lamport)).collect()
}

#[cfg(test)]
mod tests;
