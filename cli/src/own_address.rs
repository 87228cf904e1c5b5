//! The addresses of this machine, one of which this member listens on and tells the others.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use thiserror::Error;

use crate::wording;

/// The group to which multicast DNS talks: the route to it leads to the network that people mean.
const EVERYBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(224, 0, 0, 251)), 5353);

/// Why no address of this machine is the one on its network.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum NoNetwork {
    /// There is none that other machines may reach.
    #[error("this machine is in no network; join one, or choose an address of this machine with -a")]
    None,
    /// There are several, and no route tells which one leads to the others.
    #[error("this machine is in several networks; choose one with -a: {}", wording::list(.0))]
    Several(Vec<IpAddr>),
}

impl NoNetwork {
    /// The exit code of a program that needs the address.
    pub(crate) const EXIT: u8 = 5;
}

/// The address of this machine on the network of its people: the one from which it reaches the group of multicast DNS, else
/// the only one that others may reach. So no network of containers is chosen beside that of a cable or of the air.
///
/// # Errors
/// If there is none, or nothing tells which one of several.
pub(crate) fn on_network() -> Result<IpAddr, NoNetwork> {
    choose(source(EVERYBODY), all())
}

fn choose(routed: Option<IpAddr>, all: Vec<IpAddr>) -> Result<IpAddr, NoNetwork> {
    let is_of_network = |ip: &IpAddr| !is_only_here(*ip) && !ip.is_unspecified() && !is_link_local(*ip);
    if let Some(routed) = routed.filter(is_of_network) {
        return Ok(routed);
    }
    let all: Vec<IpAddr> = all.into_iter().filter(is_of_network).collect();
    match all.as_slice() {
        [] => Err(NoNetwork::None),
        [only] => Ok(*only),
        _ => Err(NoNetwork::Several(all)),
    }
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

/// What this machine calls the network on which `ip` is.
pub(crate) fn interface(ip: IpAddr) -> Option<String> {
    let all = if_addrs::get_if_addrs().unwrap_or_default();
    all.into_iter().find(|interface| interface.ip() == ip).map(|interface| interface.name)
}

/// The address from which this machine reaches the first of `contacts` that is not on its loopback. Members on this
/// machine reach that address as well, so it also serves a room with contacts of both kinds.
///
/// `None` if all contacts are on the loopback, or if no other has a route; joining then fails.
pub(crate) fn towards(contacts: &[SocketAddr]) -> Option<IpAddr> {
    elsewhere(contacts).find_map(source)
}

/// The contacts that other machines can reach too: those not on the loopback.
pub(crate) fn elsewhere(contacts: &[SocketAddr]) -> impl Iterator<Item = SocketAddr> {
    contacts.iter().copied().filter(|contact| !is_only_here(contact.ip()))
}

/// Whether only this machine reaches `ip`: loopback addresses.
pub(crate) fn is_only_here(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

/// Whether `ip` stands for several machines: multicast and broadcast addresses.
pub(crate) fn is_of_many(ip: IpAddr) -> bool {
    ip.is_multicast() || ip == IpAddr::V4(Ipv4Addr::BROADCAST)
}

/// The address from which this machine reaches `contact`, by the system's routes. Sends nothing.
fn source(contact: SocketAddr) -> Option<IpAddr> {
    let any: IpAddr = match contact {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(contact).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// The addresses of this machine that other machines may reach; if there are none, its loopback addresses.
pub(crate) fn all() -> Vec<IpAddr> {
    let all: Vec<IpAddr> =
        if_addrs::get_if_addrs().unwrap_or_default().iter().map(if_addrs::Interface::ip).collect();
    let reachable: Vec<IpAddr> = all.iter().copied().filter(|ip| !ip.is_loopback()).collect();
    if reachable.is_empty() { all } else { reachable }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contacts(all: &[&str]) -> Vec<SocketAddr> {
        all.iter().map(|contact| contact.parse().unwrap()).collect()
    }

    #[test]
    fn for_contacts_on_this_machine_no_address_of_the_network_is_chosen() {
        let here = contacts(&["127.0.0.1:1", "[::1]:2", "127.9.8.7:3", "[::ffff:127.0.0.1]:4"]);
        assert_eq!(towards(&here), None);
        assert_eq!(elsewhere(&contacts(&["127.0.0.1:1", "192.0.2.1:2"])).count(), 1);
    }

    #[test]
    fn the_route_to_the_others_decides_and_without_one_the_only_address_is_taken() {
        let ips = |all: &[&str]| all.iter().map(|ip| ip.parse().unwrap()).collect::<Vec<IpAddr>>();
        let [lan, docker] = ["192.0.2.2", "172.17.0.1"].map(|ip| ip.parse().unwrap());
        let here = ["127.0.0.1", "::1", "169.254.3.4", "fe80::1"];
        assert_eq!(choose(Some(lan), vec![docker, lan]), Ok(lan));
        assert_eq!(choose(None, [ips(&here), vec![lan]].concat()), Ok(lan));
        assert_eq!(choose(Some(ips(&here)[0]), vec![lan]), Ok(lan), "a route through the loopback");
        assert_eq!(choose(None, ips(&here)), Err(NoNetwork::None));
        let Err(several) = choose(None, vec![docker, lan]) else { panic!("one was chosen") };
        let told = "this machine is in several networks; choose one with -a: 172.17.0.1, 192.0.2.2";
        assert_eq!(several.to_string(), told);
    }

    #[test]
    fn for_a_contact_that_others_reach_the_address_is_the_one_on_its_side() {
        let Some(own) = all().into_iter().find(|ip| !is_only_here(*ip) && ip.is_ipv4()) else {
            println!("SKIPPED: this machine is in no network");
            return;
        };
        // The route from this machine to an address of its own starts at that address.
        let both = [contacts(&["127.0.0.1:1"]), vec![SocketAddr::new(own, 2)]].concat();
        assert_eq!(towards(&both), Some(own));
    }
}
