//! The face of a session for people: lines on a terminal, or plain lines in a pipe.

use std::collections::BTreeSet;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use ringchat_core::{ChatLine, Departure, Ending, Member, Notice, Report, Roster, Seq, Stamp};

use crate::line::Line;
use crate::outcome::Outcome;
use crate::outlet::Outlet;
use crate::session::{Ask, Face};
use crate::words;

/// How long the last lines may take to be shown.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Where lines for people go. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Printer {
    /// The queue of lines.
    pub(crate) outlet: Outlet,
    /// Whether in colour.
    pub(crate) colour: bool,
}

impl Printer {
    /// Queues a line. False if there is no room for it.
    pub(crate) fn print(&self, line: &Line) -> bool {
        self.outlet.offer(&self.rendered(line))
    }

    /// Queues a line that must not be lost.
    pub(crate) fn insist(&self, line: &Line) {
        self.outlet.insist(&self.rendered(line));
    }

    fn rendered(&self, line: &Line) -> String {
        line.render(self.colour) + "\n"
    }
}

/// What a screen shows.
#[derive(Clone, Copy)]
pub(crate) struct Show {
    /// One's own messages too, because nobody sees them being typed.
    pub(crate) own: bool,
    /// The log too.
    pub(crate) log: bool,
}

/// The face.
pub(crate) struct Screen {
    printer: Printer,
    show: Show,
    asked: Receiver<Ask>,
    members: Vec<Member>,
    been_in: bool,
    /// Own messages of which was said that they wait.
    held: BTreeSet<Seq>,
    /// Whether the last message was said in another ring, before two became one.
    in_replay: bool,
    /// Lines that did not fit since the last one that did.
    unshown: u64,
}

impl Screen {
    /// A screen that answers what comes through `asked` when the node reports.
    pub(crate) fn new(printer: Printer, show: Show, asked: Receiver<Ask>) -> Self {
        Self {
            printer,
            show,
            asked,
            members: Vec::new(),
            been_in: false,
            held: BTreeSet::new(),
            in_replay: false,
            unshown: 0,
        }
    }

    fn put(&mut self, line: &Line) {
        if self.unshown > 0 {
            let gap = format!(
                "{} lines were not shown, because this screen is too slow; see the log",
                self.unshown
            );
            if !self.printer.print(&Line::system(&gap)) {
                self.unshown = self.unshown.saturating_add(1);
                return;
            }
            self.unshown = 0;
        }
        if !self.printer.print(line) {
            self.unshown = 1;
        }
    }

    fn system(&mut self, text: &str) {
        self.put(&Line::system(text));
    }

    fn ready(&mut self, me: &Member, leader: &Member, members: &Roster) {
        self.members = members.iter().cloned().collect();
        let leads =
            if leader == me { "you lead".to_owned() } else { format!("{} leads", self.label(leader)) };
        let count = words::members(members.len());
        if self.been_in {
            self.system(&format!("back in the ring: {count}, {leads}"));
            return;
        }
        self.been_in = true;
        let addr = me.id.addr();
        self.system(&format!("in the ring as {me}: {count}, {leads}; /help shows the commands"));
        self.system(&format!("others join with: ringchat {addr}"));
        self.put(&words::open_to_all(addr));
    }

    /// Sets what was said in another ring apart.
    fn replay(&mut self, replayed: bool) {
        if replayed != self.in_replay {
            self.in_replay = replayed;
            self.system(if replayed { "said in the other ring:" } else { "said in this ring:" });
        }
    }

    fn joined(&mut self, member: &Member) {
        if !self.members.contains(member) {
            self.members.push(member.clone());
        }
        self.system(&format!("{} joined the ring!", self.label(member)));
    }

    fn left(&mut self, member: &Member, reason: Departure) {
        let label = self.label(member);
        self.members.retain(|known| known.id != member.id);
        match reason {
            Departure::Quit => self.system(&format!("{label} left the ring")),
            Departure::Lost => self.system(&format!("{label} was lost")),
        }
    }

    /// What to call a member: by name, with the address if others have that name too.
    fn label(&self, member: &Member) -> String {
        label(member, self.members.iter())
    }

    fn report(&mut self, report: &Report) {
        // An answer to nobody is one whose question went with missed notices.
        let Ok(ask) = self.asked.try_recv() else { return };
        self.members = report.members.iter().cloned().collect();
        match ask {
            Ask::Members => {
                self.system(&words::members(report.members.len()));
                for member in &report.members {
                    let you = if member.id == report.me.id { ", you" } else { "" };
                    let leads = if report.leader.as_ref() == Some(member) { ", leads" } else { "" };
                    self.system(&format!("{member}{you}{leads}"));
                }
            }
            Ask::Ring => self.system(&ring(report)),
            Ask::Leader => self.system(&match &report.leader {
                Some(leader) => format!("{} leads (epoch {})", self.label(leader), report.epoch),
                None => "nobody leads just now; the ring elects".to_owned(),
            }),
            Ask::Stats => stats(report).iter().for_each(|line| self.system(line)),
        }
    }
}

impl Face for Screen {
    fn chat(&mut self, _lamport: Stamp, line: &ChatLine<'_>) {
        self.replay(line.occasion.is_replayed());
        if !line.mine || self.show.own {
            self.put(&Line::chat(line.from, line.stamp, line.text));
        } else if self.held.remove(&line.oseq) {
            self.system("your message was delivered");
        }
    }

    fn notice(&mut self, _lamport: Stamp, notice: &Notice) {
        match notice {
            Notice::Ready { me, leader, members } => self.ready(me, leader, members),
            Notice::Held { oseq } if !self.show.own => {
                self.held.insert(*oseq);
                self.system("your message waits until the ring has a leader");
            }
            Notice::NotTaken { text } => {
                self.system(&format!("not sent, the room takes no more just now: {}", text.as_str()));
            }
            Notice::Gap { from, count } => {
                let text =
                    format!("{} of {} can no longer be had", words::messages(*count), self.label(from));
                self.system(&text);
            }
            Notice::Joined { member } => self.joined(member),
            Notice::Left { member, reason } => self.left(member, *reason),
            Notice::Leader { member, epoch } => {
                self.system(&format!("{} leads now (epoch {epoch})", self.label(member)));
            }
            Notice::Report(report) => self.report(report),
            Notice::LeftBehind => self.system("the ring went on without you; joining again"),
            Notice::CutOff => self.system("you read too slowly; the room waits no longer, catching up"),
            Notice::TooManyToMerge => self.system(
                "the other part of this room was found, but together they are more than a room can have",
            ),
            Notice::Ended(Ending::Left { .. }) => self.system("you left the ring"),
            Notice::Chat(_)
            | Notice::Held { .. }
            | Notice::Ring { .. }
            | Notice::Election { .. }
            | Notice::Fault { .. }
            | Notice::Ended(_) => {}
        }
    }

    fn missed(&mut self, _lamport: Stamp, count: u64) {
        self.asked.try_iter().for_each(drop);
        self.unshown = self.unshown.saturating_add(count);
    }

    fn trouble(&mut self, _lamport: Stamp, _code: &str, message: &str) {
        self.system(message);
    }

    fn log(&mut self, line: &Line, notice: &Notice) {
        let shown_anyway = !matches!(
            notice,
            Notice::Ring { .. } | Notice::Election { .. } | Notice::Fault { .. } | Notice::Held { .. }
        );
        if self.show.log && !shown_anyway {
            self.put(line);
        }
    }

    fn bye(&mut self, _lamport: Stamp, _outcome: &Outcome) {
        if self.unshown > 0 {
            let gap = format!("{} lines were not shown; see the log", self.unshown);
            self.printer.insist(&Line::system(&gap));
        }
        self.printer.outlet.finish(LAST_WORDS);
    }
}

/// What to call `member` among `all`.
fn label<'a>(member: &Member, all: impl Iterator<Item = &'a Member>) -> String {
    let mut others = all.filter(|other| other.id != member.id);
    if others.any(|other| other.name == member.name) { member.to_string() } else { member.name.to_string() }
}

/// `ring: alice -> bob -> carol* -> alice (epoch 3)`, the leader starred.
fn ring(report: &Report) -> String {
    let star = |member: &Member| if report.leader.as_ref() == Some(member) { "*" } else { "" };
    let label = |member: &Member| label(member, report.members.iter());
    let mut ring: Vec<String> = report.members.iter().map(|member| label(member) + star(member)).collect();
    ring.extend(report.members.iter().next().map(label));
    format!("ring: {} (epoch {})", ring.join(" -> "), report.epoch)
}

fn stats(report: &Report) -> Vec<String> {
    let stats = &report.stats;
    vec![
        format!("up {} s, Lamport time {}, epoch {}", stats.uptime.as_secs(), report.lamport, report.epoch),
        format!("{} shown, {} of yours waiting", words::messages(stats.shown), stats.waiting),
        format!(
            "protocol: {} sent, {} received, {} links, {} faults of others",
            stats.sent, stats.received, stats.links, stats.faults
        ),
        format!(
            "elections: {} begun here, {} messages sent; history: {} entries, {} bytes",
            stats.elections, stats.election_messages, stats.history, stats.history_bytes
        ),
    ]
}

#[cfg(test)]
mod tests;
