//! What a turn of the node works with, whoever runs it.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use ringchat_core::{Config, DialFailure, DialId, Instant, Origin};
use ringchat_driver::Driver;

use crate::accept::Listening;
use crate::clock::Clock;
use crate::connection::Connection;
use crate::crew::Crew;
use crate::dial::Dial;
use crate::node::{Job, Node};
use crate::notices::Outlet;

/// The driver and all that it is connected with.
pub(crate) struct Engine {
    driver: Driver<Connection>,
    listening: Listening,
    dials: BTreeMap<DialId, Dial>,
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
    ) -> io::Result<Self> {
        let crew = Crew::default();
        let listening = Listening::start(listener, Arc::clone(node), &crew)?;
        let driver = Driver::new(config, seed, now);
        Ok(Self { driver, listening, dials: BTreeMap::new(), outlet, crew })
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
        while let Some((dial, addr)) = self.driver.next_dial() {
            match Dial::start(dial, addr, Arc::clone(node), &self.crew) {
                Ok(begun) => drop(self.dials.insert(dial, begun)),
                Err(reason) => self.driver.dial_failed(now, dial, reason),
            }
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
    pub(crate) fn take_down(self) {
        let Self { driver, listening, dials, outlet, crew } = self;
        dials.values().for_each(Dial::cancel);
        // Whoever accepts or reads ends with these.
        drop((listening, driver));
        crew.join();
        drop(outlet);
    }

    fn take(&mut self, now: Instant, job: Job, node: &Arc<Node>) {
        match job {
            Job::Accepted(stream, remote) => drop(self.link_up(now, Origin::Accepted, stream, remote, node)),
            Job::Dialed(dial, remote, dialed) => self.dialed(now, dial, remote, dialed, node),
            Job::Received(link, envelopes) => self.driver.received(now, link, envelopes),
            Job::Down(link, reason) => self.driver.link_down(now, link, reason),
        }
    }

    fn dialed(
        &mut self,
        now: Instant,
        dial: DialId,
        remote: SocketAddr,
        dialed: Result<TcpStream, DialFailure>,
        node: &Arc<Node>,
    ) {
        self.dials.remove(&dial);
        let up = dialed.and_then(|stream| {
            let up = self.link_up(now, Origin::Dialed(dial), stream, remote, node);
            up.map_err(|_| DialFailure::Unreachable)
        });
        if let Err(reason) = up {
            self.driver.dial_failed(now, dial, reason);
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
