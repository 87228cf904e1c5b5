//! The face of a session for people: lines on a terminal, or plain lines in a pipe.

use std::collections::BTreeSet;
use std::mem;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use ringchat_core::{
    ChatLine, Departure, Ending, Member, NodeId, Notice, Occasion, Report, Roster, Seq, Stamp,
};

use crate::desk::{self, Inbox, Item};
use crate::line::Line;
use crate::outcome::Outcome;
use crate::outlet::Outlet;
use crate::present::Present;
use crate::session::Face;
use crate::{terminal, words};

/// How long the last lines may take to be shown.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Something that a person asked, answered by the next report of the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// The members with this text, in lower case, in their name or address.
    Members(String),
    /// The ring.
    Ring,
    /// Who leads.
    Leader,
    /// The counts.
    Stats,
    /// The last folded text whole.
    Full,
    /// An empty screen.
    Clear,
    /// Nothing that the node knows: these lines.
    Tell(Vec<String>),
}

/// Where lines for people go. Cheap to clone.
#[derive(Clone)]
pub(crate) enum Printer {
    /// To a pipe, a file, or a terminal that cannot edit lines.
    Outlet {
        /// The queue of lines.
        outlet: Outlet,
        /// What lines look like there.
        look: Look,
    },
    /// To the desk.
    Desk(Arc<Inbox>),
}

/// What lines look like where nobody edits lines.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Look {
    /// As in a file.
    Plain,
    /// As rows of a terminal.
    Rows {
        /// What they look like.
        look: desk::Look,
        /// Whether the terminal obeys more than line ends.
        obeys: bool,
    },
}

impl Look {
    /// The line as it goes out, newline included.
    pub(crate) fn render(self, line: &Line) -> String {
        match self {
            Self::Plain => line.render(false) + "\n",
            Self::Rows { look, obeys } => desk::unedited(line, terminal::size().columns, look, obeys),
        }
    }
}

impl Printer {
    /// Queues a line, or loses it.
    fn print(&self, line: &Line) {
        match self {
            Self::Outlet { outlet, look } => outlet.offer(&look.render(line)),
            Self::Desk(inbox) => inbox.offer(Item::Line(line.clone()), desk::weight(line)),
        }
    }

    /// Queues a line that must not be lost.
    pub(crate) fn insist(&self, line: &Line) {
        match self {
            Self::Outlet { outlet, look } => outlet.insist(&look.render(line)),
            Self::Desk(inbox) => inbox.insist(Item::Line(line.clone()), desk::weight(line)),
        }
    }

    /// So many lines were lost before they came here.
    fn lose(&self, count: u64) {
        match self {
            Self::Outlet { outlet, .. } => outlet.lose(count),
            Self::Desk(inbox) => inbox.lose(count),
        }
    }

    /// Tells the desk, if there is one.
    fn tell_desk(&self, item: Item) {
        if let Self::Desk(inbox) = self {
            inbox.put(item);
        }
    }

    /// Waits until all lines are shown, at most `within`.
    fn finish(&self, within: Duration) {
        match self {
            Self::Outlet { outlet, .. } => outlet.finish(within),
            Self::Desk(inbox) => inbox.finish(within),
        }
    }
}

/// What a screen shows.
#[derive(Clone, Copy)]
pub(crate) struct Show {
    /// One's own messages too, because nobody sees them being typed.
    pub(crate) own: bool,
    /// The log too.
    pub(crate) log: bool,
    /// That there are commands.
    pub(crate) commands: bool,
}

/// The face.
pub(crate) struct Screen {
    printer: Printer,
    show: Show,
    questions: Receiver<Question>,
    present: Present,
    been_in: bool,
    /// The leader that the user knows of.
    leader: Option<NodeId>,
    /// Own messages of which was said that they wait.
    held: BTreeSet<Seq>,
    /// On what occasion the last text was said.
    occasion: Occasion,
}

impl Screen {
    /// A screen that answers `questions` when the node reports.
    pub(crate) fn new(printer: Printer, show: Show, questions: Receiver<Question>) -> Self {
        Self {
            printer,
            show,
            questions,
            present: Present::default(),
            been_in: false,
            leader: None,
            held: BTreeSet::new(),
            occasion: Occasion::Live,
        }
    }

    fn system(&self, text: &str) {
        self.printer.print(&Line::system(text));
    }

    fn ready(&mut self, me: &Member, leader: &Member, members: &Roster) {
        self.present = Present::of(members);
        self.leader = Some(leader.id);
        let leads =
            if leader == me { "you lead".to_owned() } else { format!("{} leads", self.label(leader)) };
        let count = words::members(members.len());
        if self.been_in {
            self.system(&format!("back in the ring: {count}, {leads}"));
            return;
        }
        self.been_in = true;
        let addr = me.addr();
        let commands = if self.show.commands { "; /help shows the commands" } else { "" };
        self.system(&format!("in the ring as {me}: {count}, {leads}{commands}"));
        self.system(&format!("others join with: ringchat {addr}"));
        self.printer.print(&words::open_to_all(addr));
        self.printer.tell_desk(Item::Admitted);
    }

    /// Sets apart what was not said in front of this member.
    fn set_apart(&mut self, occasion: Occasion) {
        let before = mem::replace(&mut self.occasion, occasion);
        if before == occasion {
            return;
        }
        match (before, occasion) {
            (_, Occasion::WhileAway) => self.system("while you were away:"),
            (_, Occasion::OtherRing) => self.system("said in the other ring:"),
            (Occasion::WhileAway, Occasion::Live) => self.system("now"),
            (_, Occasion::Live) => self.system("said in this ring:"),
        }
    }

    /// What was said while this member was away comes at once, so anything else ends it.
    fn back_to_now(&mut self) {
        if self.occasion == Occasion::WhileAway {
            self.set_apart(Occasion::Live);
        }
    }

    fn joined(&mut self, member: &Member) {
        self.present.add(member);
        self.system(&format!("{} joined the ring!", self.label(member)));
    }

    fn left(&mut self, member: &Member, reason: Departure) {
        let label = self.label(member);
        self.present.remove(member.id);
        match reason {
            Departure::Quit => self.system(&format!("{label} left the ring")),
            Departure::Lost => self.system(&format!("{label} was lost")),
        }
    }

    /// What to call a member.
    fn label(&self, member: &Member) -> String {
        self.present.label(member)
    }

    fn report(&mut self, report: &Report) {
        // A report without a question is one whose question went with missed notices.
        let Ok(question) = self.questions.try_recv() else { return };
        self.present = Present::of(&report.members);
        match question {
            Question::Members(part) => self.members(report, &part),
            Question::Ring => self.system(&ring(report, &self.present)),
            Question::Leader => self.system(&match &report.leader {
                Some(leader) => format!("{} leads (epoch {})", self.label(leader), report.epoch),
                None => "nobody leads just now; the ring elects".to_owned(),
            }),
            Question::Stats => stats(report).iter().for_each(|line| self.system(line)),
            other => self.answer(other),
        }
    }

    /// Answers a question that needs no report.
    fn answer(&mut self, question: Question) {
        match question {
            Question::Full => self.printer.tell_desk(Item::Unfold),
            Question::Clear => self.printer.tell_desk(Item::Clear),
            Question::Tell(lines) => lines.iter().for_each(|line| self.system(line)),
            Question::Members(_) | Question::Ring | Question::Leader | Question::Stats => {}
        }
    }

    fn members(&mut self, report: &Report, part: &str) {
        let all = report.members.len();
        let has_part = |member: &&Member| member.to_string().to_lowercase().contains(part);
        let found: Vec<&Member> = report.members.iter().filter(has_part).collect();
        self.system(&match found.len() {
            _ if part.is_empty() => words::members(all),
            count => format!("{count} of {}", words::members(all)),
        });
        for member in found {
            let you = if member.id == report.me.id { ", you" } else { "" };
            let leads = if report.leader.as_ref() == Some(member) { ", leads" } else { "" };
            self.system(&format!("{member}{you}{leads}"));
        }
    }
}

impl Face for Screen {
    fn chat(&mut self, _lamport: Stamp, line: &ChatLine<'_>) {
        self.set_apart(line.occasion);
        if !line.mine || self.show.own {
            self.printer.print(&Line::chat(line.from, line.stamp, line.text));
        } else if self.held.remove(&line.seq) {
            self.system("your message was delivered");
        }
    }

    fn notice(&mut self, _lamport: Stamp, notice: &Notice) {
        self.back_to_now();
        match notice {
            Notice::Ready { me, leader, members } => self.ready(me, leader, members),
            Notice::Held { seq } if !self.show.own => {
                self.held.insert(*seq);
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
            Notice::NotYet { contact, failure, left } => {
                self.system(&words::not_yet(*contact, *failure, *left));
            }
            // A ring may elect the same leader again, to let somebody in.
            Notice::Leader { member, .. } if self.leader.replace(member.id) == Some(member.id) => {}
            Notice::Leader { member, epoch } => {
                self.system(&format!("{} leads now (epoch {epoch})", self.label(member)));
            }
            Notice::Report(report) => self.report(report),
            Notice::LeftBehind => self.system("the ring went on without you; joining again"),
            Notice::CutOff => self.system("you read too slowly; the room waits no longer, catching up"),
            Notice::TooManyToMerge => self.system(
                "the other part of this room was found, but together they are more than a room can have",
            ),
            Notice::Ended(Ending::Left { .. }) => {
                self.system(if self.been_in { "you left the ring" } else { "gave up joining" });
            }
            Notice::Chat(_)
            | Notice::Held { .. }
            | Notice::Ring { .. }
            | Notice::Election { .. }
            | Notice::Fault { .. }
            | Notice::Ended(_) => {}
        }
    }

    fn caught_up(&mut self) {
        self.back_to_now();
    }

    fn missed(&mut self, _lamport: Stamp, count: u64) {
        // The reports that would answer the questions may be among what was missed.
        for question in self.questions.try_iter().collect::<Vec<_>>() {
            self.answer(question);
        }
        self.printer.lose(count);
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
            self.printer.print(line);
        }
    }

    fn bye(&mut self, _lamport: Stamp, _outcome: &Outcome) {
        self.printer.finish(LAST_WORDS);
    }
}

/// `ring: alice -> bob -> carol* -> alice (epoch 3)`, the leader starred.
fn ring(report: &Report, present: &Present) -> String {
    let star = |member: &Member| if report.leader.as_ref() == Some(member) { "*" } else { "" };
    let label = |member: &Member| present.label(member);
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
