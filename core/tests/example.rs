//! The example does what it says.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to panic")]

#[path = "../examples/two_nodes.rs"]
#[allow(dead_code, reason = "the example is a program of its own")]
mod two_nodes;

#[test]
fn two_nodes_hear_each_other_in_one_order() {
    let [alice, bob] = two_nodes::talk().unwrap();
    assert_eq!(alice, bob);
    assert_eq!(alice, ["Alice: hello, who is there?", "Bob: me, through a queue"]);
}
