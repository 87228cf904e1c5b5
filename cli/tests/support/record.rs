//! The record of one member: all that it has printed, and the state of the room that follows.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use super::event::{EventLine, EventMember, ReceivedEvent};

/// The maximum number of events. No test needs as many, so a member that prints more is broken.
const MAX_EVENTS: usize = 200_000;

/// All that one member has printed, and the state of the room that follows.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// Every event, in order.
    pub(crate) events: Vec<ReceivedEvent>,
    /// The messages shown, in order.
    pub(crate) shown: Vec<Shown>,
    /// The longest time between two messages shown.
    pub(crate) longest_pause: Duration,
    /// The last text shown of each sender, by id.
    pub(crate) last_of: BTreeMap<String, String>,
    /// How often the process became a member.
    pub(crate) readies: usize,
    /// The member as it printed itself; `None` until it is in the room.
    pub(crate) me: Option<EventMember>,
    /// The runtime that the member printed.
    pub(crate) runtime: String,
    /// The leader that the member printed last.
    pub(crate) leader: Option<EventMember>,
    /// Ids of all members.
    pub(crate) members: BTreeSet<String>,
    /// The neighbours before and after the member.
    pub(crate) ring: Option<(EventMember, EventMember)>,
    /// Whether the test holds the output back.
    pub(crate) held: bool,
    /// Whether the output has ended or is no longer read.
    pub(crate) closed: bool,
    /// The exit status, once the process has ended.
    pub(crate) exit: Option<ExitStatus>,
    /// The lines that must not be printed, with the reason.
    pub(crate) offences: Vec<String>,
    last_shown: Option<Instant>,
    /// The last Lamport time printed.
    pub(crate) lamport: u64,
    epoch: u64,
    /// All lines other than messages.
    lines: Vec<String>,
}

/// A message that a member showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) seq: u64,
    pub(crate) from: String,
    pub(crate) text: String,
}

impl Record {
    /// The record of a member that has printed nothing yet.
    pub(crate) fn new(held: bool) -> Self {
        Self { held, ..Self::default() }
    }

    /// Adds a line of standard output.
    pub(crate) fn take(&mut self, line: &str) {
        if self.events.len() >= MAX_EVENTS {
            return;
        }
        match serde_json::from_str::<EventLine>(line) {
            Ok(line) if line.lamport < self.lamport => {
                self.offences.push(format!("Lamport time ran back from {} to {line:?}", self.lamport));
            }
            Ok(line) => {
                self.lamport = line.lamport;
                self.fold(&line.event);
                self.events.push(line.event);
            }
            Err(error) => self.offences.push(format!("{error}: {line}")),
        }
        if !line.starts_with(r#"{"event":"message""#) && !line.starts_with(r#"{"event":"sent""#) {
            self.lines.push(line.to_owned());
        }
    }

    /// The last `n` lines other than messages, which show why a test failed.
    pub(crate) fn tail(&self, n: usize) -> &[String] {
        &self.lines[self.lines.len().saturating_sub(n)..]
    }

    /// All lines other than messages.
    pub(crate) fn lines(&self) -> &[String] {
        &self.lines
    }

    /// The id of the member, once it is in the room.
    pub(crate) fn id(&self) -> Option<&str> {
        self.me.as_ref().map(|me| me.id.as_str())
    }

    /// The shown texts of the sender with this id, in order.
    pub(crate) fn texts_of(&self, id: &str) -> Vec<&str> {
        self.shown.iter().filter(|shown| shown.from == id).map(|shown| shown.text.as_str()).collect()
    }

    /// The `ref` and the place of each own message that has its place, in order.
    pub(crate) fn places(&self) -> Vec<(Option<&str>, u64)> {
        let sent = |event| match event {
            &ReceivedEvent::Sent { ref reference, seq } => Some((reference.as_deref(), seq)),
            _ => None,
        };
        self.events.iter().filter_map(sent).collect()
    }

    /// Whether an event was printed that is `wanted`.
    pub(crate) fn any(&self, wanted: impl Fn(&ReceivedEvent) -> bool) -> bool {
        self.events.iter().any(wanted)
    }

    fn fold(&mut self, event: &ReceivedEvent) {
        match event {
            ReceivedEvent::Ready { me, leader, members, runtime, .. } => {
                self.runtime.clone_from(runtime);
                self.readies += 1;
                self.me = Some(me.clone());
                self.leader = Some(leader.clone());
                self.members = members.iter().map(|member| member.id.clone()).collect();
            }
            ReceivedEvent::Message { seq, from, text, mine } => {
                if *mine != (Some(from) == self.me.as_ref()) {
                    self.offences.push(format!("mine is wrong of {from:?}"));
                }
                let now = Instant::now();
                let pause = self.last_shown.replace(now).map_or(Duration::ZERO, |last| now - last);
                self.longest_pause = self.longest_pause.max(pause);
                self.last_of.insert(from.id.clone(), text.clone());
                self.shown.push(Shown { seq: *seq, from: from.id.clone(), text: text.clone() });
            }
            ReceivedEvent::Joined { member } => {
                self.members.insert(member.id.clone());
            }
            ReceivedEvent::Left { member, .. } => {
                self.members.remove(&member.id);
            }
            ReceivedEvent::Ring { prev, next } => self.ring = Some((prev.clone(), next.clone())),
            ReceivedEvent::Leader { member, epoch } => {
                if *epoch < self.epoch {
                    self.offences.push(format!("epoch ran back from {} to {epoch}", self.epoch));
                }
                self.epoch = *epoch;
                self.leader = Some(member.clone());
            }
            ReceivedEvent::Sent { .. }
            | ReceivedEvent::Gap { .. }
            | ReceivedEvent::Election {}
            | ReceivedEvent::Error { .. }
            | ReceivedEvent::Bye { .. }
            | ReceivedEvent::Ticket { .. }
            | ReceivedEvent::Trace { .. }
            | ReceivedEvent::See { .. }
            | ReceivedEvent::Keys { .. }
            | ReceivedEvent::Verified { .. }
            | ReceivedEvent::KeyChanged { .. }
            | ReceivedEvent::SameKey { .. }
            | ReceivedEvent::Announced { .. }
            | ReceivedEvent::Other => {}
        }
    }
}
