//! Text for XML.

use alloc::string::String;

use super::clean::shown;

/// `text` with what XML would take for markup written otherwise, and without what no XML may hold or no picture shows.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in shown(text) {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => out.push(char::REPLACEMENT_CHARACTER),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_is_markup() {
        assert_eq!(escape("</script>&\"'\u{0}\u{202e}a\nb"), "&lt;/script&gt;&amp;&quot;&#39;\u{fffd}a b");
    }
}
