//! What traced nodes tell in simulated rooms is true and whole, and they act as if they were not traced.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on is to panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use ringchat_core::trace::{MessageKind, Traced, Tracing};
use ringchat_core::{Action, NodeId, Stamp};
use ringchat_sim::scenario::{play, play_traced};
use ringchat_sim::{HostId, HostStep};

/// The scenarios, each with its name.
fn scenarios() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 40, "only {} scenarios are found", files.len());
    let read = |file: PathBuf| (file.display().to_string(), std::fs::read_to_string(&file).unwrap());
    files.into_iter().map(read).collect()
}

#[test]
fn a_node_that_is_traced_acts_as_any_other() {
    for (name, text) in scenarios() {
        let (_, untraced) = play(&text);
        let (_, traced, steps) = play_traced(&text, Tracing::Texts);
        assert!(!steps.is_empty() && untraced.lines().count() > 50, "{name}");
        let (first, second) = (untraced.lines(), traced.lines());
        let differs = first.zip(second).find(|(first, second)| first != second);
        assert_eq!(differs, None, "{name}");
        assert_eq!(untraced.len(), traced.len(), "{name}");
    }
}

/// Sendings by sender and stamp, each with its kind and those it goes to.
#[derive(Default)]
struct Sendings {
    all: BTreeMap<(NodeId, Stamp), (MessageKind, BTreeSet<NodeId>)>,
    receipts: BTreeSet<(NodeId, Stamp, NodeId)>,
}

impl Sendings {
    fn take(&mut self, name: &str, me: NodeId, lamport: Stamp, traced: &Traced) {
        match traced {
            Traced::Sent { to, stamp, sketch } => {
                assert_eq!(lamport, *stamp, "{name}");
                let sending = (sketch.kind, to.iter().map(|(_, peer)| *peer).collect());
                assert_eq!(self.all.insert((me, *stamp), sending), None, "{name}: {me} uses {stamp} twice");
            }
            Traced::Took { from, stamp, counted, sketch, .. } => {
                let (kind, to) = &self.all[&(*from, *stamp)];
                assert_eq!((kind, to.contains(&me)), (&sketch.kind, true), "{name}: {from} at {stamp}");
                assert!(!counted || lamport > *stamp, "{name}: {from} at {stamp}, taken at {lamport}");
                assert!(self.receipts.insert((*from, *stamp, me)), "{name}: {from} at {stamp} comes twice");
            }
            _ => {}
        }
    }
}

#[test]
fn every_receipt_has_its_sending_and_no_member_uses_a_stamp_twice() {
    let (mut sent, mut received) = (0, 0);
    for (name, text) in scenarios() {
        let (_, _, steps) = play_traced(&text, Tracing::Events);
        let mut members: BTreeMap<HostId, NodeId> = BTreeMap::new();
        let mut clocks: BTreeMap<HostId, Stamp> = BTreeMap::new();
        let mut sendings = Sendings::default();
        for HostStep { host, action, .. } in &steps {
            let (Action::Trace { lamport, .. } | Action::Notify { lamport, .. }) = action else { panic!() };
            let before = clocks.insert(*host, *lamport);
            assert!(before.is_none_or(|before| before <= *lamport), "{name}: a clock goes back");
            let Action::Trace { traced, .. } = action else { continue };
            if let Traced::Life { me, .. } = &**traced {
                members.insert(*host, me.id);
            }
            sendings.take(&name, members[host], *lamport, traced);
        }
        sent += sendings.all.len();
        received += sendings.receipts.len();
    }
    println!("{sent} sendings, {received} receipts");
    assert!(sent > 10_000 && received > 10_000);
}
