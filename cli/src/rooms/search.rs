//! Looks for a room before it is created or joined.

use std::time::Duration;

use ringchat_core::Name;
use ringchat_driver::Clock;

use super::found::{FoundRoom, FoundRooms, Wanted};
use super::{Heard, NO_ROOM, Network};
use crate::line::Line;
use crate::outcome::SessionOutcome;
use crate::{USAGE, wording};

/// How long a search lasts at least. A member that announces a room leaves a question unanswered if it has just answered
/// another one, and answers when the question is asked again after a second.
pub(super) const FIRST_LOOK: Duration = Duration::from_millis(1500);

/// Takes note of what is announced, for so long.
pub(super) fn listen(network: &mut Network, found: &mut FoundRooms, within: Duration) {
    let clock = Clock::start();
    let end = clock.now().after(within);
    while let Some(heard) = network.hear(clock.until(end)) {
        note(heard, found);
    }
}

/// Takes note of what was heard.
pub(super) fn note(heard: Heard, found: &mut FoundRooms) {
    match heard {
        Heard::Came(instance, record) => found.came(instance, record),
        Heard::Went(instance) => found.went(&instance),
    }
}

/// Makes sure that nobody announces the room `wanted`, which is to be created.
///
/// # Errors
/// If somebody does.
pub(super) fn refuse_second(network: &mut Network, wanted: Wanted) -> Result<(), SessionOutcome> {
    let mut found = FoundRooms::looking_for(wanted);
    listen(network, &mut found, FIRST_LOOK);
    match found.wanted().first() {
        Some(room) => Err(exists(room)),
        None => Ok(()),
    }
}

fn exists(room: &FoundRoom) -> SessionOutcome {
    let at = wording::list(&room.addrs);
    let message = match &room.name {
        Some(name) => format!(
            "a room \"{name}\" is at {at}; join it with ringchat --room {}, or choose another name",
            quoted(name)
        ),
        None => format!("the room of this secret is at {at}; leave -l out to join it"),
    };
    SessionOutcome::failed(USAGE, "room_exists", message)
}

/// A name as a shell takes it.
pub(crate) fn quoted(name: &Name) -> String {
    let name = name.as_str();
    if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && !name.starts_with('-')
    {
        name.to_owned()
    } else {
        format!("'{}'", name.replace('\'', r"'\''"))
    }
}

/// Looks for the room `wanted`, called `name`, for `patience` at most.
///
/// # Errors
/// If nobody announces it, or several rooms have that name.
pub(super) fn find(
    network: &mut Network,
    wanted: Wanted,
    name: &Name,
    patience: Duration,
) -> Result<FoundRoom, SessionOutcome> {
    let clock = Clock::start();
    let end = clock.now().after(patience);
    let mut found = FoundRooms::looking_for(wanted);
    listen(network, &mut found, FIRST_LOOK.min(patience));
    if found.wanted().is_empty() && !clock.until(end).is_zero() {
        Line::system(&format!("looking for \"{name}\"")).to_stderr();
    }
    while found.wanted().is_empty()
        && let Some(heard) = network.hear(clock.until(end))
    {
        note(heard, &mut found);
    }
    match found.best().as_slice() {
        [] => Err(none(name, &found.all())),
        [room] => Ok(room.clone()),
        several => Err(ambiguous(name, several)),
    }
}

fn none(name: &Name, others: &[FoundRoom]) -> SessionOutcome {
    let there =
        if others.is_empty() { String::new() } else { format!(" (rooms there: {})", wording::list(others)) };
    let ticket = if others.iter().any(|room| room.name.is_none()) {
        "; if it is a private one, add --ticket"
    } else {
        ""
    };
    let message = format!(
        "no room \"{name}\" on this network{there}{ticket}; give a member's HOST:PORT. Guest networks often block multicast"
    );
    SessionOutcome::failed(NO_ROOM, "no_room", message)
}

fn ambiguous(name: &Name, several: &[FoundRoom]) -> SessionOutcome {
    let firsts: Vec<_> = several.iter().filter_map(|room| room.addrs.first()).collect();
    let message = format!(
        "{} rooms here are called \"{name}\", and one of each has a member at {}; ask which is meant, and give that HOST:PORT",
        several.len(),
        wording::list(&firsts)
    );
    SessionOutcome::failed(USAGE, "room_ambiguous", message)
}

#[cfg(test)]
mod tests {
    use ringchat_core::RoomId;

    use super::super::record::RoomTag;
    use super::*;

    fn room(n: u8, name: Option<&str>) -> FoundRoom {
        let addrs = vec![format!("192.0.2.{n}:5000").parse().unwrap()];
        FoundRoom {
            tag: RoomTag::of(RoomId([n; RoomId::BYTES])),
            name: name.map(|name| Name::new(name).unwrap()),
            addrs,
        }
    }

    fn told(outcome: SessionOutcome) -> (u8, &'static str, String) {
        let (code, message) = outcome.error.unwrap();
        (outcome.exit, code, message)
    }

    #[test]
    fn each_failure_tells_what_to_do_next() {
        let staff = Name::new("staff").unwrap();
        let message = "a room \"staff\" is at 192.0.2.1:5000; join it with ringchat --room staff, or choose another name";
        assert_eq!(told(exists(&room(1, Some("staff")))), (2, "room_exists", message.to_owned()));
        assert!(told(exists(&room(1, None))).2.contains("leave -l out"));
        let message = "no room \"staff\" on this network (rooms there: lab, staff2); give a member's HOST:PORT. Guest \
                       networks often block multicast";
        let others = [room(1, Some("lab")), room(2, Some("staff2"))];
        assert_eq!(told(none(&staff, &others)), (3, "no_room", message.to_owned()));
        assert!(told(none(&staff, &[])).2.starts_with("no room \"staff\" on this network; give"));
        assert!(told(none(&staff, &[room(3, None)])).2.contains("if it is a private one, add --ticket"));
        let (exit, code, message) =
            told(ambiguous(&staff, &[room(1, Some("staff")), room(2, Some("staff"))]));
        assert_eq!((exit, code), (2, "room_ambiguous"));
        assert!(message.contains("192.0.2.1:5000, 192.0.2.2:5000"), "{message}");
    }

    #[test]
    fn a_name_is_shown_as_a_shell_takes_it() {
        for (name, shown) in
            [("staff", "staff"), ("our room", "'our room'"), ("it's", r"'it'\''s'"), ("-l", "'-l'")]
        {
            assert_eq!(quoted(&Name::new(name).unwrap()), shown);
        }
    }
}
