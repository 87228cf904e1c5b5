//! What waits for the node, and which thread runs the next turn.

use std::collections::VecDeque;
use std::mem;

use ringchat_core::Instant;
use ringchat_core::limits::{INPUT_BYTES, INPUT_QUEUE};

use crate::error::Ended;

/// The thread or task that runs the turn that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnOwner {
    /// The caller, now.
    Caller,
    /// The worker; the caller wakes it.
    Worker,
    /// The thread or task that runs the node already.
    Other,
}

/// What the worker does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It runs a turn.
    Turn,
    /// It sleeps until this time, or for ever, unless it is woken.
    Sleep(Option<Instant>),
    /// The node has ended: it takes everything down.
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nobody runs the node, and nothing waits.
    Idle,
    /// Somebody runs a turn.
    Running,
    /// The worker runs the next turn; it is awake or was woken.
    Worker,
    /// There are no more turns.
    Ended,
}

/// What waits for the node, and what runs it: one thread or task at a time.
///
/// Whoever puts something while the node is idle runs a turn at once, so that no other thread or task has to wake
/// up first. What comes meanwhile is left to the *worker*, the one thread or task that has no other purpose:
/// it runs turns until nothing waits, and when a deadline comes. So no caller runs more than one turn,
/// and under load all that waits is taken together.
#[derive(Debug)]
pub(crate) struct Scheduler<J> {
    state: State,
    jobs: VecDeque<J>,
    /// How many bytes came with them.
    bytes: usize,
    /// Whether commands wait, in a queue of their own.
    commands: bool,
    /// Whether this turn takes commands.
    commanded: bool,
    /// Until when further commands are left to the worker.
    gather_until: Instant,
    /// The node's deadline.
    deadline: Option<Instant>,
    /// When the worker wakes by itself.
    alarm: Option<Instant>,
}

impl<J> Default for Scheduler<J> {
    /// The worker runs the first turn.
    fn default() -> Self {
        Self {
            state: State::Worker,
            jobs: VecDeque::new(),
            bytes: 0,
            commands: false,
            commanded: false,
            gather_until: Instant::ZERO,
            deadline: None,
            alarm: None,
        }
    }
}

impl<J> Scheduler<J> {
    /// Whether there is no room for another job until a turn begins.
    pub(crate) fn is_full(&self) -> bool {
        self.jobs.len() >= INPUT_QUEUE || self.bytes >= INPUT_BYTES
    }

    /// Puts a job, with which so many bytes came, at the end. The caller has looked for room.
    ///
    /// # Errors
    /// If the node has ended.
    pub(crate) fn put(&mut self, job: J, bytes: usize) -> Result<TurnOwner, Ended> {
        if self.state == State::Ended {
            return Err(Ended);
        }
        self.bytes = self.bytes.saturating_add(bytes);
        self.jobs.push_back(job);
        Ok(self.claim(State::Running))
    }

    /// A command waits for the node.
    ///
    /// A command that comes sooner after a turn with commands than that turn took is left to the worker. So a user who
    /// says one thing runs the turn, and a user who says many in a row has them taken together, and spends at most half
    /// of the time on turns.
    pub(crate) fn command(&mut self, now: Instant) -> TurnOwner {
        self.commands = true;
        self.claim(if now < self.gather_until { State::Worker } else { State::Running })
    }

    /// Begins a turn: gives all jobs that wait, for an empty `jobs`. The turn also takes the commands.
    pub(crate) fn begin(&mut self, jobs: &mut VecDeque<J>) {
        mem::swap(&mut self.jobs, jobs);
        self.bytes = 0;
        self.commanded = mem::take(&mut self.commands);
    }

    /// Ends the turn that began at `began`. Tells whether the worker has to be woken.
    pub(crate) fn end(&mut self, began: Instant, now: Instant, deadline: Option<Instant>) -> bool {
        if self.commanded {
            self.gather_until = now.after(now.since(began));
        }
        self.deadline = deadline;
        if self.commands || !self.jobs.is_empty() {
            self.state = State::Worker;
            return true;
        }
        self.state = State::Idle;
        deadline.is_some_and(|deadline| self.alarm.is_none_or(|alarm| deadline < alarm))
    }

    /// What the worker does next. It asks again after each step.
    pub(crate) fn next_step(&mut self, now: Instant) -> Step {
        let due = self.deadline.is_some_and(|deadline| deadline <= now);
        match self.state {
            State::Ended => return Step::End,
            State::Idle if !due => self.alarm = self.deadline,
            // The end of the running turn wakes the worker for a deadline before this one, and sets the deadline that
            // follows if this one is due.
            State::Running => self.alarm = self.deadline.filter(|_| !due),
            State::Idle | State::Worker => {
                self.state = State::Running;
                return Step::Turn;
            }
        }
        Step::Sleep(self.alarm)
    }

    /// The node has ended: nothing more is taken. The caller wakes the worker.
    pub(crate) fn close(&mut self) {
        self.state = State::Ended;
        self.jobs.clear();
    }

    /// Gives the next turn to `next`, unless it is given already.
    fn claim(&mut self, next: State) -> TurnOwner {
        if self.state != State::Idle {
            return TurnOwner::Other;
        }
        self.state = next;
        if next == State::Worker { TurnOwner::Worker } else { TurnOwner::Caller }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn at(micros: u64) -> Instant {
        Instant::ZERO.after(Duration::from_micros(micros))
    }

    fn idle() -> Scheduler<u8> {
        let mut scheduler = Scheduler::default();
        assert_eq!(scheduler.next_step(at(0)), Step::Turn);
        begin(&mut scheduler);
        scheduler.end(at(0), at(0), None);
        assert_eq!(scheduler.next_step(at(0)), Step::Sleep(None));
        scheduler
    }

    /// A scheduler in a turn; the turn before set this deadline.
    fn running_before(deadline: Instant) -> Scheduler<u8> {
        let mut scheduler = idle();
        scheduler.put(1, 0).unwrap();
        begin(&mut scheduler);
        scheduler.end(at(1), at(2), Some(deadline));
        scheduler.put(2, 0).unwrap();
        begin(&mut scheduler);
        scheduler
    }

    fn begin(scheduler: &mut Scheduler<u8>) -> VecDeque<u8> {
        let mut jobs = VecDeque::new();
        scheduler.begin(&mut jobs);
        jobs
    }

    #[test]
    fn a_caller_that_finds_the_node_idle_runs_the_turn() {
        let mut scheduler = idle();
        assert_eq!(scheduler.put(1, 0), Ok(TurnOwner::Caller));
        assert_eq!(begin(&mut scheduler), [1]);
        assert!(!scheduler.end(at(1), at(2), None), "the worker sleeps on");
        assert_eq!(scheduler.command(at(3)), TurnOwner::Caller);
    }

    #[test]
    fn what_comes_during_a_turn_is_left_to_the_worker() {
        let mut scheduler = idle();
        assert_eq!(scheduler.put(1, 0), Ok(TurnOwner::Caller));
        assert_eq!(begin(&mut scheduler), [1]);
        assert_eq!(scheduler.put(2, 0), Ok(TurnOwner::Other));
        assert_eq!(scheduler.put(3, 0), Ok(TurnOwner::Other));
        assert_eq!(scheduler.next_step(at(1)), Step::Sleep(None));
        assert!(scheduler.end(at(1), at(2), None));
        assert_eq!(scheduler.put(4, 0), Ok(TurnOwner::Other), "the turn is the worker's");
        assert_eq!(scheduler.next_step(at(3)), Step::Turn);
        assert_eq!(begin(&mut scheduler), [2, 3, 4]);
        assert_eq!(scheduler.command(at(4)), TurnOwner::Other);
        assert!(scheduler.end(at(3), at(5), None));
        assert_eq!(scheduler.next_step(at(6)), Step::Turn);
    }

    #[test]
    fn many_commands_in_a_row_are_taken_together() {
        let mut scheduler = idle();
        assert_eq!(scheduler.command(at(100)), TurnOwner::Caller);
        begin(&mut scheduler);
        scheduler.end(at(100), at(110), None);
        assert_eq!(scheduler.command(at(119)), TurnOwner::Worker);
        assert_eq!(scheduler.command(at(120)), TurnOwner::Other);
        assert_eq!(scheduler.next_step(at(130)), Step::Turn);
        begin(&mut scheduler);
        scheduler.end(at(130), at(135), None);
        assert_eq!(scheduler.command(at(140)), TurnOwner::Caller);
    }

    #[test]
    fn a_turn_without_commands_does_not_make_the_next_command_wait() {
        let mut scheduler = idle();
        scheduler.put(1, 0).unwrap();
        begin(&mut scheduler);
        scheduler.end(at(100), at(200), None);
        assert_eq!(scheduler.command(at(201)), TurnOwner::Caller);
    }

    #[test]
    fn the_worker_runs_when_the_deadline_comes() {
        let mut scheduler = idle();
        scheduler.put(1, 0).unwrap();
        begin(&mut scheduler);
        assert!(scheduler.end(at(1), at(2), Some(at(50))), "it does not know the deadline");
        assert_eq!(scheduler.next_step(at(3)), Step::Sleep(Some(at(50))));
        assert_eq!(scheduler.next_step(at(50)), Step::Turn);
    }

    #[test]
    fn the_worker_is_woken_only_for_an_earlier_deadline() {
        let mut scheduler = idle();
        for (deadline, wakes) in [(50, true), (60, false), (49, true)] {
            scheduler.put(1, 0).unwrap();
            begin(&mut scheduler);
            assert_eq!(scheduler.end(at(1), at(2), Some(at(deadline))), wakes, "{deadline}");
            if wakes {
                assert_eq!(scheduler.next_step(at(3)), Step::Sleep(Some(at(deadline))));
            }
        }
    }

    #[test]
    fn a_worker_that_finds_a_turn_running_sleeps_until_the_known_deadline() {
        let mut scheduler = running_before(at(50));
        assert_eq!(scheduler.next_step(at(3)), Step::Sleep(Some(at(50))));
        assert!(!scheduler.end(at(2), at(4), Some(at(90))), "it wakes before");
        assert_eq!(scheduler.next_step(at(50)), Step::Sleep(Some(at(90))));
    }

    #[test]
    fn a_deadline_that_comes_during_a_turn_is_left_to_its_caller() {
        let mut scheduler = running_before(at(50));
        assert_eq!(scheduler.next_step(at(50)), Step::Sleep(None));
        assert!(scheduler.end(at(49), at(51), Some(at(90))), "it sleeps without a deadline");
    }

    #[test]
    fn a_fast_reader_has_to_wait() {
        let mut scheduler = idle();
        for (most, bytes) in [(INPUT_QUEUE, 0), (8, INPUT_BYTES / 8)] {
            assert!((0..most).all(|_| !scheduler.is_full() && scheduler.put(0, bytes).is_ok()));
            assert!(scheduler.is_full());
            assert_eq!(begin(&mut scheduler).len(), most);
            assert!(!scheduler.is_full());
        }
    }

    #[test]
    fn nothing_is_taken_after_the_end() {
        let mut scheduler = idle();
        scheduler.put(1, 0).unwrap();
        scheduler.close();
        assert_eq!(scheduler.put(2, 0), Err(Ended));
        assert_eq!(scheduler.command(at(1)), TurnOwner::Other);
        assert_eq!(scheduler.next_step(at(1)), Step::End);
        assert_eq!(begin(&mut scheduler), []);
    }
}
