//! The frontend for people: rows on a terminal, or plain lines in a pipe or file.

mod answers;
mod unplaced;

use std::mem;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use ringchat_core::secure::ShortKey;
use ringchat_core::{
    ChatLine, Departure, Ending, Member, Name, NodeId, Notice, Occasion, Roster, Stamp, UnixTime,
};
use ringchat_driver::Clock;

use crate::attention::{Bell, is_mention};
use crate::desk::Item;
use crate::ignored::Ignored;
use crate::line::{Line, act_of};
use crate::outcome::SessionOutcome;
use crate::people::{People, Remark, RoomPrivacy};
use crate::presence::{Passage, Presence};
use crate::present::Present;
use crate::printer::Printer;
use crate::recent::RecentTexts;
use crate::roll::Roll;
use crate::rooms::Listing;
use crate::session::Frontend;
use crate::talk::TalkSettings;
use crate::{own_address, wording};

pub(crate) use answers::Request;
use unplaced::{Unplaced, Waiting};

/// The maximum time to show the last lines.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Which optional lines a screen shows.
#[derive(Clone)]
#[allow(clippy::struct_excessive_bools, reason = "each is a line that is shown or not")]
pub(crate) struct Show {
    /// The user's own messages, for an output on which they are not typed.
    pub(crate) own: bool,
    /// The lines of the log.
    pub(crate) log: bool,
    /// The hint that `/help` shows the commands, and what they ask for.
    pub(crate) commands: bool,
    /// What members do in a form of its own, for a terminal. A pipe has the form of all texts.
    pub(crate) acts: bool,
    /// Only the short warning about an open room.
    pub(crate) is_meant_open: bool,
    /// The hint how to begin a room on the network, if only this machine can join this one.
    pub(crate) greets_alone: bool,
    /// The room on the network, if the user asked for one.
    pub(crate) listing: Option<Listing>,
    /// How long a text may have no place before the user is told that it waits.
    pub(crate) patience: Duration,
}

/// The frontend for people.
pub(crate) struct Screen {
    printer: Printer,
    show: Show,
    requests: Receiver<Request>,
    present: Present,
    /// What the desk completes.
    roll: Roll,
    /// The user's name in the room.
    own_name: Option<Name>,
    been_in: bool,
    /// Reads the wall clock.
    now: fn() -> UnixTime,
    clock: Clock,
    /// The leader that the screen named last.
    leader: Option<NodeId>,
    /// The user's own messages that are known to wait.
    waiting: Waiting,
    /// The user's own messages that have no place yet.
    unplaced: Unplaced,
    /// The occasion of the last text shown.
    occasion: Occasion,
    bell: Bell,
    presence: Presence,
    ignored: Ignored,
    recent: RecentTexts,
    shows_times: bool,
}

impl Screen {
    /// A screen that answers one of `requests` with each report of the node, and keeps `roll` of the members. `now` reads
    /// the wall clock.
    pub(crate) fn new(
        printer: Printer,
        show: Show,
        requests: Receiver<Request>,
        talk: TalkSettings,
        roll: Roll,
        now: fn() -> UnixTime,
    ) -> Self {
        let unplaced = Unplaced::new(show.patience);
        Self {
            printer,
            show,
            requests,
            present: Present::default(),
            roll,
            own_name: None,
            been_in: false,
            now,
            clock: Clock::start(),
            leader: None,
            waiting: Waiting::default(),
            unplaced,
            occasion: Occasion::Live,
            bell: Bell::new(talk.bell.unwrap_or_default()),
            presence: Presence::new(talk.presence),
            ignored: Ignored::default(),
            recent: RecentTexts::default(),
            shows_times: talk.times,
        }
    }

    /// Whether this member has been let in.
    pub(crate) fn has_been_in(&self) -> bool {
        self.been_in
    }

    fn system(&mut self, text: &str) {
        self.printer.print(Line::system(text));
    }

    fn ready(&mut self, me: &Member, leader: &Member, members: &Roster, people: &People) {
        self.present = Present::of(members, |member| people.is_doubtful(member));
        self.roll.call(me.id, members);
        self.printer.with_ring(|ring| {
            ring.call(me.id, members);
            ring.leader = Some(leader.id);
        });
        self.own_name = Some(me.name.clone());
        self.leader = Some(leader.id);
        let leads =
            if leader == me { "you lead".to_owned() } else { format!("{} leads", self.label(leader)) };
        let count = wording::members(members.len());
        if self.been_in {
            self.system(&format!("back in the ring: {count}, {leads}"));
            return;
        }
        self.been_in = true;
        let commands = if self.show.commands { "; /help shows the commands" } else { "" };
        self.system(&format!("in the ring as {me}: {count}, {leads}{commands}"));
        let key = ShortKey::new(me.id.key());
        if people.privacy() == RoomPrivacy::Private {
            self.system(&format!("private and encrypted; your key is {key}"));
            self.how_to_join(me, people);
        } else {
            self.how_to_join(me, people);
            self.system(&format!("your key is {key}"));
            self.printer.print(wording::open_to_all(me.addr(), self.show.is_meant_open));
        }
        if self.show.greets_alone && leader == me && own_address::is_only_here(me.addr().ip()) {
            let private = if people.privacy() == RoomPrivacy::Private { "--private " } else { "" };
            self.system(&format!(
                "only this machine can join; for your network: ringchat -l {private}--room NAME"
            ));
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
            (_, Occasion::BeforeJoin) => self.system("said before you came"),
            (_, Occasion::WhileAway) => self.system("while you were away:"),
            (_, Occasion::OtherRing) => self.system("said in the other ring:"),
            (Occasion::BeforeJoin | Occasion::WhileAway, Occasion::Live) => self.system("now"),
            (_, Occasion::Live) => self.system("said in this ring:"),
        }
    }

    /// Marks the end of what was said before this member came or while it was away. Those texts come without anything in
    /// between, so any other event ends them.
    fn back_to_now(&mut self) {
        if matches!(self.occasion, Occasion::BeforeJoin | Occasion::WhileAway) {
            self.set_apart(Occasion::Live);
        }
    }

    fn joined(&mut self, member: &Member, people: &People) {
        self.present.add(member, people.is_doubtful(member));
        self.roll.add(member);
        self.printer.with_ring(|ring| ring.add(member));
        let line = format!("{} joined the ring!", self.label(member));
        self.passed(Passage::Joined, member, line);
    }

    fn left(&mut self, member: &Member, reason: Departure) {
        let label = self.label(member);
        match reason {
            Departure::Quit => self.passed(Passage::Left, member, format!("{label} left the ring")),
            Departure::Lost => self.passed(Passage::Lost, member, format!("{label} was lost")),
        }
        self.present.remove(member.id);
        self.roll.remove(member.id);
        self.printer.with_ring(|ring| ring.remove(member.id));
    }

    /// Tells with `line` that `member` came or went, if the user wants to know. What becomes of the leader is always told.
    fn passed(&mut self, passage: Passage, member: &Member, line: String) {
        let key = member.id.key();
        let told = if self.leader == Some(member.id) {
            Some(line)
        } else if self.ignored.has(key) {
            None
        } else {
            self.presence.told((key, passage), line, self.present.count(), self.clock.now())
        };
        if let Some(line) = told {
            self.system(&line);
        }
    }

    /// When `line` came. One of before this member came has the time of its author's clock.
    fn came(&self, line: &ChatLine<'_>) -> UnixTime {
        let now = (self.now)();
        if line.occasion == Occasion::BeforeJoin { line.at.min(now) } else { now }
    }

    /// The line of a text that `came` then. The author's name stands out if the text `is_mention` of the user.
    fn line_of(&self, line: &ChatLine<'_>, came: UnixTime, is_mention: bool) -> Line {
        // The user's own texts may have waited for a leader; nobody doubts the clock.
        let clock = if line.mine { String::new() } else { wording::clock(line.at, came) };
        let beside = self.present.beside(line.from, line.known_as) + &clock;
        match act_of(line.text).filter(|_| self.show.acts) {
            Some(act) => Line::act(line.from, &beside, line.stamp, act, is_mention),
            None => Line::chat(line.from, &beside, line.stamp, line.text, is_mention),
        }
        .among(if self.printer.is_desk() { self.present.ending(line.from) } else { None })
    }

    fn is_mention(&self, line: &ChatLine<'_>) -> bool {
        is_mention(line, self.own_name.as_ref())
    }

    /// Notes that another member said something just now, which `is_mention` of the user or not.
    fn heard(&mut self, line: &ChatLine<'_>, is_mention: bool) {
        let now = self.clock.now();
        self.presence.spoke(*line.from.id.key(), now);
        self.roll.spoke(line.from.id);
        if self.bell.rings(is_mention, now) {
            self.printer.ring();
        }
    }

    /// The user's own texts that were swallowed get no place any more.
    fn give_up(&mut self, notice: &Notice) {
        self.unplaced.forget();
        self.waiting = Waiting::default();
        let Notice::Swallowed { waiting, .. } = notice else { return };
        for (_, _, text) in waiting.iter().flat_map(|run| run.lines()) {
            self.printer.tell_desk(Item::NotPlaced(text.to_owned()));
        }
    }

    /// What the screen calls a member.
    fn label(&self, member: &Member) -> String {
        self.present.label(member)
    }
}

impl Frontend for Screen {
    fn chat(&mut self, lamport: Stamp, line: &ChatLine<'_>) {
        self.printer.note_lamport(lamport);
        let came = self.came(line);
        if self.show.commands {
            self.recent.keep(line, came.0.saturating_mul(1_000_000));
        }
        if !line.mine && self.ignored.hides(line.from.id.key()) {
            return;
        }
        self.set_apart(line.occasion);
        let is_mention = self.is_mention(line);
        if line.mine && line.occasion != Occasion::BeforeJoin {
            self.unplaced.placed(line.seq);
        }
        if line.occasion == Occasion::BeforeJoin {
            self.printer.print_again(self.line_of(line, came, is_mention), came);
        } else if !line.mine || self.show.own {
            self.printer.print(self.line_of(line, came, is_mention));
        } else {
            self.printer.tell_desk(Item::Placed(self.line_of(line, came, false)));
            if let Some(said) = self.waiting.placed(line.seq) {
                self.printer.print_aside(Line::system(said));
            }
        }
        if !line.mine && !line.occasion.is_replayed() {
            self.heard(line, is_mention);
        }
    }

    fn notice(&mut self, lamport: Stamp, notice: &Notice, people: &mut People) {
        self.back_to_now();
        self.printer.with_ring(|ring| ring.note(lamport, notice));
        match notice {
            Notice::Ready { me, leader, members, .. } => self.ready(me, leader, members, people),
            Notice::Held { seq } if !self.show.own => {
                self.printer.tell_desk(Item::Held);
                if self.waiting.add(*seq) {
                    self.printer.print_aside(Line::system("your message waits until the ring has a leader"));
                }
            }
            Notice::NotTaken { text } => {
                self.printer.tell_desk(Item::NotPlaced(text.as_str().to_owned()));
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
                self.give_up(notice);
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
        self.printer.insist(Line::system(&wording::remark(remark)));
    }

    fn caught_up(&mut self) {
        self.back_to_now();
        if let Some(line) = self.presence.due(self.clock.now()) {
            self.system(&line);
        }
        let overdue = self.unplaced.overdue(self.clock.now());
        if !overdue.is_empty() {
            for seq in overdue {
                self.waiting.add(seq);
            }
            self.printer.print_aside(Line::system("your message waits for the leader to answer"));
        }
    }

    fn due(&self) -> Option<Duration> {
        let dues = self.presence.next().into_iter().chain(self.unplaced.due());
        dues.min().map(|at| self.clock.until(at))
    }

    fn missed(&mut self, _lamport: Stamp, count: u64) {
        // The reports that answer these requests may be among the missed notices.
        for request in self.requests.try_iter().collect::<Vec<_>>() {
            self.answer(request);
        }
        self.printer.lose(count);
    }

    fn announced(&mut self, _lamport: Stamp) {
        if let Some(listing) = &self.show.listing {
            self.system(&wording::announced(listing));
        }
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
            self.printer.print(line.clone());
        }
    }

    fn bye(&mut self, _lamport: Stamp, _outcome: &SessionOutcome) {
        self.printer.finish(LAST_WORDS);
    }
}

#[cfg(test)]
mod tests;
