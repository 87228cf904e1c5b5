//! The addresses of this machine, one of which this member listens on and tells the others.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use thiserror::Error;

use crate::wording;

/// The group to which multicast DNS talks: the route to it leads to the network that people mean.
const EVERYBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(224, 0, 0, 251)), 5353);

/// What the networks of containers and virtual machines are called, without their numbers.
const MADE_HERE: [&str; 11] = [
    "docker",
    "docker_gwbridge",
    "podman",
    "cni",
    "cni-podman",
    "lxcbr",
    "lxdbr",
    "incusbr",
    "virbr",
    "vboxnet",
    "vmnet",
];

/// Why no address of this machine is the one on its network.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum NoNetwork {
    /// There is none that other machines may reach.
    #[error("this machine is in no network; join one, or choose an address of this machine with -a")]
    None,
    /// There is none but in networks of containers.
    #[error("this machine is in no network but those of its containers; join one, or choose with -a: {}", wording::list(.0))]
    Inner(Vec<IpAddr>),
    /// There are several, and no route tells which one leads to the others.
    #[error("this machine is in several networks; choose one with -a: {}", wording::list(.0))]
    Several(Vec<IpAddr>),
    /// The user chose one that this machine does not have; these it has.
    #[error("{} is no address of this machine; choose one with -a: {}", .0, wording::list(.1))]
    NotOwn(IpAddr, Vec<IpAddr>),
}

impl NoNetwork {
    /// The exit code of a program that needs the address.
    pub(crate) const EXIT: u8 = 5;
}

/// The address of this machine on the network of its people: the one from which it reaches the group of multicast DNS,
/// else the only one that others may reach. No network of containers is chosen.
///
/// # Errors
/// If there is none, or nothing tells which one of several.
pub(crate) fn on_network() -> Result<IpAddr, NoNetwork> {
    let all = if_addrs::get_if_addrs().unwrap_or_default();
    let all: Vec<_> = all.into_iter().map(|interface| (interface.name.clone(), interface.ip())).collect();
    choose(source(EVERYBODY), &all)
}

/// `ip`, if it is an address of this machine.
///
/// # Errors
/// If it is none.
pub(crate) fn checked(ip: IpAddr) -> Result<IpAddr, NoNetwork> {
    // The loopback has more addresses than are listed, and one of a single link cannot be bound without its name.
    let is_own = UdpSocket::bind((ip, 0)).is_ok() || interface(ip).is_some();
    if is_own { Ok(ip) } else { Err(NoNetwork::NotOwn(ip, all())) }
}

/// Chooses from the addresses of this machine, each with the name of its interface.
fn choose(routed: Option<IpAddr>, all: &[(String, IpAddr)]) -> Result<IpAddr, NoNetwork> {
    let is_of_network = |ip: &IpAddr| !is_only_here(*ip) && !ip.is_unspecified() && !is_link_local(*ip);
    let usable = all.iter().filter(|(_, ip)| is_of_network(ip));
    let (inner, outer): (Vec<_>, Vec<_>) = usable.partition(|(name, _)| is_of_containers(name));
    let ips = |of: Vec<&(String, IpAddr)>| of.into_iter().map(|(_, ip)| *ip).collect::<Vec<_>>();
    let (inner, outer) = (ips(inner), ips(outer));
    if let Some(routed) = routed.filter(|ip| is_of_network(ip) && !inner.contains(ip)) {
        return Ok(routed);
    }
    match outer.as_slice() {
        [] if inner.is_empty() => Err(NoNetwork::None),
        [] => Err(NoNetwork::Inner(inner)),
        [only] => Ok(*only),
        _ => Err(NoNetwork::Several(outer)),
    }
}

/// Whether the interface is called as programs that run containers and virtual machines call those that they make.
fn is_of_containers(interface: &str) -> bool {
    let name = interface.trim_end_matches(|last: char| last.is_ascii_digit());
    let is_of_docker = |id: &str| id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    MADE_HERE.contains(&name) || interface.strip_prefix("br-").is_some_and(is_of_docker)
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
    usable(if_addrs::get_if_addrs().unwrap_or_default().iter().map(if_addrs::Interface::ip).collect())
}

/// Those of `all` to choose from.
fn usable(mut all: Vec<IpAddr>) -> Vec<IpAddr> {
    all.retain(|ip| !needs_interface(*ip));
    let reachable: Vec<IpAddr> = all.iter().copied().filter(|ip| !ip.is_loopback()).collect();
    if reachable.is_empty() { all } else { reachable }
}

/// Whether `ip` says too little without the name of an interface, which members do not tell each other.
pub(crate) fn needs_interface(ip: IpAddr) -> bool {
    ip.is_ipv6() && is_link_local(ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contacts(all: &[&str]) -> Vec<SocketAddr> {
        all.iter().map(|contact| contact.parse().unwrap()).collect()
    }

    #[test]
    fn only_addresses_that_work_are_suggested() {
        let usable = |all: &[&str]| {
            let usable = usable(all.iter().map(|ip| ip.parse().unwrap()).collect());
            usable.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(
            usable(&["127.0.0.1", "::1", "192.0.2.2", "fe80::1", "2001:db8::2"]),
            ["192.0.2.2", "2001:db8::2"]
        );
        assert_eq!(usable(&["127.0.0.1", "fe80::1"]), ["127.0.0.1"]);
    }

    #[test]
    fn an_address_of_another_machine_is_refused_with_those_of_this_one() {
        let here = "127.0.0.1".parse().unwrap();
        assert_eq!(checked(here), Ok(here));
        let told = checked("192.0.2.99".parse().unwrap()).unwrap_err().to_string();
        assert!(told.starts_with("192.0.2.99 is no address of this machine; choose one with -a: "), "{told}");
        assert!(all().iter().all(|ip| told.contains(&ip.to_string())), "{told}");
    }

    #[test]
    fn for_contacts_on_this_machine_no_address_of_the_network_is_chosen() {
        let here = contacts(&["127.0.0.1:1", "[::1]:2", "127.9.8.7:3", "[::ffff:127.0.0.1]:4"]);
        assert_eq!(towards(&here), None);
        assert_eq!(elsewhere(&contacts(&["127.0.0.1:1", "192.0.2.1:2"])).count(), 1);
    }

    #[test]
    fn the_route_to_the_others_decides_and_without_one_the_only_address_is_taken() {
        let here = [("lo", "127.0.0.1"), ("lo", "::1"), ("eth0", "169.254.3.4"), ("eth0", "fe80::1")];
        let [lan, vpn] = [("eth0", "192.0.2.2"), ("tun0", "198.51.100.7")];
        let ip = |of: (&str, &str)| of.1.parse::<IpAddr>().unwrap();
        let chosen = |routed: Option<(&str, &str)>, all: &[&[(&str, &str)]]| {
            choose(routed.map(ip), &interfaces(&all.concat()))
        };
        assert_eq!(chosen(Some(lan), &[&[vpn, lan]]), Ok(ip(lan)));
        assert_eq!(chosen(None, &[&here, &[lan]]), Ok(ip(lan)));
        assert_eq!(chosen(Some(here[0]), &[&[lan]]), Ok(ip(lan)), "a route through the loopback");
        assert_eq!(chosen(None, &[&here]), Err(NoNetwork::None));
        let Err(several) = chosen(None, &[&[vpn, lan]]) else { panic!("one was chosen") };
        let told = "this machine is in several networks; choose one with -a: 198.51.100.7, 192.0.2.2";
        assert_eq!(several.to_string(), told);
    }

    #[test]
    fn no_network_of_containers_is_chosen_though_it_be_the_only_one() {
        let (docker, lan) = (("docker0", "172.17.0.1"), ("br0", "192.0.2.2"));
        let all = [docker, ("br-3f9c21ab0123", "172.18.0.1"), ("virbr0", "192.168.122.1")];
        let ip = |of: (&str, &str)| of.1.parse::<IpAddr>().unwrap();
        for routed in [None, Some(ip(docker))] {
            let Err(none) = choose(routed, &interfaces(&all)) else { panic!("one was chosen") };
            let told = "this machine is in no network but those of its containers; join one, or choose with -a: \
                        172.17.0.1, 172.18.0.1, 192.168.122.1";
            assert_eq!(none.to_string(), told);
            assert_eq!(choose(routed, &interfaces(&[docker, lan])), Ok(ip(lan)));
        }
        for of_people in ["eth0", "br0", "br-lan", "wlp3s0", "en0", "Wi-Fi", "Ethernet 2", "dockers"] {
            assert!(!is_of_containers(of_people), "{of_people}");
        }
    }

    fn interfaces(all: &[(&str, &str)]) -> Vec<(String, IpAddr)> {
        all.iter().map(|(name, ip)| ((*name).to_owned(), ip.parse().unwrap())).collect()
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
