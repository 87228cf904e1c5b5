//! What waits for the node, and who runs it.

use std::collections::VecDeque;
use std::mem;

use super::Ended;
use ringchat_core::Instant;
use ringchat_core::limits::INPUT_QUEUE;

/// Who runs the turn that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnOwner {
    /// The caller, now.
    Caller,
    /// The keeper, whom the caller wakes.
    Keeper,
    /// Whoever runs the node already.
    Other,
}

/// What the keeper does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It runs a turn.
    Turn,
    /// It sleeps until then, or for ever, unless it is woken.
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
    /// The next turn is the keeper's, who is awake or was woken.
    Kept,
    /// There are no more turns.
    Ended,
}

/// What waits for the node, and who runs it: one at a time.
///
/// Whoever brings something to an idle node runs a turn at once, so that no other thread or task has to wake
/// up first. What comes meanwhile is left to the *keeper*, the one thread or task that is there for nothing else:
/// it runs turns until nothing waits, and when a deadline comes. So nobody is kept longer than for one turn,
/// and under load all that waits is taken together.
#[derive(Debug)]
pub struct Scheduler<J> {
    state: State,
    jobs: VecDeque<J>,
    /// Whether commands wait, in a queue of their own.
    commands: bool,
    /// Whether this turn takes commands.
    commanded: bool,
    /// Until when further commands are left to the keeper.
    gather_until: Instant,
    /// The node's deadline.
    deadline: Option<Instant>,
    /// When the keeper wakes by itself.
    alarm: Option<Instant>,
}

impl<J> Default for Scheduler<J> {
    /// The first turn is the keeper's.
    fn default() -> Self {
        Self {
            state: State::Kept,
            jobs: VecDeque::new(),
            commands: false,
            commanded: false,
            gather_until: Instant::ZERO,
            deadline: None,
            alarm: None,
        }
    }
}

impl<J> Scheduler<J> {
    /// Whether there is no room for another job. It is there again when a turn begins.
    pub fn is_full(&self) -> bool {
        self.jobs.len() >= INPUT_QUEUE
    }

    /// Puts a job at the end. To be asked for room before.
    ///
    /// # Errors
    /// If the node has ended.
    pub fn put(&mut self, job: J) -> Result<TurnOwner, Ended> {
        if self.state == State::Ended {
            return Err(Ended);
        }
        self.jobs.push_back(job);
        Ok(self.claim(State::Running))
    }

    /// A command waits for the node.
    ///
    /// One that comes sooner after a turn with commands than this took is left to the keeper. So who says one
    /// thing runs it, and who says many in a row has them taken together, and spends at most half of the time on turns.
    pub fn command(&mut self, now: Instant) -> TurnOwner {
        self.commands = true;
        self.claim(if now < self.gather_until { State::Kept } else { State::Running })
    }

    /// Begins a turn: gives all jobs that wait, for an empty `jobs`. Commands are to be taken in the turn.
    pub fn begin(&mut self, jobs: &mut VecDeque<J>) {
        mem::swap(&mut self.jobs, jobs);
        self.commanded = mem::take(&mut self.commands);
    }

    /// Ends the turn that began at `began`. Tells whether the keeper is to be woken.
    pub fn end(&mut self, began: Instant, now: Instant, deadline: Option<Instant>) -> bool {
        if self.commanded {
            self.gather_until = now.after(now.since(began));
        }
        self.deadline = deadline;
        if self.commands || !self.jobs.is_empty() {
            self.state = State::Kept;
            return true;
        }
        self.state = State::Idle;
        deadline.is_some_and(|deadline| self.alarm.is_none_or(|alarm| deadline < alarm))
    }

    /// What the keeper does next. To be asked again when it has done so.
    pub fn keep(&mut self, now: Instant) -> Step {
        let due = self.deadline.is_some_and(|deadline| deadline <= now);
        match self.state {
            State::Ended => return Step::End,
            State::Idle if !due => self.alarm = self.deadline,
            // Whoever runs tells a deadline that comes before the one which is known, and what follows if that is due.
            State::Running => self.alarm = self.deadline.filter(|_| !due),
            State::Idle | State::Kept => {
                self.state = State::Running;
                return Step::Turn;
            }
        }
        Step::Sleep(self.alarm)
    }

    /// The node has ended: nothing more is taken. The keeper is to be woken.
    pub fn close(&mut self) {
        self.state = State::Ended;
        self.jobs.clear();
    }

    /// Gives the next turn to `next`, unless it is given.
    fn claim(&mut self, next: State) -> TurnOwner {
        if self.state != State::Idle {
            return TurnOwner::Other;
        }
        self.state = next;
        if next == State::Kept { TurnOwner::Keeper } else { TurnOwner::Caller }
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
        assert_eq!(scheduler.keep(at(0)), Step::Turn);
        begin(&mut scheduler);
        scheduler.end(at(0), at(0), None);
        assert_eq!(scheduler.keep(at(0)), Step::Sleep(None));
        scheduler
    }

    /// One whose turn runs, the last of which told this deadline.
    fn running_before(deadline: Instant) -> Scheduler<u8> {
        let mut scheduler = idle();
        scheduler.put(1).unwrap();
        begin(&mut scheduler);
        scheduler.end(at(1), at(2), Some(deadline));
        scheduler.put(2).unwrap();
        begin(&mut scheduler);
        scheduler
    }

    fn begin(scheduler: &mut Scheduler<u8>) -> VecDeque<u8> {
        let mut jobs = VecDeque::new();
        scheduler.begin(&mut jobs);
        jobs
    }

    #[test]
    fn who_brings_something_to_an_idle_node_runs_it() {
        let mut scheduler = idle();
        assert_eq!(scheduler.put(1), Ok(TurnOwner::Caller));
        assert_eq!(begin(&mut scheduler), [1]);
        assert!(!scheduler.end(at(1), at(2), None), "the keeper sleeps on");
        assert_eq!(scheduler.command(at(3)), TurnOwner::Caller);
    }

    #[test]
    fn what_comes_during_a_turn_is_left_to_the_keeper() {
        let mut scheduler = idle();
        assert_eq!(scheduler.put(1), Ok(TurnOwner::Caller));
        assert_eq!(begin(&mut scheduler), [1]);
        assert_eq!(scheduler.put(2), Ok(TurnOwner::Other));
        assert_eq!(scheduler.put(3), Ok(TurnOwner::Other));
        assert_eq!(scheduler.keep(at(1)), Step::Sleep(None));
        assert!(scheduler.end(at(1), at(2), None));
        assert_eq!(scheduler.put(4), Ok(TurnOwner::Other), "the turn is the keeper's");
        assert_eq!(scheduler.keep(at(3)), Step::Turn);
        assert_eq!(begin(&mut scheduler), [2, 3, 4]);
        assert_eq!(scheduler.command(at(4)), TurnOwner::Other);
        assert!(scheduler.end(at(3), at(5), None));
        assert_eq!(scheduler.keep(at(6)), Step::Turn);
    }

    #[test]
    fn many_commands_in_a_row_are_taken_together() {
        let mut scheduler = idle();
        assert_eq!(scheduler.command(at(100)), TurnOwner::Caller);
        begin(&mut scheduler);
        scheduler.end(at(100), at(110), None);
        assert_eq!(scheduler.command(at(119)), TurnOwner::Keeper);
        assert_eq!(scheduler.command(at(120)), TurnOwner::Other);
        assert_eq!(scheduler.keep(at(130)), Step::Turn);
        begin(&mut scheduler);
        scheduler.end(at(130), at(135), None);
        assert_eq!(scheduler.command(at(140)), TurnOwner::Caller);
    }

    #[test]
    fn a_turn_without_commands_does_not_make_the_next_command_wait() {
        let mut scheduler = idle();
        scheduler.put(1).unwrap();
        begin(&mut scheduler);
        scheduler.end(at(100), at(200), None);
        assert_eq!(scheduler.command(at(201)), TurnOwner::Caller);
    }

    #[test]
    fn the_keeper_runs_when_the_deadline_comes() {
        let mut scheduler = idle();
        scheduler.put(1).unwrap();
        begin(&mut scheduler);
        assert!(scheduler.end(at(1), at(2), Some(at(50))), "it does not know the deadline");
        assert_eq!(scheduler.keep(at(3)), Step::Sleep(Some(at(50))));
        assert_eq!(scheduler.keep(at(50)), Step::Turn);
    }

    #[test]
    fn the_keeper_is_woken_only_for_an_earlier_deadline() {
        let mut scheduler = idle();
        for (deadline, wakes) in [(50, true), (60, false), (49, true)] {
            scheduler.put(1).unwrap();
            begin(&mut scheduler);
            assert_eq!(scheduler.end(at(1), at(2), Some(at(deadline))), wakes, "{deadline}");
            if wakes {
                assert_eq!(scheduler.keep(at(3)), Step::Sleep(Some(at(deadline))));
            }
        }
    }

    #[test]
    fn the_keeper_that_finds_a_turn_running_sleeps_until_the_known_deadline() {
        let mut scheduler = running_before(at(50));
        assert_eq!(scheduler.keep(at(3)), Step::Sleep(Some(at(50))));
        assert!(!scheduler.end(at(2), at(4), Some(at(90))), "it wakes before");
        assert_eq!(scheduler.keep(at(50)), Step::Sleep(Some(at(90))));
    }

    #[test]
    fn a_deadline_that_comes_during_a_turn_is_left_to_who_runs() {
        let mut scheduler = running_before(at(50));
        assert_eq!(scheduler.keep(at(50)), Step::Sleep(None));
        assert!(scheduler.end(at(49), at(51), Some(at(90))), "it sleeps without a deadline");
    }

    #[test]
    fn a_fast_bringer_has_to_wait() {
        let mut scheduler = idle();
        assert!((0..INPUT_QUEUE).all(|_| !scheduler.is_full() && scheduler.put(0).is_ok()));
        assert!(scheduler.is_full());
        assert_eq!(begin(&mut scheduler).len(), INPUT_QUEUE);
        assert!(!scheduler.is_full());
    }

    #[test]
    fn nothing_is_taken_after_the_end() {
        let mut scheduler = idle();
        scheduler.put(1).unwrap();
        scheduler.close();
        assert_eq!(scheduler.put(2), Err(Ended));
        assert_eq!(scheduler.command(at(1)), TurnOwner::Other);
        assert_eq!(scheduler.keep(at(1)), Step::End);
        assert_eq!(begin(&mut scheduler), []);
    }
}
