//! Wraps the help of the command line to the width of a terminal.

use textwrap::{Options, WordSplitter};

/// The maximum width of a line in columns.
const WIDTH: usize = 80;

/// The beginning of the usage line. Its continuation lines are indented to the first option.
const USAGE: &str = "Usage: ringchat ";

/// Wraps the lines of `help` that are too long. An option of the usage line stays together with its value.
pub(crate) fn wrap(help: &str) -> String {
    help.lines().map(|line| wrap_line(line) + "\n").collect()
}

fn wrap_line(line: &str) -> String {
    let indent = if line.starts_with(USAGE) { USAGE.len() } else { line.len() - line.trim_start().len() };
    let indent = " ".repeat(indent);
    let options = Options::new(WIDTH).subsequent_indent(&indent).word_splitter(WordSplitter::NoHyphenation);
    let kept_together = line.replace(" <", "\u{a0}<");
    textwrap::fill(&kept_together, options).replace('\u{a0}', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usage_is_wrapped_between_options_and_its_rest_indented() {
        let options = "[-a <ip>] [--neighbor-address <ip>] ".repeat(5);
        let help = wrap(&format!("{USAGE}{options}\n\nOptions:\n  -a  where"));
        let lines: Vec<&str> = help.lines().collect();
        assert!(lines.iter().all(|line| line.len() <= WIDTH), "{help}");
        assert!(lines[1].starts_with(&format!("{}[-", " ".repeat(USAGE.len()))), "{help}");
        assert!(help.ends_with("\n\nOptions:\n  -a  where\n"), "{help}");
        assert_eq!(help.matches("[--neighbor-address <ip>]").count(), 5, "{help}");
    }
}
