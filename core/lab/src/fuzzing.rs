//! The body of the fuzz target `ask`.

use alloc::string::String;
use alloc::vec::Vec;

use serde_json::Value;

use crate::Lab;

/// No more lines are asked: each may take a while.
const MOST: usize = 8;

/// Asks a lab line by line. Each answer is an object, a busy one makes way, and another lab answers the same.
///
/// # Panics
/// If something of that is wrong.
pub fn ask(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let answers = [(); 2].map(|()| {
        let Ok(mut lab) = Lab::new("nodes 3 seed 7 delay 9ms") else { return Vec::new() };
        text.lines().take(MOST).map(|line| answer(&mut lab, line)).collect()
    });
    let [first, second] = answers;
    assert_eq!(first, second, "one lab answers otherwise than another");
    assert!(!first.is_empty() || text.is_empty());
}

fn answer(lab: &mut Lab, line: &str) -> String {
    let told = lab.ask(line);
    let value: Value = serde_json::from_str(&told).unwrap_or_default();
    assert!(value.is_object(), "{told}");
    if value.get("busy") == Some(&Value::Bool(true)) {
        let again: Value = serde_json::from_str(&lab.ask(line)).unwrap_or_default();
        let now = |value: &Value| value.get("now").and_then(Value::as_u64);
        assert!(now(&again) > now(&value) || again.get("busy") != value.get("busy"), "{line} makes no way");
    }
    told
}
