//! Simulated hosts: network namespaces of this machine, each with a cable to a switch.
//!
//! The switches are bridges in a namespace of their own, so the network of the machine is not touched.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// The addresses of the hosts. All networks use the same ones, because no two networks are connected.
pub(crate) const ADDRESSES: [&str; 6] =
    ["10.77.0.1", "10.77.0.2", "10.77.0.3", "10.77.0.4", "10.77.0.5", "10.77.0.6"];

/// The switch that all cables are plugged into at first, and a second one without a connection to it.
const SWITCHES: [&str; 2] = ["switch0", "switch1"];

/// Hosts and their cables. Dropping the network removes them and all processes that still run there.
pub(crate) struct HostNetwork {
    name: String,
    hosts: usize,
}

impl HostNetwork {
    /// A network of `hosts`, all on one switch.
    ///
    /// # Errors
    /// The reason why this machine cannot have such a network.
    pub(crate) fn new(hosts: usize) -> Result<Self, String> {
        static NETWORKS: AtomicU32 = AtomicU32::new(0);
        let number = NETWORKS.fetch_add(1, Ordering::Relaxed);
        let network = Self { name: format!("ringchat-{}-{number}", std::process::id()), hosts };
        let core = network.core();
        ip(&format!("netns add {core}"))?;
        for switch in SWITCHES {
            ip(&format!("-n {core} link add {switch} type bridge"))?;
            ip(&format!("-n {core} link set {switch} up"))?;
        }
        for (host, address) in ADDRESSES.iter().enumerate().take(hosts) {
            let name = network.host(host);
            ip(&format!("netns add {name}"))?;
            ip(&format!("-n {core} link add port{host} type veth peer name eth0 netns {name}"))?;
            ip(&format!("-n {core} link set port{host} master {} up", SWITCHES[0]))?;
            ip(&format!("-n {name} address add {address}/24 dev eth0"))?;
            ip(&format!("-n {name} link set lo up"))?;
            ip(&format!("-n {name} link set eth0 up"))?;
        }
        Ok(network)
    }

    /// The name of a host's namespace.
    pub(crate) fn host(&self, host: usize) -> String {
        format!("{}-host{host}", self.name)
    }

    /// Pulls the cable of a host. Neither the host nor the others are notified.
    pub(crate) fn pull(&self, host: usize) {
        self.set(host, "down");
    }

    /// Puts the cable of a host back.
    pub(crate) fn plug(&self, host: usize) {
        self.set(host, "up");
    }

    /// Plugs these hosts into the second switch, where they reach only each other.
    pub(crate) fn cut_off(&self, hosts: &[usize]) {
        for &host in hosts {
            self.set(host, &format!("master {}", SWITCHES[1]));
        }
    }

    /// Plugs these hosts into the first switch again.
    pub(crate) fn reunite(&self, hosts: &[usize]) {
        for &host in hosts {
            self.set(host, &format!("master {}", SWITCHES[0]));
        }
    }

    /// Sends all that has no other way through the cable of a host, what is for everybody there too.
    pub(crate) fn route_all(&self, host: usize) {
        ip(&format!("-n {} route add default dev eth0", self.host(host))).unwrap();
    }

    /// Connects a host to another network too, as a program that runs containers does.
    pub(crate) fn add_other_network(&self, host: usize) {
        let host = self.host(host);
        ip(&format!("-n {host} link add docker0 type bridge")).unwrap();
        ip(&format!("-n {host} address add 172.17.0.1/16 dev docker0")).unwrap();
        ip(&format!("-n {host} link set docker0 up")).unwrap();
    }

    /// Takes the address of a host away, and what is routed through its cable.
    pub(crate) fn take_address(&self, host: usize) {
        ip(&format!("-n {} address flush dev eth0", self.host(host))).unwrap();
    }

    fn set(&self, host: usize, how: &str) {
        ip(&format!("-n {} link set port{host} {how}", self.core())).unwrap();
    }

    fn core(&self) -> String {
        format!("{}-core", self.name)
    }
}

impl Drop for HostNetwork {
    fn drop(&mut self) {
        // Deleting a namespace that was never made fails, which does no harm.
        for name in (0..self.hosts).map(|host| self.host(host)).chain([self.core()]) {
            let _ = ip(&format!("netns delete {name}"));
        }
    }
}

/// Runs `ip` of iproute2.
fn ip(args: &str) -> Result<(), String> {
    let output = Command::new("ip").args(args.split(' ')).output().map_err(|error| format!("ip: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("ip {args}: {}", String::from_utf8_lossy(&output.stderr).trim_end()))
}
