//! The node, which runs on the threads of those who bring it something.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use ringchat_core::wire::Envelope;
use ringchat_core::{Config, DialFailure, DialId, DownReason, Instant, LinkId};
use ringchat_driver::{CommandQueue, Ended, Offer, Scheduler, Step, TurnOwner};

use crate::clock::Clock;
use crate::commands::Commands;
use crate::crew::lock;
use crate::engine::Engine;
use crate::notices::Outlet;

/// What other threads tell the node.
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
}

/// A node and what waits for it. The [`Scheduler`] says whose thread runs it; the keeper is a thread of its own.
pub(crate) struct Node {
    scheduler: Mutex<Scheduler<Job>>,
    /// For readers and others that wait for room in the scheduler.
    room: Condvar,
    /// For the keeper.
    keeper: Condvar,
    commands: Commands,
    clock: Clock,
    /// Locked by whoever runs a turn alone, so nobody waits for it. Empty once the node has ended.
    running: Mutex<Option<Running>>,
}

/// What a turn works with.
struct Running {
    engine: Engine,
    /// The jobs of the turn; empty between two.
    jobs: VecDeque<Job>,
}

impl Node {
    /// Starts the node and its threads. The keeper's is to be joined; it is the last of them to end.
    pub(crate) fn start(
        config: Config,
        seed: [u8; 32],
        listener: TcpListener,
        outlet: Outlet,
    ) -> io::Result<(Arc<Self>, JoinHandle<()>)> {
        let clock = Clock::start();
        let node = Arc::new(Self::new(clock));
        let engine = Engine::start(config, seed, clock.now(), listener, outlet, &node)?;
        *lock(&node.running) = Some(Running { engine, jobs: VecDeque::new() });
        let kept = Arc::clone(&node);
        match Builder::new().name("ringchat-node".into()).spawn(move || kept.keep()) {
            Ok(keeper) => Ok((node, keeper)),
            Err(error) => {
                node.take_down();
                Err(error)
            }
        }
    }

    fn new(clock: Clock) -> Self {
        Self {
            scheduler: Mutex::default(),
            room: Condvar::new(),
            keeper: Condvar::new(),
            commands: Commands::default(),
            clock,
            running: Mutex::new(None),
        }
    }

    /// Puts a job at the end; waits for room. It may then run the node.
    pub(crate) fn put(self: &Arc<Self>, job: Job) -> Result<(), Ended> {
        let scheduler = lock(&self.scheduler);
        let waited = self.room.wait_while(scheduler, |scheduler| scheduler.is_full());
        let mut scheduler = waited.unwrap_or_else(PoisonError::into_inner);
        let runner = scheduler.put(job)?;
        drop(scheduler);
        self.run(runner);
        Ok(())
    }

    /// Offers the node a command; waits for room. It may then run the node.
    pub(crate) fn command(
        self: &Arc<Self>,
        offer: impl Fn(&mut CommandQueue) -> Result<Offer, Ended>,
    ) -> Result<(), Ended> {
        if self.commands.give(offer)? {
            self.run_commands();
        }
        Ok(())
    }

    /// Asks to leave.
    pub(crate) fn leave(self: &Arc<Self>) {
        self.commands.leave();
        self.run_commands();
    }

    fn run_commands(self: &Arc<Self>) {
        let now = self.clock.now();
        let runner = lock(&self.scheduler).command(now);
        self.run(runner);
    }

    fn run(self: &Arc<Self>, runner: TurnOwner) {
        match runner {
            TurnOwner::Caller => {
                if self.turn() {
                    self.keeper.notify_one();
                }
            }
            TurnOwner::Keeper => self.keeper.notify_one(),
            TurnOwner::Other => {}
        }
    }

    /// Runs a turn. Tells whether the keeper has something to do then. A panic ends the node, and not whoever ran it.
    fn turn(self: &Arc<Self>) -> bool {
        let turned = catch_unwind(AssertUnwindSafe(|| {
            let mut running = lock(&self.running);
            let Running { engine, jobs } = running.as_mut()?;
            self.take_jobs(jobs);
            // Read after they were taken: a stop in between is to show as lateness.
            let began = self.clock.now();
            engine.turn(began, self.clock, jobs, self);
            (!engine.ended()).then(|| (began, engine.deadline()))
        }));
        if let Ok(Some((began, deadline))) = turned {
            let now = self.clock.now();
            lock(&self.scheduler).end(began, now, deadline)
        } else {
            lock(&self.scheduler).close();
            true
        }
    }

    fn take_jobs(&self, jobs: &mut VecDeque<Job>) {
        let mut scheduler = lock(&self.scheduler);
        let was_full = scheduler.is_full();
        scheduler.begin(jobs);
        drop(scheduler);
        if was_full {
            self.room.notify_all();
        }
    }

    /// The commands, for whoever runs the node.
    pub(crate) fn commands(&self) -> &Commands {
        &self.commands
    }

    /// The body of the keeper's thread.
    fn keep(self: &Arc<Self>) {
        let mut scheduler = lock(&self.scheduler);
        loop {
            match scheduler.keep(self.clock.now()) {
                Step::Turn => {
                    drop(scheduler);
                    // It asks what is next by itself.
                    let _ = self.turn();
                    scheduler = lock(&self.scheduler);
                }
                Step::Sleep(until) => scheduler = self.sleep(scheduler, until),
                Step::End => break,
            }
        }
        drop(scheduler);
        self.take_down();
    }

    /// Waits until the keeper is woken or the time has come. It may also return for no reason.
    fn sleep<'a>(
        &self,
        scheduler: MutexGuard<'a, Scheduler<Job>>,
        until: Option<Instant>,
    ) -> MutexGuard<'a, Scheduler<Job>> {
        let Some(at) = until else {
            return self.keeper.wait(scheduler).unwrap_or_else(PoisonError::into_inner);
        };
        let waited = self.keeper.wait_timeout(scheduler, self.clock.until(at));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Ends everything, and waits until it has ended.
    fn take_down(&self) {
        lock(&self.scheduler).close();
        self.room.notify_all();
        self.commands.close();
        let running = lock(&self.running).take();
        if let Some(Running { engine, .. }) = running {
            engine.take_down();
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").finish_non_exhaustive()
    }
}

#[cfg(test)]
impl Node {
    /// A node that takes jobs and never runs.
    pub(crate) fn without_engine() -> Arc<Self> {
        Arc::new(Self::new(Clock::start()))
    }

    /// The jobs that wait.
    pub(crate) fn jobs(&self) -> Vec<Job> {
        let mut jobs = VecDeque::new();
        lock(&self.scheduler).begin(&mut jobs);
        jobs.into()
    }
}
