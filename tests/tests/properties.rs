//! Each property is defined in `docs/protocol.md` under the name that a violation tells.

use std::collections::BTreeSet;

use ringchat_sim::Property;

#[test]
fn the_protocol_page_defines_the_properties_and_no_others() {
    let page = include_str!("../../docs/protocol.md");
    let defined = page.lines().filter_map(|line| line.strip_prefix("**`")?.split_once("`**"));
    let defined: BTreeSet<String> = defined.map(|(name, _)| name.to_owned()).collect();
    let known: BTreeSet<String> = Property::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(defined, known);
}
