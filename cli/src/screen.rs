//! The frontend for people: rows on a terminal, or plain lines in a pipe or file.

use std::collections::BTreeSet;
use std::mem;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use ringchat_core::secure::ShortKey;
use ringchat_core::{
    ChatLine, Departure, Ending, Member, NodeId, Notice, Occasion, Report, Roster, Seq, Stamp, UnixTime,
};

use crate::desk::{self, DeskQueue, Item};
use crate::line::Line;
use crate::line_writer::LineWriter;
use crate::outcome::SessionOutcome;
use crate::people::{People, Remark, RoomPrivacy};
use crate::present::Present;
use crate::session::Frontend;
use crate::trust::full_key;
use crate::{own_address, terminal, wording};

/// The maximum time to show the last lines.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A question of the user, answered with the next report of the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// Which members have this text, in lower case, in their name or address?
    Members(String),
    /// What is the ring?
    Ring,
    /// Which member leads?
    Leader,
    /// What are the counts of this member?
    Stats,
    /// What do others need to come in?
    Ticket,
    /// What are the keys of the members that have this text, in lower case, in their name or address?
    Keys(String),
    /// Does the member called `who` have this key?
    Verify {
        /// A name, an address or a key.
        who: String,
        /// The key to compare.
        key: String,
    },
    /// What is all of the last folded text?
    Full,
    /// No question: empty the screen.
    Clear,
    /// No question: show these lines in their turn.
    Tell(Vec<String>),
}

/// The destination of lines for people. Cheap to clone.
#[derive(Clone)]
pub(crate) enum Printer {
    /// A pipe, a file, or a terminal on which the program edits no lines.
    Writer {
        /// The queue of lines.
        writer: LineWriter,
        /// How lines are written there.
        rendering: Rendering,
    },
    /// The desk.
    Desk(Arc<DeskQueue>),
}

/// How lines are written where the program edits no lines.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rendering {
    /// As lines of a file.
    Plain,
    /// As rows of a terminal.
    Rows {
        /// The colours of the rows, and what a folded text refers to.
        look: desk::Look,
        /// Whether the terminal obeys control sequences.
        obeys: bool,
    },
}

impl Rendering {
    /// The line as it is written, with its final newline.
    pub(crate) fn render(self, line: &Line) -> String {
        match self {
            Self::Plain => line.render(false) + "\n",
            Self::Rows { look, obeys } => desk::unedited(line, terminal::size().columns, look, obeys),
        }
    }
}

impl Printer {
    /// Queues a line. The line is lost if the queue stays full.
    fn print(&self, line: &Line) {
        match self {
            Self::Writer { writer, rendering } => writer.offer(&rendering.render(line)),
            Self::Desk(queue) => queue.offer(Item::Line(line.clone()), desk::weight(line)),
        }
    }

    /// Queues a line that must not be lost.
    pub(crate) fn insist(&self, line: &Line) {
        match self {
            Self::Writer { writer, rendering } => writer.insist(&rendering.render(line)),
            Self::Desk(queue) => queue.insist(Item::Line(line.clone()), desk::weight(line)),
        }
    }

    /// Records that `count` lines were lost before they reached the printer.
    fn lose(&self, count: u64) {
        match self {
            Self::Writer { writer, .. } => writer.lose(count),
            Self::Desk(queue) => queue.lose(count),
        }
    }

    /// Sends `item` to the desk, if there is one.
    fn tell_desk(&self, item: Item) {
        if let Self::Desk(queue) = self {
            queue.put(item);
        }
    }

    /// Waits until all lines are shown, at most for `within`.
    fn finish(&self, within: Duration) {
        match self {
            Self::Writer { writer, .. } => writer.finish(within),
            Self::Desk(queue) => queue.finish(within),
        }
    }
}

/// Which optional lines a screen shows.
#[derive(Clone, Copy)]
#[allow(clippy::struct_excessive_bools, reason = "each is a line that is shown or not")]
pub(crate) struct Show {
    /// The user's own messages, for an output on which they are not typed.
    pub(crate) own: bool,
    /// The lines of the log.
    pub(crate) log: bool,
    /// The hint that `/help` shows the commands.
    pub(crate) commands: bool,
    /// Only the short warning about an open room.
    pub(crate) is_meant_open: bool,
}

/// The frontend for people.
pub(crate) struct Screen {
    printer: Printer,
    show: Show,
    questions: Receiver<Question>,
    present: Present,
    been_in: bool,
    /// Reads the wall clock.
    now: fn() -> UnixTime,
    /// The leader that the screen named last.
    leader: Option<NodeId>,
    /// The user's own messages that the screen reported as waiting.
    held: BTreeSet<Seq>,
    /// The occasion of the last text shown.
    occasion: Occasion,
}

impl Screen {
    /// A screen that answers one of `questions` with each report of the node. `now` reads the wall clock.
    pub(crate) fn new(
        printer: Printer,
        show: Show,
        questions: Receiver<Question>,
        now: fn() -> UnixTime,
    ) -> Self {
        Self {
            printer,
            show,
            questions,
            present: Present::default(),
            been_in: false,
            now,
            leader: None,
            held: BTreeSet::new(),
            occasion: Occasion::Live,
        }
    }

    fn system(&self, text: &str) {
        self.printer.print(&Line::system(text));
    }

    fn ready(&mut self, me: &Member, leader: &Member, members: &Roster, people: &People) {
        self.present = Present::of(members, |member| people.is_doubtful(member));
        self.leader = Some(leader.id);
        let leads =
            if leader == me { "you lead".to_owned() } else { format!("{} leads", self.label(leader)) };
        let count = wording::members(members.len());
        if self.been_in {
            self.system(&format!("back in the ring: {count}, {leads}"));
            return;
        }
        self.been_in = true;
        let addr = me.addr();
        let commands = if self.show.commands { "; /help shows the commands" } else { "" };
        self.system(&format!("in the ring as {me}: {count}, {leads}{commands}"));
        let key = ShortKey::new(me.id.key());
        match people.privacy() {
            RoomPrivacy::Private => {
                self.system(&format!("private and encrypted; your key is {key}"));
                self.system(if self.show.commands {
                    "/ticket shows what others need to come in; give it to nobody else"
                } else {
                    "others need a ticket, which the program shows at a terminal (/ticket) or with --json"
                });
            }
            RoomPrivacy::Open => {
                self.system(&format!("others join with: ringchat {addr}"));
                self.system(&format!("your key is {key}"));
                self.printer.print(&wording::open_to_all(addr, self.show.is_meant_open));
            }
        }
        self.printer.tell_desk(Item::Admitted);
    }

    /// Marks the beginning and the end of texts that this member did not hear live.
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

    /// Marks the end of what was said while this member was away. Those texts come without anything in between, so any
    /// other event ends them.
    fn back_to_now(&mut self) {
        if self.occasion == Occasion::WhileAway {
            self.set_apart(Occasion::Live);
        }
    }

    fn joined(&mut self, member: &Member, people: &People) {
        self.present.add(member, people.is_doubtful(member));
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

    /// What the screen calls a member.
    fn label(&self, member: &Member) -> String {
        self.present.label(member)
    }

    fn report(&mut self, report: &Report, people: &mut People) {
        // Without a question: it was taken from the queue when notices were missed.
        let Ok(question) = self.questions.try_recv() else { return };
        self.present = Present::of(&report.members, |member| people.is_doubtful(member));
        match question {
            Question::Ticket => self.ticket(report, people),
            Question::Keys(part) => self.keys(report, people, &part),
            Question::Verify { who, key } => self.verify(report, people, &who, &key),
            Question::Members(part) => self.members(report, people, &part),
            Question::Ring => self.system(&ring(report, &self.present)),
            Question::Leader => self.system(&match &report.leader {
                Some(leader) => format!("{} leads (epoch {})", self.label(leader), report.epoch),
                None => "nobody leads just now; the ring elects".to_owned(),
            }),
            Question::Stats => stats(report).iter().for_each(|line| self.system(line)),
            other => self.answer(other),
        }
    }

    /// Answers a question that needs no report; all others stay unanswered.
    fn answer(&mut self, question: Question) {
        match question {
            Question::Full => self.printer.tell_desk(Item::Unfold),
            Question::Clear => self.printer.tell_desk(Item::Clear),
            Question::Tell(lines) => lines.iter().for_each(|line| self.system(line)),
            _ => {}
        }
    }

    fn members(&mut self, report: &Report, people: &People, part: &str) {
        let all = report.members.len();
        let has_part = |member: &&Member| member.to_string().to_lowercase().contains(part);
        let found: Vec<&Member> = report.members.iter().filter(has_part).collect();
        self.system(&match found.len() {
            _ if part.is_empty() => wording::members(all),
            count => format!("{count} of {}", wording::members(all)),
        });
        for member in found {
            let you = if member.id == report.me.id { ", you" } else { "" };
            let leads = if report.leader.as_ref() == Some(member) { ", leads" } else { "" };
            let other = wording::verified_instead(people, member);
            self.system(&format!("{member}{you}{leads}{other}"));
        }
    }
}

/// The answers about keys.
impl Screen {
    /// Shows a ticket, on a line of its own that can be copied.
    fn ticket(&self, report: &Report, people: &People) {
        match people.ticket(report) {
            Ok(ticket) => {
                self.system("with this ticket anybody can come in; give it to nobody else:");
                self.printer.print(&Line::default().and(&ticket));
                if own_address::is_only_here(report.me.addr().ip()) {
                    self.system("it is for this machine only, because you listen on its loopback; -a chooses another address");
                }
            }
            Err(error) => self.system(&error.to_string()),
        }
    }

    fn keys(&self, report: &Report, people: &People, part: &str) {
        let has_part = |member: &&Member| member.to_string().to_lowercase().contains(part);
        for member in report.members.iter().filter(has_part) {
            let key = member.id.key();
            let mark = wording::mark(&people.mark(member)) + &wording::verified_instead(people, member);
            let shares_it = |other: &&Member| other.id != member.id && other.id.key() == key;
            let shared = wording::shared_with(&report.members.iter().filter(shares_it).collect::<Vec<_>>());
            let ticket = if people.is_of_ticket(key) { ", in your ticket" } else { "" };
            let (short, full) = (ShortKey::new(key), full_key(key));
            self.system(&format!("{member} {short}, {mark}{ticket}{shared}; in full: {full}"));
        }
    }

    fn verify(&mut self, report: &Report, people: &mut People, who: &str, key: &str) {
        match people.verify(who, key, report) {
            Ok(member) if member.id.key() == report.me.id.key() => self.system("this is your own key"),
            Ok(member) => {
                self.present.add(member, people.is_doubtful(member));
                let key = ShortKey::new(member.id.key());
                self.system(&format!("the same: {member} has the key {key}, and is verified from now on"));
            }
            Err(error) => self.system(&error.to_string()),
        }
    }
}

impl Frontend for Screen {
    fn chat(&mut self, _lamport: Stamp, line: &ChatLine<'_>) {
        self.set_apart(line.occasion);
        if !line.mine || self.show.own {
            let clock = wording::clock(line.at, (self.now)());
            let beside = self.present.beside(line.from, line.known_as) + &clock;
            self.printer.print(&Line::chat(line.from, &beside, line.stamp, line.text));
        } else if self.held.remove(&line.seq) {
            self.system("your message was delivered");
        }
    }

    fn notice(&mut self, _lamport: Stamp, notice: &Notice, people: &mut People) {
        self.back_to_now();
        match notice {
            Notice::Ready { me, leader, members } => self.ready(me, leader, members, people),
            Notice::Held { seq } if !self.show.own => {
                self.held.insert(*seq);
                self.system("your message waits until the ring has a leader");
            }
            Notice::NotTaken { text } => {
                self.system(&format!("not sent, the room takes no more just now: {}", text.as_str()));
            }
            Notice::Gap { from, count } => {
                let text =
                    format!("{} of {} can no longer be had", wording::messages(*count), self.label(from));
                self.system(&text);
            }
            Notice::Joined { member } => self.joined(member, people),
            Notice::Left { member, reason } => self.left(member, *reason),
            Notice::NotYet { contact, failure, left } => {
                self.system(&wording::not_yet(*contact, *failure, *left));
            }
            // A ring may elect the same leader again, for instance to admit a newcomer.
            Notice::Leader { member, .. } if self.leader.replace(member.id) == Some(member.id) => {}
            Notice::Leader { member, epoch } => {
                self.system(&format!("{} leads now (epoch {epoch})", self.label(member)));
            }
            Notice::Report(report) => self.report(report, people),
            Notice::LeftBehind => self.system("the ring went on without you; joining again"),
            Notice::Swallowed { .. } | Notice::NewLife { .. } => {
                self.system(&wording::of_own(notice).unwrap_or_default());
            }
            Notice::CutOff => self.system("you read too slowly; the room waits no longer, catching up"),
            Notice::TooManyToMerge => self.system(
                "the other part of this room was found, but together they are more than a room can have",
            ),
            Notice::Ended(Ending::Left { .. }) => {
                self.system(if self.been_in { "you left the ring" } else { "gave up joining" });
            }
            // Chat is shown as it comes, other endings when the session ends; the rest is for the log.
            _ => {}
        }
    }

    fn remark(&mut self, _lamport: Stamp, remark: &Remark) {
        self.printer.insist(&Line::system(&wording::remark(remark)));
    }

    fn caught_up(&mut self) {
        self.back_to_now();
    }

    fn missed(&mut self, _lamport: Stamp, count: u64) {
        // The reports that answer these questions may be among the missed notices.
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
            Notice::Ring { .. }
                | Notice::Election { .. }
                | Notice::Fault { .. }
                | Notice::MoreFaults { .. }
                | Notice::Held { .. }
        );
        if self.show.log && !shown_anyway {
            self.printer.print(line);
        }
    }

    fn bye(&mut self, _lamport: Stamp, _outcome: &SessionOutcome) {
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
        format!("{} shown, {} of yours waiting", wording::messages(stats.shown), stats.waiting),
        format!(
            "protocol: {} sent, {} received, {}, {} of others",
            stats.sent,
            stats.received,
            wording::counted(stats.links, "link", "links"),
            wording::counted(stats.faults, "fault", "faults"),
        ),
        format!(
            "elections: {} begun here, {} sent; history: {}, {}",
            stats.elections,
            wording::messages(stats.election_messages),
            wording::counted(stats.history, "entry", "entries"),
            wording::counted(stats.history_bytes, "byte", "bytes"),
        ),
    ]
}

#[cfg(test)]
mod tests;
