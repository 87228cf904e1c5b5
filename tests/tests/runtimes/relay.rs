//! Somebody between two members, who sees all bytes and can change them.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// What becomes of the next piece that the contact sends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tamper {
    Flip,
    Drop,
    Repeat,
    Reorder,
}

/// A relay to one member, which others take for that member's address.
pub(crate) struct Relay {
    addr: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    tamper: Mutex<Option<Tamper>>,
    /// All bytes so far, of both directions and all connections.
    seen: Mutex<Vec<u8>>,
    connections: AtomicUsize,
}

impl Relay {
    /// Passes all connections on to `target`.
    pub(crate) fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (addr, shared) = (listener.local_addr().unwrap(), Arc::new(Shared::default()));
        let relay = Self { addr, shared: Arc::clone(&shared) };
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                shared.connections.fetch_add(1, Ordering::Relaxed);
                let far = TcpStream::connect(target).unwrap();
                for (from, to, is_answer) in [(&near, &far, false), (&far, &near, true)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let shared = Arc::clone(&shared);
                    thread::spawn(move || shared.pass(from, to, is_answer));
                }
            }
        });
        relay
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Changes the next piece that comes from the target.
    pub(crate) fn tamper(&self, how: Tamper) {
        *self.shared.tamper.lock().unwrap() = Some(how);
    }

    /// How many connections were passed on.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Whether these bytes were seen in one piece.
    pub(crate) fn has_seen(&self, bytes: &[u8]) -> bool {
        self.shared.seen.lock().unwrap().windows(bytes.len()).any(|seen| seen == bytes)
    }

    /// How many bytes were seen.
    pub(crate) fn seen(&self) -> usize {
        self.shared.seen.lock().unwrap().len()
    }
}

impl Shared {
    fn pass(&self, mut from: TcpStream, mut to: TcpStream, is_answer: bool) {
        let mut bytes = [0; 16 * 1024];
        while let Ok(read @ 1..) = from.read(&mut bytes) {
            let mut piece = bytes[..read].to_vec();
            self.seen.lock().unwrap().extend_from_slice(&piece);
            if is_answer && let Some(how) = self.tamper.lock().unwrap().take() {
                how.change(&mut piece);
            }
            if to.write_all(&piece).is_err() {
                break;
            }
        }
        // The other direction may be over already.
        drop((from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both)));
    }
}

impl Tamper {
    fn change(self, piece: &mut Vec<u8>) {
        let middle = piece.len() / 2;
        match self {
            Self::Flip => piece[middle] ^= 1,
            Self::Drop => drop(piece.remove(middle)),
            Self::Repeat => piece.extend_from_within(..),
            Self::Reorder => piece[2..].rotate_left(1),
        }
    }
}
