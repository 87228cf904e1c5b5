//! One order of all that the members tell: causes before effects, and among what is concurrent the earlier first.

use alloc::collections::BinaryHeap;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::mem;

use ringchat_core::RoomId;
use thiserror::Error;

use super::clocks;
use super::deaths;
use super::fates;
use super::pair::{self, Contradiction, Paired, Spot};
use super::run::{Diary, Fate, Frame, MergedRun, OneLife, RunEvent, What};

/// Traces that cannot all be true.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MergeError {
    /// A message came in twice.
    #[error("the traces contradict each other: {0} takes one message twice; give each file once, unchanged")]
    Twice(String),
    /// A receipt's Lamport time is not above that of its sending.
    #[error("the traces contradict each other: at {0} the Lamport time of a receipt is not above its stamp")]
    Clock(String),
    /// An event would have to come before itself.
    #[error("the traces contradict each other: what {0} does would be a cause of itself")]
    Circle(String),
}

/// Puts diaries together. `one_clock` tells that one clock times all of them.
///
/// # Errors
/// If they cannot all be true.
pub(super) fn merge(
    room: Option<RoomId>,
    lives: Vec<OneLife>,
    mut diaries: Vec<Diary>,
    one_clock: bool,
) -> Result<MergedRun, MergeError> {
    let mut paired = pair::pair(&diaries).map_err(|error| explain(&lives, &diaries, error))?;
    let agree = if one_clock {
        None
    } else {
        let alignment = clocks::align(&diaries, &paired);
        shift(&mut diaries, &alignment.shift);
        // One clock agrees with itself.
        Some(alignment.within).filter(|_| diaries.len() > 1)
    };
    fates::decide(&mut paired, &diaries, agree.unwrap_or(0));
    deaths::add(&lives, &mut diaries, agree.unwrap_or(0), one_clock);
    let order =
        order(&mut diaries, &paired).map_err(|spot| MergeError::Circle(describe(&lives, &diaries, spot)))?;
    let mut places = of_each(&diaries, 0);
    let mut events = Vec::with_capacity(order.len());
    for spot in order {
        set(&mut places, spot, events.len());
        events.extend(take(&mut diaries, spot));
    }
    let frames = frames(&paired, &places);
    Ok(MergedRun { room, lives, events, frames, agree, one_in: 1, anonymous: false })
}

/// Takes an event out of its diary: two copies of a long run would not fit into memory.
fn take(diaries: &mut [Diary], spot: Spot) -> Option<RunEvent> {
    let event = diaries.get_mut(spot.0)?.events.get_mut(spot.1)?;
    let what = mem::replace(&mut event.what, What::Full);
    Some(RunEvent { what, ..*event })
}

/// The time on the common clock of the earliest event becomes zero.
fn shift(diaries: &mut [Diary], by: &[i64]) {
    let common = |t: u64, by: i64| i64::try_from(t).unwrap_or(i64::MAX).saturating_add(by);
    let firsts = diaries.iter().zip(by).filter_map(|(diary, &by)| Some(common(diary.events.first()?.t, by)));
    let zero = firsts.min().unwrap_or(0);
    for (diary, &by) in diaries.iter_mut().zip(by) {
        diary.began = u64::try_from(common(0, by).saturating_sub(zero)).unwrap_or(0);
        for event in &mut diary.events {
            event.t = u64::try_from(common(event.t, by).saturating_sub(zero)).unwrap_or(0);
        }
    }
}

/// Orders all events, and delays those that their clocks tell too early.
fn order(diaries: &mut [Diary], paired: &[Paired]) -> Result<Vec<Spot>, Spot> {
    let mut effects: Vec<(Spot, Spot)> =
        paired.iter().filter_map(|frame| frame.sent.zip(frame.taken)).collect();
    effects.sort_unstable();
    // Whether an event waits for its cause.
    let mut waits = of_each(diaries, false);
    for &(_, taken) in &effects {
        set(&mut waits, taken, true);
    }
    let mut next = vec![0; diaries.len()];
    let mut ready = BinaryHeap::new();
    let mut order = Vec::new();
    let mut total: usize = 0;
    for (d, diary) in diaries.iter().enumerate() {
        total = total.saturating_add(diary.events.len());
        if !get(&waits, (d, 0)) {
            ready.extend(key(diaries, (d, 0)).map(Reverse));
        }
    }
    while let Some(Reverse((t, _, _, spot))) = ready.pop() {
        order.push(spot);
        let following = (spot.0, spot.1.saturating_add(1));
        if let Some(next) = next.get_mut(spot.0) {
            *next = following.1;
        }
        let first = effects.partition_point(|(sent, _)| *sent < spot);
        let effects = effects.iter().skip(first).take_while(|(sent, _)| *sent == spot);
        let effects = effects.map(|&(_, taken)| taken);
        for taken in effects.clone() {
            set(&mut waits, taken, false);
        }
        for later in effects.chain([following]) {
            delay(diaries, later, t);
            let comes_next = next.get(later.0) == Some(&later.1);
            if comes_next && !get(&waits, later) {
                ready.extend(key(diaries, later).map(Reverse));
            }
        }
    }
    if order.len() == total {
        return Ok(order);
    }
    let stuck = next.iter().enumerate().find(|&(d, &e)| diaries.get(d).is_some_and(|d| e < d.events.len()));
    Err(stuck.map_or((0, 0), |(d, &e)| (d, e)))
}

/// Something for each event of each diary. In a list, for a map of all events of a long run would not fit into memory.
type OfEach<T> = Vec<Vec<T>>;

fn of_each<T: Clone>(diaries: &[Diary], value: T) -> OfEach<T> {
    diaries.iter().map(|diary| vec![value.clone(); diary.events.len()]).collect()
}

fn get<T: Copy + Default>(all: &OfEach<T>, spot: Spot) -> T {
    all.get(spot.0).and_then(|of| of.get(spot.1)).copied().unwrap_or_default()
}

fn set<T>(all: &mut OfEach<T>, spot: Spot, value: T) {
    if let Some(at) = all.get_mut(spot.0).and_then(|of| of.get_mut(spot.1)) {
        *at = value;
    }
}

/// What decides among events that could come next.
type Key = (u64, u64, usize, Spot);

fn key(diaries: &[Diary], spot: Spot) -> Option<Key> {
    let diary = diaries.get(spot.0)?;
    let event = diary.events.get(spot.1)?;
    Some((event.t, event.lamport, diary.m, spot))
}

fn delay(diaries: &mut [Diary], spot: Spot, until: u64) {
    if let Some(event) = diaries.get_mut(spot.0).and_then(|diary| diary.events.get_mut(spot.1)) {
        event.t = event.t.max(until);
    }
}

fn frames(paired: &[Paired], places: &OfEach<usize>) -> Vec<Frame> {
    let place = |spot: Option<Spot>| spot.map(|spot| get(places, spot));
    let shown = paired.iter().filter(|frame| frame.fate != Fate::Summed);
    let mut frames: Vec<Frame> = shown
        .map(|frame| Frame {
            from: frame.from,
            to: frame.to,
            sent: place(frame.sent),
            taken: place(frame.taken),
            fate: frame.fate,
        })
        .collect();
    frames.sort_by_key(|frame| (frame.sent.or(frame.taken), frame.taken, frame.to));
    frames
}

fn explain(lives: &[OneLife], diaries: &[Diary], error: Contradiction) -> MergeError {
    match error {
        Contradiction::Twice(spot) => MergeError::Twice(describe(lives, diaries, spot)),
        Contradiction::Clock(spot) => MergeError::Clock(describe(lives, diaries, spot)),
    }
}

/// Which event of which member it is, for people.
fn describe(lives: &[OneLife], diaries: &[Diary], spot: Spot) -> String {
    let diary = diaries.get(spot.0);
    let name = diary.and_then(|diary| lives.get(diary.m)).map_or("a member", |life| life.name.as_str());
    let event: Option<&RunEvent> = diary.and_then(|diary| diary.events.get(spot.1));
    format!("{name} at its Lamport time {}", event.map_or(0, |event| event.lamport))
}
