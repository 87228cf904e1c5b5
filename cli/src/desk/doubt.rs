//! Texts that are not sent at once.

use ringchat_core::limits::MAX_TEXT;

use crate::line::Line;
use crate::trust::has_ticket;

/// Lines of a text above which the desk asks before it sends.
const MANY_LINES: usize = 10;

/// Bytes of a text above which the desk asks before it sends.
const MANY_BYTES: usize = 2048;

/// Why a text is not sent at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// It is too long to be sent at all.
    IsTooLong,
    /// It has a ticket in it, which perhaps nobody else is to know.
    HasTicket,
    /// It is so long that it was perhaps pasted by mistake.
    IsLong,
}

impl Doubt {
    /// The doubt about `text`, if there is one.
    pub(super) fn of(text: &str) -> Option<Self> {
        if text.len() > MAX_TEXT {
            Some(Self::IsTooLong)
        } else if has_ticket(text) {
            Some(Self::HasTicket)
        } else {
            (text.lines().count() > MANY_LINES || text.len() > MANY_BYTES).then_some(Self::IsLong)
        }
    }

    /// The question about `text`.
    pub(super) fn question(self, text: &str) -> Line {
        if self == Self::HasTicket {
            let question = "this has a ticket in it, for all here to use; Enter sends, Esc goes on editing";
            return Line::default().and(question);
        }
        let lines = text.lines().count();
        let size = if lines > MANY_LINES {
            format!("{lines} lines")
        } else {
            format!("{} KiB", text.len().div_ceil(1024))
        };
        Line::default().and(&format!("{size} as one message? Enter sends, Esc goes on editing"))
    }
}
