//! The node's thread.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};

use ringchat_core::driver::{Driver, TURN};
use ringchat_core::wire::Envelope;
use ringchat_core::{Config, DialFailure, DialId, DownReason, LinkId, Origin};

use crate::accept::Listening;
use crate::clock::Clock;
use crate::commands::Taker;
use crate::connection::Connection;
use crate::crew::Crew;
use crate::dial::Dial;
use crate::notices::Outlet;

/// What other threads tell the node's.
#[derive(Debug)]
pub(crate) enum Job {
    /// Somebody connected.
    Accepted(TcpStream, SocketAddr),
    /// A dial was answered.
    Dialed(DialId, SocketAddr, Result<TcpStream, DialFailure>),
    /// A reader has messages.
    Received(LinkId, Vec<Envelope>),
    /// A reader has come to its end.
    Down(LinkId, DownReason),
    /// There is a command, or there will be no more of them.
    Wake,
}

/// The ends of the node's queues that its thread takes from.
#[derive(Debug)]
pub(crate) struct Queues {
    pub(crate) jobs: Receiver<Job>,
    pub(crate) commands: Taker,
    pub(crate) outlet: Outlet,
}

/// All that the node's thread works with.
pub(crate) struct NodeThread {
    driver: Driver<Connection>,
    clock: Clock,
    queues: Queues,
    /// For the readers and dials to come.
    jobs: SyncSender<Job>,
    listening: Listening,
    dials: BTreeMap<DialId, Dial>,
    crew: Crew,
}

impl NodeThread {
    /// Starts to accept.
    pub(crate) fn new(
        config: Config,
        seed: [u8; 32],
        listener: TcpListener,
        queues: Queues,
        jobs: SyncSender<Job>,
    ) -> io::Result<Self> {
        let crew = Crew::default();
        let listening = Listening::start(listener, jobs.clone(), &crew)?;
        let clock = Clock::start();
        let driver = Driver::new(config, seed, clock.now());
        Ok(Self { driver, clock, queues, jobs, listening, dials: BTreeMap::new(), crew })
    }

    /// The body of the thread: runs the node to its end, and takes everything down with it.
    pub(crate) fn run(mut self) {
        self.driver.tick(self.clock.now());
        self.end_turn();
        while !self.driver.ended() {
            self.turn();
        }
        let Self { driver, queues: Queues { jobs, commands, outlet }, listening, dials, crew, .. } = self;
        dials.values().for_each(Dial::cancel);
        // Whoever accepts, reads or waits for a queue ends with these.
        drop((listening, driver, jobs, commands));
        crew.join();
        drop(outlet);
    }

    /// Waits for something to happen, takes in all that has happened, then acts.
    fn turn(&mut self) {
        let first = match self.driver.deadline() {
            Some(at) => self.queues.jobs.recv_timeout(self.clock.until(at)),
            None => self.queues.jobs.recv().map_err(RecvTimeoutError::from),
        };
        match first {
            Ok(job) => self.take(job),
            Err(_) => self.driver.tick(self.clock.now()),
        }
        for _ in 1..TURN {
            let Ok(job) = self.queues.jobs.try_recv() else { break };
            self.take(job);
        }
        self.end_turn();
    }

    fn end_turn(&mut self) {
        self.take_commands();
        while let Some((dial, addr)) = self.driver.next_dial() {
            match Dial::start(dial, addr, self.jobs.clone(), &self.crew) {
                Ok(begun) => drop(self.dials.insert(dial, begun)),
                Err(reason) => self.driver.dial_failed(self.clock.now(), dial, reason),
            }
        }
        self.driver.flush(self.clock.now());
        self.queues.outlet.put(self.driver.events());
    }

    fn take(&mut self, job: Job) {
        let now = self.clock.now();
        match job {
            Job::Accepted(stream, remote) => drop(self.link_up(Origin::Accepted, stream, remote)),
            Job::Dialed(dial, remote, dialed) => self.dialed(dial, remote, dialed),
            Job::Received(link, envelopes) => self.driver.received(now, link, envelopes),
            Job::Down(link, reason) => self.driver.link_down(now, link, reason),
            Job::Wake => {}
        }
    }

    fn dialed(&mut self, dial: DialId, remote: SocketAddr, dialed: Result<TcpStream, DialFailure>) {
        self.dials.remove(&dial);
        let up = dialed.and_then(|stream| {
            self.link_up(Origin::Dialed(dial), stream, remote).map_err(|_| DialFailure::Unreachable)
        });
        if let Err(reason) = up {
            self.driver.dial_failed(self.clock.now(), dial, reason);
        }
    }

    fn link_up(&mut self, origin: Origin, stream: TcpStream, remote: SocketAddr) -> io::Result<()> {
        let link = self.driver.new_link();
        let connection = Connection::open(link, origin, stream, self.jobs.clone(), &self.crew)?;
        self.driver.link_up(self.clock.now(), link, origin, remote, connection);
        Ok(())
    }

    fn take_commands(&mut self) {
        let now = self.clock.now();
        while let Some(command) = self.queues.commands.take(|queue| self.driver.next_command(now, queue)) {
            self.driver.command(now, command);
        }
    }
}
