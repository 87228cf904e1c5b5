//! The node, which runs in the tasks of those who bring it something.

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use event_listener::Event;
use ringchat_core::wire::Envelope;
use ringchat_core::{Config, DialFailure, DialId, DownReason, LinkId};
use ringchat_driver::{CommandQueue, Ended, Offer, Scheduler, Step, TurnOwner};

use crate::clock::Clock;
use crate::commands::Commands;
use crate::crew::lock;
use crate::engine::Engine;
use crate::notices::Outlet;
use crate::rt::{self, TcpListener, TcpStream};

/// What other tasks tell the node.
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

/// A node and what waits for it. The [`Scheduler`] says which task runs it; the keeper is a task of its own.
pub(crate) struct Node {
    scheduler: Mutex<Scheduler<Job>>,
    /// For readers and others that wait for room in the scheduler.
    room: Event,
    /// For the keeper.
    keeper: Event,
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
    /// Makes the node and starts to accept. It runs once it is kept.
    pub(crate) fn start(config: Config, seed: [u8; 32], listener: TcpListener, outlet: Outlet) -> Arc<Self> {
        let clock = Clock::start();
        let node = Arc::new(Self::new(clock));
        let engine = Engine::start(config, seed, clock.now(), listener, outlet, &node);
        *lock(&node.running) = Some(Running { engine, jobs: VecDeque::new() });
        node
    }

    fn new(clock: Clock) -> Self {
        Self {
            scheduler: Mutex::default(),
            room: Event::new(),
            keeper: Event::new(),
            commands: Commands::default(),
            clock,
            running: Mutex::new(None),
        }
    }

    /// Puts a job at the end; waits for room. It may then run the node.
    pub(crate) async fn put(self: &Arc<Self>, job: Job) -> Result<(), Ended> {
        let runner = self.enter(job).await?;
        self.run(runner);
        if runner == TurnOwner::Caller {
            // A reader that always finds something to read would not let others come in turn.
            rt::yield_now().await;
        }
        Ok(())
    }

    async fn enter(&self, job: Job) -> Result<TurnOwner, Ended> {
        loop {
            let room = {
                let mut scheduler = lock(&self.scheduler);
                if !scheduler.is_full() {
                    return scheduler.put(job);
                }
                self.room.listen()
            };
            room.await;
        }
    }

    /// Offers the node a command; waits for room. It may then run the node.
    pub(crate) async fn command(
        self: &Arc<Self>,
        offer: impl Fn(&mut CommandQueue) -> Result<Offer, Ended>,
    ) -> Result<(), Ended> {
        if self.commands.give(offer).await? {
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
                    self.wake_keeper();
                }
            }
            TurnOwner::Keeper => self.wake_keeper(),
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
            self.room.notify(usize::MAX);
        }
    }

    /// The commands, for whoever runs the node.
    pub(crate) fn commands(&self) -> &Commands {
        &self.commands
    }

    /// The body of the keeper's task.
    pub(crate) async fn keep(self: Arc<Self>) {
        loop {
            let woken = self.keeper.listen();
            let next = lock(&self.scheduler).keep(self.clock.now());
            match next {
                Step::Turn => {
                    // It asks what is next by itself.
                    let _ = self.turn();
                    rt::yield_now().await;
                }
                Step::Sleep(Some(at)) => drop(rt::timeout(self.clock.until(at), woken).await),
                Step::Sleep(None) => woken.await,
                Step::End => break,
            }
        }
        self.take_down().await;
    }

    fn wake_keeper(&self) {
        self.keeper.notify(1);
    }

    /// Ends everything, and waits until it has ended.
    async fn take_down(&self) {
        self.room.notify(usize::MAX);
        self.commands.close();
        let running = lock(&self.running).take();
        if let Some(Running { engine, .. }) = running {
            engine.take_down().await;
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
