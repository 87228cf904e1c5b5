//! What happens in a room, in words for its log.

use std::fmt::Display;
use std::net::SocketAddr;

use ringchat_core::limits::MAX_TEXT;
use ringchat_core::{ChatLine, Departure, ElectionPhase, Ending, Notice, RingReason};

use crate::line::Line;

/// What the log says about a line of chat.
pub(crate) fn said(line: &ChatLine<'_>) -> String {
    format!("{}[{}]: {}", line.from, line.stamp, line.text)
}

/// What the log says about any other `notice`, if anything.
pub(crate) fn log(notice: &Notice) -> Option<String> {
    Some(match notice {
        Notice::Ready { me, leader, members } => {
            format!("in the ring as {me}, one of {}, led by {leader}", members.len())
        }
        Notice::Held { oseq } => format!("own message {oseq} waits for a leader"),
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
        Notice::Leader { member, epoch } => format!("{member} leads now (epoch {epoch})"),
        Notice::LeftBehind => "the ring went on without this member, which joins again".to_owned(),
        Notice::CutOff => "too slow for the room, which reads no more until this member caught up".to_owned(),
        Notice::TooManyToMerge => "a ring was found that is too large for this one to merge with".to_owned(),
        Notice::Fault { remote, reason } => format!("{remote} was cut off: {reason}"),
        Notice::Ended(Ending::Left { unsure: 0 }) => "left the ring".to_owned(),
        Notice::Ended(Ending::Left { unsure }) => format!("left the ring, {} unsure", messages(*unsure)),
        Notice::Ended(_) => "did not get into a ring".to_owned(),
        Notice::Chat(_) | Notice::Report(_) => return None,
    })
}

/// That nothing keeps others out.
pub(crate) fn open_to_all(addr: SocketAddr) -> Line {
    Line::system(&format!("not encrypted: whoever reaches {addr} can read and write"))
}

/// Why the neighbours changed, in a word.
pub(crate) fn ring_reason(reason: RingReason) -> &'static str {
    match reason {
        RingReason::Join => "join",
        RingReason::Leave => "leave",
        RingReason::Repair => "repair",
        RingReason::Merge => "merge",
    }
}

/// One after the other.
pub(crate) fn list(all: &[impl Display]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// That a text of `length` bytes is too long.
pub(crate) fn too_long(length: usize) -> String {
    format!("not sent: a message has at most {MAX_TEXT} bytes, this one has {length}; say it in parts")
}

/// That so many lines were not shown.
pub(crate) fn unshown(count: u64) -> Line {
    let lines = if count == 1 { "1 line was".to_owned() } else { format!("{count} lines were") };
    Line::system(&format!("{lines} not shown, because this screen is too slow; see the log"))
}

/// So many messages.
pub(crate) fn messages(count: u64) -> String {
    if count == 1 { "1 message".to_owned() } else { format!("{count} messages") }
}

/// So many members.
pub(crate) fn members(count: usize) -> String {
    if count == 1 { "1 member".to_owned() } else { format!("{count} members") }
}
