//! Which sending each receipt belongs to.
//!
//! A node never uses a stamp for two sendings, so sender, stamp and receiver name a message. Nothing on the wire is
//! needed for that.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use ringchat_core::trace::MessageKind;

use super::run::{Diary, Fate, What};

/// An event of a diary: the position of the diary, and that of the event in it.
pub(super) type Spot = (usize, usize);

/// A message, before all diaries are in one order.
#[derive(Clone, Debug)]
pub(super) struct Paired {
    pub(super) from: Option<usize>,
    pub(super) to: Option<usize>,
    pub(super) sent: Option<Spot>,
    pub(super) taken: Option<Spot>,
    pub(super) fate: Fate,
}

/// Receipts that cannot be: the traces contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contradiction {
    /// A message came in twice.
    Twice(Spot),
    /// A receipt has a Lamport time that is not above that of its sending.
    Clock(Spot),
}

/// What has been sent: each target of each sending.
struct Sending {
    from: usize,
    stamp: u64,
    spot: Spot,
    link: u64,
    to: Option<usize>,
    kind: MessageKind,
    taken: Option<Spot>,
}

/// Pairs what `diaries` tell.
pub(super) fn pair(diaries: &[Diary]) -> Result<Vec<Paired>, Contradiction> {
    let mut sendings = sendings(diaries);
    let mut unseen = Vec::new();
    for (d, diary) in diaries.iter().enumerate() {
        let peers = peers(diary);
        for (e, event) in diary.events.iter().enumerate() {
            let What::Took { link, from, stamp, counted, gist, .. } = &event.what else { continue };
            if *counted && event.lamport <= *stamp {
                return Err(Contradiction::Clock((d, e)));
            }
            let from = from.or_else(|| peers.get(link).copied());
            let candidates = from.and_then(|from| of_stamp(&mut sendings, from, *stamp));
            let fits = |s: &&mut Sending| s.kind == gist.kind && s.to.is_none_or(|to| to == diary.m);
            // A target that is known to be this member comes before one that is not known.
            let best = candidates
                .into_iter()
                .flatten()
                .filter(fits)
                .min_by_key(|sending| (sending.taken.is_some(), sending.to.is_none()));
            match best {
                Some(sending) if sending.taken.is_some() => return Err(Contradiction::Twice((d, e))),
                Some(sending) => {
                    sending.taken = Some((d, e));
                    sending.to = Some(diary.m);
                }
                None => unseen.push(Paired {
                    from,
                    to: Some(diary.m),
                    sent: None,
                    taken: Some((d, e)),
                    fate: Fate::Unseen,
                }),
            }
        }
    }
    let fates = Fates::new(diaries);
    let mut frames: Vec<Paired> = sendings.iter().map(|sending| fates.decide(sending)).collect();
    frames.extend(unseen);
    Ok(frames)
}

/// Each target of each sending, by sender and stamp.
fn sendings(diaries: &[Diary]) -> Vec<Sending> {
    let mut sendings = Vec::new();
    for (d, diary) in diaries.iter().enumerate() {
        for (e, event) in diary.events.iter().enumerate() {
            let What::Sent { to, gist } = &event.what else { continue };
            let (from, stamp, kind, spot) = (diary.m, event.lamport, gist.kind, (d, e));
            let target = |&(link, to)| Sending { from, stamp, spot, link, to, kind, taken: None };
            sendings.extend(to.iter().map(target));
        }
    }
    sendings.sort_by_key(|sending| (sending.from, sending.stamp));
    sendings
}

/// The targets of what a member sent with that stamp.
fn of_stamp(sendings: &mut [Sending], from: usize, stamp: u64) -> Option<&mut [Sending]> {
    let first = sendings.partition_point(|s| (s.from, s.stamp) < (from, stamp));
    let later = sendings.get_mut(first..)?;
    let end = later.partition_point(|s| (s.from, s.stamp) == (from, stamp));
    later.get_mut(..end)
}

/// Who is at the other end of each link that a diary tells of.
fn peers(diary: &Diary) -> BTreeMap<u64, usize> {
    let known = diary.events.iter().filter_map(|event| match &event.what {
        What::Up { link, with: Some(with) } | What::Down { link, with: Some(with), .. } => {
            Some((*link, *with))
        }
        What::Took { link, from: Some(from), .. } => Some((*link, *from)),
        _ => None,
    });
    known.collect()
}

/// What is known of the ends of links and lives.
struct Fates {
    /// The diaries of each life.
    told: BTreeSet<usize>,
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
    fn new(diaries: &[Diary]) -> Self {
        let mut fates = Self {
            told: diaries.iter().map(|diary| diary.m).collect(),
            over: BTreeSet::new(),
            down: BTreeMap::new(),
            sums: BTreeMap::new(),
            gaps: BTreeSet::new(),
        };
        for (d, diary) in diaries.iter().enumerate() {
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
            What::End(_) => {
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

    fn decide(&self, sending: &Sending) -> Paired {
        let Sending { from, stamp, spot, link, to, kind, taken } = *sending;
        let is_over = to.is_some_and(|to| self.over.contains(&to));
        let link_ends = self.down.get(&(spot.0, link)).is_some_and(|&e| e > spot.1);
        let in_sum = || {
            let sums = self.sums.get(&(to?, from, kind))?;
            let before = sums.partition_point(|(least, _)| *least <= stamp).checked_sub(1)?;
            sums.get(before).filter(|(_, most)| stamp <= *most)
        };
        let fate = if taken.is_some() {
            Fate::Arrived
        } else if in_sum().is_some() {
            Fate::Summed
        } else if to.is_some_and(|to| !self.told.contains(&to) || self.gaps.contains(&to)) {
            Fate::Unseen
        } else if is_over || link_ends {
            Fate::Lost
        } else {
            Fate::Open
        };
        Paired { from: Some(from), to, sent: Some(spot), taken, fate }
    }
}
