//! What the user asks for, and the answers.

use ringchat_core::secure::ShortKey;
use ringchat_core::{Member, Report, Seq, UnixTime};

use super::Screen;
use crate::attention::BellKind;
use crate::desk::Item;
use crate::line::Line;
use crate::people::{People, RoomPrivacy};
use crate::presence::PresenceKind;
use crate::present::Present;
use crate::recent::KeptText;
use crate::rooms::quoted;
use crate::trust::full_key;
use crate::{own_address, wording};

/// What the user asks for, done with the next report of the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Which members have this text, in lower case, in their name or address?
    Members(String),
    /// What is this room, and how do others join it?
    Room,
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
    /// Show no texts of the member that is called so.
    Ignore(String),
    /// Show them again.
    Unignore(String),
    /// Whose texts are not shown?
    Ignored,
    /// What are the last texts, so many?
    Last(usize),
    /// What are the last texts with this in them?
    LastWith(String),
    /// What is all of the last folded text?
    Full,
    /// Show times before lines, or no longer; the other of the two if neither is said.
    Times(Option<bool>),
    /// For which texts does the terminal ring? From now on for these, if they are said.
    Bell(Option<BellKind>),
    /// Whose comings and goings are told? From now on these, if they are said.
    Presence(Option<PresenceKind>),
    /// What is the ring? The full screen draws it.
    Look,
    /// Empty the screen.
    Clear,
    /// Show the full screen, or lines that scroll away; the other of the two.
    Screen,
    /// Note that the node took this text of the user.
    Said(Seq),
    /// Show these lines in their turn.
    Tell(Vec<String>),
}

/// How many texts a search shows.
const FOUND: usize = 20;

impl Screen {
    pub(super) fn report(&mut self, report: &Report, people: &mut People) {
        // Without a request: it was taken from the queue when notices were missed.
        let Ok(request) = self.requests.try_recv() else { return };
        self.present = Present::of(&report.members, |member| people.is_doubtful(member));
        self.roll.call(report.me.id, &report.members);
        self.printer.with_ring(|ring| ring.report(report));
        match request {
            Request::Ticket => self.ticket(report, people),
            Request::Keys(part) => self.keys(report, people, &part),
            Request::Verify { who, key } => self.verify(report, people, &who, &key),
            Request::Members(part) => self.members(report, people, &part),
            Request::Room => self.room(report, people),
            Request::Ring => self.system(&ring(report, &self.present)),
            Request::Leader => self.system(&match &report.leader {
                Some(leader) => format!("{} leads (epoch {})", self.label(leader), report.epoch),
                None => "nobody leads just now; the ring elects".to_owned(),
            }),
            Request::Stats => stats(report).iter().for_each(|line| self.system(line)),
            Request::Ignore(who) => self.ignore(report, &who),
            other => self.answer(other),
        }
    }

    /// Does what needs no report; all other requests stay undone.
    pub(super) fn answer(&mut self, request: Request) {
        match request {
            Request::Unignore(who) => self.unignore(&who),
            Request::Ignored => self.ignored.lines().iter().for_each(|line| self.system(line)),
            Request::Last(count) => self.last(count, ""),
            Request::LastWith(part) => self.last(FOUND, &part),
            Request::Full => self.printer.tell_desk(Item::Unfold),
            Request::Times(on) => self.times(on),
            Request::Bell(kind) => {
                self.bell.kind = kind.unwrap_or(self.bell.kind);
                self.system(wording::bell(self.bell.kind));
            }
            Request::Presence(kind) => {
                self.presence.chosen = kind.or(self.presence.chosen);
                self.system(wording::presence(self.presence.kind(self.present.count())));
            }
            Request::Clear => self.printer.tell_desk(Item::Clear),
            Request::Screen if self.printer.is_desk() => self.printer.tell_desk(Item::Switch),
            Request::Screen => self.system("the full screen needs a terminal that obeys control sequences"),
            // The user knows already of one that waits until there is a leader.
            Request::Said(seq) if !self.waiting.has(seq) => self.unplaced.said(seq, self.clock.now()),
            Request::Tell(lines) => lines.iter().for_each(|line| self.system(line)),
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

    fn room(&mut self, report: &Report, people: &People) {
        let kind = match people.privacy() {
            RoomPrivacy::Private => "private",
            RoomPrivacy::Open => "open",
        };
        let count = wording::members(report.members.len());
        self.system(&format!("{kind} room of {count}; you are {}", report.me));
        if let Some(listing) = self.show.listing.clone() {
            let not = if listing.is_announced() { "" } else { "not " };
            let (called, ticket) = if listing.is_private {
                ("without a name on the network".to_owned(), " --ticket")
            } else {
                (format!("called \"{}\" on the network", listing.name), "")
            };
            self.system(&format!("{called}, {not}announced by you"));
            let name = quoted(&listing.name);
            // By its name alone nobody finds one of two rooms.
            let which = if listing.has_twin() { format!(" {}", report.me.addr()) } else { String::new() };
            self.system(&format!("on the network others join with: ringchat --room {name}{ticket}{which}"));
        }
        self.how_to_join(&report.me, people);
        if own_address::is_only_here(report.me.addr().ip()) {
            self.system("only this machine can reach you, because you listen on its loopback; -a chooses another address");
        }
    }

    /// Tells what others need to join.
    pub(super) fn how_to_join(&mut self, me: &Member, people: &People) {
        match people.privacy() {
            RoomPrivacy::Private if self.show.commands => {
                self.system("/ticket shows what others need to come in; give it to nobody else");
            }
            RoomPrivacy::Private => self.system(
                "others need a ticket, which the program shows at a terminal (/ticket) or with --json",
            ),
            RoomPrivacy::Open => self.system(&format!("others join with: ringchat {}", me.addr())),
        }
    }
}

/// The answers about talk.
impl Screen {
    fn ignore(&mut self, report: &Report, who: &str) {
        let said = match self.ignored.add(who, report) {
            Ok(member) => {
                let name = self.ignored.called(member);
                format!("texts of {member} are not shown; /unignore {name} shows them again")
            }
            Err(error) => error.to_string(),
        };
        self.system(&said);
    }

    fn unignore(&mut self, who: &str) {
        let said = match self.ignored.remove(who) {
            Ok(member) => format!("texts of {member} are shown again"),
            Err(error) => error.to_string(),
        };
        self.system(&said);
    }

    /// Shows the last texts again, at most `count`, and only those with `part` in them, in any case.
    fn last(&mut self, count: usize, part: &str) {
        let wanted = part.to_lowercase();
        let found = self.recent.last(count, |line| {
            !self.ignored.has(line.from.id.key()) && line.text.to_lowercase().contains(&wanted)
        });
        let lines: Vec<(Line, UnixTime)> = found.into_iter().map(|kept| self.again(kept)).collect();
        let with = if part.is_empty() { String::new() } else { format!(" with \"{part}\"") };
        if lines.is_empty() {
            return self.system(&format!("no text{with} is kept"));
        }
        self.system(&format!("last {}{with}", lines.len()));
        for (line, came) in lines {
            self.printer.print_again(line, came);
        }
        self.system("now");
    }

    /// A kept text, and when it came.
    fn again(&self, kept: &KeptText) -> (Line, UnixTime) {
        let line = kept.line();
        let came = UnixTime(kept.came / 1_000_000);
        (self.line_of(&line, came, self.is_mention(&line)), came)
    }

    fn times(&mut self, on: Option<bool>) {
        self.shows_times = on.unwrap_or(!self.shows_times);
        self.printer.show_times(self.shows_times);
        self.system(if self.shows_times { "times are shown" } else { "no times are shown" });
    }
}

/// The answers about keys.
impl Screen {
    /// Shows a ticket, on a line of its own that can be copied.
    fn ticket(&mut self, report: &Report, people: &People) {
        match people.ticket(report) {
            Ok(ticket) => {
                self.system("with this ticket anybody can come in; give it to nobody else:");
                self.printer.print(Line::default().and(&ticket));
                if own_address::is_only_here(report.me.addr().ip()) {
                    self.system("it is for this machine only, because you listen on its loopback; -a chooses another address");
                }
            }
            Err(error) => self.system(&error.to_string()),
        }
    }

    fn keys(&mut self, report: &Report, people: &People, part: &str) {
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
                let until = if people.keeps_keys() { "from now on" } else { "until you leave" };
                self.system(&format!("the same: {member} has the key {key}, and is verified {until}"));
            }
            Err(error) => self.system(&error.to_string()),
        }
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

pub(super) fn stats(report: &Report) -> Vec<String> {
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
