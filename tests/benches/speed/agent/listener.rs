//! What a participant hears: counted, checked and digested.

use std::sync::{Mutex, PoisonError};

use anyhow::Result;

use super::answer;
use super::text::Said;
use crate::clock::{self, Nanos};
use crate::control::{Answer, Arrival, Heard, Start};

/// Where a participant's texts end up.
pub(crate) struct Ear {
    listens: bool,
    tally: Mutex<Tally>,
}

/// What was heard since the last order to listen.
#[derive(Default)]
struct Tally {
    heard: Heard,
    keep: bool,
    /// Senders that have not said their last.
    waits_for: usize,
    /// By sender: the number that its next text is to have.
    next: Vec<u32>,
}

impl Ear {
    pub(crate) fn new(start: &Start) -> Self {
        Self { listens: start.listens, tally: Mutex::default() }
    }

    /// Forgets everything, and waits for so many senders to say their last.
    pub(crate) fn listen(&self, senders: usize, keep: bool) -> Result<()> {
        self.with(|tally| *tally = Tally { keep, waits_for: senders, ..Tally::default() });
        answer(&Answer::Listening)
    }

    /// Several texts that came together, or one.
    pub(crate) fn hear<'a>(&self, texts: impl IntoIterator<Item = &'a [u8]>) -> Result<()> {
        if !self.listens {
            return Ok(());
        }
        let now = clock::now();
        let mut done = None;
        self.with(|tally| {
            for said in texts.into_iter().filter_map(Said::read) {
                tally.take(said, now);
                if tally.is_done(said) {
                    done = Some(tally.heard.clone());
                }
            }
        });
        done.map_or(Ok(()), |heard| answer(&Answer::Heard(heard)))
    }

    /// The room gave a member up.
    pub(crate) fn lost(&self, name: &str) {
        self.with(|tally| tally.heard.lost.push(name.to_owned()));
    }

    fn with(&self, change: impl FnOnce(&mut Tally)) {
        change(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Tally {
    fn take(&mut self, said: Said, now: Nanos) {
        let sender = usize::from(said.by);
        if self.next.len() <= sender {
            self.next.resize(sender + 1, 0);
        }
        if self.next[sender] != said.number {
            self.heard.faults += 1;
        }
        self.next[sender] = said.number + 1;
        self.heard.count += 1;
        self.heard.at = now;
        let text = u64::from(said.by) << 32 | u64::from(said.number);
        self.heard.order = (self.heard.order.rotate_left(5) ^ text).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        if self.keep {
            let Said { by, number, at, .. } = said;
            self.heard.arrivals.push(Arrival { by, number, said: at, heard: now });
        }
    }

    /// Whether this text was the last of all that were waited for.
    fn is_done(&mut self, said: Said) -> bool {
        if said.last {
            self.waits_for = self.waits_for.saturating_sub(1);
        }
        said.last && self.waits_for == 0
    }
}
