//! The addresses of this machine, one of which this member listens on and tells the others.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

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
