//! The frontend for programs: one JSON object per line, both ways.
//!
//! The codes of an `error` that ends the session: `listen`, `system`, `join_timeout`, `not_ringchat`, `address_taken`,
//! `room_full`, `id_file`, `secret_file`, `trace_file`, `see`, `unsure`, `input`, `output`, `internal`, `no_room`,
//! `room_exists`, `room_ambiguous`, `announce`. The codes of an `error` after which the session goes on: `bad_command`,
//! `text_too_long`, `not_taken`, `not_yet`, `left_behind`, `swallowed`, `new_life`, `cut_off`, `too_many_to_merge`,
//! `log_file`, `trace_file`, `see`, `announce`, `room_ambiguous`, `id_file`, `known_keys`, and those of answers:
//! `no_ticket`, `bad_key`, `nobody`, `ambiguous`, `other_key`, `full`.

mod command;
mod early;
mod event;
mod input;

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use ringchat_core::{ChatLine, Name, Notice, Report, Seq, Stamp};
use serde_json::Value;

use crate::any_room::RuntimeKind;
use crate::attention::{BellKind, is_mention};
use crate::line::Line;
use crate::line_writer::LineWriter;
use crate::outcome::SessionOutcome;
use crate::people::{People, Remark};
use crate::recent::RecentTexts;
use crate::rooms::Listing;
use crate::see::SeeStatus;
use crate::session::Frontend;
use crate::talk::TalkSettings;
use crate::trust::now_micros;
use early::EarlyCommands;
use event::{GapReason, JsonEvent, MessageJson};

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
    said: Receiver<input::SaidText>,
    early: Arc<EarlyCommands>,
    /// The number of own messages that were taken from `said`.
    matched: Seq,
    /// Own messages that were taken from `said` and are not in the order yet.
    unordered: BTreeMap<Seq, input::SaidText>,
    talk: TalkSettings,
    own_name: Option<Name>,
    recent: RecentTexts,
    listing: Option<Listing>,
}

impl Json {
    /// A frontend that answers the queries of `awaited`.
    pub(crate) fn new(
        writer: LineWriter,
        runtime: RuntimeKind,
        verbose: bool,
        awaited: Awaited,
        talk: TalkSettings,
        listing: Option<Listing>,
    ) -> Self {
        let Awaited { asked, said, early } = awaited;
        Self {
            writer,
            runtime,
            verbose,
            asked,
            said,
            early,
            matched: Seq::default(),
            unordered: BTreeMap::new(),
            talk,
            own_name: None,
            recent: RecentTexts::default(),
            listing,
        }
    }

    fn put(&self, lamport: Stamp, event: &JsonEvent<'_>) {
        self.writer.offer(&event.line(lamport));
    }

    /// Takes what the program wants to know of its messages, up to the one numbered `seq`.
    fn match_up_to(&mut self, seq: Seq) {
        while self.matched < seq {
            let Ok(said) = self.said.try_recv() else { return };
            self.matched = self.matched.next();
            self.unordered.insert(self.matched, said);
        }
    }

    /// The `ref` that came with the own message numbered `seq`, which has its place in the order. Own messages arrive in
    /// the order said, but some may be missing.
    fn reference(&mut self, seq: Seq) -> Option<Value> {
        self.match_up_to(seq);
        let later = self.unordered.split_off(&seq.next());
        mem::replace(&mut self.unordered, later).remove(&seq).and_then(|said| said.reference)
    }

    /// The own message numbered `seq` has to wait.
    fn waits(&mut self, lamport: Stamp, seq: Seq) {
        self.match_up_to(seq);
        if let Some(said) = self.unordered.get(&seq).filter(|said| said.waiting) {
            let reference = said.reference.clone();
            self.put(lamport, &JsonEvent::Waiting { reference, waits_for: "leader" });
        }
    }

    /// Whether the message mentions the user, if the program wants to know that.
    fn mention(&self, line: &ChatLine<'_>) -> Option<bool> {
        let is_wanted = self.talk.bell.is_some_and(|kind| kind != BellKind::Off);
        is_wanted.then(|| is_mention(line, self.own_name.as_ref()))
    }

    fn report(&mut self, lamport: Stamp, report: &Report, people: &mut People) {
        // Without a query: it was dropped when notices were missed.
        let Ok((query, reference)) = self.asked.try_recv() else { return };
        let messages = |count| {
            let last = self.recent.last(count, |_| true).into_iter();
            let lines = last.map(|kept| (kept.line(), kept.came));
            lines.map(|(line, came)| MessageJson::of(&line, Some(came), self.mention(&line))).collect()
        };
        self.put(lamport, &JsonEvent::answer(query, reference, report, people, messages));
    }
}

impl Frontend for Json {
    fn chat(&mut self, lamport: Stamp, line: &ChatLine<'_>) {
        let came = now_micros();
        self.recent.keep(line, came);
        let message = MessageJson::of(line, self.talk.times.then_some(came), self.mention(line));
        self.put(lamport, &JsonEvent::Message(message));
        if line.mine {
            let reference = self.reference(line.seq);
            self.put(lamport, &JsonEvent::Sent { reference, seq: line.index });
        }
    }

    fn notice(&mut self, lamport: Stamp, notice: &Notice, people: &mut People) {
        if let Notice::Ready { me, .. } = notice {
            self.own_name = Some(me.name.clone());
        }
        match notice {
            Notice::Report(report) => self.report(lamport, report, people),
            Notice::Held { seq } => self.waits(lamport, *seq),
            _ => {
                let event = JsonEvent::of(notice, self.runtime, people.privacy(), self.listing.as_ref());
                if let Some(event) = &event {
                    self.put(lamport, event);
                }
            }
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

    fn announced(&mut self, lamport: Stamp) {
        let room = self.listing.as_ref().map(|listing| listing.name.as_str()).unwrap_or_default();
        self.put(lamport, &JsonEvent::Announced { room });
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
        for command in self.early.give_up() {
            self.writer.insist(&JsonEvent::unheeded(command).line(lamport));
        }
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
    JsonEvent::Message(MessageJson::of(line, None, None)).line(lamport)
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
