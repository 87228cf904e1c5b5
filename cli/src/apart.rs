//! What stands behind the name of a member, where there is no room for its address, to tell it from others that are
//! called alike.

use std::net::{IpAddr, SocketAddr};

/// What tells the member at `own` from those at `others`: the port, or if another has the same port the end of the host's
/// address.
pub(crate) fn ending(own: SocketAddr, others: impl Iterator<Item = SocketAddr> + Clone) -> String {
    let others = others.filter(|other| *other != own);
    if others.clone().all(|other| other.port() != own.port()) {
        return format!(":{}", own.port());
    }
    let elsewhere = others.clone().filter(|other| other.ip() != own.ip());
    let common = elsewhere.map(|other| common_groups(own.ip(), other.ip())).max().unwrap_or(0);
    let host = last_groups(own.ip(), common + 1);
    let is_shared = others.clone().any(|other| other.ip() == own.ip());
    if is_shared { format!("@{host}:{}", own.port()) } else { format!("@{host}") }
}

/// How many groups of digits at the end of two addresses are the same.
fn common_groups(one: IpAddr, other: IpAddr) -> usize {
    fn count<T: PartialEq>(one: &[T], other: &[T]) -> usize {
        one.iter().rev().zip(other.iter().rev()).take_while(|(one, other)| one == other).count()
    }
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => count(&one.octets(), &other.octets()),
        (IpAddr::V6(one), IpAddr::V6(other)) => count(&one.segments(), &other.segments()),
        _ => 0,
    }
}

/// The last `count` groups of digits of `ip`, or all.
fn last_groups(ip: IpAddr, count: usize) -> String {
    match ip {
        IpAddr::V4(ip) if count < 4 => {
            let groups: Vec<String> = ip.octets().iter().skip(4 - count).map(u8::to_string).collect();
            format!(".{}", groups.join("."))
        }
        IpAddr::V6(ip) if count < 8 => {
            let groups = ip.segments().into_iter().skip(8 - count);
            let groups: Vec<String> = groups.map(|group| format!("{group:x}")).collect();
            format!(":{}", groups.join(":"))
        }
        all => all.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn endings(addrs: &[&str]) -> Vec<String> {
        let addrs: Vec<SocketAddr> = addrs.iter().map(|addr| addr.parse().unwrap()).collect();
        addrs.iter().map(|own| ending(*own, addrs.iter().copied())).collect()
    }

    #[test]
    fn the_port_is_enough_until_another_has_it() {
        assert_eq!(endings(&["10.0.0.1:5000", "10.0.0.1:5001"]), [":5000", ":5001"]);
        assert_eq!(endings(&["10.0.0.1:5000", "10.0.0.2:5000"]), ["@.1", "@.2"]);
        assert_eq!(endings(&["10.0.0.1:5000", "10.0.1.1:5000"]), ["@.0.1", "@.1.1"]);
        assert_eq!(endings(&["1.0.0.1:5000", "2.0.0.1:5000"]), ["@1.0.0.1", "@2.0.0.1"]);
        assert_eq!(endings(&["[fe80::1]:5000", "[fe80::2:1]:5000"]), ["@:0:1", "@:2:1"]);
        let three = ["10.0.0.1:5000", "10.0.0.1:5001", "10.0.0.2:5000"];
        assert_eq!(endings(&three), ["@.1:5000", ":5001", "@.2"]);
    }

    proptest! {
        #[test]
        fn no_two_have_one_ending(
            addrs in proptest::collection::btree_set((0..3_u8, 0..3_u8, any::<bool>(), 1..4_u16), 2..12)
        ) {
            let addrs: Vec<SocketAddr> = addrs
                .into_iter()
                .map(|(a, b, is_new, port)| {
                    let ip: IpAddr = if is_new {
                        [0, u16::from(a), 0, 0, 0, 0, 0, u16::from(b)].into()
                    } else {
                        [a, 0, 0, b].into()
                    };
                    SocketAddr::new(ip, port)
                })
                .collect();
            let endings: BTreeSet<String> =
                addrs.iter().map(|own| ending(*own, addrs.iter().copied())).collect();
            prop_assert_eq!(endings.len(), addrs.len(), "{:?}", endings);
        }
    }
}
