//! The body of the fuzz target `trace`.

use alloc::format;
use alloc::string::ToString as _;

use crate::trace::{TraceReader, anonymous};
use crate::{Format, Moment, Wanted, draw};

/// Reads files, which zero bytes part, and draws what they tell in every form. Equal files give equal bytes.
///
/// # Panics
/// If something of that is wrong.
pub fn trace(data: &[u8]) {
    let mut reader = TraceReader::default();
    for (n, file) in data.split(|&byte| byte == 0).enumerate() {
        if let Err(error) = reader.bytes(&format!("{n}"), file) {
            assert!(error.to_string().len() > 10, "{error}");
            return;
        }
    }
    let Ok(mut run) = reader.finish(None) else { return };
    let whole = Wanted { turns: Some(data.len().is_multiple_of(2)), ..Wanted::default() };
    let crash = Wanted { from: Some(Moment::Crash(-1_000)), max: 20, ..Wanted::default() };
    for wanted in [whole, crash] {
        for format in [Format::Svg, Format::Json, Format::Text, Format::Shiviz, Format::Mermaid] {
            assert_eq!(draw(&run, format, &wanted), draw(&run, format, &wanted));
        }
        anonymous(&mut run);
    }
}
