//! From keys to texts on their way to the room.

use std::net::SocketAddr;

use async_channel::TrySendError;
use ringchat_core::Name;

use super::doubt::Doubt;
use super::item::{Item, Typed};
use super::keys::Meaning;
use super::later::Pressed;
use super::{Desk, LOOK, LOOKS, Phase, TURN};
use crate::line::Line;
use crate::outcome::Cause;
use crate::process::SIGINT;
use crate::trust::now;
use crate::typed::TypedLine;
use crate::wording;

/// What stands below a text that waits until the room takes more.
const WAITS: &str = "waits until the room takes more; Ctrl-C drops it, and what follows";

impl Desk {
    /// Waits a moment before the user is asked something. Lines that are pasted at a terminal that does not mark that come at
    /// once, and answer nothing.
    pub(super) fn look_for_more(&mut self) {
        let mut looks = 0;
        while self.unseen.is_some() && looks < LOOKS {
            let items = self.queue.take_within(TURN, Some(LOOK)).unwrap_or_default();
            if items.is_empty() {
                return;
            }
            looks = if items.iter().any(|item| matches!(item, Item::Pressed(_))) { 0 } else { looks + 1 };
            for item in items {
                self.take(item);
            }
        }
    }

    /// Handles what was pressed, at once or as soon as the room takes what was typed before.
    pub(super) fn press(&mut self, pressed: Pressed) {
        if let Pressed::Key(Meaning::View(key)) = pressed
            && !self.later.is_empty()
        {
            // A user that waits may look around.
            return self.display.key(key);
        }
        if pressed.is_urgent() {
            self.unseen = None;
        } else {
            self.decide_unseen();
        }
        if self.phase == Phase::Typing && self.later.comes_behind(&pressed) {
            return self.later.put(pressed);
        }
        match pressed {
            Pressed::Key(meaning) => self.key(meaning),
            Pressed::Paste(text) => self.paste(&text),
        }
    }

    /// Handles what waits, as far as the room takes what is typed.
    pub(super) fn press_on(&mut self) {
        while let Some(pressed) = self.later.next() {
            match pressed {
                Pressed::Key(meaning) => self.key(meaning),
                Pressed::Paste(text) => self.paste(&text),
            }
            if !self.later.is_refused() && !self.later.is_empty() {
                self.decide_unseen();
            }
            if self.later.is_refused() {
                return;
            }
        }
    }

    /// Leaves at Ctrl-C on an empty line, unless something waits for the room, which is dropped, or the room has taken that a
    /// moment before.
    pub(super) fn interrupt(&mut self) {
        let has_just_waited = self.later.has_just_waited(self.display.now());
        if self.drop_waiting() {
            return;
        }
        if has_just_waited {
            return self.tell("nothing waits any more; Ctrl-C again leaves");
        }
        self.leave(Cause::Signal(SIGINT));
    }

    /// Drops what waits for the room, because the user does not want it any more. Returns whether anything did.
    pub(super) fn drop_waiting(&mut self) -> bool {
        let mut lines = self.later.clear();
        for typed in self.outlet.take_back() {
            if let Typed::Text(text) = typed {
                self.display.full().refuse(&text);
                lines += 1;
            } else {
                // There is space now.
                let _ = self.outlet.hand_over(typed);
            }
        }
        if lines > 0 {
            let count = wording::counted(lines as u64, "line was", "lines were");
            self.tell(&format!("{count} dropped and not sent"));
        }
        lines > 0
    }

    /// Decides without the user about a text that was not sent, if the next key came before the user could know.
    fn decide_unseen(&mut self) {
        match self.unseen.take() {
            None => {}
            Some(Doubt::IsLong) => {
                self.question = None;
                self.send(true);
            }
            Some(Doubt::HasTicket) => {
                self.question = None;
                self.tell(wording::HAS_TICKET);
                self.typed.clear();
            }
            Some(Doubt::IsTooLong) => {
                let text = self.typed.text().to_owned();
                self.keep(&text, false);
                self.typed.clear();
            }
        }
    }

    /// Sends the typed text, a long one only if `is_confirmed`. A text that cannot be sent stays in the editor.
    pub(super) fn send(&mut self, is_confirmed: bool) {
        let text = self.typed.text().trim_end_matches('\n').to_owned();
        if text.trim().is_empty() {
            return self.typed.clear();
        }
        let doubt = Doubt::of(&text).filter(|doubt| !is_confirmed || *doubt == Doubt::IsTooLong);
        self.unseen = doubt;
        match doubt {
            None => {}
            Some(Doubt::IsTooLong) => return self.tell(&wording::too_long(text.len())),
            Some(doubt) => {
                self.question = Some(doubt.question(&text));
                return;
            }
        }
        if self.hand_over(Typed::Text(text.clone()), Meaning::Send) {
            self.keep(&text, true);
            let own = own_line(&self.me, &text);
            self.display.add_typed(self.prompt.clone().and(&text), own, now());
            self.typed.clear();
            if let TypedLine::Leave(_) = TypedLine::parse(&text) {
                // What follows would not be sent.
                self.phase = Phase::Leaving;
            }
        }
    }

    /// Hands something over to the room because of the key `meaning`. Returns false if the room takes no more: the key is
    /// pressed again as soon as it does, and what is pressed until then comes after it.
    pub(super) fn hand_over(&mut self, typed: Typed, meaning: Meaning) -> bool {
        match self.outlet.hand_over(typed) {
            Ok(()) => {
                if self.outlet.len() > 1 {
                    self.later.note_wait(self.display.now());
                }
                return true;
            }
            Err(TrySendError::Full(_)) => {
                // Whatever was to be confirmed is confirmed.
                self.question = Some(Line::default().and(WAITS));
                self.later.refuse(meaning, self.display.now());
            }
            Err(TrySendError::Closed(_)) => self.phase = Phase::Leaving,
        }
        false
    }
}

/// What the user typed, as the full screen shows it: a text of the user, or a command.
fn own_line((name, addr): &(Name, SocketAddr), text: &str) -> Line {
    match TypedLine::parse(text) {
        TypedLine::Say(said) => Line::own(name, *addr, said, false),
        TypedLine::Act(act) => Line::own(name, *addr, act, true),
        _ => Line::default().and("> ").and(text),
    }
}
