//! The node's thread.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::{io, iter};

use ringchat_core::driver::{Driver, TURN};
use ringchat_core::wire::Envelope;
use ringchat_core::{Config, DialFailure, DialId, DownReason, LinkId, Origin};

use crate::accept::Listening;
use crate::clock::Clock;
use crate::commands::Taker;
use crate::connection::Connection;
use crate::crew::Crew;
use crate::dial;
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
        Ok(Self { driver, clock, queues, jobs, listening, crew })
    }

    /// The body of the thread: runs the node to its end, and takes everything down with it.
    pub(crate) fn run(mut self) {
        self.driver.tick(self.clock.now());
        self.end_turn();
        while !self.driver.ended() {
            self.turn();
        }
        let Self { driver, queues: Queues { jobs, commands, outlet }, listening, crew, .. } = self;
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
        for (dial, addr) in iter::from_fn(|| self.driver.next_dial()).collect::<Vec<_>>() {
            if let Err(reason) = dial::start(dial, addr, self.jobs.clone(), &self.crew) {
                self.driver.dial_failed(self.clock.now(), dial, reason);
            }
        }
        self.driver.flush(self.clock.now());
        self.queues.outlet.put(self.driver.events());
    }

    fn take(&mut self, job: Job) {
        let now = self.clock.now();
        match job {
            Job::Accepted(stream, remote) => drop(self.link_up(Origin::Accepted, stream, remote)),
            Job::Dialed(dial, remote, Ok(stream)) => {
                if self.link_up(Origin::Dialed(dial), stream, remote).is_err() {
                    self.driver.dial_failed(now, dial, DialFailure::Unreachable);
                }
            }
            Job::Dialed(dial, _, Err(reason)) => self.driver.dial_failed(now, dial, reason),
            Job::Received(link, envelopes) => self.driver.received(now, link, envelopes),
            Job::Down(link, reason) => self.driver.link_down(now, link, reason),
            Job::Wake => {}
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
