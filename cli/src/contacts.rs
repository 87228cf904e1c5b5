//! The members to join through, as the user names them.

use std::net::{SocketAddr, ToSocketAddrs};

use ringchat_core::secure::Ticket;

use crate::flags::Flags;
use crate::settings::{UsageError, parse};

/// The contacts that the user gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contacts {
    /// Their addresses in the given order, each once.
    pub(crate) addrs: Vec<SocketAddr>,
    /// Those of which no address is known, and why.
    pub(crate) unresolved: Vec<(String, String)>,
}

impl Contacts {
    /// The contacts that the command line names, or else the environment.
    ///
    /// # Errors
    /// If one is no address with a port.
    pub(crate) fn given(flags: &Flags, env: impl Fn(&str) -> Option<String>) -> Result<Self, UsageError> {
        let has_ticket = flags.ticket || flags.ticket_file.is_some();
        let elsewhere = flags.leader || has_ticket || !flags.contacts.is_empty();
        let of_neighbor =
            |flag: &Option<String>, name| flag.clone().or_else(|| if elsewhere { None } else { env(name) });
        let neighbor = neighbor(
            of_neighbor(&flags.neighbor_address, "RINGCHAT_NEIGHBOR_ADDRESS"),
            of_neighbor(&flags.neighbor_port, "RINGCHAT_NEIGHBOR_PORT"),
        )?;
        let given: Vec<(String, u16)> =
            flags.contacts.iter().map(|text| host_and_port("a contact", text)).collect::<Result<_, _>>()?;
        let mut contacts = Self::default();
        for (host, port) in neighbor.into_iter().chain(given) {
            match resolve(&host, port) {
                Ok(addrs) => contacts.addrs = with(contacts.addrs, addrs),
                Err(UsageError::Unresolved { host, why }) => contacts.unresolved.push((host, why)),
                Err(error) => return Err(error),
            }
        }
        Ok(contacts)
    }

    /// Whether the user gave none.
    pub(crate) fn is_empty(&self) -> bool {
        self.addrs.is_empty() && self.unresolved.is_empty()
    }

    /// The addresses of the ticket, then the others. The hosts without an address stay aside, as long as there is an
    /// address to try.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn with_ticket(self, ticket: Option<&Ticket>) -> Result<Self, UsageError> {
        let Self { addrs, unresolved } = self;
        let addrs = with(ticket.map_or_else(Vec::new, |ticket| ticket.addrs().to_vec()), addrs);
        match unresolved.first().filter(|_| addrs.is_empty()) {
            Some((host, why)) => Err(UsageError::Unresolved { host: host.clone(), why: why.clone() }),
            None => Ok(Self { addrs, unresolved }),
        }
    }
}

/// `addrs`, then those of `more` that are not among them.
pub(crate) fn with(
    mut addrs: Vec<SocketAddr>,
    more: impl IntoIterator<Item = SocketAddr>,
) -> Vec<SocketAddr> {
    for addr in more {
        if !addrs.contains(&addr) {
            addrs.push(addr);
        }
    }
    addrs
}

/// The member named by `-na` and `-np`.
fn neighbor(host: Option<String>, port: Option<String>) -> Result<Option<(String, u16)>, UsageError> {
    match (host, parse(("--neighbor-port", port), "a port, 1 to 65535")?) {
        (None, None) => Ok(None),
        (Some(host), Some(port)) => Ok(Some((host, port))),
        _ => Err(UsageError::HalfANeighbor),
    }
}

/// Splits `10.0.0.1:5000`, `[::1]:5000` or `host:5000`.
pub(crate) fn host_and_port(option: &'static str, text: &str) -> Result<(String, u16), UsageError> {
    let wrong = || UsageError::Value {
        option,
        value: text.to_owned(),
        wanted: "HOST:PORT, such as 10.0.0.1:5000 or [::1]:5000",
    };
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let port = port.parse().ok().filter(|&port| port > 0).ok_or_else(wrong)?;
    if host.is_empty() || (host.contains(':') && bare(host) == host) {
        return Err(wrong());
    }
    Ok((host.to_owned(), port))
}

/// `[::1]` without its brackets.
pub(crate) fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// The addresses of a host, each with the port.
///
/// # Errors
/// If none is known.
pub(crate) fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, UsageError> {
    let addrs = (bare(host), port)
        .to_socket_addrs()
        .map_err(|error| UsageError::Unresolved { host: host.to_owned(), why: error.to_string() })?;
    Ok(addrs.collect())
}

pub(crate) fn unresolved(host: &str) -> UsageError {
    UsageError::Unresolved { host: host.to_owned(), why: "it has none".to_owned() }
}

#[cfg(test)]
mod tests {
    use ringchat_core::Start;

    use crate::access::Access;
    use crate::settings::tests::{addr, options};
    use crate::settings::{Settings, UsageError};
    use crate::trust::IdFile;

    #[test]
    fn the_neighbor_of_the_environment_is_only_a_default() {
        let env = [("RINGCHAT_NEIGHBOR_ADDRESS", "::1"), ("RINGCHAT_NEIGHBOR_PORT", "5")];
        let start = |line: &str| options(line, &env).unwrap().start;
        assert_eq!(start("-n x"), Start::Join { contacts: vec![addr("[::1]:5")] });
        assert_eq!(start("-n x -np 6"), Start::Join { contacts: vec![addr("[::1]:6")] });
        assert_eq!(start("-n x [::2]:7"), Start::Join { contacts: vec![addr("[::2]:7")] });
        assert_eq!(start("-n x -l"), Start::Create);
    }

    #[test]
    fn contacts_are_taken_in_order_and_once() {
        let options = options("-n x -na ::1 -np 5 10.0.0.1:6 [::1]:5 [::2]:7", &[]).unwrap();
        let contacts = ["[::1]:5", "10.0.0.1:6", "[::2]:7"].map(addr).to_vec();
        assert_eq!(options.start, Start::Join { contacts });
    }

    #[test]
    fn a_ticket_brings_contacts_and_those_of_the_command_line_come_after_them() {
        let contacts =
            |line: &str| match options(line, &[("RINGCHAT_NEIGHBOR_ADDRESS", "::1")]).unwrap().start {
                Start::Join { contacts } => contacts,
                Start::Create => panic!("{line} creates"),
            };
        let of_ticket = ["10.0.0.9:9", "10.0.0.1:6"].map(addr);
        assert_eq!(contacts("-n x --ticket"), of_ticket);
        assert_eq!(
            contacts("-n x --ticket-file f 10.0.0.1:6 10.0.0.2:7"),
            [of_ticket[0], of_ticket[1], addr("10.0.0.2:7")]
        );
        assert!(matches!(options("-n x -l --ticket", &[]), Err(UsageError::Access(_))));
        assert_eq!(options("-l --id-file f", &[]).unwrap().id_file, IdFile::At("f".into()));
        assert_eq!(options("-l", &[("RINGCHAT_ID_FILE", "")]).unwrap().id_file, IdFile::Usual);
    }

    #[test]
    fn a_contact_that_does_not_resolve_keeps_nobody_from_trying_the_others() {
        let unresolved = |settings: &Settings| -> Vec<String> {
            settings.unresolved.iter().map(|(host, _)| host.clone()).collect()
        };
        let settings = options("-n x nosuch.invalid:4000 127.0.0.1:4110", &[]).unwrap();
        assert_eq!(settings.start, Start::Join { contacts: vec![addr("127.0.0.1:4110")] });
        assert_eq!(unresolved(&settings), ["nosuch.invalid"]);
        let settings = options("-n x --ticket nosuch.invalid:4000", &[]).unwrap();
        assert!(matches!(settings.access, Access::Ticket(_)));
        assert_eq!(unresolved(&settings), ["nosuch.invalid"]);
        for line in ["-n x nosuch.invalid:4000 other.invalid:4000", "-n x -l nosuch.invalid:4000"] {
            let error = options(line, &[]).unwrap_err();
            assert!(matches!(error, UsageError::Unresolved { .. }) && error.exit() == 2, "{error}");
            let told = error.to_string();
            assert!(told.starts_with("no address is known for \"nosuch.invalid\""), "{told}");
            assert!(told.ends_with("; check how it is written, or give an IP address"), "{told}");
        }
    }
}
