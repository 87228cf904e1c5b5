//! All that one member has printed so far, and the room as it follows from that.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use super::event::{EventLine, EventMember, ReceivedEvent};

/// More events than any test needs; a member that prints more has run wild.
const MAX_EVENTS: usize = 200_000;

/// All that one member has printed so far, and the room as it follows from that.
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
    /// How often it became a member.
    pub(crate) readies: usize,
    /// MemberIndex it is, once it is a member.
    pub(crate) me: Option<EventMember>,
    /// What it says that it runs on.
    pub(crate) runtime: String,
    /// MemberIndex leads.
    pub(crate) leader: Option<EventMember>,
    /// Ids of all members.
    pub(crate) members: BTreeSet<String>,
    /// The members before and after it.
    pub(crate) ring: Option<(EventMember, EventMember)>,
    /// Whether its output is not to be read yet.
    pub(crate) held: bool,
    /// Whether its output has ended or is read no more.
    pub(crate) closed: bool,
    /// How it ended, once it has.
    pub(crate) exit: Option<ExitStatus>,
    /// What it should not have printed.
    pub(crate) offences: Vec<String>,
    last_shown: Option<Instant>,
    /// Its Lamport time.
    pub(crate) lamport: u64,
    epoch: u64,
    /// The lines that are no messages.
    lines: Vec<String>,
}

/// A message shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) seq: u64,
    pub(crate) from: String,
    pub(crate) text: String,
}

impl Record {
    /// Of a member that has printed nothing yet.
    pub(crate) fn new(held: bool) -> Self {
        Self { held, ..Self::default() }
    }

    /// Takes in one more line of standard output.
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

    /// The last `n` lines that are no messages, for a person who wants to know why a test failed.
    pub(crate) fn tail(&self, n: usize) -> &[String] {
        &self.lines[self.lines.len().saturating_sub(n)..]
    }

    /// The id, once it is a member.
    pub(crate) fn id(&self) -> Option<&str> {
        self.me.as_ref().map(|me| me.id.as_str())
    }

    /// The texts shown of the sender with this id, in order.
    pub(crate) fn texts_of(&self, id: &str) -> Vec<&str> {
        self.shown.iter().filter(|shown| shown.from == id).map(|shown| shown.text.as_str()).collect()
    }

    /// The reference and the place of each own message that took its place, in order.
    pub(crate) fn places(&self) -> Vec<(Option<&str>, u64)> {
        let sent = |event| match event {
            &ReceivedEvent::Sent { ref reference, seq } => Some((reference.as_deref(), seq)),
            _ => None,
        };
        self.events.iter().filter_map(sent).collect()
    }

    /// Whether such an event was printed.
    pub(crate) fn any(&self, wanted: impl Fn(&ReceivedEvent) -> bool) -> bool {
        self.events.iter().any(wanted)
    }

    fn fold(&mut self, event: &ReceivedEvent) {
        match event {
            ReceivedEvent::Ready { me, leader, members, runtime } => {
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
            | ReceivedEvent::Other => {}
        }
    }
}
