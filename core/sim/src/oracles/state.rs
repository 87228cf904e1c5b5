//! The oracle from the inside: what nodes hold.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::hash::{Hash as _, Hasher as _};

use siphasher::sip::SipHasher13;

use ringchat_core::wire::{Body, Entry};
use ringchat_core::{ConfigId, Epoch, Index, Instant, Node, NodeId, Seq, View, invariants};

use super::{FaultModel, Violation};
use crate::{HostId, Property};

/// What was seen of all nodes so far, to compare later states with.
#[derive(Clone, Debug, Default)]
pub struct States {
    last: Vec<Option<Last>>,
    /// Every entry ever seen. View and index decide its content, and the view of the entry before it.
    entries: BTreeMap<(View, Index), (u64, Option<View>)>,
    leaders: BTreeMap<Epoch, NodeId>,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    me: NodeId,
    promised: Epoch,
    view: View,
    cfg: ConfigId,
    length: Index,
    /// The view of the last entry.
    tip: Option<View>,
    leads: bool,
}

impl States {
    /// Looks at a node after an input. Returns whether the node leads since then.
    ///
    /// # Errors
    /// The first property that does not hold.
    pub fn look(
        &mut self,
        host: HostId,
        now: Instant,
        node: &Node,
        fault_model: FaultModel,
    ) -> Result<bool, Violation> {
        let me = node.me();
        invariants::check(node)
            .map_err(|broken| Violation::new(now, Property::NodeInvariants, format!("{me}: {broken}")))?;
        if self.last.len() <= host.0 {
            self.last.resize(host.0 + 1, None);
        }
        let tip = node.log_entries().next_back().map(|entry| entry.view);
        let new = Last {
            me: me.id,
            promised: node.promised(),
            view: node.view(),
            cfg: node.cfg(),
            length: node.log_len(),
            tip,
            leads: node.is_leader(),
        };
        let old = self.last[host.0].replace(new);
        // A new life has promised nothing.
        if let Some(what) = old.filter(|old| old.me == new.me).and_then(|old| decreased(&old, &new)) {
            return Err(Violation::new(now, Property::MonotonicState, format!("{me}: {what}")));
        }
        if fault_model.has_liar() {
            // A leader may tell each member something else.
            return Ok(false);
        }
        invariants::check_shown(node)
            .map_err(|broken| Violation::new(now, Property::NodeInvariants, format!("{me}: {broken}")))?;
        self.one_leader(now, node, fault_model)?;
        if old.is_none_or(|old| (old.length, old.tip) != (new.length, new.tip)) {
            self.log_matches(now, node, old)?;
        }
        // By `LogMatching`, of two logs that end in one view the shorter is a prefix of the longer.
        if node.is_normal() && tip.is_some_and(|tip| tip != new.view) {
            let detail = format!("{me} follows {:?} with a log that ends in {tip:?}", new.view);
            return Err(Violation::new(now, Property::OneLogPerView, detail));
        }
        Ok(new.leads && old.is_none_or(|old| !old.leads || old.view != new.view))
    }

    fn one_leader(&mut self, now: Instant, node: &Node, fault_model: FaultModel) -> Result<(), Violation> {
        if !node.is_leader() {
            return Ok(());
        }
        let (me, epoch) = (node.me().id, node.view().epoch);
        let known = *self.leaders.entry(epoch).or_insert(me);
        if fault_model.is_strict() && known != me {
            return Err(Violation::new(
                now,
                Property::OneLeaderPerEpoch,
                format!("{known} and {me} lead in epoch {epoch}"),
            ));
        }
        Ok(())
    }

    /// Checks `LogMatching` by induction: equal view and index mean an equal entry, and an equal view before it.
    fn log_matches(&mut self, now: Instant, node: &Node, old: Option<Last>) -> Result<(), Violation> {
        let mut entries = node.log_entries().rev().peekable();
        while let Some(entry) = entries.next() {
            if old.is_some_and(|old| entry.end() == old.length && Some(entry.view) == old.tip) {
                break;
            }
            let before = entries.peek().map(|before| before.view);
            let digest = digest(entry);
            let known = self.entries.entry((entry.view, entry.index)).or_insert((digest, before));
            let differs = known.0 != digest || (before.is_some() && known.1.is_some() && before != known.1);
            if differs {
                let detail = format!("{} holds another entry {} of {:?}", node.me(), entry.index, entry.view);
                return Err(Violation::new(now, Property::LogMatching, detail));
            }
        }
        Ok(())
    }
}

fn decreased(old: &Last, new: &Last) -> Option<String> {
    if new.promised < old.promised {
        Some(format!("promised goes back from {} to {}", old.promised, new.promised))
    } else if new.view.epoch < old.view.epoch {
        Some(format!("view goes back from {} to {}", old.view.epoch, new.view.epoch))
    } else if new.cfg < old.cfg {
        Some(format!("cfg goes back from {:?} to {:?}", old.cfg, new.cfg))
    } else {
        None
    }
}

fn digest(entry: &Entry) -> u64 {
    let mut hasher = SipHasher13::new();
    entry.hash(&mut hasher);
    hasher.finish()
}

/// Checks that the members of one ring hold the same log: by [`Property::LogMatching`] its length and last entry
/// tell.
///
/// # Errors
/// The first two members that differ.
pub fn same_logs<'a>(nodes: impl IntoIterator<Item = &'a Node>) -> Result<(), String> {
    let tip = |node: &Node| (node.log_len(), node.log_entries().next_back().map(|entry| entry.view));
    let mut nodes = nodes.into_iter();
    let Some(first) = nodes.next() else { return Ok(()) };
    match nodes.find(|node| tip(node) != tip(first)) {
        Some(other) => Err(format!("the logs of {} and {} differ", first.me(), other.me())),
        None => Ok(()),
    }
}

/// Checks [`Property::NoDoubles`] of a log. Users would not notice: only the first of the two would be shown.
///
/// # Errors
/// The message that stands twice.
pub fn no_doubles(node: &Node) -> Result<(), String> {
    let mut last: BTreeMap<NodeId, Seq> = BTreeMap::new();
    for entry in node.log_entries() {
        let Body::Chat { said, .. } = &entry.body else { continue };
        let before = last.insert(said.origin.id, said.last());
        if before >= Some(said.first) {
            return Err(format!("{} holds {}:{} twice", node.me(), said.origin.id, said.first));
        }
    }
    Ok(())
}

/// Checks [`Property::OnlyNeededLinks`] of a node at rest.
///
/// # Errors
/// The links that it has, and those that it needs.
pub fn only_needed_links(node: &Node) -> Result<(), String> {
    let me = node.me().id;
    let mut has: Vec<NodeId> = node.linked().collect();
    let mut needs: Vec<NodeId> = if node.is_leader() {
        node.roster().ids().collect()
    } else {
        node.next().into_iter().chain(node.prev()).chain([node.view().leader]).collect()
    };
    has.sort_unstable();
    needs.sort_unstable();
    needs.dedup();
    needs.retain(|id| *id != me);
    if has == needs { Ok(()) } else { Err(format!("{me} has links to {has:?} and needs {needs:?}")) }
}
