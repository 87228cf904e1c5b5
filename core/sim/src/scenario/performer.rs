//! A performance that stops and goes on.

use alloc::vec::Vec;

use ringchat_core::Instant;
use ringchat_trace::LifeLines;

use super::perform::with_real_keys;
use super::play::Play;
use super::{Failure, Scenario};
use crate::World;
use crate::lives::life_lines;

/// A scenario that is played bit by bit, in a private room whose keys, signatures and links are real. However often it
/// stops, it is the run that [`perform`](super::perform) plays at one go. After its last statement time just passes.
///
/// Signs of life, which would soon be nearly all that a quiet room tells, are left out of the traces, at both of their
/// ends.
#[derive(Debug)]
pub struct Performer {
    play: Play,
    /// The moment at which the player goes on, once it has begun to wait for one.
    stop: Option<Instant>,
    is_over: bool,
    failure: Option<Failure>,
}

impl Performer {
    /// Nothing has happened yet.
    pub fn new(scenario: &Scenario) -> Self {
        let mut play = with_real_keys(scenario);
        play.world.leave_out_beats();
        Self { play, stop: None, is_over: false, failure: None }
    }

    /// Plays up to a moment of virtual time, deeds of that moment included, with at most about so many steps; those that
    /// it takes are gone from them. A look at the whole room counts as a step for each process. Returns false if the steps
    /// were too few, so that there is more to play.
    pub fn play(&mut self, to: Instant, steps: &mut u64) -> bool {
        if self.failure.is_some() {
            return true;
        }
        self.go(to, steps).unwrap_or_else(|failure| {
            self.failure = Some(failure);
            true
        })
    }

    fn go(&mut self, to: Instant, steps: &mut u64) -> Result<bool, Failure> {
        while *steps > 0 {
            if self.stop.is_none() && !self.is_over {
                self.stop = self.play.next()?;
                self.is_over = self.stop.is_none();
                *steps = steps.saturating_sub(self.play.world.processes() as u64);
            }
            let end = self.stop.map_or(to, |stop| stop.min(to));
            if !self.play.world.run_within(end, steps)? {
                return Ok(false);
            }
            if self.stop.is_none_or(|stop| stop > to) {
                return Ok(true);
            }
            self.stop = None;
        }
        Ok(false)
    }

    /// Virtual time.
    pub fn now(&self) -> Instant {
        self.play.world.now()
    }

    /// When the first ring had gathered, once it has.
    pub fn gathered(&self) -> Option<Instant> {
        self.play.gathered
    }

    /// Why it cannot go on, if it cannot: a condition does not hold, or a promise is broken.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// The line that is played, or was played last; 0 while the first ring gathers.
    pub fn line(&self) -> usize {
        self.play.line
    }

    /// Whether all statements are played.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// How much there is to tell: it grows with everything that a trace tells.
    pub fn told(&self) -> usize {
        self.play.world.steps().len() + self.play.world.deeds().len()
    }

    /// When each of the statements that are played was done, in their order.
    pub fn done(&self) -> &[Instant] {
        &self.play.done
    }

    /// The room.
    pub fn world(&self) -> &World {
        &self.play.world
    }

    /// The trace of each life so far, texts included.
    pub fn lives(&self) -> Vec<LifeLines> {
        life_lines(&self.play.world)
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;
    use core::time::Duration;

    use ringchat_trace::{MessageClass, TraceEvent};

    use super::*;
    use crate::scenario::{parse, perform};

    const HEAD: &str = "ring 3 1 2 4 delay 9ms detect 500ms";

    /// What happens, and how many milliseconds after the first ring has gathered.
    const DEEDS: [(u64, &str); 4] =
        [(100, "say 1 a"), (300, "freeze 2"), (600, "crash leader"), (900, "thaw 2")];

    /// As many of the deeds as come up to that time.
    fn script(seed: u64, until: u64) -> String {
        let deeds = DEEDS.iter().filter(|(at, _)| *at <= until);
        let deeds = deeds.map(|(at, deed)| format!("\nat {at}ms {deed}"));
        format!("{HEAD} seed {seed}") + &deeds.collect::<String>()
    }

    fn performer(text: &str) -> Performer {
        Performer::new(&parse(text).unwrap())
    }

    fn after_gathering(performer: &mut Performer, millis: u64) {
        while performer.gathered().is_none() {
            performer.play(performer.now().after(Duration::from_millis(1)), &mut u64::MAX.clone());
        }
        let to = performer.gathered().unwrap().after(Duration::from_millis(millis));
        assert!(
            performer.play(to, &mut u64::MAX.clone()) && performer.now() == to,
            "{:?}",
            performer.failure()
        );
    }

    #[test]
    fn a_run_that_stops_often_is_the_run_at_one_go() {
        for seed in 1..=3 {
            let text = script(seed, 900)
                + "\nuntil converged within 9s\nat 5ms leave 4\nuntil time within 2s\nquiet for 1s\nexpect lost 0";
            let whole = perform(&parse(&text).unwrap());
            assert!(whole.result.is_ok(), "{:?}", whole.result);
            let mut bits = performer(&text);
            let mut calls = 0;
            while !bits.is_over() {
                bits.play(bits.now().after(Duration::from_millis(3)), &mut 7);
                calls += 1;
            }
            assert!(bits.failure().is_none() && calls > 1_000, "{calls} {:?}", bits.failure());
            assert_eq!(format!("{:?}", bits.world().counts()), format!("{:?}", whole.counts));
            assert_eq!((bits.gathered(), bits.line()), (Some(whole.gathered), whole.line));
            let mut at_once = performer(&text);
            assert!(at_once.play(bits.now(), &mut u64::MAX.clone()));
            assert_eq!(at_once.lives(), bits.lives());
            assert_eq!(at_once.done(), bits.done());
            assert_eq!(bits.done().len(), 9);
        }
    }

    #[test]
    fn what_came_before_a_cut_is_the_same_whatever_comes_after_it() {
        for seed in 1..=4 {
            for cut in [0, 99, 100, 450, 600, 601, 700, 1_500] {
                let mut whole = performer(&script(seed, u64::MAX));
                after_gathering(&mut whole, cut);
                for deed in ["crash 4", "partition 1 2", "join 7 via all", "clock 3 forward 1s"] {
                    let mut other = performer(&format!("{}\nat {cut}ms {deed}", script(seed, cut)));
                    after_gathering(&mut other, cut + 1_000);
                    let (before, after) = (whole.lives(), other.lives());
                    assert!(before.len() >= 4 && after.len() >= before.len());
                    for (before, after) in before.iter().zip(&after) {
                        let same = after.lines.get(..before.lines.len());
                        assert_eq!(same, Some(before.lines.as_slice()), "{seed} {cut} {deed}");
                    }
                    // A clock that jumps is not seen at once.
                    assert!(before != after || deed.starts_with("clock"), "{deed} does nothing");
                }
            }
        }
    }

    #[test]
    fn a_quiet_room_tells_nothing_and_time_passes_after_the_last_statement() {
        let mut performer = performer("nodes 6");
        after_gathering(&mut performer, 3_000);
        assert!(performer.is_over());
        let before: usize = performer.lives().iter().map(|life| life.lines.len()).sum();
        after_gathering(&mut performer, 60_000);
        let lives = performer.lives();
        let after: usize = lives.iter().map(|life| life.lines.len()).sum();
        assert_eq!(after, before);
        let is_beat = |event: &TraceEvent| match event {
            TraceEvent::Send(sent) => MessageClass::of(sent.what.k) == MessageClass::Beat,
            TraceEvent::Recv(taken) => MessageClass::of(taken.what.k) == MessageClass::Beat,
            _ => false,
        };
        assert!(!lives.iter().flat_map(|life| &life.lines).any(|line| is_beat(&line.event)));
        assert!(performer.world().counts().sent["Ping"] > 1_000, "there are signs of life, untold");
    }

    #[test]
    fn what_does_not_hold_ends_a_run_and_few_steps_make_some_way() {
        let mut performer = performer("nodes 3\nat 1s crash leader\nuntil rings 2 within 1s");
        let (mut calls, end) = (0, Instant(60_000_000));
        while !performer.play(end, &mut 100) {
            calls += 1;
            assert!(calls < 10_000);
        }
        assert!(matches!(performer.failure(), Some(Failure::Unmet { line: 3, .. })));
        let now = performer.now();
        assert!(performer.play(end, &mut 100) && performer.now() == now && now < end, "it goes no further");
    }
}
