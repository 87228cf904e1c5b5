//! Announcements on the network, by multicast DNS.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use mdns_sd::{
    DaemonEvent, IfKind, Receiver, RecvTimeoutError, ResolvedService, ScopedIp, ServiceDaemon, ServiceEvent,
    ServiceInfo, TryRecvError,
};
use ringchat_driver::Clock;
use thiserror::Error;

use super::record::Record;

/// What rooms are announced as.
const SERVICE: &str = "_ringchat._tcp.local.";

/// How long the last words of an announcement may take.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// Why nothing can be announced or found.
#[derive(Debug, Error)]
#[error("multicast DNS does not work here: {0}")]
pub(crate) struct NetworkError(String);

impl NetworkError {
    /// The exit code of a program that needs what others announce.
    #[allow(clippy::unused_self, reason = "as in a program without rooms")]
    pub(crate) fn exit(&self) -> u8 {
        super::NO_ROOM
    }
}

fn failed(error: impl Display) -> NetworkError {
    NetworkError(error.to_string())
}

/// What was heard of an announcement.
#[derive(Debug)]
pub(crate) enum Heard {
    /// The announcement called so says this.
    Came(String, Record),
    /// The announcement called so was taken back.
    Went(String),
}

/// The network on which one address of this machine is. Dropping it takes back what was announced.
pub(crate) struct Network {
    ip: IpAddr,
    daemon: ServiceDaemon,
    found: Receiver<ServiceEvent>,
    told: Receiver<DaemonEvent>,
    /// What the own announcement is called.
    own: Option<String>,
}

impl Network {
    /// Listens to announcements on the network of `ip`, and on no other.
    ///
    /// # Errors
    /// If the system gives no thread or socket for it.
    pub(crate) fn open(ip: IpAddr) -> Result<Self, NetworkError> {
        let daemon = ServiceDaemon::new().map_err(failed)?;
        let told = daemon.monitor().map_err(failed)?;
        daemon.disable_interface(IfKind::All).map_err(failed)?;
        daemon.enable_interface(IfKind::Addr(ip)).map_err(failed)?;
        let found = daemon.browse(SERVICE).map_err(failed)?;
        Ok(Self { ip, daemon, found, told, own: None })
    }

    /// What is heard next, within this time. `None` once it has passed, or if nothing can be heard any more.
    pub(crate) fn hear(&mut self, within: Duration) -> Option<Heard> {
        let clock = Clock::start();
        let end = clock.now().after(within);
        loop {
            // However many announcements come, the time passes.
            let left = clock.until(end);
            if left.is_zero() {
                return None;
            }
            match self.found.recv_timeout(left) {
                Ok(event) => {
                    if let Some(heard) = self.read(event) {
                        return Some(heard);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => self.found = self.daemon.browse(SERVICE).ok()?,
                Err(RecvTimeoutError::Timeout) => return None,
            }
        }
    }

    /// What was heard and not taken yet.
    pub(crate) fn heard(&mut self) -> Option<Heard> {
        loop {
            match self.found.try_recv() {
                Ok(event) => {
                    if let Some(heard) = self.read(event) {
                        return Some(heard);
                    }
                }
                // A listener that falls far behind is told no more, and has to ask anew.
                Err(TryRecvError::Disconnected) => {
                    self.found = self.daemon.browse(SERVICE).ok()?;
                    return None;
                }
                Err(TryRecvError::Empty) => return None,
            }
        }
    }

    /// What an event tells. DNS does not tell names apart by their case.
    fn read(&self, event: ServiceEvent) -> Option<Heard> {
        match event {
            ServiceEvent::ServiceResolved(service) => {
                let instance = service.fullname.to_lowercase();
                let record = self.record(&instance, &service)?;
                Some(Heard::Came(instance, record))
            }
            ServiceEvent::ServiceRemoved(_, instance) => Some(Heard::Went(instance.to_lowercase())),
            _ => None,
        }
    }

    /// What a stranger announces as `instance`, if it is a room. Only this machine reaches its loopback, so no other
    /// machine announces it.
    fn record(&self, instance: &str, service: &ResolvedService) -> Option<Record> {
        let instance = instance.strip_suffix(SERVICE)?.strip_suffix('.')?;
        let ips = service.addresses.iter().map(ScopedIp::to_ip_addr);
        let ips = ips.filter(|ip| ip.is_loopback() == self.ip.is_loopback());
        Record::read(instance, |key| service.get_property_val(key).flatten(), ips, service.port)
    }

    /// Whether an own announcement has gone out since the last call.
    pub(crate) fn has_announced(&mut self) -> bool {
        self.told.try_iter().any(|event| matches!(event, DaemonEvent::Announce(..)))
    }

    /// Announces `record` for the member that listens at `addr`.
    ///
    /// # Errors
    /// If it cannot be announced.
    pub(crate) fn announce(&mut self, record: &Record, addr: SocketAddr) -> Result<(), NetworkError> {
        let (instance, host) = (record.instance(addr), record.host(addr));
        let texts = record.texts();
        let mut service = ServiceInfo::new(SERVICE, &instance, &host, self.ip, addr.port(), texts.as_slice())
            .map_err(failed)?;
        service.set_interfaces(vec![IfKind::Addr(self.ip)]);
        let own = service.get_fullname().to_owned();
        self.daemon.register(service).map_err(failed)?;
        self.own = Some(own);
        Ok(())
    }

    /// Takes back what was announced, if anything was.
    pub(crate) fn withdraw(&mut self) {
        if let Some(own) = self.own.take()
            && let Ok(told) = self.daemon.unregister(&own)
        {
            let _ = told.recv_timeout(LAST_WORDS);
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.withdraw();
        if let Ok(ended) = self.daemon.shutdown() {
            let _ = ended.recv_timeout(LAST_WORDS);
        }
    }
}
