//! The timers of a node: a table by kind, and a clock that is patient with a late driver.

use core::time::Duration;

use super::pauses::Pauses;
use crate::config::Times;
use crate::time::Instant;

/// When a timer goes off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Deadline {
    at: Instant,
    timer: Timer,
}

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Timer {
    /// All links have to be looked over for heartbeats, silence, and greetings and dials that take too long.
    Sweep,
    /// What was received has to be acknowledged.
    Ack,
    /// The leader is lost, and no member nearer to it has started an election.
    Initiate,
    /// An election has taken too long.
    Election,
    /// Members that were passed over have to be tried again.
    Reseek,
    /// The next step of joining is due.
    Join,
    /// Joining has taken too long.
    JoinLimit,
    /// An admission has taken too long.
    Admission,
    /// Members found dead have to leave the membership.
    Removal,
    /// Leaving has taken too long.
    Leave,
    /// A slow member has held up the room for too long.
    Slow,
    /// A lost member has to be looked for in another ring.
    Probe,
    /// The leader of the other ring has taken too long.
    Merge,
}

impl Timer {
    const COUNT: usize = 13;
    pub(super) const ALL: [Self; Self::COUNT] = [
        Self::Sweep,
        Self::Ack,
        Self::Initiate,
        Self::Election,
        Self::Reseek,
        Self::Join,
        Self::JoinLimit,
        Self::Admission,
        Self::Removal,
        Self::Leave,
        Self::Slow,
        Self::Probe,
        Self::Merge,
    ];
}

/// The node's clock, and a deadline on it for each kind. To set one again moves it; one that was cleared cannot fire.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Timers {
    clock: PatientClock,
    table: [Option<Instant>; Timer::COUNT],
    /// The first deadline to come. The table changes less often than this is asked for.
    first: Option<Deadline>,
    pub(super) pauses: Pauses,
}

impl Timers {
    pub(super) fn new(now: Instant) -> Self {
        let clock = PatientClock::new(now);
        Self { clock, table: [None; Timer::COUNT], first: None, pauses: Pauses::default() }
    }

    /// The node's time.
    pub(super) fn now(&self) -> Instant {
        self.clock.now
    }

    /// The driver's clock shows `driver`. A `patient` clock does not count by how much that is later than the first deadline.
    /// Returns how long the node has not run, if its clock is patient.
    pub(super) fn advance(&mut self, driver: Instant, patient: bool, times: Times) -> Duration {
        let first = self.first.filter(|_| patient);
        self.clock.advance(driver, first.map(|deadline| deadline.at), times)
    }

    /// The first deadline, on the driver's clock.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.first.map(|first| self.clock.to_driver(first.at))
    }

    /// Sets `timer` to go off after `delay`, at least a microsecond from now.
    pub(super) fn arm(&mut self, timer: Timer, delay: Duration) {
        self.set(timer, self.now().after(delay.max(Duration::from_micros(1))));
    }

    pub(crate) fn set(&mut self, timer: Timer, at: Instant) {
        self.put(timer, Some(at));
    }

    pub(crate) fn clear(&mut self, timer: Timer) {
        if self.is_set(timer) {
            self.put(timer, None);
        }
    }

    fn put(&mut self, timer: Timer, at: Option<Instant>) {
        if let Some(slot) = self.table.get_mut(timer as usize) {
            *slot = at;
        }
        let set = Timer::ALL.into_iter().zip(self.table);
        let set = set.filter_map(|(timer, at)| at.map(|at| Deadline { at, timer }));
        self.first = set.min_by_key(|deadline| deadline.at);
    }

    pub(crate) fn is_set(&self, timer: Timer) -> bool {
        self.at(timer).is_some()
    }

    /// When `timer` goes off.
    pub(crate) fn at(&self, timer: Timer) -> Option<Instant> {
        self.table.get(timer as usize).copied().flatten()
    }

    /// Takes out the first timer that is due.
    pub(super) fn take_due(&mut self) -> Option<Timer> {
        let first = self.first.filter(|deadline| deadline.at <= self.now())?;
        self.clear(first.timer);
        Some(first.timer)
    }
}

/// The node's own time: the driver's time, less the sum of all times by which the driver was late. So a node that was
/// stopped, or whose machine is overloaded, does not take its own absence for the silence of others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct PatientClock {
    now: Instant,
    late: Duration,
    /// The last deadline that a sleep went past, and that had to wait for that.
    put_off: Instant,
}

impl PatientClock {
    fn new(now: Instant) -> Self {
        Self { now, late: Duration::ZERO, put_off: Instant::ZERO }
    }

    /// The driver's clock shows `driver`, and the node wanted to be woken at `deadline` (node time), if at any. Returns how long
    /// it has not run.
    ///
    /// What others sent while a node slept lies unread in its sockets. So the deadline that it slept past waits a moment, but
    /// only once: a node may sleep turn after turn.
    fn advance(&mut self, driver: Instant, deadline: Option<Instant>, times: Times) -> Duration {
        let now = driver.before(self.late);
        let due = deadline.map_or(now, |deadline| deadline.max(self.now).min(now));
        let absence = deadline.map_or(Duration::ZERO, |_| now.since(self.now));
        let waits = absence > times.absence() && due > self.put_off;
        if waits {
            self.put_off = due;
        }
        let moment = if waits { times.sweep() } else { Duration::ZERO };
        self.now = due.before(moment).max(self.now);
        self.late = self.late.saturating_add(now.since(self.now));
        absence
    }

    /// A point of node time on the driver's clock.
    fn to_driver(self, at: Instant) -> Instant {
        at.after(self.late)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn times() -> Times {
        Times::new(Config::DETECT)
    }

    #[test]
    fn the_first_deadline_is_taken_once_and_a_cleared_one_never() {
        let mut timers = Timers::new(Instant(0));
        timers.set(Timer::Ack, Instant(20));
        timers.set(Timer::Sweep, Instant(10));
        timers.set(Timer::Leave, Instant(5));
        timers.clear(Timer::Leave);
        timers.advance(Instant(9), false, times());
        assert_eq!(timers.take_due(), None);
        timers.advance(Instant(30), false, times());
        assert_eq!(timers.take_due(), Some(Timer::Sweep));
        assert_eq!(timers.take_due(), Some(Timer::Ack));
        assert_eq!(timers.take_due(), None);
    }

    #[test]
    fn lateness_moves_every_later_deadline() {
        let mut clock = PatientClock::new(Instant(100));
        let mut advance = |driver, deadline| {
            let absence = clock.advance(Instant(driver), Some(Instant(deadline)), times());
            (absence, clock.now, clock.to_driver(Instant(300)))
        };
        assert_eq!(advance(150, 200), (Duration::from_micros(50), Instant(150), Instant(300)));
        assert_eq!(advance(5200, 200), (Duration::from_micros(5050), Instant(200), Instant(5300)));
        assert_eq!(advance(10, 300), (Duration::ZERO, Instant(200), Instant(5300)), "never backwards");
    }

    #[test]
    fn a_deadline_that_was_slept_past_waits_a_moment_once() {
        let (mut timers, due, sleep) = (Timers::new(Instant(0)), Instant(300_000), Duration::from_secs(9));
        timers.set(Timer::Sweep, due);
        let absence = due.after(sleep).since(Instant(0));
        assert_eq!(timers.advance(due.after(sleep), true, times()), absence);
        assert_eq!((timers.take_due(), timers.now()), (None, due.before(times().sweep())));
        // What lies in the sockets is handed in at once.
        timers.advance(due.after(sleep), true, times());
        let again = timers.deadline().unwrap();
        assert_eq!(again, due.after(sleep).after(times().sweep()));
        assert_eq!(timers.advance(again.after(sleep), true, times()), times().sweep() + sleep);
        assert_eq!((timers.take_due(), timers.now()), (Some(Timer::Sweep), due));
    }
}
