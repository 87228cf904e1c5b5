//! The node's thread.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError};
use std::{io, iter};

use ringchat_core::driver::{Driver, TURN};
use ringchat_core::wire::Envelope;
use ringchat_core::{Command, Config, DialFailure, DialId, DownReason, LinkId, Origin};

use crate::accept::Listening;
use crate::clock::Clock;
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
    /// Closed by leaving.
    pub(crate) commands: Receiver<Command>,
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
    /// A command that is to wait, so that those after it do.
    held: Option<Command>,
    left: bool,
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
        Ok(Self { driver, clock, queues, jobs, listening, crew, held: None, left: false })
    }

    /// The body of the thread: runs the node to its end, and takes everything down with it.
    pub(crate) fn run(mut self) {
        self.driver.tick(self.clock.now());
        self.end_turn();
        while !self.driver.ended() {
            self.turn();
        }
        let Self { driver, queues: Queues { jobs, outlet, .. }, listening, crew, .. } = self;
        // Whoever accepts, reads or waits for the queue ends with these.
        drop((listening, driver, jobs));
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
        while let Some(command) = self.held.take().or_else(|| self.next_command()) {
            if matches!(command, Command::Say(_)) && !self.driver.can_say() {
                self.held = Some(command);
                return;
            }
            self.driver.command(self.clock.now(), command);
        }
    }

    fn next_command(&mut self) -> Option<Command> {
        match self.queues.commands.try_recv() {
            Ok(command) => Some(command),
            Err(TryRecvError::Disconnected) if !self.left => {
                self.left = true;
                Some(Command::Leave)
            }
            Err(_) => None,
        }
    }
}
