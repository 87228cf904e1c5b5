//! What happened, a line an event, for people. Also the measure of determinism: equal seeds, equal lines.

use std::fmt::{self, Write as _};

use ringchat_core::wire::{Beat, Message};
use ringchat_core::{Action, Chat, Input, Instant, LinkId, Member, NodeId, Notice, Roster, View};

/// The lines so far, if they are wanted.
#[derive(Clone, Debug, Default)]
pub(super) struct Trace {
    lines: Option<String>,
}

impl Trace {
    /// A trace that keeps its lines, or one that drops them.
    pub(super) fn new(kept: bool) -> Self {
        Self { lines: kept.then(String::new) }
    }

    /// The lines so far; empty if they are dropped.
    pub(super) fn lines(&self) -> &str {
        self.lines.as_deref().unwrap_or_default()
    }

    /// Whether lines are kept.
    pub(super) fn is_kept(&self) -> bool {
        self.lines.is_some()
    }

    /// Something that a person or the world did.
    pub(super) fn event(&mut self, now: Instant, what: fmt::Arguments<'_>) {
        if let Some(lines) = &mut self.lines {
            let _ = writeln!(lines, "{now} === {what}");
        }
    }

    /// A process was told something; `other` is at the end of the link that it came by.
    pub(super) fn input(&mut self, now: Instant, host: &str, other: Option<&str>, input: &Input) {
        let Some(lines) = &mut self.lines else { return };
        let from = other.unwrap_or("?");
        let _ = match input {
            Input::Received { envelope, .. } => {
                writeln!(lines, "{now} {host:>4} <- {from} {} @{}", Short(&envelope.message), envelope.stamp)
            }
            Input::LinkUp { link: LinkId(link), origin, remote } => {
                writeln!(lines, "{now} {host:>4} up   {link} to {from} ({remote}) {origin:?}")
            }
            Input::LinkDown { link: LinkId(link), reason } => {
                writeln!(lines, "{now} {host:>4} down {link} to {from}: {reason}")
            }
            Input::DialFailed { dial, reason } => {
                writeln!(lines, "{now} {host:>4} dial {} failed: {reason}", dial.0)
            }
            Input::Command(command) => writeln!(lines, "{now} {host:>4} user {command:?}"),
            Input::Tick => writeln!(lines, "{now} {host:>4} tick"),
        };
    }

    /// A process wants something; `others` are at the ends of the links named.
    pub(super) fn action(&mut self, now: Instant, host: &str, others: &str, action: &Action) {
        let Some(lines) = &mut self.lines else { return };
        let _ = match action {
            Action::Send { envelope, .. } | Action::Multicast { envelope, .. } => {
                writeln!(
                    lines,
                    "{now} {host:>4} -> {others}: {} @{}",
                    Short(&envelope.message),
                    envelope.stamp
                )
            }
            Action::Dial { dial, addr } => writeln!(lines, "{now} {host:>4} dial {} to {addr}", dial.0),
            Action::Trust { link } => writeln!(lines, "{now} {host:>4} trust {}", link.0),
            Action::Close { link, mode } => writeln!(lines, "{now} {host:>4} close {} {mode:?}", link.0),
            Action::Notify { notice, .. } => writeln!(lines, "{now} {host:>4} says {}", Told(notice)),
            Action::Halt { .. } => writeln!(lines, "{now} {host:>4} halts"),
        };
    }
}

/// The short name of a kind of message.
pub(super) fn kind(message: &Message) -> &'static str {
    match message {
        Message::Hello(_) => "Hello",
        Message::NotMember(_) => "NotMember",
        Message::Superseded { .. } => "Superseded",
        Message::WantRoster => "WantRoster",
        Message::Roster { .. } => "Roster",
        Message::Ping(_) => "Ping",
        Message::Pong(_) => "Pong",
        Message::Elect(_) => "Elect",
        Message::Elected(_) => "Elected",
        Message::Submit { .. } => "Submit",
        Message::Deliver(_) => "Deliver",
        Message::Ack { .. } => "Ack",
        Message::Sync(_) => "Sync",
        Message::Install(_) => "Install",
        Message::Suspect { .. } => "Suspect",
        Message::Draining => "Draining",
        Message::Leave => "Leave",
        Message::Goodbye { .. } => "Goodbye",
        Message::Refused(_) => "Refused",
        Message::Join(_) => "Join",
        Message::JoinVia { .. } => "JoinVia",
        Message::WantPromise { .. } => "WantPromise",
        Message::Promise { .. } => "Promise",
        Message::Probe { .. } => "Probe",
        Message::ProbeReply { .. } => "ProbeReply",
    }
}

/// An id: its place, and the end of its incarnation.
struct Id(NodeId);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{:x}", super::world::place_of(self.0), self.0.incarnation().get() & 0xff)
    }
}

struct Seen(Option<View>);

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(view) => write!(f, "{}/{}", view.epoch, Id(view.leader)),
            None => f.write_str("none"),
        }
    }
}

struct Ids<I>(I);

impl<I: Iterator<Item = NodeId> + Clone> fmt::Display for Ids<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (n, id) in self.0.clone().enumerate() {
            write!(f, "{}{}", if n == 0 { "" } else { " " }, Id(id))?;
        }
        f.write_str("]")
    }
}

fn ids(roster: &Roster) -> Vec<NodeId> {
    roster.ids().collect()
}

struct Short<'a>(&'a Message);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(kind(self.0))?;
        match self.0 {
            Message::Hello(h) => write!(
                f,
                " {} to {} gen {}{}{} view {} cfg {}",
                Id(h.me),
                Id(h.you),
                h.generation,
                if h.next { " next" } else { "" },
                if h.answer { " answer" } else { "" },
                Seen(h.view),
                Config(h.cfg)
            ),
            Message::NotMember(n) => {
                write!(f, " to {:?} of epoch {}, cfg {}", n.re, n.epoch, Config(n.cfg))
            }
            Message::Roster { cfg, roster } => {
                write!(f, " {} {}", Config(Some(*cfg)), Ids(ids(roster).into_iter()))
            }
            Message::Ping(Beat { view, cfg, stable }) | Message::Pong(Beat { view, cfg, stable }) => {
                write!(f, " view {} cfg {} stable {stable}", Seen(*view), Config(*cfg))
            }
            Message::Elect(e) => write!(
                f,
                " epoch {} candidate ({}, {}, {}) path {} cfg {}",
                e.epoch,
                e.candidate.epoch,
                e.candidate.length,
                Id(e.candidate.id),
                Ids(e.path.iter().copied()),
                Config(Some(e.cfg))
            ),
            Message::Elected(e) => {
                write!(f, " cfg {} {}", Config(Some(e.cfg)), Ids(ids(&e.roster).into_iter()))
            }
            Message::Submit { view, said } => {
                write!(f, " in {}", Seen(Some(*view)))?;
                said.iter().try_for_each(|said| {
                    write!(f, " {}:{}", Id(said.origin.id), said.first)?;
                    said.texts.iter().try_for_each(|text| write!(f, " {}", cut(text)))
                })
            }
            Message::Deliver(d) => {
                let (first, end) =
                    (d.entries.first().map(|e| e.index.0), d.entries.last().map(|e| e.end().0));
                write!(f, " in {} {first:?}..{end:?} stable {}", Seen(Some(d.view)), d.stable)
            }
            Message::Ack { view, index } => write!(f, " in {} {index}", Seen(Some(*view))),
            Message::Sync(s) => {
                let ends: Vec<u64> = s.history.iter().map(|s| s.end.0).collect();
                write!(f, " to {} shape {ends:?} tail {} more {}", Seen(Some(s.view)), s.tail.len(), s.more)
            }
            Message::Install(i) => write!(
                f,
                " cfg {} {} common {} base {} end {}",
                Config(Some(i.cfg)),
                Ids(ids(&i.roster).into_iter()),
                i.common,
                i.base,
                i.end
            ),
            Message::Superseded { generation } => write!(f, " {generation}"),
            Message::Suspect { id } => write!(f, " {}", Id(*id)),
            Message::Goodbye { successor: Some(id) } => write!(f, " to {}", Id(*id)),
            Message::Refused(refusal) => write!(f, " {refusal:?}"),
            Message::Join(j) => write!(f, " {} epoch {} gen {}", Id(j.me.id), j.epoch, j.generation),
            Message::Probe { me, size } => write!(f, " {} of {size}", Id(me.id)),
            Message::ProbeReply { me } => write!(f, " {}", Id(me.id)),
            Message::WantPromise { round } => write!(f, " {round}"),
            Message::Promise { round, epoch } => write!(f, " {round} epoch {epoch}"),
            Message::JoinVia { leader, .. } => write!(f, " {}", Id(leader.id)),
            Message::WantRoster
            | Message::Draining
            | Message::Leave
            | Message::Goodbye { successor: None } => Ok(()),
        }
    }
}

struct Config(Option<ringchat_core::ConfigId>);

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(cfg) => write!(f, "{}.{}", Seen(Some(cfg.view)), cfg.n),
            None => f.write_str("none"),
        }
    }
}

fn cut(text: &str) -> String {
    text.chars().take(20).collect()
}

fn who(member: &Member) -> Id {
    Id(member.id)
}

struct Told<'a>(&'a Notice);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Notice::Ready { me, leader, members } => {
                write!(f, "ready {} leader {} {}", who(me), who(leader), Ids(ids(members).into_iter()))
            }
            Notice::Chat(chat) => {
                let Chat { index, said, .. } = chat;
                write!(f, "chat {index}: {}:{} [{}]", who(&said.origin), said.first, said.stamp)?;
                said.texts.iter().try_for_each(|text| write!(f, " {}", cut(text)))
            }
            Notice::Gap { from, count } => write!(f, "gap of {count} from {}", who(from)),
            Notice::Joined { member } => write!(f, "joined {}", who(member)),
            Notice::Left { member, reason } => write!(f, "left {} {reason:?}", who(member)),
            Notice::Ring { prev, next, reason } => {
                write!(f, "ring {} me {} {reason:?}", who(prev), who(next))
            }
            Notice::Election { phase, candidate, epoch } => {
                write!(f, "election {phase:?} {} epoch {epoch}", who(candidate))
            }
            Notice::NotYet { contact, failure, left } => {
                write!(f, "not yet through {contact}: {failure}, {left:?} left")
            }
            Notice::Leader { member, epoch } => write!(f, "leader {} epoch {epoch}", who(member)),
            Notice::Held { seq } => write!(f, "held {seq}"),
            Notice::NotTaken { text } => write!(f, "not taken {}", cut(text.as_str())),
            Notice::Report(_) => f.write_str("report"),
            Notice::LeftBehind => f.write_str("left behind"),
            Notice::CutOff => f.write_str("cut off"),
            Notice::TooManyToMerge => f.write_str("too many to merge"),
            Notice::Fault { remote, reason } => write!(f, "fault of {remote}: {reason}"),
            Notice::Ended(ending) => write!(f, "ended {ending:?}"),
        }
    }
}
