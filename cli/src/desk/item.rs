//! What the desk is told, and what comes from it.

use std::io;

use ringchat_core::UnixTime;

use super::later::Pressed;
use crate::line::Line;
use crate::lossy_queue::LossyQueue;

/// The weight of a line in the queue besides its bytes: at most 4096 lines wait.
const LINE_WEIGHT: usize = 2048;

/// An item of the queue of the desk.
#[derive(Debug)]
pub(crate) enum Item {
    /// Show this line.
    Line(Line),
    /// Show this line again, which came then.
    Again(Line, UnixTime),
    /// Show this line, unless the full screen shows what it tells beside the user's own text.
    Aside(Line),
    /// The text of the user that this line tells has its place in the order.
    Placed(Line),
    /// This text of the user gets no place.
    NotPlaced(String),
    /// The texts of the user wait for a leader.
    Held,
    /// The ring has changed.
    Ring,
    /// Show the full screen, or lines that scroll away; the other of the two.
    Switch,
    /// The user looks at the terminal, or no longer.
    Focus(bool),
    /// Show times before lines from now on, or no longer.
    Times(bool),
    /// Ring the bell.
    Bell,
    /// Show all of the last folded line.
    Unfold,
    /// Show an empty screen.
    Clear,
    /// The room was entered: show the prompt.
    Admitted,
    /// A key was pressed, or a text was pasted.
    Pressed(Pressed),
    /// The room takes more of what is typed.
    Taken,
    /// The terminal is closed, or fails with this error.
    NoMoreKeys(Option<io::Error>),
    /// The terminal has another size.
    Resized,
    /// Stop the program until the shell continues it.
    Stop,
    /// The program was continued.
    Continued,
    /// The room is being left: remove the prompt.
    Leaving,
}

/// What comes from the desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// The user typed this: a text to send, or a command.
    Text(String),
    /// The full screen wants to know the ring.
    Look,
    /// The user leaves, after all that was typed before.
    Leave,
}

/// The queue of the desk.
pub(crate) type DeskQueue = LossyQueue<Item>;

/// The weight of a line in the queue.
pub(crate) fn weight(line: &Line) -> usize {
    LINE_WEIGHT + line.text().len()
}
