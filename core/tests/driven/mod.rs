//! Driving a node by hand.

use ringchat_core::{Action, Input, Instant, Node, invariants};

/// What the node asks for after an input, a moment later. Its state is in order.
pub(crate) fn handle(node: &mut Node, now: &mut Instant, input: Input) -> Vec<Action> {
    let mut out = Vec::new();
    *now = Instant(now.0 + 1);
    node.handle(*now, input, &mut out);
    assert_eq!(invariants::check(node), Ok(()));
    out
}
