//! How far the clocks of real machines are apart, from the messages between them.
//!
//! The least delay from one member to another is its true delay and how much the other's clock is ahead; the least delay
//! back is its true delay less that. Half of their difference is the distance of the clocks, half of their sum the bound of
//! the error.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec;
use alloc::vec::Vec;

use super::pair::Paired;
use super::run::Diary;

/// How much is to be added to the times of each diary, in microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Alignment {
    pub(super) shift: Vec<i64>,
    /// The greatest error between the first diary and any other.
    pub(super) within: u64,
}

/// Aligns the clocks of `diaries` by what was `paired`, from the diary with the most events on.
pub(super) fn align(diaries: &[Diary], paired: &[Paired]) -> Alignment {
    let delays = least_delays(diaries, paired);
    let root = (0..diaries.len())
        .max_by_key(|&d| (diaries.get(d).map_or(0, |diary| diary.events.len()), core::cmp::Reverse(d)));
    let mut shift: Vec<i64> = diaries.iter().map(|diary| to_signed(diary.wall)).collect();
    let mut error = vec![0; diaries.len()];
    let mut done: BTreeSet<usize> = root.into_iter().collect();
    while let Some((bound, a, b, ahead)) = closest(&delays, &done) {
        // `ahead` is how much more `b`'s clock shows than `a`'s when both count from their own zero.
        let base = shift.get(a).copied().unwrap_or(0);
        if let Some(shift) = shift.get_mut(b) {
            *shift = base.saturating_sub(ahead);
        }
        let so_far: u64 = error.get(a).copied().unwrap_or(0);
        if let Some(error) = error.get_mut(b) {
            *error = so_far.saturating_add(bound);
        }
        done.insert(b);
    }
    Alignment { shift, within: error.into_iter().max().unwrap_or(0) }
}

/// The least delay from one diary to another, by their own clocks.
fn least_delays(diaries: &[Diary], paired: &[Paired]) -> BTreeMap<(usize, usize), i64> {
    let time = |(d, e): (usize, usize)| Some(to_signed(diaries.get(d)?.events.get(e)?.t));
    let mut delays = BTreeMap::new();
    for frame in paired {
        let (Some(sent), Some(taken)) = (frame.sent, frame.taken) else { continue };
        let (Some(from), Some(to)) = (time(sent), time(taken)) else { continue };
        let delay = to.saturating_sub(from);
        let least = delays.entry((sent.0, taken.0)).or_insert(delay);
        *least = delay.min(*least);
    }
    delays
}

/// Of all pairs of a diary that is done and one that is not, the one with the narrowest bound: bound, the two, and how much
/// the second clock is ahead. A pair that spoke in one direction only comes last, as if its messages took no time.
fn closest(
    delays: &BTreeMap<(usize, usize), i64>,
    done: &BTreeSet<usize>,
) -> Option<(u64, usize, usize, i64)> {
    let pairs = delays.iter().filter_map(|(&(a, b), &there)| {
        let back = delays.get(&(b, a)).copied();
        let (known, other) = if done.contains(&a) { (a, b) } else { (b, a) };
        let is_new = done.contains(&known) && !done.contains(&other);
        // How much the clock of b is ahead of a's.
        let ahead = back.map_or(there, |back| there.saturating_sub(back) / 2);
        let bound = back.map_or(0, |back| there.saturating_add(back).unsigned_abs() / 2);
        let ahead = if known == a { ahead } else { ahead.saturating_neg() };
        is_new.then_some((back.is_none(), bound, known, other, ahead))
    });
    pairs.min().map(|(_, bound, known, other, ahead)| (bound, known, other, ahead))
}

fn to_signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
