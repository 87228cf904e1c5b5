//! The trace of a run: a line an event, for people. Equal seeds give equal traces, byte for byte.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write as _};

use ringchat_core::trace::MessageKind;
use ringchat_core::wire::{Beat, CandidateRank, Deliver, Elect, Hello, Install, Message, Proven, Run, Sync};
use ringchat_core::{Action, Chat, Input, Instant, LinkId, Member, NodeId, Notice, Roster, View};

/// A trace.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    lines: Option<String>,
}

impl Trace {
    /// A trace that keeps its lines, or one that drops them.
    pub(crate) fn new(kept: bool) -> Self {
        Self { lines: kept.then(String::new) }
    }

    /// The lines so far; empty if they are dropped.
    pub(crate) fn lines(&self) -> &str {
        self.lines.as_deref().unwrap_or_default()
    }

    /// Whether lines are kept.
    pub(crate) fn is_kept(&self) -> bool {
        self.lines.is_some()
    }

    /// A user does something, or a fault strikes.
    pub(crate) fn event(&mut self, now: Instant, what: fmt::Arguments<'_>) {
        if let Some(lines) = &mut self.lines {
            let _ = writeln!(lines, "{now} === {what}");
        }
    }

    /// A process takes an input. `other` is at the other end of the input's link.
    pub(crate) fn input(&mut self, now: Instant, host: &str, other: Option<&str>, input: &Input) {
        let Some(lines) = &mut self.lines else { return };
        let from = other.unwrap_or("?");
        let _ = match input {
            Input::Received { envelope, .. } => {
                writeln!(lines, "{now} {host:>4} <- {from} {} @{}", Short(&envelope.message), envelope.stamp)
            }
            Input::LinkUp { link: LinkId(link), origin, remote, peer } => {
                writeln!(lines, "{now} {host:>4} up   {link} to {from} ({remote}, {}) {origin:?}", Id(*peer))
            }
            Input::Heard { link: LinkId(link) } => writeln!(lines, "{now} {host:>4} part {link} from {from}"),
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

    /// A node asks for something. `others` are at the other ends of the action's links.
    pub(crate) fn action(&mut self, now: Instant, host: &str, others: &str, action: &Action) {
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
            Action::Dial { dial, addr, expected } => match expected {
                Some(id) => writeln!(lines, "{now} {host:>4} dial {} to {addr}, {}", dial.0, Id(*id)),
                None => writeln!(lines, "{now} {host:>4} dial {} to {addr}", dial.0),
            },
            Action::Trust { link } => writeln!(lines, "{now} {host:>4} trust {}", link.0),
            Action::NewLife { id } => writeln!(lines, "{now} {host:>4} new life {}", Id(*id)),
            Action::Close { link, mode } => writeln!(lines, "{now} {host:>4} close {} {mode:?}", link.0),
            Action::Notify { notice, .. } => writeln!(lines, "{now} {host:>4} says {}", Told(notice)),
            Action::Trace { .. } => return,
            Action::Halt { .. } => writeln!(lines, "{now} {host:>4} halts"),
        };
    }
}

/// An id: its place, and the end of its incarnation.
struct Id(NodeId);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{:x}", crate::world::place_of(self.0), self.0.incarnation().get() & 0xff)
    }
}

/// A view.
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

/// A message in short.
struct Short<'a>(&'a Message);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MessageKind::of(self.0).name())?;
        match self.0 {
            Message::Hello(hello) => fmt_hello(f, hello),
            Message::NotMember(n) => {
                write!(f, " to {:?} of epoch {}, cfg {}", n.re, n.epoch, Config(n.cfg))
            }
            Message::Roster { cfg, roster } => {
                write!(f, " {} {}", Config(Some(*cfg)), Ids(ids(roster).into_iter()))
            }
            Message::Ping(Beat { view, cfg, stable }) | Message::Pong(Beat { view, cfg, stable }) => {
                write!(f, " view {} cfg {} stable {stable}", Seen(*view), Config(*cfg))
            }
            Message::Elect(elect) => fmt_elect(f, elect),
            Message::Elected(e) => {
                write!(f, " cfg {} {}", Config(Some(e.cfg)), Ids(ids(&e.roster).into_iter()))
            }
            Message::Submit { view, said } => fmt_submit(f, *view, said),
            Message::Deliver(deliver) => fmt_deliver(f, deliver),
            Message::Ack { view, index } => write!(f, " in {} {index}", Seen(Some(*view))),
            Message::Sync(sync) => fmt_sync(f, sync),
            Message::Install(install) => fmt_install(f, install),
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

fn fmt_hello(f: &mut fmt::Formatter<'_>, hello: &Hello) -> fmt::Result {
    write!(
        f,
        " {} to {} gen {}{}{} view {} cfg {}",
        Id(hello.me),
        Id(hello.you),
        hello.generation,
        if hello.next { " next" } else { "" },
        if hello.answer { " answer" } else { "" },
        Seen(hello.view),
        Config(hello.cfg)
    )
}

fn fmt_elect(f: &mut fmt::Formatter<'_>, elect: &Elect) -> fmt::Result {
    let CandidateRank { epoch, length, id } = elect.candidate;
    write!(
        f,
        " epoch {} candidate ({epoch}, {length}, {}) path {} cfg {}",
        elect.epoch,
        Id(id),
        Ids(elect.path.iter().copied()),
        Config(Some(elect.cfg))
    )
}

fn fmt_submit(f: &mut fmt::Formatter<'_>, view: View, runs: &[Proven<Run>]) -> fmt::Result {
    write!(f, " in {}", Seen(Some(view)))?;
    runs.iter().try_for_each(|run| {
        write!(f, " {}:{}", Id(run.origin.id), run.first)?;
        run.texts.iter().try_for_each(|text| write!(f, " {}", cut(text)))
    })
}

fn fmt_deliver(f: &mut fmt::Formatter<'_>, deliver: &Deliver) -> fmt::Result {
    let first = deliver.entries.first().map(|entry| entry.index.0);
    let end = deliver.entries.last().map(|entry| entry.end().0);
    write!(f, " in {} {first:?}..{end:?} stable {}", Seen(Some(deliver.view)), deliver.stable)
}

fn fmt_sync(f: &mut fmt::Formatter<'_>, sync: &Sync) -> fmt::Result {
    let ends: Vec<u64> = sync.history.iter().map(|span| span.end.0).collect();
    let (view, tail) = (Seen(Some(sync.view)), sync.tail.len());
    write!(f, " to {view} shape {ends:?} tail {tail} more {}", sync.more)
}

fn fmt_install(f: &mut fmt::Formatter<'_>, install: &Install) -> fmt::Result {
    let Install { common, base, end, .. } = install;
    let (cfg, roster) = (Config(Some(install.cfg)), Ids(ids(&install.roster).into_iter()));
    write!(f, " cfg {cfg} {roster} common {common} base {base} end {end}")
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

/// A notice in short.
struct Told<'a>(&'a Notice);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Notice::Ready { me, leader, members, .. } => {
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
            other => write!(f, "{other:?}"),
        }
    }
}
