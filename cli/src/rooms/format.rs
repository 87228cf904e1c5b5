//! The form of an announcement.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::str::{self, FromStr};

use ringchat_core::Name;

use super::record::{MAX_ADDRS, Record, RoomTag};
use crate::own_address::is_of_many;

/// The version of what announcements say. Those of another one are not read.
const VERSION: &str = "1";

impl RoomTag {
    /// Tells an announcement of a room from those of its other members.
    fn at(self, addr: SocketAddr) -> Self {
        Self::hash("ringchat/3 announcement of a room", format!("{self} {addr}").as_bytes())
    }
}

impl FromStr for RoomTag {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let tag = u32::from_str_radix(text, 16).map(RoomTag).map_err(drop)?;
        if tag.to_string() == text { Ok(tag) } else { Err(()) }
    }
}

impl Record {
    /// The keys and values of the announcement.
    pub(super) fn texts(&self) -> [(&'static str, String); 3] {
        let third = match &self.name {
            Some(name) => ("room", name.to_string()),
            None => ("p", "1".to_owned()),
        };
        [("v", VERSION.to_owned()), ("id", self.tag.to_string()), third]
    }

    /// What a stranger announces at `port` of these addresses. The announcement is called `instance`, and `value` gives its
    /// values. `None` if it is nothing that a member of a room announces.
    pub(super) fn read<'a>(
        instance: &str,
        value: impl Fn(&str) -> Option<&'a [u8]>,
        ips: impl IntoIterator<Item = IpAddr>,
        port: u16,
    ) -> Option<Self> {
        let text = |key| value(key).and_then(|bytes| str::from_utf8(bytes).ok());
        if text("v") != Some(VERSION) || port == 0 {
            return None;
        }
        let tag = text("id")?.parse().ok().filter(|tag| is_of_room(instance, *tag))?;
        let name = match (value("p"), value("room")) {
            (Some(b"1"), None) => None,
            (None, Some(_)) => Some(text("room")?.parse().ok()?),
            _ => return None,
        };
        let usable = ips.into_iter().filter(|ip| is_of_a_neighbor(*ip));
        let addrs: BTreeSet<_> = usable.take(MAX_ADDRS).map(|ip| SocketAddr::new(ip, port)).collect();
        (!addrs.is_empty()).then_some(Self { tag, name, addrs })
    }

    /// What an announcement of the member at `addr` is called.
    pub(super) fn instance(&self, addr: SocketAddr) -> String {
        let ending = format!("{} {}", self.tag, self.tag.at(addr));
        // Not every program that lists announcements shows all characters that a name may have.
        let is_plain = |name: &&Name| {
            name.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric() || b" -_".contains(&byte))
        };
        match self.name.as_ref().filter(is_plain) {
            Some(name) => format!("{name} {ending}"),
            None => ending,
        }
    }

    /// The name of the host that the announcement of the member at `addr` makes up, so as not to tell that of the machine.
    pub(super) fn host(&self, addr: SocketAddr) -> String {
        format!("ringchat-{}.local.", self.tag.at(addr))
    }
}

/// Whether the announcement called `instance` is one of the room with this `tag`. A program that finds its name taken
/// puts a number in brackets behind it.
fn is_of_room(instance: &str, tag: RoomTag) -> bool {
    let mut words = instance.rsplit(' ').skip_while(|word| word.starts_with('('));
    words.nth(1) == Some(tag.to_string().as_str())
}

/// Whether a member of a room may announce `ip`. The scope of a link-local address of version 6 does not travel.
fn is_of_a_neighbor(ip: IpAddr) -> bool {
    let is_local = matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local());
    !(ip.is_unspecified() || is_of_many(ip) || is_local)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use ringchat_core::RoomId;
    use ringchat_core::secure::Secret;

    use super::*;

    fn staff() -> Record {
        let addrs = ["192.0.2.2:5000".parse().unwrap()].into();
        Record { tag: "3f9c21ab".parse().unwrap(), name: Some(Name::new("staff").unwrap()), addrs }
    }

    /// What an announcement of the room `3f9c21ab` tells.
    fn read(texts: &[(&str, &[u8])], ips: &[&str], port: u16) -> Option<Record> {
        read_as("staff 3f9c21ab 11111111", texts, ips, port)
    }

    fn read_as(instance: &str, texts: &[(&str, &[u8])], ips: &[&str], port: u16) -> Option<Record> {
        let texts: BTreeMap<&str, &[u8]> = texts.iter().copied().collect();
        let ips = ips.iter().map(|ip| ip.parse().unwrap());
        Record::read(instance, |key| texts.get(key).copied(), ips, port)
    }

    #[test]
    fn a_room_has_one_tag_which_is_not_its_id() {
        let room = RoomId([7; RoomId::BYTES]);
        let tag = RoomTag::of(room);
        assert_eq!(tag, RoomTag::of(room));
        assert_ne!(tag, RoomTag::of(RoomId([8; RoomId::BYTES])));
        assert_ne!(tag.to_string(), "07070707");
        assert_eq!(tag.to_string().parse(), Ok(tag));
        let of_secret = |byte| RoomTag::of(Secret::new([byte; Secret::BYTES]).room());
        assert_eq!(of_secret(1), of_secret(1));
        assert_ne!(of_secret(1), of_secret(2));
        for text in ["", "3f9c21a", "3f9c21abc", "3F9C21AB", "+f9c21ab", "3f9c21a\u{e9}"] {
            assert_eq!(text.parse::<RoomTag>(), Err(()), "{text}");
        }
    }

    #[test]
    fn what_is_announced_is_read_back_and_a_private_room_tells_no_name() {
        let private = Record { name: None, ..staff() };
        let addr = "192.0.2.2:5000".parse().unwrap();
        for record in [staff(), private.clone()] {
            let texts = record.texts();
            let texts: Vec<_> = texts.iter().map(|(key, value)| (*key, value.as_bytes())).collect();
            let instance = record.instance(addr);
            assert_eq!(read_as(&instance, &texts, &["192.0.2.2"], 5000), Some(record));
        }
        let said = format!("{:?} {} {}", private.texts(), private.instance(addr), private.host(addr));
        assert!(!said.contains("staff"), "{said}");
        assert!(staff().instance(addr).starts_with("staff 3f9c21ab "));
    }

    #[test]
    fn members_of_a_room_announce_it_under_names_of_their_own() {
        let [one, other] = ["192.0.2.2:5000", "192.0.2.3:5000"].map(|addr| addr.parse().unwrap());
        assert_ne!(staff().instance(one), staff().instance(other));
        assert_ne!(staff().host(one), staff().host(other));
        let longest = Record { name: Some(Name::new(&"n".repeat(32)).unwrap()), ..staff() };
        assert!(longest.instance(one).len() <= 63, "a label of DNS is no longer");
        let dotted = Record { name: Some(Name::new("a.b").unwrap()), ..staff() };
        assert!(!dotted.instance(one).contains('.'));
    }

    #[test]
    fn what_no_member_announces_is_not_read() {
        let right: [(&str, &[u8]); 3] = [("v", b"1"), ("id", b"3f9c21ab"), ("room", b"staff")];
        let ip = ["192.0.2.2"];
        assert_eq!(read(&right, &ip, 5000), Some(staff()));
        assert_eq!(read(&right, &ip, 0), None);
        assert_eq!(read(&right, &[], 5000), None);
        assert_eq!(read(&right, &["0.0.0.0", "224.0.0.1", "255.255.255.255", "fe80::1", "::"], 5000), None);
        let wrong: [(&str, &[u8]); 9] = [
            ("v", b"2"),
            ("v", b""),
            ("id", b"3f9c21a"),
            ("id", b"\xff"),
            ("room", b""),
            ("room", b"\x1b[2Jstaff"),
            ("room", "staff\u{202e}".as_bytes()),
            ("room", &[b'n'; 33]),
            ("p", b"1"),
        ];
        for (key, value) in wrong {
            let mut texts = right.to_vec();
            texts.retain(|(other, _)| *other != key);
            texts.push((key, value));
            assert_eq!(read(&texts, &ip, 5000), None, "{key}: {value:?}");
        }
        for missing in 0..right.len() {
            let mut texts = right.to_vec();
            texts.remove(missing);
            assert_eq!(read(&texts, &ip, 5000), None, "without {missing}");
        }
    }

    #[test]
    fn an_announcement_that_is_called_as_one_of_another_room_is_not_read() {
        let texts: [(&str, &[u8]); 3] = [("v", b"1"), ("id", b"3f9c21ab"), ("room", b"staff")];
        let is_read = |instance| read_as(instance, &texts, &["192.0.2.2"], 5000).is_some();
        for right in ["staff 3f9c21ab 11111111", "3f9c21ab 11111111", "a b 3f9c21ab 11111111 (2)"] {
            assert!(is_read(right), "{right}");
        }
        for wrong in [
            "staff 3f9c21ac 11111111",
            "3f9c21ab 3f9c21ac 11111111",
            "11111111 3f9c21ab",
            "3f9c21ab",
            "3f9c21ab (2)",
            "staff",
            "",
        ] {
            assert!(!is_read(wrong), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn of_any_bytes_only_what_fits_is_read(
            v in prop_oneof![Just(b"1".to_vec()), any::<Vec<u8>>()],
            id in prop_oneof![Just(b"3f9c21ab".to_vec()), any::<Vec<u8>>()],
            room in prop::option::of(prop_oneof![any::<Vec<u8>>(), any::<String>().prop_map(String::into_bytes)]),
            p in prop::option::of(prop_oneof![Just(b"1".to_vec()), any::<Vec<u8>>()]),
            ips in prop::collection::vec(any::<IpAddr>(), 0..20),
            port in any::<u16>(),
        ) {
            let value = |key: &str| match key {
                "v" => Some(v.as_slice()),
                "id" => Some(id.as_slice()),
                "room" => room.as_deref(),
                "p" => p.as_deref(),
                _ => None,
            };
            let instance = format!("{} 11111111", String::from_utf8_lossy(&id));
            if let Some(record) = Record::read(&instance, value, ips, port) {
                prop_assert!((1..=MAX_ADDRS).contains(&record.addrs.len()));
                prop_assert!(record.addrs.iter().all(|addr| addr.port() != 0 && is_of_a_neighbor(addr.ip())));
                prop_assert_eq!(record.name.as_ref().map(|name| name.as_str().as_bytes()), room.as_deref());
                prop_assert_eq!(record.tag.to_string().into_bytes(), id);
            }
        }
    }
}
