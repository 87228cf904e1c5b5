//! Where this member listens, and what others are told of it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::contacts::{bare, host_and_port, resolve, unresolved};
use crate::own_address::{self, NoNetwork, is_of_many};
use crate::settings::UsageError;

/// Where this member listens, and where others reach it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reach {
    /// The address to listen on; port 0 means any free port.
    pub(crate) listen: SocketAddr,
    /// The address that others are told, if it is another one.
    pub(crate) told: Option<SocketAddr>,
    /// Whether the program chose the address to listen on among those of this machine that others may reach.
    pub(crate) is_chosen: bool,
}

impl Reach {
    /// Checks the `address` and the `port` to listen on and the address that others are to be told, as far as the user gave
    /// them, against the `contacts` to join through. Chooses what the user did not give. `has_room`: whether the room is to
    /// be found on the network.
    ///
    /// # Errors
    /// If they do not fit together, or nothing can be chosen.
    pub(crate) fn new(
        address: Option<String>,
        port: Option<u16>,
        advertised: Option<String>,
        contacts: &[SocketAddr],
        has_room: bool,
    ) -> Result<Self, UsageError> {
        let told = advertised.map(|text| told(&text)).transpose()?;
        let port = match (port, told) {
            (Some(0), Some(_)) => return Err(UsageError::AdvertisedPort),
            (port, told) => port.unwrap_or_else(|| told.map_or(0, |told| told.port())),
        };
        let (ip, is_chosen) = match address {
            Some(host) => (given(&host, contacts, told.is_some())?, false),
            None => match own_address::towards(contacts) {
                Some(ip) => (ip, true),
                None if has_room || told.is_some() => (own_address::on_network()?, true),
                None => (Ipv4Addr::LOCALHOST.into(), false),
            },
        };
        Ok(Self { listen: (ip, port).into(), told, is_chosen })
    }

    /// Where this member listens, once it is in a room that knows it at `addr`.
    pub(crate) fn listening(&self, addr: SocketAddr) -> SocketAddr {
        if self.told.is_some() { self.listen } else { addr }
    }

    /// The address of this machine on whose network a room is announced.
    ///
    /// # Errors
    /// If this member listens on all addresses, and nothing tells which of them is meant.
    pub(crate) fn on_network(&self) -> Result<IpAddr, NoNetwork> {
        let ip = self.listen.ip();
        if ip.is_unspecified() { own_address::on_network() } else { Ok(ip) }
    }
}

/// The address that others are told.
fn told(text: &str) -> Result<SocketAddr, UsageError> {
    let (host, port) = host_and_port("--advertise", text)?;
    let told = *resolve(&host, port)?.first().ok_or_else(|| unresolved(&host))?;
    if told.ip().is_unspecified() || is_of_many(told.ip()) {
        return Err(UsageError::Unspecified { ip: told.ip(), own: own_address::all() });
    }
    Ok(told)
}

/// The address to listen on that the user gave, checked against the `contacts` to join through.
fn given(host: &str, contacts: &[SocketAddr], has_told: bool) -> Result<IpAddr, UsageError> {
    let ip = match bare(host).parse() {
        Ok(ip) => ip,
        Err(_) => resolve(host, 0)?.first().map(SocketAddr::ip).ok_or_else(|| unresolved(host))?,
    };
    if (ip.is_unspecified() && !has_told) || is_of_many(ip) {
        return Err(UsageError::Unspecified { ip, own: own_address::all() });
    }
    match own_address::elsewhere(contacts).next() {
        Some(contact) if own_address::is_only_here(ip) && !has_told => {
            Err(UsageError::OnlyHere { ip, contact, own: own_address::all() })
        }
        _ => Ok(ip),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn reach(address: &str, port: Option<u16>, told: &str, contacts: &[&str]) -> Result<Reach, UsageError> {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let contacts: Vec<SocketAddr> = contacts.iter().map(|contact| addr(contact)).collect();
        Reach::new(given(address), port, given(told), &contacts, false)
    }

    #[test]
    fn an_unreachable_address_is_refused_with_those_of_this_machine() {
        for ip in ["0.0.0.0", "::", "[::]", "224.0.0.1", "255.255.255.255", "ff02::1"] {
            let Err(error) = reach(ip, None, "", &[]) else { panic!("{ip} was taken") };
            let own = own_address::all();
            assert!(own.iter().all(|ip| error.to_string().contains(&ip.to_string())), "{error}");
        }
        assert!(matches!(reach("", None, "0.0.0.0:5000", &[]), Err(UsageError::Unspecified { .. })));
    }

    #[test]
    fn an_address_that_only_this_machine_reaches_is_refused_with_a_contact_on_another() {
        for (ip, contacts) in [
            ("127.0.0.1", vec!["192.0.2.1:5"]),
            ("::1", vec!["127.0.0.1:4", "192.0.2.1:5"]),
            ("localhost", vec!["192.0.2.1:5"]),
        ] {
            let Err(error) = reach(ip, None, "", &contacts) else { panic!("{ip} was taken") };
            assert!(matches!(error, UsageError::OnlyHere { .. }), "{error}");
            let own = own_address::all();
            assert!(own.iter().all(|ip| error.to_string().contains(&ip.to_string())), "{error}");
        }
        assert_eq!(reach("127.0.0.2", None, "", &["127.0.0.1:5"]).unwrap().listen, addr("127.0.0.2:0"));
    }

    #[test]
    fn others_can_be_told_another_address_than_the_one_listened_on() {
        let told = Some(addr("203.0.113.7:5000"));
        let all = Reach { listen: addr("0.0.0.0:5000"), told, is_chosen: false };
        assert_eq!(reach("0.0.0.0", None, "203.0.113.7:5000", &[]).unwrap(), all);
        let other = Reach { listen: addr("[::]:6000"), ..all };
        assert_eq!(reach("::", Some(6000), "203.0.113.7:5000", &["192.0.2.1:5"]).unwrap(), other);
        for wrong in ["203.0.113.7", "203.0.113.7:0"] {
            let Err(error) = reach("127.0.0.1", None, wrong, &[]) else { panic!("{wrong} was taken") };
            assert!(error.to_string().starts_with("--advertise must be HOST:PORT"), "{error}");
        }
        let free = reach("127.0.0.1", Some(0), "203.0.113.7:5000", &[]);
        assert!(matches!(free, Err(UsageError::AdvertisedPort)));
    }
}
