//! The events that a program reads from standard output.

use std::borrow::Cow;
use std::net::SocketAddr;

use ringchat_core::secure::ShortKey;
use ringchat_core::{
    ChatLine, Departure, Epoch, Index, Member, Name, Notice, Report, RingReason, Roster, Stamp,
};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::command::JsonCommand;
use crate::any_room::RuntimeKind;
use crate::calendar::utc;
use crate::people::{Mark, People, Remark, RoomPrivacy, VerifyError};
use crate::rooms::Listing;
use crate::see::{SeeStatus, TraceStatus};
use crate::session::Query;
use crate::trust::full_key;
use crate::wording;

/// An event: one line of standard output. Each line carries `lamport` too.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum JsonEvent<'a> {
    /// This member is in the room, for the first time or again after the room went on without it.
    Ready {
        me: MemberJson<'a>,
        leader: MemberJson<'a>,
        members: MembersJson<'a>,
        runtime: RuntimeKind,
        key: String,
        privacy: RoomPrivacy,
        /// Told if the program was started with `--room`, as is the next.
        #[serde(skip_serializing_if = "Option::is_none")]
        room: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        listen: Option<SocketAddr>,
    },
    /// The room is announced on the network.
    Announced { room: &'a str },
    /// A message has its place in the order.
    Message(MessageJson<'a>),
    /// A message of this member waits, because the ring has no leader. Told if the program wanted to know.
    Waiting {
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<Value>,
        #[serde(rename = "for")]
        waits_for: &'static str,
    },
    /// The answer to `last`.
    Last {
        messages: Vec<MessageJson<'a>>,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<Value>,
    },
    /// A message of this member has its place in the order.
    Sent {
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<Value>,
        seq: Index,
    },
    /// Messages are lost to this member, or standard output was read too slowly for some events.
    Gap {
        #[serde(skip_serializing_if = "Option::is_none")]
        from: Option<MemberJson<'a>>,
        count: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<GapReason>,
    },
    /// A member joined.
    Joined { member: MemberJson<'a> },
    /// A member left or was lost.
    Left { member: MemberJson<'a>, reason: &'static str },
    /// The neighbours of this member changed, or the answer to `ring`.
    Ring {
        prev: MemberJson<'a>,
        next: MemberJson<'a>,
        reason: &'static str,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<Value>,
    },
    /// A step of an election.
    Election { phase: &'static str, candidate: MemberJson<'a>, epoch: u64 },
    /// A member became the leader, or the answer to `leader`, which may be none.
    Leader {
        member: Option<MemberJson<'a>>,
        epoch: u64,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<Value>,
    },
    /// The answer to `stats`.
    Stats {
        #[serde(flatten)]
        stats: StatsJson,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<Value>,
    },
    /// The answer to `members`.
    Members {
        me: MemberJson<'a>,
        leader: Option<MemberJson<'a>>,
        epoch: u64,
        members: MembersJson<'a>,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<Value>,
    },
    /// The answer to `ticket`.
    Ticket {
        ticket: String,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<Value>,
    },
    /// The answer to `keys`.
    Keys {
        members: Vec<KeyJson<'a>>,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<Value>,
    },
    /// The answer to `verify`: the member has this key, and is verified from now on.
    Verified {
        member: MemberJson<'a>,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<Value>,
    },
    /// The answer to `trace`: where the trace goes, if there is one.
    Trace {
        file: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        bytes: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        limit: Option<u64>,
        /// Which trace has ended by itself, and why.
        #[serde(skip_serializing_if = "Option::is_none")]
        ended: Option<String>,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<Value>,
    },
    /// The answer to `see`, and told once by a program that begins with a page: its address, if there is one.
    See {
        url: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        refused: Option<u64>,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<Value>,
    },
    /// The name of the member is known with another key, last heard on that day.
    KeyChanged { member: MemberJson<'a>, known_key: String, last: String, verified: bool },
    /// Another program with the user's own key is in the room.
    SameKey { member: MemberJson<'a> },
    /// A member passed on words that their author did not sign.
    Forged { by: MemberJson<'a>, author: MemberJson<'a> },
    /// A member signed two different texts with one number.
    Forked { author: MemberJson<'a> },
    /// An error.
    Error {
        code: &'a str,
        message: Cow<'a, str>,
        fatal: bool,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<Value>,
    },
    /// The last line.
    Bye { reason: &'static str },
}

/// The reason of a gap other than missing history.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum GapReason {
    /// Standard output was read too slowly.
    Output,
}

/// An event and the Lamport time of the node.
#[derive(Serialize)]
struct Stamped<'a> {
    #[serde(flatten)]
    event: &'a JsonEvent<'a>,
    lamport: Stamp,
}

impl<'a> JsonEvent<'a> {
    /// The event of any `notice` other than chat. `None` if programs are not told of it.
    pub(super) fn of(
        notice: &'a Notice,
        runtime: RuntimeKind,
        privacy: RoomPrivacy,
        listing: Option<&'a Listing>,
    ) -> Option<Self> {
        Some(match notice {
            Notice::Ready { me, leader, members, .. } => Self::Ready {
                me: MemberJson::of(me),
                leader: MemberJson::of(leader),
                members: MembersJson(members),
                runtime,
                key: full_key(me.id.key()),
                privacy,
                room: listing.map(|listing| listing.name.as_str()),
                listen: listing.map(|listing| listing.listen),
            },
            Notice::NotTaken { .. } => {
                Self::error("not_taken", "the room takes no more just now; say it again")
            }
            Notice::Gap { from, count } => {
                Self::Gap { from: Some(MemberJson::of(from)), count: *count, reason: None }
            }
            Notice::Joined { member } => Self::Joined { member: MemberJson::of(member) },
            Notice::Left { member, reason } => {
                Self::Left { member: MemberJson::of(member), reason: departure(*reason) }
            }
            Notice::Ring { prev, next, reason } => Self::ring(prev, next, *reason),
            Notice::Election { phase, candidate, epoch } => {
                Self::Election { phase: phase.name(), candidate: MemberJson::of(candidate), epoch: epoch.0 }
            }
            Notice::Leader { member, epoch: Epoch(epoch) } => {
                Self::Leader { member: Some(MemberJson::of(member)), epoch: *epoch, reference: None }
            }
            Notice::NotYet { contact, failure, left } => {
                let message = wording::not_yet(*contact, *failure, *left);
                Self::Error { code: "not_yet", message: message.into(), fatal: false, reference: None }
            }
            Notice::LeftBehind => {
                Self::error("left_behind", "the room went on without this member, which joins again")
            }
            Notice::Swallowed { .. } => Self::of_own("swallowed", notice),
            Notice::NewLife { .. } => Self::of_own("new_life", notice),
            Notice::CutOff => {
                Self::error("cut_off", "too slow for the room, which waits no longer; catching up")
            }
            Notice::TooManyToMerge => Self::error(
                "too_many_to_merge",
                "the other part of this room was found, but together they are more than a room can have",
            ),
            // Chat, the ending and reports have events of their own; faults of peers are only logged.
            _ => return None,
        })
    }

    /// The error that tells what became of own messages.
    fn of_own(code: &'a str, notice: &Notice) -> Self {
        let message = wording::of_own(notice).unwrap_or_default().into();
        Self::Error { code, message, fatal: false, reference: None }
    }

    /// The answer to `query`, for which `recent` has the last messages.
    pub(super) fn answer(
        query: Query,
        reference: Option<Value>,
        report: &'a Report,
        people: &mut People,
        recent: impl FnOnce(usize) -> Vec<MessageJson<'a>>,
    ) -> Self {
        match query {
            Query::Last(count) => Self::Last { messages: recent(count), reference },
            Query::Leader => Self::Leader {
                member: report.leader.as_ref().map(MemberJson::of),
                epoch: report.epoch.0,
                reference,
            },
            Query::Ticket => match people.ticket(report) {
                Ok(ticket) => Self::Ticket { ticket: ticket.to_string(), reference },
                Err(error) => Self::refusal("no_ticket", &error, reference),
            },
            Query::Keys => {
                let members = report.members.iter().map(|member| KeyJson::of(member, people)).collect();
                Self::Keys { members, reference }
            }
            Query::Verify { who, key } => match people.verify(&who, &key, report) {
                Ok(member) => Self::Verified { member: MemberJson::of(member), reference },
                Err(error) => Self::refusal(verify_code(&error), &error.for_programs(), reference),
            },
            Query::Members => Self::Members {
                me: MemberJson::of(&report.me),
                leader: report.leader.as_ref().map(MemberJson::of),
                epoch: report.epoch.0,
                members: MembersJson(&report.members),
                reference,
            },
            Query::Ring => Self::Ring {
                prev: MemberJson::of(&report.prev),
                next: MemberJson::of(&report.next),
                reason: "asked",
                reference,
            },
            Query::Stats => Self::Stats { stats: StatsJson::from(report), reference },
        }
    }

    /// What programs should know about the key of a member. `None` if they can see it themselves.
    pub(super) fn remark(remark: &'a Remark) -> Option<Self> {
        Some(match remark {
            Remark::KeyChanged { member, known_key, known } => Self::KeyChanged {
                member: MemberJson::of(member),
                known_key: full_key(known_key),
                last: known.last.to_string(),
                verified: known.is_verified,
            },
            Remark::SameKey(member) => Self::SameKey { member: MemberJson::of(member) },
            Remark::Forged { by, author } => {
                Self::Forged { by: MemberJson::of(by), author: MemberJson::of(author) }
            }
            Remark::Forked(author) => Self::Forked { author: MemberJson::of(author) },
            Remark::TicketListed(_) | Remark::TicketUnlisted(_) | Remark::OfTicket(_) | Remark::New(_) => {
                return None;
            }
        })
    }

    /// The answer to `trace`.
    pub(super) fn traced(status: Option<&TraceStatus>, reference: Option<Value>) -> Self {
        let going = status.filter(|status| status.ended.is_none());
        let ended = status.and_then(|status| {
            status.ended.as_ref().map(|why| format!("the trace {} {why}", status.path.display()))
        });
        Self::Trace {
            file: going.map(|status| status.path.display().to_string()),
            bytes: going.map(|status| status.size),
            limit: going.map(|status| status.limit),
            ended,
            reference,
        }
    }

    /// The answer to `see`.
    pub(super) fn seen(status: Option<&'a SeeStatus>, reference: Option<Value>) -> Self {
        Self::See {
            url: status.map(|status| status.url.as_str()),
            refused: status.map(|status| status.refused),
            reference,
        }
    }

    /// The error that answers a query.
    fn refusal(code: &'a str, error: &impl ToString, reference: Option<Value>) -> Self {
        Self::Error { code, message: error.to_string().into(), fatal: false, reference }
    }

    /// That a command waited for a room that is left now, or was never entered.
    pub(super) fn unheeded(command: JsonCommand) -> Self {
        let message =
            "the room was left, or not entered, before this could be done; do it again in the next session";
        Self::Error {
            code: "not_taken",
            message: message.into(),
            fatal: false,
            reference: command.reference(),
        }
    }

    /// An error after which the session goes on.
    pub(super) fn error(code: &'a str, message: &'a str) -> Self {
        Self::Error { code, message: message.into(), fatal: false, reference: None }
    }

    fn ring(prev: &'a Member, next: &'a Member, reason: RingReason) -> Self {
        Self::Ring {
            prev: MemberJson::of(prev),
            next: MemberJson::of(next),
            reason: wording::ring_reason(reason),
            reference: None,
        }
    }

    /// The line, with its final newline.
    pub(super) fn line(&self, lamport: Stamp) -> String {
        // Serializing strings, numbers and maps with string keys cannot fail.
        let mut line = serde_json::to_string(&Stamped { event: self, lamport }).unwrap_or_default();
        line.push('\n');
        line
    }
}

fn verify_code(error: &VerifyError) -> &'static str {
    match error {
        VerifyError::NoKey => "bad_key",
        VerifyError::Nobody(_) => "nobody",
        VerifyError::Ambiguous { .. } => "ambiguous",
        VerifyError::Other(_) => "other_key",
        VerifyError::Full => "full",
    }
}

fn departure(reason: Departure) -> &'static str {
    match reason {
        Departure::Quit => "quit",
        Departure::Lost => "lost",
    }
}

/// A message as JSON.
#[derive(Serialize)]
pub(super) struct MessageJson<'a> {
    seq: Index,
    from: MemberJson<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    known_as: Option<&'a str>,
    text: &'a str,
    mine: bool,
    replayed: bool,
    /// Seconds since the beginning of 1970, by the author's clock.
    at: u64,
    /// When it came, by this machine's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    /// Whether it mentions the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    mention: Option<bool>,
}

impl<'a> MessageJson<'a> {
    /// A line of chat that `came` then, given in microseconds since the beginning of 1970, if that is to be told, and
    /// `mention`s the user or not, if that is to be told.
    pub(super) fn of(line: &ChatLine<'a>, came: Option<u64>, mention: Option<bool>) -> Self {
        Self {
            seq: line.index,
            from: MemberJson::of(line.from),
            known_as: line.known_as.map(Name::as_str),
            text: line.text,
            mine: line.mine,
            replayed: line.occasion.is_replayed(),
            at: line.at.0,
            time: came.map(utc),
            mention,
        }
    }
}

/// A member as JSON.
#[derive(Serialize)]
pub(super) struct MemberJson<'a> {
    id: String,
    name: &'a str,
    addr: SocketAddr,
    key: String,
}

impl<'a> MemberJson<'a> {
    fn of(member: &'a Member) -> Self {
        Self {
            id: format!("{:x}", member.id),
            name: member.name.as_str(),
            addr: member.addr(),
            key: full_key(member.id.key()),
        }
    }
}

/// A member, and what the user knows of its key, as JSON.
#[derive(Serialize)]
pub(super) struct KeyJson<'a> {
    #[serde(flatten)]
    member: MemberJson<'a>,
    short_key: String,
    /// `own`, `verified`, `known` or `new`.
    mark: &'static str,
    /// The name under which the key is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    known_as: Option<String>,
    /// The key that the user verified under a name that looks like that of the member, if it is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    verified_key: Option<String>,
    /// Whether it is the key in the user's ticket.
    in_ticket: bool,
}

impl<'a> KeyJson<'a> {
    fn of(member: &'a Member, people: &People) -> Self {
        let (mark, known_as) = match people.mark(member) {
            Mark::Own => ("own", None),
            Mark::Verified(name) => ("verified", Some(name.to_string())),
            Mark::Known(_, name) => ("known", Some(name.to_string())),
            Mark::New => ("new", None),
        };
        let key = member.id.key();
        Self {
            member: MemberJson::of(member),
            short_key: ShortKey::new(key).to_string(),
            mark,
            known_as,
            verified_key: people.verified_instead(member).map(|(key, _)| full_key(key)),
            in_ticket: people.is_of_ticket(key),
        }
    }
}

/// The members in ring order as JSON.
pub(super) struct MembersJson<'a>(&'a Roster);

impl Serialize for MembersJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(MemberJson::of))
    }
}

/// The counts of this member since its start as JSON.
#[derive(Serialize)]
pub(super) struct StatsJson {
    epoch: u64,
    members: usize,
    uptime_ms: u64,
    sent: u64,
    received: u64,
    shown: u64,
    waiting: u64,
    election_messages: u64,
    elections: u64,
    links: u64,
    faults: u64,
    history: u64,
    history_bytes: u64,
}

impl From<&Report> for StatsJson {
    fn from(report: &Report) -> Self {
        let stats = &report.stats;
        Self {
            epoch: report.epoch.0,
            members: report.members.len(),
            uptime_ms: u64::try_from(stats.uptime.as_millis()).unwrap_or(u64::MAX),
            sent: stats.sent,
            received: stats.received,
            shown: stats.shown,
            waiting: stats.waiting,
            election_messages: stats.election_messages,
            elections: stats.elections,
            links: stats.links,
            faults: stats.faults,
            history: stats.history,
            history_bytes: stats.history_bytes,
        }
    }
}
