//! What one member knows of the others, where no trace of theirs tells it: who is in its ring, who leads, who is gone.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::story::Story;
use crate::trace::run::{Holding, Tidings, What};

/// What is known of a member from an event of another one on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hearsay {
    /// As the page names it.
    pub(crate) mode: &'static str,
    pub(crate) leader: Option<usize>,
    pub(crate) next: Option<usize>,
    pub(crate) prev: Option<usize>,
}

/// What `teller` knows of all that have no trace: the event, the member, and what is known of it then.
pub(crate) fn hearsay(story: &Story<'_>, teller: usize) -> Vec<(usize, usize, Hearsay)> {
    let (mut all, mut ring) = (Vec::new(), Vec::new());
    let mut known: BTreeMap<usize, Hearsay> = BTreeMap::new();
    for (e, event) in story.events().filter(|(_, event)| event.m == teller) {
        let news = match &event.what {
            What::State(holding) => {
                if let Some(new) = &holding.ring {
                    ring.clone_from(new);
                }
                neighbours(&ring, holding)
            }
            What::Told(Tidings::Left { who, lost }) => {
                let mode = if *lost { "dead" } else { "left" };
                [(*who, Hearsay { mode, leader: None, next: None, prev: None })].into()
            }
            _ => continue,
        };
        for (m, hearsay) in news {
            let has_trace = story.run.lives.get(m).is_some_and(|life| life.has_trace);
            let is_dead = story.courses.get(m).and_then(|course| course.died).is_some_and(|died| died < e);
            if !has_trace && !is_dead && known.get(&m) != Some(&hearsay) {
                known.insert(m, hearsay.clone());
                all.push((e, m, hearsay));
            }
        }
    }
    all
}

/// Each member of a ring, and who is beside it.
fn neighbours(ring: &[usize], holding: &Holding) -> Vec<(usize, Hearsay)> {
    let following = ring.iter().cycle().skip(1);
    let before = ring.iter().cycle().skip(ring.len().saturating_sub(1));
    let beside = ring.iter().zip(following).zip(before);
    beside
        .map(|((&m, &next), &prev)| {
            let mode = if holding.leader == Some(m) { "leading" } else { "normal" };
            (m, Hearsay { mode, leader: holding.leader, next: Some(next), prev: Some(prev) })
        })
        .collect()
}
