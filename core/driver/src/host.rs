//! The place where a node lives: locks, the clock, and the turns that callers and the worker run.

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use event_listener::Event as Waiters;
use ringchat_core::trace::Tracing;
use ringchat_core::{Config, Instant, Seed, Seq, Text};

use crate::clock::{Clock, wall_clock};
use crate::commands::{CommandQueue, ReportTo};
use crate::driver::Driver;
use crate::event_stream::EventSink;
use crate::refused::Refused;
use crate::scheduler::{Scheduler, Step, TurnOwner};
use crate::signal::Signal;
use crate::transport::{Job, Jobs, Transport};

/// A node and what waits for it.
///
/// Each call may run a turn on the thread of its caller, but none waits: where there is no room the caller gets
/// [`Refused::Full`] and waits in its own way.
pub struct Host<T: Transport> {
    scheduler: Mutex<Scheduler<Job<T::Socket>>>,
    commands: Mutex<CommandQueue>,
    addr: SocketAddr,
    clock: Clock,
    /// Only the caller that runs a turn locks this, so nobody waits for it. Empty before the start and after the end.
    running: Mutex<Option<Running<T>>>,
    room_for_jobs: Waiters,
    room_for_commands: Waiters,
    worker: Signal,
}

/// What a turn works with.
struct Running<T: Transport> {
    driver: Driver<T>,
    sink: EventSink,
    /// The jobs of the turn; empty between two.
    jobs: VecDeque<Job<T::Socket>>,
}

/// What the worker does next.
#[derive(Debug)]
pub enum WorkerStep {
    /// It calls [`Host::step`] again. A turn was run, so a task may let others come first.
    Again,
    /// It waits until [`Host::poll_woken`] is ready or this time has passed, if it is limited, then calls
    /// [`Host::step`] again.
    Sleep(Option<Duration>),
    /// The node has ended: the worker calls [`Host::end`].
    End,
}

impl<T: Transport> Host<T> {
    /// A host whose node has not started, and which listens on `addr`. It takes jobs already, and keeps them for the
    /// first turn.
    pub(crate) fn new(addr: SocketAddr) -> Self {
        Self {
            addr,
            scheduler: Mutex::default(),
            commands: Mutex::default(),
            clock: Clock::start(),
            running: Mutex::new(None),
            room_for_jobs: Waiters::new(),
            room_for_commands: Waiters::new(),
            worker: Signal::default(),
        }
    }

    /// Starts the node. The worker runs its first turn.
    pub(crate) fn start(&self, config: Config, seed: Seed, transport: T, sink: EventSink) {
        let driver = Driver::new(config, seed, self.clock.now(), transport);
        *lock(&self.running) = Some(Running { driver, sink, jobs: VecDeque::new() });
    }

    /// Where others reach this member, and may join.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Says something, and gives its number among the own messages, from 1.
    ///
    /// # Errors
    /// If too much waits already, or the room was left.
    pub fn say(&self, text: Text) -> Result<Seq, Refused<Text>> {
        self.command(text, |queue, text| queue.say(&text))
    }

    /// Asks for a report, in its turn after what was said before.
    ///
    /// # Errors
    /// If too much waits already, or the room was left.
    pub fn report(&self, to: ReportTo) -> Result<(), Refused<ReportTo>> {
        self.command(to, CommandQueue::report)
    }

    /// Tells so much of what the node does from now on, in its turn after what was said before.
    ///
    /// # Errors
    /// If too much waits already, or the room was left.
    pub fn trace(&self, tracing: Tracing) -> Result<(), Refused<Tracing>> {
        self.command(tracing, CommandQueue::trace)
    }

    /// Leaves the room once what was said has been taken. A second call does nothing.
    pub fn leave(&self) {
        lock(&self.commands).leave();
        self.room_for_commands.notify(usize::MAX);
        self.run_commands();
    }

    /// Gives the queue a command if there is room. Only the first that waits tells the node.
    fn command<C, R>(
        &self,
        command: C,
        give: impl FnOnce(&mut CommandQueue, C) -> R,
    ) -> Result<R, Refused<C>> {
        let mut commands = lock(&self.commands);
        if commands.is_full()? {
            return Err(Refused::Full(command, self.room_for_commands.listen()));
        }
        let is_first = commands.is_empty();
        let given = give(&mut commands, command);
        drop(commands);
        if is_first {
            self.run_commands();
        }
        Ok(given)
    }

    fn run_commands(&self) {
        let now = self.clock.now();
        let owner = lock(&self.scheduler).command(now);
        self.run(owner);
    }

    fn run(&self, owner: TurnOwner) {
        let wake = match owner {
            TurnOwner::Caller => self.turn(),
            TurnOwner::Worker => true,
            TurnOwner::Other => false,
        };
        if wake {
            self.worker.notify();
        }
    }

    /// Runs a turn. Tells whether the worker has something to do afterwards. A panic ends the node, and not the thread
    /// that ran the turn.
    fn turn(&self) -> bool {
        let turned = catch_unwind(AssertUnwindSafe(|| {
            let mut running = lock(&self.running);
            let Running { driver, sink, jobs } = running.as_mut()?;
            self.take_jobs(jobs);
            // The clock is read after the jobs were taken: a stop in between shows as lateness.
            let began = self.clock.now();
            driver.take(began, jobs);
            let now = self.take_commands(driver);
            driver.finish(now);
            sink.take(began, driver.events());
            (!driver.has_ended()).then(|| (began, driver.deadline()))
        }));
        if let Ok(Some((began, deadline))) = turned {
            let now = self.clock.now();
            lock(&self.scheduler).end(began, now, deadline)
        } else {
            lock(&self.scheduler).close();
            true
        }
    }

    fn take_jobs(&self, jobs: &mut VecDeque<Job<T::Socket>>) {
        let mut scheduler = lock(&self.scheduler);
        let was_full = scheduler.is_full();
        scheduler.begin(jobs);
        drop(scheduler);
        if was_full {
            self.room_for_jobs.notify(usize::MAX);
        }
    }

    /// Hands the node all commands that it can take. Returns the time at the end.
    fn take_commands(&self, driver: &mut Driver<T>) -> Instant {
        loop {
            let mut queue = lock(&self.commands);
            let was_full = queue.has_most();
            let commands = driver.take_commands(self.clock.now(), &mut queue);
            drop(queue);
            // The clock is read after the commands were taken: a stop in between shows as lateness.
            let now = self.clock.now();
            if commands.is_empty() {
                return now;
            }
            if was_full {
                self.room_for_commands.notify(usize::MAX);
            }
            driver.command(now, wall_clock(), commands);
        }
    }

    /// The worker's next step. It runs a turn if one is due.
    pub fn step(&self) -> WorkerStep {
        let mut scheduler = lock(&self.scheduler);
        match scheduler.next_step(self.clock.now()) {
            Step::Turn => {
                drop(scheduler);
                // The next step finds what is left to do.
                let _ = self.turn();
                WorkerStep::Again
            }
            Step::Sleep(until) => WorkerStep::Sleep(until.map(|at| self.clock.until(at))),
            Step::End => WorkerStep::End,
        }
    }

    /// Ready once the worker has something to do; it may be ready for no reason.
    pub fn poll_woken(&self, context: &mut Context<'_>) -> Poll<()> {
        self.worker.poll(context)
    }

    /// Ends all that is left: nothing is taken from now on; links, dials and listening socket are dropped.
    ///
    /// Gives the sink of the events. The caller drops it after all threads or tasks of the room have ended.
    pub fn end(&self) -> Option<EventSink> {
        lock(&self.scheduler).close();
        self.room_for_jobs.notify(usize::MAX);
        lock(&self.commands).close();
        self.room_for_commands.notify(usize::MAX);
        let running = lock(&self.running).take();
        running.map(|running| running.sink)
    }
}

impl<T: Transport> Jobs<T::Socket> for Host<T> {
    fn put(&self, job: Job<T::Socket>) -> Result<TurnOwner, Refused<Job<T::Socket>>> {
        let mut scheduler = lock(&self.scheduler);
        if scheduler.is_full() {
            return Err(Refused::Full(job, self.room_for_jobs.listen()));
        }
        let bytes = job.bytes();
        let owner = scheduler.put(job, bytes)?;
        drop(scheduler);
        self.run(owner);
        Ok(owner)
    }
}

impl<T: Transport> fmt::Debug for Host<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").finish_non_exhaustive()
    }
}

/// Locks what no thread leaves half-changed, even if it panics.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::TurnEvents;
    use crate::fake::{FakeSocket, FakeTransport, addr, seed};
    use event_listener::Listener;
    use ringchat_core::limits::INPUT_QUEUE;
    use ringchat_core::{Name, Start};

    fn host(hear: impl FnMut(TurnEvents<'_>) + Send + 'static) -> Host<FakeTransport> {
        let host = Host::new(addr());
        let config = Config::new(addr(), Name::new("a").unwrap(), Start::Create);
        let seed = seed(&config);
        host.start(config, seed, FakeTransport::default(), EventSink::new(hear));
        host
    }

    fn accepted() -> Job<FakeSocket> {
        Job::Accepted(FakeSocket::default(), addr())
    }

    #[test]
    fn a_caller_that_finds_the_node_idle_runs_the_turn() {
        let host = host(|events| drop(events));
        assert!(matches!(host.step(), WorkerStep::Again));
        assert!(matches!(host.step(), WorkerStep::Sleep(_)));
        assert_eq!(host.put(accepted()).unwrap(), TurnOwner::Caller);
        assert!(matches!(host.step(), WorkerStep::Sleep(_)), "the turn is over");
    }

    #[test]
    fn a_full_queue_gives_the_job_back_until_a_turn_begins() {
        let host = host(|events| drop(events));
        assert!((0..INPUT_QUEUE).all(|_| host.put(accepted()).is_ok()));
        let Err(Refused::Full(job, room)) = host.put(accepted()) else { panic!("there is room for ever") };
        assert!(matches!(host.step(), WorkerStep::Again));
        room.wait();
        assert!(host.put(job).is_ok());
    }

    #[test]
    fn a_panic_in_a_turn_ends_the_node_and_not_its_caller() {
        let host = host(|_| panic!("a user's function"));
        assert!(matches!(host.step(), WorkerStep::Again));
        assert!(matches!(host.step(), WorkerStep::End));
        assert!(host.end().is_some());
        assert!(matches!(host.put(accepted()), Err(Refused::Ended)));
        assert!(matches!(host.say(Text::new("x").unwrap()), Err(Refused::Ended)));
    }
}
