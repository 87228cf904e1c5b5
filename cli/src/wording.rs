//! The words for what happens in a room, as the log and several frontends use them.

use std::borrow::Cow;
use std::fmt::Display;
use std::net::SocketAddr;
use std::time::Duration;

use ringchat_core::limits::MAX_TEXT;
use ringchat_core::secure::ShortKey;
use ringchat_core::{
    ChatLine, Departure, DialFailure, ElectionPhase, Ending, JoinFailure, Member, Notice, RingReason,
    UnixTime,
};

use crate::attention::BellKind;
use crate::line::Line;
use crate::people::{Mark, People, Remark};
use crate::presence::PresenceKind;
use crate::rooms::{FoundRoom, Listing, quoted};
use crate::sanitize::Clean;
use crate::see::{SeeStatus, TraceStatus};
use crate::trust::{Day, moment};

/// Seconds that the clock of an author may be off without being shown.
const CLOCKS_AGREE: u64 = 120;

/// The log's text for a line of chat.
pub(crate) fn said(line: &ChatLine<'_>) -> String {
    format!("{}[{}]: {}", line.from, line.stamp, line.text)
}

/// The log's text for any other `notice`. `None` if the log says nothing about it.
pub(crate) fn log(notice: &Notice) -> Option<String> {
    Some(match notice {
        Notice::Ready { me, leader, members, .. } => {
            format!("in the ring as {me}, one of {}, led by {leader}", members.len())
        }
        Notice::Held { seq } => format!("own message {seq} waits for a leader"),
        Notice::NotTaken { text } => format!("not taken: {}", text.as_str()),
        Notice::Gap { from, count } => format!("{} of {from} can no longer be had", messages(*count)),
        Notice::Joined { member } => format!("{member} joined the ring"),
        Notice::Left { member, reason: Departure::Quit } => format!("{member} left the ring"),
        Notice::Left { member, reason: Departure::Lost } => format!("{member} was lost"),
        Notice::Ring { prev, next, reason } => {
            format!("neighbours are {prev} before and {next} after ({})", ring_reason(*reason))
        }
        Notice::Election { phase, candidate, epoch } => {
            let what = match phase {
                ElectionPhase::Start => "stands",
                ElectionPhase::Forward => "passed on",
                ElectionPhase::Swallow => "stopped",
                ElectionPhase::Won => "won",
                ElectionPhase::Elected => "was elected",
            };
            format!("election of epoch {epoch}: {candidate} {what}")
        }
        Notice::NotYet { contact, failure, left } => not_yet(*contact, *failure, *left),
        Notice::Leader { member, epoch } => format!("{member} leads now (epoch {epoch})"),
        Notice::LeftBehind => "the ring went on without this member, which joins again".to_owned(),
        Notice::Swallowed { .. } | Notice::NewLife { .. } => of_own(notice)?,
        Notice::CutOff => "too slow for the room, which reads no more until this member caught up".to_owned(),
        Notice::TooManyToMerge => "a ring was found that is too large for this one to merge with".to_owned(),
        Notice::Fault { remote, reason } => format!("{remote} was cut off: {reason}"),
        Notice::MoreFaults { from, count, within } => {
            let from = from.map_or_else(|| "many addresses".to_owned(), |from| from.to_string());
            format!("{} from {from} in {} s", counted(*count, "more fault", "more faults"), within.as_secs())
        }
        Notice::Ended(Ending::Left { unsure: 0 }) => "left the ring".to_owned(),
        Notice::Ended(Ending::Left { unsure }) => format!("left the ring, {} unsure", messages(*unsure)),
        Notice::Ended(_) => "did not get into a ring".to_owned(),
        _ => return None,
    })
}

/// What became of the user's own messages.
pub(crate) fn of_own(notice: &Notice) -> Option<String> {
    match notice {
        Notice::Swallowed { count, .. } => {
            Some(format!("{} of yours may not have reached everybody; say them again", messages(*count)))
        }
        Notice::NewLife { .. } => Some(
            "the room counts messages that you did not say; joining again under another id, with the same key"
                .to_owned(),
        ),
        _ => None,
    }
}

/// `text` as one line of a log: line ends become `\n`. Backslashes stay unescaped, so that paths stay readable; only
/// the output of `--json` has the exact text.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    if text.contains(['\n', '\u{2028}', '\u{2029}']) {
        Clean::new(text).as_str().replace('\n', "\\n").into()
    } else {
        text.into()
    }
}

/// Says that `contact` has not let this member in yet and that this member tries for `left` more.
pub(crate) fn not_yet(contact: SocketAddr, failure: JoinFailure, left: Duration) -> String {
    let why = match failure {
        JoinFailure::Dial(DialFailure::Refused) => format!("nobody listens at {contact} yet"),
        _ => format!("{contact}: {failure}"),
    };
    format!("{why}; trying for {} s more", left.as_millis().div_ceil(1000))
}

/// The warning that anybody who reaches `addr` can enter an open room, in short if the room is `meant` to be open.
pub(crate) fn open_to_all(addr: SocketAddr, meant: bool) -> Line {
    Line::system(&if meant {
        format!("open room: whoever reaches {addr} can come in")
    } else {
        format!(
            "open room: encrypted, but whoever reaches {addr} can come in, read and write; --private keeps strangers out"
        )
    })
}

/// What the user should know about the key of a member.
pub(crate) fn remark(remark: &Remark) -> String {
    let short = |member: &Member| ShortKey::new(member.id.key());
    match remark {
        Remark::KeyChanged { member, known_key, known } => {
            let (name, key, known_key) = (&member.name, short(member), ShortKey::new(known_key));
            let when = known.last.spoken(Day::today());
            let known = if known.is_verified { "that you verified, heard" } else { "as" };
            format!(
                "WARNING: this {name} has the key {key}, not {known_key} {known} on {when}: another person, or a new machine"
            )
        }
        Remark::SameKey(member) => format!(
            "WARNING: another program with your key is in the room, as {member}; if it is not yours, your id file was \
             stolen: make a new one, and tell the others"
        ),
        Remark::TicketListed(member) => {
            format!("the room lists the key in your ticket, {}, as {}", short(member), member.name)
        }
        Remark::TicketUnlisted(key) => {
            format!("nobody in the room has the key in your ticket, {}", ShortKey::new(key))
        }
        Remark::OfTicket(member) => {
            format!("{} has the key {}, the one in your ticket", member.name, short(member))
        }
        Remark::New(member) => format!("{} is new to you: /verify {} KEY once", member.name, member.name),
        Remark::Forged { by, author } => {
            let (by, author) = (&by.name, &author.name);
            format!(
                "WARNING: {by} passed on a message that {author} did not sign; it is not shown, and {by} was cut off"
            )
        }
        Remark::Forked(author) => format!(
            "WARNING: {} said two different things as one message; others may see the other one",
            author.name
        ),
    }
}

/// What stands beside the address of an author whose clock said `at`: that time, if it is more than two minutes off
/// `now`. Usually empty.
pub(crate) fn clock(at: UnixTime, now: UnixTime) -> String {
    if at.0.abs_diff(now.0) > CLOCKS_AGREE { format!(", {} by its clock", moment(at)) } else { String::new() }
}

/// What the user knows of the key of a member.
pub(crate) fn mark(mark: &Mark) -> String {
    match mark {
        Mark::Own => "you".to_owned(),
        Mark::Verified(name) => format!("verified as {name}"),
        Mark::Known(first, name) => format!("known as {name} since {}", first.spoken(Day::today())),
        Mark::New => "new to you".to_owned(),
    }
}

/// What stands behind a member, if the user verified another key under a name that looks the same. Usually empty.
pub(crate) fn verified_instead(people: &People, member: &Member) -> String {
    people.verified_instead(member).map_or_else(String::new, |(key, name)| {
        format!(", but you verified the key {} as {name}", ShortKey::new(key))
    })
}

/// Names behind a key that other members share, at most.
const MAX_SHARERS: usize = 3;

/// What stands behind the key of a member that `others` have too. Usually empty.
pub(crate) fn shared_with(others: &[&Member]) -> String {
    if others.is_empty() {
        return String::new();
    }
    let first = others.get(..MAX_SHARERS).unwrap_or(others);
    let more = match others.len() - first.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(", the same key as {}{more}", list(first))
}

/// Where the trace goes.
pub(crate) fn trace(status: Option<&TraceStatus>) -> String {
    match status {
        Some(TraceStatus { path, ended: Some(why), .. }) => {
            format!("the trace {} has ended, because it {why}; /trace on FILE begins another", path.display())
        }
        Some(TraceStatus { path, size, limit, ended: None }) => {
            format!("the trace goes to {}, which has {} of {} MiB", path.display(), size >> 20, limit >> 20)
        }
        None => "no trace is written; /trace on FILE begins one".to_owned(),
    }
}

/// Where the page of the room is.
pub(crate) fn see(status: Option<&SeeStatus>) -> String {
    match status {
        Some(SeeStatus { url, refused: 0 }) => format!("see the room at {url}"),
        Some(SeeStatus { url, refused }) => {
            format!("see the room at {url}; {} refused", counted(*refused, "request was", "requests were"))
        }
        None => "there is no page of the room; /see on begins one".to_owned(),
    }
}

/// That the room is announced on the network, and what it is called there.
pub(crate) fn announced(listing: &Listing) -> String {
    let name = &listing.name;
    if listing.is_private {
        "announced on the network, without a name: only those who have the ticket find this room".to_owned()
    } else {
        format!("announced on the network as \"{name}\"")
    }
}

/// That a contact cannot be tried, beside others that can.
pub(crate) fn untried(host: &str, why: &str) -> String {
    format!(
        "no address is known for {host:?} ({why}), so it is not tried; check how it is written, or give an IP address"
    )
}

/// That there is another room of the same name, and what to do.
pub(crate) fn twin(twin: &FoundRoom) -> String {
    let at = twin.addrs.first().map(ToString::to_string).unwrap_or_default();
    let room = twin.name.as_ref().map(quoted).unwrap_or_default();
    format!(
        "another room on this network is called \"{twin}\" too (ringchat rooms lists both); to be one room, those in one of \
         them leave it and join the other by its address, which is here: ringchat --room {room} {at}"
    )
}

/// For which texts the terminal rings.
pub(crate) fn bell(kind: BellKind) -> &'static str {
    match kind {
        BellKind::Off => "the terminal does not ring",
        BellKind::Mentions => "the terminal rings when somebody says your name",
        BellKind::All => "the terminal rings for each text of others",
    }
}

/// Whose comings and goings are told.
pub(crate) fn presence(kind: PresenceKind) -> &'static str {
    match kind {
        PresenceKind::All => "the screen tells who comes and goes",
        PresenceKind::Recent => {
            "the screen tells who comes and goes of those that spoke in the last ten minutes"
        }
        PresenceKind::None => "the screen does not tell who comes and goes",
    }
}

/// The word for the reason of a change of neighbours.
pub(crate) fn ring_reason(reason: RingReason) -> &'static str {
    match reason {
        RingReason::Join => "join",
        RingReason::Leave => "leave",
        RingReason::Repair => "repair",
        RingReason::Merge => "merge",
    }
}

/// `all`, separated by commas.
pub(crate) fn list(all: &[impl Display]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Says that a text is not said where nothing can be asked.
pub(crate) const HAS_TICKET: &str = "not said: it has a ticket in it, which opens that room to all here";

/// Says that a text of `length` bytes is too long.
pub(crate) fn too_long(length: usize) -> String {
    format!("not sent: a message has at most {MAX_TEXT} bytes, this one has {length}; say it in parts")
}

/// Says that `count` lines were not shown, and whether the log has them.
pub(crate) fn unshown(count: u64, has_log: bool) -> Line {
    let lines = counted(count, "line was", "lines were");
    let log = if has_log { "see the log" } else { "no log is kept" };
    Line::system(&format!("{lines} not shown, because this screen is too slow; {log}"))
}

/// `count` with the noun: `1 message`, `2 messages`.
pub(crate) fn messages(count: u64) -> String {
    counted(count, "message", "messages")
}

/// `count` with the noun: `1 member`, `2 members`.
pub(crate) fn members(count: usize) -> String {
    counted(u64::try_from(count).unwrap_or(u64::MAX), "member", "members")
}

/// `count` with the noun `one` if it is 1, otherwise `many`.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_many_line_ends_is_one_line_of_the_log() {
        let many = "\n".repeat(16 * 1024);
        assert_eq!(one_line(&many), "\\n".repeat(16 * 1024));
        assert_eq!(one_line("a\r\nb\u{2028}c\u{2029}"), "a\\nb\\nc\\n");
        assert_eq!(one_line("C:\\new"), "C:\\new");
    }

    #[test]
    fn faults_that_came_fast_are_told_as_a_number() {
        let told = |from, count| {
            log(&Notice::MoreFaults { from, count, within: Duration::from_millis(10_200) }).unwrap()
        };
        assert_eq!(told(Some([192, 0, 2, 7].into()), 37), "37 more faults from 192.0.2.7 in 10 s");
        assert_eq!(told(None, 1), "1 more fault from many addresses in 10 s");
    }

    #[test]
    fn not_yet_says_the_reason_and_the_time_left() {
        let contact = ([127, 0, 0, 1], 4000).into();
        let said = |failure, ms| not_yet(contact, failure, Duration::from_millis(ms));
        assert_eq!(
            said(JoinFailure::Dial(DialFailure::Refused), 7_900),
            "nobody listens at 127.0.0.1:4000 yet; trying for 8 s more"
        );
        assert_eq!(
            said(JoinFailure::Dial(DialFailure::Unanswered), 900),
            "127.0.0.1:4000: connects, but does not answer; trying for 1 s more"
        );
    }
}
