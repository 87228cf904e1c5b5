//! What waits for the node, and who runs it.

use alloc::collections::VecDeque;
use core::mem;

use super::Ended;
use crate::limits::INPUT_QUEUE;
use crate::time::Instant;

/// Who runs the turn that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runner {
    /// The caller, now.
    Caller,
    /// The keeper, whom the caller wakes.
    Keeper,
    /// Whoever runs the node already.
    Other,
}

/// What the keeper does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
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
pub struct Agenda<J> {
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

impl<J> Default for Agenda<J> {
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

impl<J> Agenda<J> {
    /// Whether there is no room for another job. It is there again when a turn begins.
    pub fn is_full(&self) -> bool {
        self.jobs.len() >= INPUT_QUEUE
    }

    /// Puts a job at the end. To be asked for room before.
    ///
    /// # Errors
    /// If the node has ended.
    pub fn put(&mut self, job: J) -> Result<Runner, Ended> {
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
    pub fn command(&mut self, now: Instant) -> Runner {
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
    pub fn keep(&mut self, now: Instant) -> Keep {
        let due = self.deadline.is_some_and(|deadline| deadline <= now);
        match self.state {
            State::Ended => return Keep::End,
            State::Idle if !due => self.alarm = self.deadline,
            // Whoever runs tells a deadline that comes before the one which is known, and what follows if that is due.
            State::Running => self.alarm = self.deadline.filter(|_| !due),
            State::Idle | State::Kept => {
                self.state = State::Running;
                return Keep::Turn;
            }
        }
        Keep::Sleep(self.alarm)
    }

    /// The node has ended: nothing more is taken. The keeper is to be woken.
    pub fn close(&mut self) {
        self.state = State::Ended;
        self.jobs.clear();
    }

    /// Gives the next turn to `next`, unless it is given.
    fn claim(&mut self, next: State) -> Runner {
        if self.state != State::Idle {
            return Runner::Other;
        }
        self.state = next;
        if next == State::Kept { Runner::Keeper } else { Runner::Caller }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    fn at(micros: u64) -> Instant {
        Instant::ZERO.after(Duration::from_micros(micros))
    }

    fn idle() -> Agenda<u8> {
        let mut agenda = Agenda::default();
        assert_eq!(agenda.keep(at(0)), Keep::Turn);
        begin(&mut agenda);
        agenda.end(at(0), at(0), None);
        assert_eq!(agenda.keep(at(0)), Keep::Sleep(None));
        agenda
    }

    /// One whose turn runs, the last of which told this deadline.
    fn running_before(deadline: Instant) -> Agenda<u8> {
        let mut agenda = idle();
        agenda.put(1).unwrap();
        begin(&mut agenda);
        agenda.end(at(1), at(2), Some(deadline));
        agenda.put(2).unwrap();
        begin(&mut agenda);
        agenda
    }

    fn begin(agenda: &mut Agenda<u8>) -> VecDeque<u8> {
        let mut jobs = VecDeque::new();
        agenda.begin(&mut jobs);
        jobs
    }

    #[test]
    fn who_brings_something_to_an_idle_node_runs_it() {
        let mut agenda = idle();
        assert_eq!(agenda.put(1), Ok(Runner::Caller));
        assert_eq!(begin(&mut agenda), [1]);
        assert!(!agenda.end(at(1), at(2), None), "the keeper sleeps on");
        assert_eq!(agenda.command(at(3)), Runner::Caller);
    }

    #[test]
    fn what_comes_during_a_turn_is_left_to_the_keeper() {
        let mut agenda = idle();
        assert_eq!(agenda.put(1), Ok(Runner::Caller));
        assert_eq!(begin(&mut agenda), [1]);
        assert_eq!(agenda.put(2), Ok(Runner::Other));
        assert_eq!(agenda.put(3), Ok(Runner::Other));
        assert_eq!(agenda.keep(at(1)), Keep::Sleep(None));
        assert!(agenda.end(at(1), at(2), None));
        assert_eq!(agenda.put(4), Ok(Runner::Other), "the turn is the keeper's");
        assert_eq!(agenda.keep(at(3)), Keep::Turn);
        assert_eq!(begin(&mut agenda), [2, 3, 4]);
        assert_eq!(agenda.command(at(4)), Runner::Other);
        assert!(agenda.end(at(3), at(5), None));
        assert_eq!(agenda.keep(at(6)), Keep::Turn);
    }

    #[test]
    fn many_commands_in_a_row_are_taken_together() {
        let mut agenda = idle();
        assert_eq!(agenda.command(at(100)), Runner::Caller);
        begin(&mut agenda);
        agenda.end(at(100), at(110), None);
        assert_eq!(agenda.command(at(119)), Runner::Keeper);
        assert_eq!(agenda.command(at(120)), Runner::Other);
        assert_eq!(agenda.keep(at(130)), Keep::Turn);
        begin(&mut agenda);
        agenda.end(at(130), at(135), None);
        assert_eq!(agenda.command(at(140)), Runner::Caller);
    }

    #[test]
    fn a_turn_without_commands_does_not_make_the_next_command_wait() {
        let mut agenda = idle();
        agenda.put(1).unwrap();
        begin(&mut agenda);
        agenda.end(at(100), at(200), None);
        assert_eq!(agenda.command(at(201)), Runner::Caller);
    }

    #[test]
    fn the_keeper_runs_when_the_deadline_comes() {
        let mut agenda = idle();
        agenda.put(1).unwrap();
        begin(&mut agenda);
        assert!(agenda.end(at(1), at(2), Some(at(50))), "it does not know the deadline");
        assert_eq!(agenda.keep(at(3)), Keep::Sleep(Some(at(50))));
        assert_eq!(agenda.keep(at(50)), Keep::Turn);
    }

    #[test]
    fn the_keeper_is_woken_only_for_an_earlier_deadline() {
        let mut agenda = idle();
        for (deadline, wakes) in [(50, true), (60, false), (49, true)] {
            agenda.put(1).unwrap();
            begin(&mut agenda);
            assert_eq!(agenda.end(at(1), at(2), Some(at(deadline))), wakes, "{deadline}");
            if wakes {
                assert_eq!(agenda.keep(at(3)), Keep::Sleep(Some(at(deadline))));
            }
        }
    }

    #[test]
    fn the_keeper_that_finds_a_turn_running_sleeps_until_the_known_deadline() {
        let mut agenda = running_before(at(50));
        assert_eq!(agenda.keep(at(3)), Keep::Sleep(Some(at(50))));
        assert!(!agenda.end(at(2), at(4), Some(at(90))), "it wakes before");
        assert_eq!(agenda.keep(at(50)), Keep::Sleep(Some(at(90))));
    }

    #[test]
    fn a_deadline_that_comes_during_a_turn_is_left_to_who_runs() {
        let mut agenda = running_before(at(50));
        assert_eq!(agenda.keep(at(50)), Keep::Sleep(None));
        assert!(agenda.end(at(49), at(51), Some(at(90))), "it sleeps without a deadline");
    }

    #[test]
    fn a_fast_bringer_has_to_wait() {
        let mut agenda = idle();
        assert!((0..INPUT_QUEUE).all(|_| !agenda.is_full() && agenda.put(0).is_ok()));
        assert!(agenda.is_full());
        assert_eq!(begin(&mut agenda).len(), INPUT_QUEUE);
        assert!(!agenda.is_full());
    }

    #[test]
    fn nothing_is_taken_after_the_end() {
        let mut agenda = idle();
        agenda.put(1).unwrap();
        agenda.close();
        assert_eq!(agenda.put(2), Err(Ended));
        assert_eq!(agenda.command(at(1)), Runner::Other);
        assert_eq!(agenda.keep(at(1)), Keep::End);
        assert_eq!(begin(&mut agenda), []);
    }
}
