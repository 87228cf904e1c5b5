//! Floods of chat and signs of life: some messages are told, the others are counted.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

use ringchat_core::trace::{MessageKind, Sketch, State, Traced};
use ringchat_core::{Instant, LinkId, NodeId, Stamp};

use crate::event::SumDirection;
use crate::step::{Flood, Step};

/// Messages of a flood that are told one by one: so many a second.
const RATE: u64 = 200;
/// And so many at once.
const BURST: u64 = 400;
/// The others are told in sums, so often.
const PACE: Duration = Duration::from_millis(250);

/// A step, when it happened, and the member's Lamport time.
type Timed = (Instant, Stamp, Step);

/// Lets all steps through but those of a flood of chat and signs of life.
#[derive(Clone, Debug)]
pub struct Thinner {
    /// Millionths of a message that may still be told one by one.
    credit: u64,
    at: Instant,
    sums: BTreeMap<SumKey, Flood>,
    /// When the first message of a sum was counted.
    since: Option<Instant>,
    /// What the node held last, and differs only in numbers that grow with chat from what was told.
    held: Option<Timed>,
    /// What the node held last.
    last: Option<State>,
    /// Whether the last message that came in is in a sum, and with it that it has no effect.
    counted: bool,
}

type SumKey = (SumDirection, Option<MessageKind>, Option<LinkId>, NodeId);

impl Default for Thinner {
    fn default() -> Self {
        Self {
            credit: BURST.saturating_mul(1_000_000),
            at: Instant::ZERO,
            sums: BTreeMap::new(),
            since: None,
            held: None,
            last: None,
            counted: false,
        }
    }
}

impl Thinner {
    /// Takes a step, and appends what is to be told of it now. Of a flood nothing is told but sums if `quiet`.
    pub fn take(&mut self, at: Instant, lamport: Stamp, step: Step, quiet: bool, out: &mut Vec<Timed>) {
        self.refill(at);
        if self.counted && is_drop(&step) {
            return;
        }
        if self.since.is_some_and(|since| at.since(since) >= PACE) {
            self.flush(at, lamport, quiet, out);
        }
        let is_flood = self.is_flood(&step);
        if is_flood && (quiet || !self.spend()) {
            return self.count(at, lamport, step);
        }
        out.extend(self.held.take());
        out.push((at, lamport, step));
    }

    /// Appends what was counted so far.
    pub fn flush(&mut self, at: Instant, lamport: Stamp, quiet: bool, out: &mut Vec<Timed>) {
        self.since = None;
        let sums = mem::take(&mut self.sums);
        if !quiet {
            out.extend(sums.into_values().map(|flood| (at, lamport, Step::Flood(Box::new(flood)))));
            // What the node held last, it still holds.
            out.extend(self.held.take().map(|(_, _, state)| (at, lamport, state)));
        }
    }

    fn refill(&mut self, at: Instant) {
        let passed = u64::try_from(at.since(self.at).as_micros()).unwrap_or(u64::MAX);
        self.at = self.at.max(at);
        let credit = self.credit.saturating_add(passed.saturating_mul(RATE));
        self.credit = credit.min(BURST.saturating_mul(1_000_000));
    }

    fn spend(&mut self) -> bool {
        let left = self.credit.checked_sub(1_000_000);
        self.credit = left.unwrap_or(self.credit);
        left.is_some()
    }

    /// Whether the step may be counted instead of told.
    fn is_flood(&mut self, step: &Step) -> bool {
        if let Step::Traced(traced) = step {
            match &**traced {
                Traced::Took { .. } => self.counted = false,
                // It goes with its message.
                Traced::Dropped { .. } => return false,
                Traced::State(state) => {
                    let before = self.last.replace(state.clone());
                    return before.is_some_and(|before| differs_in_numbers(state, &before));
                }
                _ => {}
            }
        }
        step.is_of_flood()
    }

    fn count(&mut self, at: Instant, lamport: Stamp, step: Step) {
        self.since.get_or_insert(at);
        match step {
            Step::Shown { from, texts, .. } => {
                let key = (SumDirection::Show, None, None, from.id);
                self.add(at, key, None, (texts, 0));
            }
            Step::Traced(traced) => match *traced {
                Traced::Took { link, from, stamp, sketch, .. } => {
                    self.counted = true;
                    self.add_message(at, SumDirection::Recv, (link, from), stamp, &sketch);
                }
                Traced::Sent { to, stamp, sketch } => {
                    for end in to {
                        self.add_message(at, SumDirection::Send, end, stamp, &sketch);
                    }
                }
                state @ Traced::State(_) => self.held = Some((at, lamport, Step::Traced(state.into()))),
                _ => {}
            },
            _ => {}
        }
    }

    fn add_message(
        &mut self,
        at: Instant,
        direction: SumDirection,
        (link, peer): (LinkId, NodeId),
        stamp: Stamp,
        sketch: &Sketch,
    ) {
        let key = (direction, Some(sketch.kind), Some(link), peer);
        self.add(at, key, Some(stamp), (sketch.texts, sketch.bytes));
    }

    fn add(&mut self, at: Instant, key: SumKey, stamp: Option<Stamp>, (texts, bytes): (u64, u64)) {
        let (direction, kind, link, peer) = key;
        let stamps = stamp.map(|stamp| (stamp, stamp));
        let new = || Flood { direction, kind, link, peer, count: 0, texts: 0, bytes: 0, stamps, since: at };
        let sum = self.sums.entry(key).or_insert_with(new);
        sum.count = sum.count.saturating_add(1);
        sum.texts = sum.texts.saturating_add(texts);
        sum.bytes = sum.bytes.saturating_add(bytes);
        if let (Some((_, last)), Some(stamp)) = (&mut sum.stamps, stamp) {
            *last = stamp;
        }
    }
}

/// Whether the step tells that a message has no effect.
fn is_drop(step: &Step) -> bool {
    matches!(step, Step::Traced(traced) if matches!(**traced, Traced::Dropped { .. }))
}

/// Whether a state differs from the one before only in numbers that grow with chat.
fn differs_in_numbers(now: &State, before: &State) -> bool {
    let State { log, stable, waiting, .. } = *now;
    let same_numbers = State { log, stable, waiting, roster: None, ..before.clone() };
    *now == same_numbers
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroU64;

    use ringchat_core::trace::{DropReason, Mode};
    use ringchat_core::wire::Message;
    use ringchat_core::{ConfigId, Epoch, Index, RoomId, View};

    use super::*;

    const LINK: LinkId = LinkId(3);

    fn peer() -> NodeId {
        NodeId::new([1; 32], NonZeroU64::MIN)
    }

    fn view() -> View {
        View { epoch: Epoch(1), leader: peer() }
    }

    fn ack() -> Message {
        Message::Ack { view: view(), index: Index(1) }
    }

    fn took(message: &Message, stamp: u64) -> Step {
        let (stamp, sketch) = (Stamp(stamp), Sketch::of(message));
        Step::Traced(Traced::Took { link: LINK, from: peer(), stamp, counted: true, sketch }.into())
    }

    fn state(mode: Mode, log: u64) -> Step {
        let state = State {
            mode,
            room: RoomId([7; 16]),
            promised: Epoch(1),
            view: Some(view()),
            cfg: ConfigId::first(view()),
            leader: None,
            next: None,
            prev: None,
            log: Index(log),
            stable: Index(log),
            waiting: 0,
            roster: None,
        };
        Step::Traced(Traced::State(state).into())
    }

    /// Takes steps, each with its time, and tells what comes out.
    fn thin(thinner: &mut Thinner, steps: impl IntoIterator<Item = (u64, Step)>) -> Vec<Timed> {
        let mut out = Vec::new();
        for (at, step) in steps {
            thinner.take(Instant(at), Stamp(at), step, false, &mut out);
        }
        out
    }

    fn floods(out: &[Timed]) -> Vec<&Flood> {
        let flood = |(_, _, step): &'_ Timed| matches!(step, Step::Flood(_));
        let steps = out.iter().filter(|timed| flood(timed));
        steps
            .filter_map(|(_, _, step)| if let Step::Flood(flood) = step { Some(&**flood) } else { None })
            .collect()
    }

    #[test]
    fn what_is_no_flood_passes() {
        let mut thinner = Thinner::default();
        let rare = (0..2000).map(|n| (n * 5000, took(&ack(), n)));
        assert_eq!(thin(&mut thinner, rare).len(), 2000);
        let important = (0..5000).map(|n| (10_000_000, took(&Message::WantRoster, n)));
        assert_eq!(thin(&mut thinner, important).len(), 5000);
    }

    #[test]
    fn a_flood_is_told_up_to_a_rate_and_the_rest_is_counted_by_link_and_kind() {
        let mut thinner = Thinner::default();
        let second = (0..10_000).map(|n| (1_000_000 + n * 100, took(&ack(), n)));
        let mut out = thin(&mut thinner, second);
        thinner.flush(Instant(2_000_000), Stamp(7), false, &mut out);
        let floods = floods(&out);
        let told = (out.len() - floods.len()) as u64;
        assert!((599..=601).contains(&told), "{told}");
        assert_eq!(told + floods.iter().map(|flood| flood.count).sum::<u64>(), 10_000);
        assert!((3..=5).contains(&floods.len()), "{floods:?}");
        let first = floods[0];
        assert_eq!(
            (first.direction, first.kind, first.link),
            (SumDirection::Recv, Some(MessageKind::Ack), Some(LINK))
        );
        let (begins, ends) = first.stamps.unwrap();
        assert!(begins >= Stamp(400) && ends > begins && first.since >= Instant(1_040_000), "{first:?}");
        assert!(floods.is_sorted_by_key(|flood| flood.stamps), "{floods:?}");
    }

    #[test]
    fn a_counted_message_without_effect_is_not_told_again() {
        let mut thinner = Thinner::default();
        let dropped = || {
            let (kind, why) = (MessageKind::Ack, DropReason::Known);
            Step::Traced(Traced::Dropped { from: peer(), kind, why }.into())
        };
        let out = thin(&mut thinner, [(0, took(&ack(), 1)), (0, dropped())]);
        assert_eq!(out.len(), 2);
        let flood = (0..500).flat_map(|n| [(0, took(&ack(), n)), (0, dropped())]);
        assert_eq!(thin(&mut thinner, flood).len() as u64, 2 * (BURST - 1));
    }

    #[test]
    fn numbers_that_grow_with_chat_are_told_before_what_is_important() {
        let mut thinner = Thinner::default();
        thin(&mut thinner, (0..BURST).map(|n| (0, took(&ack(), n))));
        assert_eq!(thin(&mut thinner, [(0, state(Mode::Following, 1))]).len(), 1, "the first is whole");
        assert!(thin(&mut thinner, (2..50).map(|n| (n, state(Mode::Following, n)))).is_empty());
        let out = thin(&mut thinner, [(60, took(&Message::WantRoster, 1)), (61, state(Mode::Electing, 49))]);
        let [(Instant(49), _, held), (Instant(60), ..), (Instant(61), _, last)] = &out[..] else {
            panic!("{out:?}")
        };
        assert_eq!((held, last), (&state(Mode::Following, 49), &state(Mode::Electing, 49)));
    }

    #[test]
    fn no_time_goes_back_when_the_sums_of_a_turn_are_told_in_a_later_one() {
        let mut thinner = Thinner::default();
        let flood =
            (0..2000).flat_map(|n| [(n * 500, took(&ack(), n)), (n * 500, state(Mode::Following, n))]);
        let out = thin(&mut thinner, flood);
        assert!(floods(&out).len() > 1, "{out:?}");
        assert!(out.is_sorted_by_key(|(at, lamport, _)| (*at, *lamport)), "{out:?}");
    }

    #[test]
    fn of_a_full_file_chat_gets_no_place_and_all_else_does() {
        let (mut thinner, mut out) = (Thinner::default(), Vec::new());
        for n in 0..1000 {
            thinner.take(Instant(n * 1000), Stamp(n), took(&ack(), n), true, &mut out);
        }
        thinner.take(Instant(1_000_000), Stamp(1), took(&Message::WantRoster, 1), true, &mut out);
        thinner.flush(Instant(2_000_000), Stamp(7), true, &mut out);
        assert_eq!(out.len(), 1, "{out:?}");
    }
}
