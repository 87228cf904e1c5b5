//! What became of messages that did not come in, as far as the traces of their receivers tell.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use ringchat_core::trace::MessageKind;

use super::pair::{Paired, Spot};
use super::run::{Diary, Fate, RunEvent, What};

/// What was sent so many microseconds before a trace was ended may come in behind its end.
const UNDER_WAY: u64 = 1_000_000;

/// Decides it. The clocks of `diaries` are right within `agree` microseconds.
pub(super) fn decide(paired: &mut [Paired], diaries: &[Diary], agree: u64) {
    let fates = Fates::new(diaries, agree);
    for frame in paired.iter_mut().filter(|frame| frame.taken.is_none()) {
        let Some(spot) = frame.sent else { continue };
        let sent = diaries.get(spot.0).and_then(|diary| diary.events.get(spot.1));
        frame.fate = sent.and_then(|sent| fates.decide(sent, spot, frame)).unwrap_or(frame.fate);
    }
}

/// Whether a trace ends with this while its life goes on.
fn ends_before_its_life(what: &What) -> bool {
    matches!(what, What::End(why) if why == "off")
}

/// What is known of the ends of links and lives.
struct Fates {
    /// From when to when, by the common clock, the diaries of each life tell what came in of what was sent. No end if the
    /// life ended with the diary, or may have.
    told: BTreeMap<usize, Vec<(u64, Option<u64>)>>,
    /// Lives that have ended or died.
    over: BTreeSet<usize>,
    /// Where each link of each diary ended.
    down: BTreeMap<(usize, u64), usize>,
    /// What each life has only in sums, by receiver, sender and kind: the least stamp of each sum in order, and the greatest
    /// up to there.
    sums: BTreeMap<(usize, usize, MessageKind), Vec<(u64, u64)>>,
    /// Lives whose trace is incomplete.
    gaps: BTreeSet<usize>,
}

impl Fates {
    fn new(diaries: &[Diary], agree: u64) -> Self {
        let mut fates = Self {
            told: BTreeMap::new(),
            over: BTreeSet::new(),
            down: BTreeMap::new(),
            sums: BTreeMap::new(),
            gaps: BTreeSet::new(),
        };
        for (d, diary) in diaries.iter().enumerate() {
            let last = diary.events.last().filter(|last| ends_before_its_life(&last.what));
            let to = last.map(|last| last.t.saturating_sub(agree.saturating_add(UNDER_WAY)));
            fates.told.entry(diary.m).or_default().push((diary.began.saturating_add(agree), to));
            for (e, event) in diary.events.iter().enumerate() {
                fates.note(d, e, diary.m, &event.what);
            }
        }
        for sums in fates.sums.values_mut() {
            sums.sort_unstable();
            let mut greatest = 0;
            for (_, most) in sums {
                greatest = greatest.max(*most);
                *most = greatest;
            }
        }
        fates
    }

    fn note(&mut self, d: usize, e: usize, m: usize, what: &What) {
        match what {
            What::Down { link, .. } => {
                self.down.insert((d, *link), e);
            }
            What::End(_) if !ends_before_its_life(what) => {
                self.over.insert(m);
            }
            What::Deed(deed) if deed.kind.is_death() => {
                self.over.extend(deed.to);
            }
            What::Sum(sum) if !sum.sent => {
                if let Some(with) = sum.with {
                    self.sums.entry((m, with, sum.kind)).or_default().push(sum.stamps);
                }
            }
            What::Missed(_) | What::Full => {
                self.gaps.insert(m);
            }
            _ => {}
        }
    }

    /// What became of a message that did not come in, and was sent at `sent` by the event `spot`.
    fn decide(&self, sent: &RunEvent, spot: Spot, frame: &Paired) -> Option<Fate> {
        let (from, to, link) = (frame.from?, frame.to, frame.link?);
        let What::Sent { gist, .. } = &sent.what else { return None };
        let (kind, stamp) = (gist.kind, sent.lamport);
        let is_over = to.is_some_and(|to| self.over.contains(&to));
        let link_ends = self.down.get(&(spot.0, link)).is_some_and(|&e| e > spot.1);
        let in_sum = || {
            let sums = self.sums.get(&(to?, from, kind))?;
            let before = sums.partition_point(|(least, _)| *least <= stamp).checked_sub(1)?;
            sums.get(before).filter(|(_, most)| stamp <= *most)
        };
        Some(if in_sum().is_some() {
            Fate::Summed
        } else if to.is_some_and(|to| self.gaps.contains(&to) || !self.covers(to, sent.t)) {
            Fate::Unseen
        } else if is_over || link_ends {
            Fate::Lost
        } else {
            Fate::Open
        })
    }

    /// Whether a trace of the life tells what came in of what was sent at `t`.
    fn covers(&self, m: usize, t: u64) -> bool {
        self.told
            .get(&m)
            .is_some_and(|told| told.iter().any(|&(from, to)| from <= t && to.is_none_or(|to| t <= to)))
    }
}
