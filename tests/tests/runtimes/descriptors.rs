//! A process that runs out of file descriptors.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use log::{LevelFilter, Log, Metadata, Record};
use ringchat_core::{Config, Name, Start};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::other_end::{Client, somebody};
use super::{DEADLINE, Runtime};

/// Takes all descriptors away from the process of a room, gives them back, and connects.
///
/// Both ends of each connection are in this process, and each takes one.
pub(crate) fn a_lack_of_descriptors_passes<R: Runtime>() {
    let start = Config::new((Ipv4Addr::LOCALHOST, 0).into(), Name::new("member").unwrap(), Start::Create);
    // Connections that do not introduce themselves must not be cut off here.
    let (room, _) = R::open(start.with_detect(Duration::from_hours(1))).unwrap();
    let addr = R::addr(&room);
    let warnings = warnings();
    let spare = File::open("/dev/null").unwrap();
    let held = fs::read_dir("/proc/self/fd").unwrap().count() as u64;
    let before = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(held + 20), ..before }).unwrap();
    let mut all: Vec<TcpStream> = std::iter::from_fn(|| TcpStream::connect(addr).ok()).collect();
    // One more can connect now, but cannot be accepted; unless the last one already could not.
    drop(spare);
    all.extend(TcpStream::connect(addr));
    let warning = warnings.recv_timeout(DEADLINE).unwrap();
    assert!(warning.contains("cannot accept"), "{warning}");

    drop(all);
    setrlimit(Resource::Nofile, before).unwrap();
    let late = TcpStream::connect(addr).unwrap();
    late.set_read_timeout(Some(DEADLINE)).unwrap();
    Client::dial(late, somebody(7), None).unwrap();
}

/// All that is logged from now on.
fn warnings() -> Receiver<String> {
    let (sender, receiver) = channel();
    log::set_boxed_logger(Box::new(Channel(Mutex::new(sender)))).unwrap();
    log::set_max_level(LevelFilter::Warn);
    receiver
}

struct Channel(Mutex<Sender<String>>);

impl Log for Channel {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        drop(self.0.lock().unwrap().send(record.args().to_string()));
    }

    fn flush(&self) {}
}
