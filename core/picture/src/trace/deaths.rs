//! Deaths that no trace tells: the traces of those who noticed give them away.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec;
use alloc::vec::Vec;

use ringchat_trace::FaultKind;

use super::run::{Deed, Diary, OneLife, RunEvent, Tidings, What};

/// A link that ended longer before its other end was lost has nothing to do with that.
const LONGEST: u64 = 5_000_000;

/// What others noticed of the end of one life, by the common clock.
#[derive(Clone, Debug, Default)]
struct Notices {
    /// Links to it that broke and were not opened again.
    broken: Vec<u64>,
    /// When it was told to be lost.
    lost: Vec<u64>,
    /// What proves nothing alone: links to it that were closed, perhaps because it was silent, and dials that failed.
    hints: Vec<u64>,
}

/// Adds the deaths of lives in diaries whose clocks agree within `agree` microseconds. A life that has a diary tells its own
/// faults if it is `simulated`.
pub(super) fn add(lives: &[OneLife], diaries: &mut Vec<Diary>, agree: u64, simulated: bool) {
    let mut last_of: BTreeMap<usize, usize> = BTreeMap::new();
    for (d, diary) in diaries.iter().enumerate() {
        let end = |d: usize| diaries.get(d).and_then(|diary| diary.events.last()).map(|event| event.t);
        if last_of.get(&diary.m).is_none_or(|&other| end(other) <= end(d)) {
            last_of.insert(diary.m, d);
        }
    }
    let returned = returned(diaries);
    for (m, notices) in notices(lives.len(), diaries).into_iter().enumerate() {
        match last_of.get(&m).and_then(|&d| diaries.get_mut(d)) {
            Some(_) if simulated => {}
            Some(diary) => {
                let end = diary.events.last().filter(|event| !matches!(event.what, What::End(_)));
                let died = end.and_then(|end| Some((notices.after(end.t, agree)?.max(end.t), end.lamport)));
                diary.events.extend(died.map(|(t, lamport)| death(m, t, lamport)));
            }
            None if returned.contains(&m) => {}
            None => {
                let died = notices.of_stranger().map(|t| death(m, t, 0));
                diaries.extend(died.map(|death| Diary { m, wall: 0, began: 0, events: vec![death] }));
            }
        }
    }
}

fn death(m: usize, t: u64, lamport: u64) -> RunEvent {
    let deed = Deed { kind: FaultKind::Crash, to: Some(m), sides: Vec::new(), seen: false };
    RunEvent { t, m, lamport, what: What::Deed(deed) }
}

impl Notices {
    /// Just before the first notice of a death after `end`. None if nobody noticed any by then, or somebody did before: then
    /// the life went on.
    fn after(&self, end: u64, agree: u64) -> Option<u64> {
        let later = |t: &&u64| t.saturating_add(agree) >= end;
        let proof = self.broken.iter().chain(&self.lost).filter(later).min()?;
        let first = self.hints.iter().filter(later).chain([proof]).min()?;
        Some(first.saturating_sub(1))
    }

    /// The same of a life that tells nothing itself.
    fn of_stranger(&self) -> Option<u64> {
        let lost = *self.lost.iter().min()?;
        let all = self.broken.iter().chain(&self.hints);
        let near = all.filter(|&&t| t <= lost && lost.saturating_sub(t) <= LONGEST).min();
        Some(near.copied().unwrap_or(lost).saturating_sub(1))
    }
}

fn notices(lives: usize, diaries: &[Diary]) -> Vec<Notices> {
    let mut all = vec![Notices::default(); lives];
    for diary in diaries {
        // When the last link to a life ended, and whether it broke.
        let mut ended: BTreeMap<usize, (u64, bool)> = BTreeMap::new();
        for event in &diary.events {
            match &event.what {
                What::Told(Tidings::Left { who, lost: true }) => {
                    all.get_mut(*who).into_iter().for_each(|notices| notices.lost.push(event.t));
                }
                What::Down { with: Some(with), why, .. } => {
                    let (_, broke) = ended.entry(*with).or_insert((event.t, false));
                    *broke |= why != "closed";
                }
                What::Failed { whom: Some(whom), .. } => {
                    ended.entry(*whom).or_insert((event.t, false));
                }
                What::Up { with: Some(with), .. } | What::Took { from: Some(with), .. } => {
                    ended.remove(with);
                }
                _ => {}
            }
        }
        for (m, (t, broke)) in ended {
            let Some(notices) = all.get_mut(m) else { continue };
            if broke { &mut notices.broken } else { &mut notices.hints }.push(t);
        }
    }
    all
}

/// The lives that were lost and heard of again: the room had been split.
fn returned(diaries: &[Diary]) -> BTreeSet<usize> {
    let mut returned = BTreeSet::new();
    for diary in diaries {
        let mut lost = BTreeSet::new();
        for event in &diary.events {
            match &event.what {
                What::Told(Tidings::Left { who, lost: true }) => _ = lost.insert(*who),
                What::Up { with: Some(who), .. }
                | What::Took { from: Some(who), .. }
                | What::Told(Tidings::Joined(who))
                    if lost.contains(who) =>
                {
                    returned.insert(*who);
                }
                _ => {}
            }
        }
    }
    returned
}
