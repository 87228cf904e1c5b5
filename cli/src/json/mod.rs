//! The frontend for programs: one JSON object per line, both ways.
//!
//! The codes of an `error` that ends the session: `listen`, `system`, `join_timeout`, `not_ringchat`, `address_taken`, `room_full`,
//! `id_file`, `secret_file`, `trace_file`, `see`, `unsure`, `input`, `output`, `internal`. The codes of an `error` after which the session goes
//! on: `bad_command`, `text_too_long`, `not_taken`, `not_yet`, `left_behind`, `swallowed`, `new_life`, `cut_off`,
//! `too_many_to_merge`, `log_file`, `trace_file`, `see`, `id_file`, `known_keys`, and those of answers: `no_ticket`, `bad_key`, `nobody`,
//! `ambiguous`, `other_key`, `full`.

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
use crate::people::{People, Remark};
use crate::see::SeeStatus;
use crate::session::Frontend;
use event::{GapReason, JsonEvent};

#[cfg(feature = "fuzzing")]
pub(crate) use command::JsonCommand;
#[cfg(feature = "fuzzing")]
pub(crate) use input::MAX_LINE;
pub(crate) use input::{Awaited, ProgramInput, awaited};

/// The maximum time to write the last lines.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// The frontend for programs.
pub(crate) struct Json {
    writer: LineWriter,
    runtime: RuntimeKind,
    verbose: bool,
    asked: Receiver<input::QueryWithRef>,
    said: Receiver<Option<Value>>,
    /// The number of own messages whose `ref` was taken from `said`.
    matched: Seq,
}

impl Json {
    /// A frontend that answers the queries of `awaited`.
    pub(crate) fn new(writer: LineWriter, runtime: RuntimeKind, verbose: bool, awaited: Awaited) -> Self {
        let Awaited { asked, said } = awaited;
        Self { writer, runtime, verbose, asked, said, matched: Seq::default() }
    }

    fn put(&self, lamport: Stamp, event: &JsonEvent<'_>) {
        self.writer.offer(&event.line(lamport));
    }

    /// The `ref` that came with the own message numbered `seq`. Own messages arrive in the order said, but some may be
    /// missing.
    fn reference(&mut self, seq: Seq) -> Option<Value> {
        let mut reference = None;
        while self.matched < seq {
            reference = self.said.try_recv().ok()?;
            self.matched = self.matched.next();
        }
        reference
    }

    fn report(&mut self, lamport: Stamp, report: &Report, people: &mut People) {
        // Without a query: it was dropped when notices were missed.
        if let Ok((query, reference)) = self.asked.try_recv() {
            self.put(lamport, &JsonEvent::answer(query, reference, report, people));
        }
    }
}

impl Frontend for Json {
    fn chat(&mut self, lamport: Stamp, line: &ChatLine<'_>) {
        self.put(lamport, &JsonEvent::said(line));
        if line.mine {
            let reference = self.reference(line.seq);
            self.put(lamport, &JsonEvent::Sent { reference, seq: line.index });
        }
    }

    fn notice(&mut self, lamport: Stamp, notice: &Notice, people: &mut People) {
        if let Notice::Report(report) = notice {
            self.report(lamport, report, people);
        } else if let Some(event) = JsonEvent::of(notice, self.runtime, people.privacy()) {
            self.put(lamport, &event);
        }
    }

    fn remark(&mut self, lamport: Stamp, remark: &Remark) {
        if let Some(event) = JsonEvent::remark(remark) {
            self.writer.insist(&event.line(lamport));
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

/// The line that replaces `count` events for which the output was read too slowly.
pub(crate) fn gap_line(lamport: Stamp, count: u64) -> String {
    JsonEvent::Gap { from: None, count, reason: Some(GapReason::Output) }.line(lamport)
}

/// The line that tells where the page of the room is.
pub(crate) fn page_line(lamport: Stamp, page: &SeeStatus) -> String {
    JsonEvent::seen(Some(page), None).line(lamport)
}

/// The line of a message.
#[cfg(feature = "fuzzing")]
pub(crate) fn chat_line(lamport: Stamp, line: &ChatLine<'_>) -> String {
    JsonEvent::said(line).line(lamport)
}

/// The last lines of every output: the error, if there is one, and `bye`.
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
