//! What a turn of the node works with, whoever runs it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use async_channel::{Receiver, Sender};
use ringchat_core::{Config, DialFailure, Instant, Origin};
use ringchat_driver::Driver;

use crate::accept::accept;
use crate::clock::Clock;
use crate::connection::Connection;
use crate::crew::Crew;
use crate::dial::dial;
use crate::node::{Job, Node};
use crate::notices::Outlet;
use crate::rt::{TcpListener, TcpStream};

/// The driver and all that it is connected with.
pub(crate) struct Engine {
    driver: Driver<Connection>,
    /// Dropped to stop the accepting task and the dials; they hold `stopped`.
    going: Sender<Infallible>,
    stopped: Receiver<Infallible>,
    outlet: Outlet,
    crew: Crew,
}

impl Engine {
    /// Starts to accept.
    pub(crate) fn start(
        config: Config,
        seed: [u8; 32],
        now: Instant,
        listener: TcpListener,
        outlet: Outlet,
        node: &Arc<Node>,
    ) -> Self {
        let crew = Crew::new();
        let (going, stopped) = async_channel::bounded(1);
        crew.start(accept(listener, Arc::clone(node), stopped.clone()));
        let driver = Driver::new(config, seed, now);
        Self { driver, going, stopped, outlet, crew }
    }

    /// Takes in all `jobs`, which were taken by `now`, and commands, then acts. Does not wait.
    pub(crate) fn turn(&mut self, now: Instant, clock: Clock, jobs: &mut VecDeque<Job>, node: &Arc<Node>) {
        if jobs.is_empty() {
            self.driver.tick(now);
        }
        for job in jobs.drain(..) {
            self.take(now, job, node);
        }
        let now = node.commands().hand_over(clock, &mut self.driver);
        while let Some((id, addr)) = self.driver.next_dial() {
            self.crew.start(dial(id, addr, Arc::clone(node), self.stopped.clone()));
        }
        self.driver.flush(now);
        (self.outlet)(self.driver.events());
    }

    /// When the next turn is due, whatever happens.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.driver.deadline()
    }

    /// Whether there is nothing more to do.
    pub(crate) fn ended(&self) -> bool {
        self.driver.ended()
    }

    /// Ends all that is left, and waits until it has ended. The node takes no jobs any more.
    pub(crate) async fn take_down(self) {
        let Self { driver, going, outlet, crew, .. } = self;
        // Whoever accepts, dials or reads ends with these.
        drop((going, driver));
        crew.join().await;
        drop(outlet);
    }

    fn take(&mut self, now: Instant, job: Job, node: &Arc<Node>) {
        match job {
            Job::Accepted(stream, remote) => drop(self.link_up(now, Origin::Accepted, stream, remote, node)),
            Job::Dialed(dial, remote, Ok(stream)) => {
                if self.link_up(now, Origin::Dialed(dial), stream, remote, node).is_err() {
                    self.driver.dial_failed(now, dial, DialFailure::Unreachable);
                }
            }
            Job::Dialed(dial, _, Err(reason)) => self.driver.dial_failed(now, dial, reason),
            Job::Received(link, envelopes) => self.driver.received(now, link, envelopes),
            Job::Down(link, reason) => self.driver.link_down(now, link, reason),
        }
    }

    fn link_up(
        &mut self,
        now: Instant,
        origin: Origin,
        stream: TcpStream,
        remote: SocketAddr,
        node: &Arc<Node>,
    ) -> io::Result<()> {
        let link = self.driver.new_link();
        let connection = Connection::open(link, origin, stream, Arc::clone(node), &self.crew)?;
        self.driver.link_up(now, link, origin, remote, connection);
        Ok(())
    }
}
