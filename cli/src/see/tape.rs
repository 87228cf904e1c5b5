//! What leads from a turn of the node, which must not wait, to a thread that may.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use ringchat_core::{Instant, NodeId, Notice, Stamp};
use ringchat_trace::{Step, Thinner};

/// A step, when it happened, and the member's Lamport time.
pub(super) type Timed = (Instant, Stamp, Step);

/// Steps that may wait for the thread.
const QUEUE: usize = 16_384;

/// The steps of a member on their way to a thread that keeps them.
pub(super) struct Tape {
    thinner: Thinner,
    /// What the thinner lets through; empty between two steps.
    told: Vec<Timed>,
    queue: SyncSender<Timed>,
    /// Steps that found no place since the last that did.
    missed: u64,
    /// The member whose life the steps tell.
    begun: Option<NodeId>,
    /// The beginning of a life, without which nothing that follows can be told, until it finds a place.
    life: Option<Timed>,
    /// The last word of the node.
    ending: Option<Timed>,
    /// The time and the Lamport time of the last step.
    last: (Instant, Stamp),
    /// Whether there is no more room for chat and signs of life.
    quiet: Arc<AtomicBool>,
    keeper: JoinHandle<()>,
}

impl Tape {
    /// A tape to a thread that runs `keep`. While `quiet`, chat and signs of life are left out.
    ///
    /// # Errors
    /// If the system starts no thread.
    pub(super) fn start(
        quiet: Arc<AtomicBool>,
        keep: impl FnOnce(&Receiver<Timed>) + Send + 'static,
    ) -> io::Result<Self> {
        let (queue, steps) = sync_channel(QUEUE);
        let keeper = thread::Builder::new().name("trace".into()).spawn(move || keep(&steps))?;
        Ok(Self::new(queue, quiet, keeper))
    }

    fn new(queue: SyncSender<Timed>, quiet: Arc<AtomicBool>, keeper: JoinHandle<()>) -> Self {
        Self {
            thinner: Thinner::default(),
            told: Vec::new(),
            queue,
            missed: 0,
            begun: None,
            life: None,
            ending: None,
            last: (Instant::ZERO, Stamp::default()),
            quiet,
            keeper,
        }
    }

    /// Takes a step of a turn that began at `at`.
    pub(super) fn take(&mut self, at: Instant, lamport: Stamp, step: Step) {
        if let Step::Life { me, .. } = &step
            && self.begun.replace(me.id) == Some(me.id)
        {
            // Told once more for the sake of another tape.
            return;
        }
        if matches!(&step, Step::Told(notice) if matches!(**notice, Notice::Ended(_))) {
            self.ending = Some((at, lamport, step));
            return;
        }
        self.last = (at, lamport);
        let mut told = std::mem::take(&mut self.told);
        self.thinner.take(at, lamport, step, self.quiet.load(Ordering::Relaxed), &mut told);
        for timed in told.drain(..) {
            self.offer(timed);
        }
        self.told = told;
    }

    /// Puts a step into the queue, if there is a place for it and for what has to come before it.
    fn offer(&mut self, timed: Timed) {
        if self.catch_up((timed.0, timed.1)) {
            self.put(timed);
        } else {
            self.miss(timed);
        }
    }

    /// Puts what comes before the next step, which has these times, into the queue. Returns whether it is there.
    fn catch_up(&mut self, (at, lamport): (Instant, Stamp)) -> bool {
        if let Some(life) = self.life.take() {
            self.put(life);
        }
        let is_behind = self.life.is_none() && self.missed > 0;
        if is_behind && self.queue.try_send((at, lamport, Step::Missed(self.missed))).is_ok() {
            self.missed = 0;
        }
        self.life.is_none() && self.missed == 0
    }

    fn put(&mut self, timed: Timed) {
        if let Err(TrySendError::Full(refused) | TrySendError::Disconnected(refused)) =
            self.queue.try_send(timed)
        {
            self.miss(refused);
        }
    }

    fn miss(&mut self, timed: Timed) {
        if let Step::Life { .. } = timed.2 {
            self.life = Some(timed);
        } else {
            self.missed = self.missed.saturating_add(1);
        }
    }

    /// Passes on what was counted and how it ended. The room is over, or goes on untraced: now there is time to wait. `off` is
    /// whether the member lives on.
    pub(super) fn end(mut self, off: bool) {
        let (at, lamport) = self.last;
        let mut last: Vec<Timed> = self.life.take().into_iter().collect();
        last.extend((self.missed > 0).then_some((at, lamport, Step::Missed(self.missed))));
        self.thinner.flush(at, lamport, self.quiet.load(Ordering::Relaxed), &mut last);
        last.extend(self.ending.take().or_else(|| off.then_some((at, lamport, Step::Off))));
        for timed in last {
            // The thread may have given up.
            let _ = self.queue.send(timed);
        }
        drop(self.queue);
        self.keeper.thread().unpark();
        let _ = self.keeper.join();
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;
    use std::time::Duration;

    use ringchat_core::trace::Traced;
    use ringchat_core::{DialFailure, DialId, Member, Name};

    use super::*;

    fn life(number: u8) -> Step {
        let id = NodeId::new([number; 32], NonZeroU64::MIN);
        let me = Member::new(id, ([127, 0, 0, 1], 5000).into(), Name::new("eve").unwrap());
        Step::Life { me: me.into(), detect: Duration::from_secs(1), wall: 7 }
    }

    fn failed() -> Step {
        Step::Traced(Traced::Failed { dial: DialId(1), reason: DialFailure::Refused }.into())
    }

    /// A tape whose thread takes nothing until it is told to, and what it would take.
    fn stuck(places: usize) -> (Tape, Receiver<Timed>) {
        let (queue, steps) = sync_channel(places);
        (Tape::new(queue, Arc::default(), thread::spawn(|| {})), steps)
    }

    fn take(tape: &mut Tape, at: u64, step: Step) {
        tape.take(Instant(at), Stamp(3), step);
    }

    #[test]
    fn a_thread_that_is_stuck_costs_steps_which_are_counted_and_no_time() {
        let (mut tape, steps) = stuck(2);
        for step in [life(1), failed(), failed(), failed()] {
            take(&mut tape, 1, step);
        }
        let next = || steps.try_recv().unwrap().2;
        assert!(matches!((next(), next()), (Step::Life { wall: 7, .. }, Step::Traced(_))));
        take(&mut tape, 2, failed());
        assert!(matches!((next(), next()), (Step::Missed(2), Step::Traced(_))));
    }

    #[test]
    fn nothing_is_told_of_a_life_whose_beginning_found_no_place() {
        let (mut tape, steps) = stuck(1);
        for step in [life(1), life(2), failed(), failed()] {
            take(&mut tape, 1, step);
        }
        let next = |tape: &mut Tape| {
            let step = steps.try_recv().unwrap().2;
            take(tape, 2, failed());
            step
        };
        assert!(matches!(next(&mut tape), Step::Life { .. }));
        assert!(matches!(next(&mut tape), Step::Life { .. }), "the second comes next");
        assert!(matches!(next(&mut tape), Step::Missed(3..=4)));
    }

    #[test]
    fn a_life_that_is_told_again_has_begun_once() {
        let (mut tape, steps) = stuck(9);
        for step in [life(1), failed(), life(1), failed(), life(2)] {
            take(&mut tape, 1, step);
        }
        let lives = steps.try_iter().map(|(_, _, step)| matches!(step, Step::Life { .. }));
        assert_eq!(lives.collect::<Vec<_>>(), [true, false, false, true]);
    }
}
