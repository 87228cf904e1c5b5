//! The properties that are checked in every state, and those that are checked where nothing is left to happen.

use std::collections::BTreeSet;
use std::sync::Arc;

use ringchat_core::wire::Entry;
use ringchat_core::{Ending, Epoch, Index, Node, NodeId, Seq, View};

use ringchat_sim::Property;
use ringchat_sim::oracles::Violation;

use super::host::{Host, Life};
use super::state::State;

/// What is compared with other hosts when it changes.
#[derive(PartialEq, Eq)]
pub(super) struct Marks {
    tip: (Index, Option<View>),
    view: View,
    is_normal: bool,
    shown: usize,
}

impl Marks {
    pub(super) fn of(host: &Host) -> Self {
        let node = &host.node;
        Self { tip: tip(node), view: node.view(), is_normal: node.is_normal(), shown: host.shown.len() }
    }
}

/// After each event.
impl State {
    /// Checks a host after an event, and notes the first violation.
    pub(super) fn check_step(&mut self, host: usize, before: &Marks) {
        if self.violation.is_none() {
            self.violation = self.safety(host, before).err().map(Arc::new);
        }
    }

    fn safety(&self, host: usize, before: &Marks) -> Result<(), Violation> {
        let it = &self.hosts[host];
        if let Some(violation) = &it.violation {
            let detail = format!("host {host}: {}", violation.detail);
            return Err(Violation { detail, ..violation.clone() });
        }
        if !self.is_live(host) {
            return Ok(());
        }
        let now = Marks::of(it);
        if (now.tip, now.view, now.is_normal) != (before.tip, before.view, before.is_normal) {
            for other in self.live().filter(|&other| other != host) {
                self.logs_match(host, other)?;
                self.one_leader(host, other)?;
            }
        }
        if now.shown > before.shown {
            self.only_signed_words(host)?;
        }
        if now.shown > before.shown && self.allowed().is_crash_only() {
            for other in self.live().filter(|&other| other != host) {
                self.one_order(host, other)?;
            }
        }
        Ok(())
    }

    /// [`Property::LogMatching`] and [`Property::OneLogPerView`].
    fn logs_match(&self, a: usize, b: usize) -> Result<(), Violation> {
        let (mine, theirs) = (&self.hosts[a].node, &self.hosts[b].node);
        let one_view = mine.is_normal() && theirs.is_normal() && mine.view() == theirs.view();
        let mut differs = false;
        for (x, y) in common_entries(mine, theirs) {
            if x.view == y.view && (differs || x != y) {
                let detail = format!("{a} and {b} hold {x:?} and {y:?}, or differ before");
                return Err(self.breach(Property::LogMatching, detail));
            }
            differs |= x != y;
        }
        if one_view && differs {
            let detail = format!("the logs of {a} and {b}, both in one view, part");
            return Err(self.breach(Property::OneLogPerView, detail));
        }
        Ok(())
    }

    /// [`Property::OneLeaderPerEpoch`].
    fn one_leader(&self, a: usize, b: usize) -> Result<(), Violation> {
        let (mine, theirs) = (&self.hosts[a].node, &self.hosts[b].node);
        let both_lead = mine.is_leader() && theirs.is_leader() && mine.view().epoch == theirs.view().epoch;
        if !self.allowed().is_crash_only() {
            return Ok(());
        }
        let theirs: BTreeSet<View> = views(theirs).collect();
        let two = views(mine).find(|mine| theirs.iter().any(|it| it.epoch == mine.epoch && it != mine));
        let detail = match two {
            Some(view) => format!("{a} and {b} know two leaders of epoch {}", view.epoch),
            None if both_lead => format!("{a} and {b} lead in one epoch"),
            None => return Ok(()),
        };
        Err(self.breach(Property::OneLeaderPerEpoch, detail))
    }

    /// [`Property::NoForgedWords`].
    fn only_signed_words(&self, host: usize) -> Result<(), Violation> {
        let said = |id: NodeId| self.hosts.iter().find(|it| it.node.me().id == id).map(|it| it.said);
        let invented = self.hosts[host].shown.iter().find(|(from, seq)| said(*from) < Some(*seq));
        let forged = invented.map(|(from, seq)| format!("{host} shows {from}:{seq}, which nobody said"));
        forged.map_or(Ok(()), |detail| Err(self.breach(Property::NoForgedWords, detail)))
    }

    /// [`Property::OneOrder`].
    fn one_order(&self, a: usize, b: usize) -> Result<(), Violation> {
        let (mine, theirs) = (&self.hosts[a], &self.hosts[b]);
        let common = |of: &Host, with: &Host| -> Vec<(NodeId, Seq)> {
            of.shown.iter().filter(|it| with.shown.contains(it)).copied().collect()
        };
        let length = mine.shown.len().min(theirs.shown.len());
        let founders = mine.founder && theirs.founder;
        if common(mine, theirs) != common(theirs, mine)
            || (founders && mine.shown[..length] != theirs.shown[..length])
        {
            let detail = format!("{a} shows {:?}, {b} shows {:?}", mine.shown, theirs.shown);
            return Err(self.breach(Property::OneOrder, detail));
        }
        Ok(())
    }
}

/// Where nothing is left to happen.
impl State {
    /// Checks [`Property::Convergence`] and [`Property::NothingLost`].
    ///
    /// # Errors
    /// The first of them that does not hold.
    pub(super) fn check_rest(&self) -> Result<(), Violation> {
        if let Some(host) = self.live().find(|&host| self.hosts[host].leaving) {
            return Err(self.breach(Property::Convergence, format!("{host} never leaves")));
        }
        let sides: BTreeSet<u16> = self.live().map(|host| self.side(host)).collect();
        for side in sides {
            let ring: Vec<usize> = self.live().filter(|&host| self.side(host) == side).collect();
            self.check_ring(&ring)?;
        }
        Ok(())
    }

    fn breach(&self, property: Property, detail: String) -> Violation {
        Violation::new(self.now(), property, detail)
    }

    fn side(&self, host: usize) -> u16 {
        self.cut.map_or(0, |cut| cut >> host & 1)
    }

    fn check_ring(&self, ring: &[usize]) -> Result<(), Violation> {
        let node = |host: usize| &self.hosts[host].node;
        let Some(&first) = ring.first() else { return Ok(()) };
        let live: BTreeSet<NodeId> = ring.iter().map(|&host| node(host).me().id).collect();
        for &host in ring {
            let it = node(host);
            let me = it.me().id;
            let next = it.roster().after(me).next();
            let prev = it.roster().after(me).next_back();
            let what = if !it.is_normal() {
                "has no leader"
            } else if it.view() != node(first).view() {
                "is in another view"
            } else if !live.contains(&it.view().leader) {
                "follows one who is not there"
            } else if it.roster() != node(first).roster() {
                "has another roster"
            } else if it.roster().ids().collect::<BTreeSet<_>>() != live {
                "has a roster that is not who lives"
            } else if tip(it) != tip(node(first)) {
                "has another log"
            } else if it.waiting() > 0 {
                "has messages waiting"
            } else if it.next() != next || it.prev() != prev {
                "has other neighbours than its roster tells"
            } else {
                continue;
            };
            return Err(self.breach(Property::Convergence, format!("at rest {host} {what}")));
        }
        self.nothing_lost(ring)
    }

    /// Checks [`Property::NothingLost`] for those that were there from the beginning.
    fn nothing_lost(&self, ring: &[usize]) -> Result<(), Violation> {
        let crash_only = self.allowed().is_crash_only();
        for (from, sender) in self.hosts.iter().enumerate() {
            let left_in_order = crash_only && sender.life == Life::Ended(Ending::Left { unsure: 0 });
            if !left_in_order && !ring.contains(&from) {
                continue;
            }
            for &to in ring.iter().filter(|&&to| self.hosts[to].founder && !self.hosts[to].gaps) {
                let id = sender.node.me().id;
                let shown = self.hosts[to].shown.iter().filter(|(origin, _)| *origin == id).count();
                if Seq(shown as u64) != sender.said {
                    let detail = format!("{to} was shown {shown} of {} messages of {from}", sender.said);
                    return Err(self.breach(Property::NothingLost, detail));
                }
            }
        }
        Ok(())
    }
}

/// The length of a log and its last view: by [`Property::LogMatching`] they tell all of it.
fn tip(node: &Node) -> (Index, Option<View>) {
    (node.log_len(), node.log_entries().next_back().map(|entry| entry.view))
}

/// The entries that two logs hold at the same indexes.
fn common_entries<'a>(a: &'a Node, b: &'a Node) -> impl Iterator<Item = (&'a Entry, &'a Entry)> {
    let from = |node: &Node| node.log_entries().next().map_or(Index::default(), |entry| entry.index);
    let start = from(a).max(from(b));
    let at_least = move |entry: &&Entry| entry.index >= start;
    a.log_entries().filter(at_least).zip(b.log_entries().filter(at_least))
}

/// The views of a node's log, and its current view.
fn views(node: &Node) -> impl Iterator<Item = View> {
    let current = (node.view().epoch > Epoch::default()).then(|| node.view());
    node.log_entries().map(|entry| entry.view).chain(current)
}
