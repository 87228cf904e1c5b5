//! The properties of every room, waited for or asserted.

use std::collections::BTreeMap;

use super::event::ReceivedEvent;
use super::record::Record;
use super::room::{MemberIndex, TestRoom};

/// The maximum number of lines that a member shows in one turn when each member says fifty a second.
const TURN: usize = 50;

impl TestRoom {
    /// Waits until exactly `whos` are one room: one leader, one ring, the same members.
    pub(crate) fn settle(&self, whos: &[MemberIndex]) {
        self.until(&format!("{whos:?} are one room"), |records| settled(records, whos));
    }

    /// Waits until each of `viewers` has shown the last line of each of `senders`.
    pub(crate) fn wait_shown(&self, viewers: &[MemberIndex], senders: &[MemberIndex]) {
        self.until(&format!("{viewers:?} show all that {senders:?} said"), |records| {
            viewers.iter().all(|&viewer| {
                senders.iter().all(|&sender| {
                    let last = self.said[sender].last();
                    let shown = records[sender].id().and_then(|id| records[viewer].last_of.get(id));
                    last.is_none() || shown == last
                })
            })
        });
    }

    /// Waits until `viewers` show all texts of `senders`, and asserts that each text is shown once, in the order said.
    /// The shown texts of all other senders must have no hole.
    pub(crate) fn check_delivered(&self, viewers: &[MemberIndex], senders: &[MemberIndex]) {
        self.wait_shown(viewers, senders);
        for &viewer in viewers {
            for sender in self.everyone() {
                let Some(id) = self.record(sender, |record| record.id().map(ToOwned::to_owned)) else {
                    continue;
                };
                let said = &self.said[sender];
                let shown: Vec<String> = self.record(viewer, |record| {
                    record.texts_of(&id).into_iter().map(ToOwned::to_owned).collect()
                });
                let missed = self.said_before[viewer].get(sender).copied().unwrap_or(0);
                let first = shown.first().and_then(|first| said.iter().position(|text| text == first));
                let first = first.unwrap_or(0);
                assert!(first <= missed, "m{viewer} lacks the first lines of m{sender}: {shown:?}");
                let end = first + shown.len();
                let wrong = shown.iter().zip(&said[first..]).position(|(shown, said)| shown != said);
                let wrong = wrong.or((end > said.len()).then_some(said.len()));
                assert_eq!(wrong, None, "m{viewer} shows other than m{sender} said: {shown:?}");
                assert!(
                    !senders.contains(&sender) || end == said.len(),
                    "m{viewer} lacks lines of m{sender}"
                );
            }
        }
        self.check_printed(viewers);
    }

    /// Asserts that each place of the order has the same message for all of `whos`.
    pub(crate) fn check_one_order(&self, whos: &[MemberIndex]) {
        let mut order = BTreeMap::new();
        for &who in whos {
            let shown = self.record(who, |record| record.shown.clone());
            let places: Vec<u64> = shown.iter().map(|shown| shown.seq).collect();
            assert!(
                places.is_sorted_by(|a, b| a < b),
                "m{who} shows messages out of their places: {places:?}"
            );
            for message in shown {
                let at = order.entry(message.seq).or_insert_with(|| message.clone());
                assert_eq!(*at, message, "m{who} disagrees about a place");
            }
        }
    }

    /// Asserts that all of `whos` show one order, except for the lines that `sleeper` showed in the turn in which it
    /// was stopped, which stand close to its first `before` lines. Returns how many lines the others show elsewhere.
    pub(crate) fn check_order_but_for_one_turn(
        &self,
        whos: &[MemberIndex],
        sleeper: MemberIndex,
        before: usize,
    ) -> usize {
        let others: Vec<MemberIndex> = whos.iter().copied().filter(|&who| who != sleeper).collect();
        self.check_one_order(&others);
        let order: BTreeMap<(String, String), usize> = self.record(others[0], |record| {
            let lines = record.shown.iter().enumerate();
            lines.map(|(at, shown)| ((shown.from.clone(), shown.text.clone()), at)).collect()
        });
        let places: Vec<usize> = self.record(sleeper, |record| {
            let lines = record.shown.iter().map(|shown| (shown.from.clone(), shown.text.clone()));
            lines.map(|line| order[&line]).collect()
        });
        assert_eq!(places.len(), order.len(), "m{sleeper} and m{} show as much", others[0]);
        let astray: Vec<usize> = (0..places.len()).filter(|&at| places[at] != at).collect();
        // A line that moves also shifts those in between, so only the lines that the sleeper showed too early count.
        let turn = astray.iter().filter(|&&at| places[at] > at).count();
        let first = astray.first().copied().unwrap_or(before);
        assert!(
            turn <= TURN && first + TURN >= before && first <= before + TURN,
            "m{sleeper}, stopped after {before} lines, has {turn} out of order, the first at {first}"
        );
        let settled: Vec<usize> = places[(before + TURN).min(places.len())..].to_vec();
        assert!(settled.is_sorted(), "m{sleeper} has an order of its own after it went on: {settled:?}");
        turn
    }

    /// Asserts that `whos` printed only well-formed lines with growing Lamport times.
    pub(crate) fn check_printed(&self, whos: &[MemberIndex]) {
        for &who in whos {
            self.record(who, |record| assert_eq!(record.offences, Vec::<String>::new(), "m{who} printed"));
        }
    }

    /// Asserts that the survivors of crashes are one room, lost no text of each other, and agree on one order.
    pub(crate) fn check_survivors(&self, survivors: &[MemberIndex]) {
        self.settle(survivors);
        self.check_delivered(survivors, survivors);
        self.check_one_order(survivors);
        for &who in survivors {
            let gap =
                self.record(who, |record| record.any(|event| matches!(event, ReceivedEvent::Gap { .. })));
            assert!(!gap, "a crash makes no gap at m{who}");
        }
    }
}

fn settled(records: &[Record], whos: &[MemberIndex]) -> bool {
    let ids: Option<Vec<&str>> = whos.iter().map(|&who| records[who].id()).collect();
    let Some(ids) = ids else { return false };
    let leader = records[whos[0]].leader.as_ref();
    let agree = whos.iter().all(|&who| {
        let record = &records[who];
        let members = record.members.len() == ids.len() && ids.iter().all(|&id| record.members.contains(id));
        members && record.exit.is_none() && record.leader.as_ref() == leader
    });
    let leads = leader.is_some_and(|leader| ids.contains(&leader.id.as_str()));
    agree && leads && ring_from(records, whos, whos[0]).is_some_and(|ring| ring.len() == whos.len())
}

/// The members of the ring from `start` on, if `whos` agree about their neighbours.
pub(super) fn ring_from(
    records: &[Record],
    whos: &[MemberIndex],
    start: MemberIndex,
) -> Option<Vec<MemberIndex>> {
    let mut ring = vec![start];
    loop {
        let at = *ring.last()?;
        let (_, next) = records[at].ring.as_ref()?;
        let after = whos.iter().copied().find(|&who| records[who].id() == Some(&next.id))?;
        let (prev, _) = records[after].ring.as_ref()?;
        if records[at].id() != Some(&prev.id) || ring.len() > whos.len() {
            return None;
        }
        if after == start {
            return Some(ring);
        }
        ring.push(after);
    }
}
