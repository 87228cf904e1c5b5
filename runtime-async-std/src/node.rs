//! The node's task.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;

use async_channel::{Receiver, Sender};
use ringchat_core::driver::{Driver, TURN};
use ringchat_core::wire::Envelope;
use ringchat_core::{Config, DialFailure, DialId, DownReason, LinkId, Origin};

use crate::accept::accept;
use crate::clock::Clock;
use crate::commands::Taker;
use crate::connection::Connection;
use crate::crew::Crew;
use crate::dial::dial;
use crate::notices::Outlet;
use crate::rt::{self, TcpListener, TcpStream};

/// What other tasks tell the node's.
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

/// The ends of the node's queues that its task takes from.
#[derive(Debug)]
pub(crate) struct Queues {
    pub(crate) jobs: Receiver<Job>,
    pub(crate) commands: Taker,
    pub(crate) outlet: Outlet,
}

/// All that the node's task works with.
pub(crate) struct NodeTask {
    driver: Driver<Connection>,
    clock: Clock,
    queues: Queues,
    /// For the readers and dials to come.
    jobs: Sender<Job>,
    /// Dropped to stop the accepting task and the dials; they hold `stopped`.
    running: Sender<Infallible>,
    stopped: Receiver<Infallible>,
    crew: Crew,
}

impl NodeTask {
    /// Starts to accept.
    pub(crate) fn new(
        config: Config,
        seed: [u8; 32],
        listener: TcpListener,
        queues: Queues,
        jobs: Sender<Job>,
    ) -> Self {
        let crew = Crew::new();
        let (running, stopped) = async_channel::bounded(1);
        crew.start(accept(listener, jobs.clone(), stopped.clone()));
        let clock = Clock::start();
        let driver = Driver::new(config, seed, clock.now());
        Self { driver, clock, queues, jobs, running, stopped, crew }
    }

    /// The body of the task: runs the node to its end, and takes everything down with it.
    pub(crate) async fn run(mut self) {
        self.driver.tick(self.clock.now());
        self.end_turn();
        while !self.driver.ended() {
            self.turn().await;
        }
        let Self { driver, queues: Queues { jobs, commands, outlet }, running, crew, .. } = self;
        // Whoever accepts, dials, reads or waits for a queue ends with these.
        drop((running, driver, jobs, commands));
        crew.join().await;
        drop(outlet);
    }

    /// Waits for something to happen, takes in all that has happened, then acts.
    async fn turn(&mut self) {
        match self.receive().await {
            Some(job) => self.take(job),
            None => self.driver.tick(self.clock.now()),
        }
        let mut taken = 1;
        while taken < TURN
            && let Ok(job) = self.queues.jobs.try_recv()
        {
            self.take(job);
            taken += 1;
        }
        self.end_turn();
        if taken == TURN {
            rt::yield_now().await;
        }
    }

    /// The next job; none if the deadline comes before.
    async fn receive(&self) -> Option<Job> {
        let jobs = &self.queues.jobs;
        if let Ok(job) = jobs.try_recv() {
            return Some(job);
        }
        match self.driver.deadline() {
            Some(at) => rt::timeout(self.clock.until(at), jobs.recv()).await?.ok(),
            None => jobs.recv().await.ok(),
        }
    }

    fn end_turn(&mut self) {
        self.take_commands();
        while let Some((id, addr)) = self.driver.next_dial() {
            self.crew.start(dial(id, addr, self.jobs.clone(), self.stopped.clone()));
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
