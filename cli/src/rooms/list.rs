//! `ringchat rooms`: the rooms that are announced on the network.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::process::ExitCode;
use std::time::Duration;

use argh::{ArgsInfo, FromArgs, SubCommandInfo};
use ringchat_core::Name;
use serde_json::json;

use super::found::{FoundRoom, FoundRooms};
use super::{NO_ROOM, Network, search};
use crate::completions::named;
use crate::own_address::NoNetwork;
use crate::{complaint, own_address, parse, print, usage, wording};

/// How long to listen, unless the user says otherwise.
const USUAL: Duration = Duration::from_secs(2);

/// How long a user may listen, in seconds.
const TIMES: RangeInclusive<f64> = 0.1..=3600.0;

/// What the command is called.
const COMMAND: &str = "ringchat rooms";

/// List the rooms that are announced on the network.
#[derive(ArgsInfo, FromArgs, Clone, Debug, PartialEq)]
#[argh(
    help_triggers("--help", "-h"),
    example = "Join one of them: ringchat --room NAME -n Bob",
    error_code(2, "usage"),
    error_code(3, "no room is announced"),
    error_code(5, "no address of this machine in a network, or several")
)]
struct RoomsFlags {
    /// how long to listen (2 s)
    #[argh(option, long = "for", arg_name = "secs")]
    time: Option<String>,

    /// a line of JSON for each room
    #[argh(switch)]
    json: bool,

    /// the address of this machine on whose network to listen (the one that leads to the others)
    #[argh(option, short = 'a', arg_name = "ip")]
    address: Option<IpAddr>,
}

/// Does what the words after `command` ask for. None if it is another command.
pub(crate) fn run(command: &str, args: &[String]) -> Option<ExitCode> {
    if command != "rooms" {
        return None;
    }
    Some(parse(COMMAND, args).map_or_else(|code| code, |flags| list(&flags)))
}

/// The command and its command line.
pub(crate) fn command() -> SubCommandInfo {
    named::<RoomsFlags>("rooms")
}

fn list(flags: &RoomsFlags) -> ExitCode {
    let time = match time(flags.time.as_deref()) {
        Ok(time) => time,
        Err(error) => return usage(COMMAND, &error),
    };
    let ip = match flags.address.map_or_else(own_address::on_network, own_address::checked) {
        Ok(ip) => ip,
        Err(error) => return complaint(NoNetwork::EXIT, &error.to_string()),
    };
    let mut network = match Network::open(ip) {
        Ok(network) => network,
        Err(error) => return complaint(error.exit(), &error.to_string()),
    };
    let mut found = FoundRooms::default();
    search::listen(&mut network, &mut found, time);
    let rooms = found.all();
    if rooms.is_empty() {
        return complaint(NO_ROOM, &none(ip));
    }
    print(&if flags.json { rooms.iter().map(json_line).collect() } else { table(&rooms) })
}

/// How long to listen, as the user says.
fn time(text: Option<&str>) -> Result<Duration, String> {
    let Some(text) = text else { return Ok(USUAL) };
    let seconds = text.parse().ok().filter(|seconds| TIMES.contains(seconds));
    let wrong = || format!("--for must be a number of seconds, 0.1 to 3600, not {text:?}");
    seconds.map(Duration::from_secs_f64).ok_or_else(wrong)
}

/// That no room was found on the network of `ip`, and what to do.
fn none(ip: IpAddr) -> String {
    format!(
        "no room is announced on the network of {ip}; ringchat -l --room NAME makes one, and ringchat HOST:PORT joins one \
         without its announcement, which guest networks often block"
    )
}

/// `staff   192.0.2.2:41873  192.0.2.9:5000`, a line for each room.
fn table(rooms: &[FoundRoom]) -> String {
    use unicode_width::UnicodeWidthStr as _;

    let names: Vec<String> = rooms.iter().map(ToString::to_string).collect();
    let widest = names.iter().map(|name| name.width()).max().unwrap_or_default();
    let rows = names.iter().zip(rooms).map(|(name, room)| {
        let addrs = wording::list(&room.addrs).replace(", ", "  ");
        format!("{name}{}   {addrs}\n", " ".repeat(widest - name.width()))
    });
    rows.collect()
}

fn json_line(room: &FoundRoom) -> String {
    let name = room.name.as_ref().map(Name::as_str);
    let line = json!({"event": "room", "name": name, "id": room.tag.to_string(), "addrs": room.addrs});
    format!("{line}\n")
}

#[cfg(test)]
mod tests {
    use ringchat_core::RoomId;

    use super::super::record::RoomTag;
    use super::*;

    #[test]
    fn how_long_to_listen_is_checked_in_words_for_people() {
        assert_eq!((time(None), time(Some("0.5"))), (Ok(USUAL), Ok(Duration::from_millis(500))));
        for wrong in ["x", "0", "3601", "NaN", ""] {
            let wanted = format!("--for must be a number of seconds, 0.1 to 3600, not {wrong:?}");
            assert_eq!(time(Some(wrong)), Err(wanted));
        }
    }

    #[test]
    fn without_a_room_the_next_step_is_told() {
        let told = none("192.0.2.2".parse().unwrap());
        assert!(told.contains("ringchat -l --room NAME") && told.contains("ringchat HOST:PORT"), "{told}");
    }

    #[test]
    fn rooms_are_listed_for_people_and_for_programs() {
        let tag = RoomTag::of(RoomId([1; RoomId::BYTES]));
        let name = |name| Some(Name::new(name).unwrap());
        let addrs = ["192.0.2.2:41873", "192.0.2.9:5000"].map(|addr| addr.parse().unwrap()).to_vec();
        let rooms = [
            FoundRoom { tag, name: name("lab"), addrs: addrs.clone() },
            FoundRoom { tag, name: name("한글"), addrs: addrs.clone() },
            FoundRoom { tag, name: None, addrs },
        ];
        let addrs = "192.0.2.2:41873  192.0.2.9:5000";
        let blanks = " ".repeat(format!("(private {tag})").len());
        let wanted =
            [format!("lab{}", &blanks[3..]), format!("한글{}", &blanks[4..]), format!("(private {tag})")];
        let wanted = wanted.map(|name| format!("{name}   {addrs}\n")).concat();
        assert_eq!(table(&rooms), wanted);
        let line = json_line(&rooms[0]);
        assert_eq!(
            line,
            format!(
                "{{\"addrs\":[\"192.0.2.2:41873\",\"192.0.2.9:5000\"],\"event\":\"room\",\"id\":\"{tag}\",\"name\":\"lab\"}}\n"
            )
        );
        assert!(json_line(&rooms[2]).contains("\"name\":null"));
    }
}
