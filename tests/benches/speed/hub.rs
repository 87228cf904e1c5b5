//! The bare hub: one loop that passes frames on to all who listen. What a room can cost least on this machine.
//!
//! A frame is a length (four bytes, the greatest first) and so many bytes. The first frame of a connection is one
//! byte, 1 to listen or 0 not to; an empty frame answers it. All that came in one turn is written once to each.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Result;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

const LISTENER: Token = Token(0);
/// Bytes read from one connection in a turn.
const READ: usize = 64 * 1024;
/// Bytes that may wait for one connection before nothing more is read from any.
const WAITING: usize = 4 * 1024 * 1024;

struct Client {
    stream: TcpStream,
    inbox: Vec<u8>,
    outbox: VecDeque<u8>,
    greeted: bool,
    listens: bool,
}

struct Hub {
    poll: Poll,
    listener: TcpListener,
    clients: BTreeMap<Token, Client>,
    last: usize,
    /// Connections from which not all was read.
    readable: BTreeSet<Token>,
}

/// Serves on a free port, which it prints, until it is killed.
pub(crate) fn serve() -> Result<()> {
    let poll = Poll::new()?;
    let mut listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    println!("{}", listener.local_addr()?);
    let mut hub = Hub { poll, listener, clients: BTreeMap::new(), last: 0, readable: BTreeSet::new() };
    let mut events = Events::with_capacity(256);
    let mut turn = Vec::new();
    loop {
        hub.wait(&mut events)?;
        if !hub.is_blocked() {
            turn.clear();
            hub.read(&mut turn);
            hub.pass_on(&turn);
        }
    }
}

impl Hub {
    fn wait(&mut self, events: &mut Events) -> Result<()> {
        let idle = self.readable.is_empty() || self.is_blocked();
        let limit = if idle { None } else { Some(Duration::ZERO) };
        match self.poll.poll(events, limit) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        for event in events.iter() {
            if event.token() == LISTENER {
                self.accept()?;
                continue;
            }
            if event.is_readable() {
                self.readable.insert(event.token());
            }
            if event.is_writable() {
                self.write(event.token(), &[]);
            }
        }
        Ok(())
    }

    fn accept(&mut self) -> Result<()> {
        while let Ok((mut stream, _)) = self.listener.accept() {
            stream.set_nodelay(true)?;
            self.last += 1;
            let token = Token(self.last);
            self.poll.registry().register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
            let client =
                Client { stream, inbox: Vec::new(), outbox: VecDeque::new(), greeted: false, listens: false };
            self.clients.insert(token, client);
        }
        Ok(())
    }

    fn is_blocked(&self) -> bool {
        self.clients.values().any(|client| client.outbox.len() > WAITING)
    }

    /// Reads once from each connection that has something, and gathers the whole frames.
    fn read(&mut self, turn: &mut Vec<u8>) {
        for token in std::mem::take(&mut self.readable) {
            let Some(client) = self.clients.get_mut(&token) else { continue };
            match client.read() {
                Some(more) => {
                    if more {
                        self.readable.insert(token);
                    }
                    if client.greet() {
                        self.write(token, &[0; 4]);
                    }
                    if let Some(client) = self.clients.get_mut(&token).filter(|client| client.greeted) {
                        let whole = whole_frames(&client.inbox);
                        turn.extend(client.inbox.drain(..whole));
                    }
                }
                None => drop(self.clients.remove(&token)),
            }
        }
    }

    fn pass_on(&mut self, turn: &[u8]) {
        if turn.is_empty() {
            return;
        }
        let listening = self.clients.iter().filter(|(_, client)| client.listens);
        for token in listening.map(|(token, _)| *token).collect::<Vec<_>>() {
            self.write(token, turn);
        }
    }

    fn write(&mut self, token: Token, bytes: &[u8]) {
        let Some(client) = self.clients.get_mut(&token) else { return };
        if !client.write(bytes) {
            self.clients.remove(&token);
        }
    }
}

impl Client {
    /// Tells whether there may be more to read; none at the end.
    fn read(&mut self) -> Option<bool> {
        let start = self.inbox.len();
        self.inbox.resize(start + READ, 0);
        let read = self.stream.read(&mut self.inbox[start..]);
        self.inbox.truncate(start + read.as_ref().map_or(0, |read| *read));
        match read {
            Ok(0) => None,
            Ok(read) => Some(read == READ),
            Err(error) => (error.kind() == ErrorKind::WouldBlock).then_some(false),
        }
    }

    /// Takes the first frame, if it is there now. Tells whether it was.
    fn greet(&mut self) -> bool {
        if self.greeted || self.inbox.len() < 5 {
            return false;
        }
        self.listens = self.inbox[4] == 1;
        self.greeted = true;
        self.inbox.drain(..5);
        true
    }

    /// Writes what waits and then `bytes`, as far as the socket takes them. False if it is broken.
    fn write(&mut self, mut bytes: &[u8]) -> bool {
        loop {
            let (waiting, _) = self.outbox.as_slices();
            let direct = waiting.is_empty();
            let next = if direct { bytes } else { waiting };
            if next.is_empty() {
                return true;
            }
            match self.stream.write(next) {
                Ok(written) if direct => bytes = &bytes[written..],
                Ok(written) => drop(self.outbox.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.outbox.extend(bytes);
                    return true;
                }
                Err(_) => return false,
            }
        }
    }
}

/// How many of these bytes are whole frames.
fn whole_frames(bytes: &[u8]) -> usize {
    let mut end = 0;
    while let Some(header) = bytes.get(end..).and_then(|rest| rest.first_chunk()) {
        let next = end + 4 + u32::from_be_bytes(*header) as usize;
        if next > bytes.len() {
            break;
        }
        end = next;
    }
    end
}
