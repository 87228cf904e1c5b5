//! The page: one file that draws a run in a browser, without a network.
//!
//! The sources stand in `page/` and go into the file as they are. A policy names the hashes of script and style, so
//! that a browser runs nothing else, whatever names and texts a run holds.

use alloc::format;
use alloc::string::String;

use data_encoding::BASE64;
use sha2::{Digest as _, Sha256};

const FRAME: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");

/// The parts of the script, which share one scope.
const SCRIPTS: [&str; 6] = [
    include_str!("page/run.js"),
    include_str!("page/draw.js"),
    include_str!("page/ring.js"),
    include_str!("page/time.js"),
    include_str!("page/tell.js"),
    include_str!("page/play.js"),
];

/// The page of a run: a whole HTML file that needs nothing else.
///
/// `run` is the run as JSON; any text in it is safe. `title` is plain text.
pub fn page(title: &str, run: &str) -> String {
    let (policy, script) = (policy(), script());
    let (title, run) = (plain(title), run.replace('<', "\\u003c"));
    let parts: [(&str, &str); 5] = [
        ("{policy}", &policy),
        ("{title}", &title),
        ("{style}", STYLE),
        ("{run}", &run),
        ("{script}", &script),
    ];
    let mut page = String::new();
    let mut rest = FRAME;
    for (place, part) in parts {
        // The frame is cut before anything is put into it: a run may hold the name of a place.
        let (before, after) = rest.split_once(place).unwrap_or((rest, ""));
        page.push_str(before);
        page.push_str(part);
        rest = after;
    }
    page.push_str(rest);
    page
}

/// The Content-Security-Policy of the page. A server adds `connect-src 'self'` and `frame-ancestors 'none'`, which a page
/// cannot say of itself.
pub fn policy() -> String {
    format!(
        "default-src 'none'; script-src {}; style-src {}; base-uri 'none'; form-action 'none'",
        source(&script()),
        source(STYLE)
    )
}

/// A text as a source of a policy: its hash.
fn source(text: &str) -> String {
    format!("'sha256-{}'", BASE64.encode(&Sha256::digest(text)))
}

fn script() -> String {
    format!("(() => {{\n\"use strict\";\n{}}})();\n", SCRIPTS.concat())
}

fn plain(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    /// The text between two others, the first time that they stand there.
    fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
        page.split_once(from).and_then(|(_, rest)| rest.split_once(to)).unwrap().0
    }

    #[test]
    fn the_policy_has_the_hashes_of_the_only_script_and_style() {
        let page = page("a run", "{}");
        let policy = between(&page, "content=\"", "\"");
        assert_eq!(policy, super::policy());
        for (text, directive) in [
            (between(&page, "<script>", "</script>"), "script-src"),
            (between(&page, "<style>", "</style>"), "style-src"),
        ] {
            let hash = BASE64.encode(&Sha256::digest(text));
            assert!(policy.contains(&format!("{directive} 'sha256-{hash}'")), "{directive}");
        }
        assert_eq!(page.matches("<script").count(), 2, "the data, and one script");
        assert_eq!(page.matches("<style").count(), 1);
    }

    #[test]
    fn names_and_texts_cannot_leave_their_place() {
        let run = r#"{"title":"</script><script>alert(1)</script><!--{script}"}"#;
        let page = page("<b>&</title>", run);
        let data = between(&page, "id=\"run\">", "</script>");
        assert!(!data.contains('<'));
        assert_eq!(data, run.replace('<', "\\u003c"));
        assert_eq!(between(&page, "<title>", "</title>"), "&lt;b&gt;&amp;&lt;/title&gt;");
    }

    #[test]
    fn the_sources_have_nothing_that_the_policy_forbids_or_a_run_could_abuse() {
        let script = script();
        for word in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "</script",
            "import(",
            "fetch(",
        ] {
            assert!(!script.contains(word), "{word}");
        }
        assert!(!FRAME.contains("style="), "the policy forbids style attributes");
        assert!(
            !FRAME.contains("http:")
                && !FRAME.contains("https:")
                && !STYLE.contains("url(h")
                && !STYLE.contains("@import")
        );
        assert!(
            SCRIPTS.iter().map(|part| part.lines().count()).sum::<usize>() <= 1_600,
            "the script is to stay small"
        );
        for part in SCRIPTS {
            assert!(part.lines().count() <= 600);
        }
    }

    /// Text needs a contrast of 4.5 with what it stands on, a mark 3.
    #[test]
    fn colours_stand_out_from_what_they_are_drawn_on() {
        let text = [
            "ink",
            "muted",
            "gold-text",
            "elect",
            "lead",
            "repair",
            "catchup",
            "member",
            "merge",
            "dead",
            "freeze",
        ];
        let on_panel = text.map(|name| (name, "panel", 4.5));
        let others = [
            ("chat", "panel", 3.0),
            ("gold-edge", "panel", 3.0),
            ("ink", "elect-fill", 4.5),
            ("ink", "gold-fill", 4.5),
            ("ink", "page", 4.5),
            ("muted", "page", 4.5),
            ("gold-text", "gold-fill", 4.5),
            ("on-elect", "elect", 4.5),
            ("on-gold", "gold", 4.5),
        ];
        for (front, back, least) in on_panel.into_iter().chain(others) {
            for (theme, (front_light, back_light)) in
                ["light", "dark"].iter().zip(both(front).into_iter().zip(both(back)))
            {
                let (a, b) = (luminance(front_light), luminance(back_light));
                let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
                assert!(contrast >= least, "{front} on {back}, {theme}: {contrast}");
            }
        }
    }

    /// The colour of a name in the light and in the dark.
    fn both(name: &str) -> [u32; 2] {
        let pair = between(STYLE, &format!("--{name}: light-dark("), ")");
        let colours: alloc::vec::Vec<u32> = pair.split(", ").map(colour).collect();
        colours.try_into().unwrap()
    }

    fn colour(text: &str) -> u32 {
        let digits: String = match text.trim_start_matches('#') {
            short if short.len() == 3 => short.chars().flat_map(|digit| [digit, digit]).collect(),
            long => long.into(),
        };
        u32::from_str_radix(&digits, 16).unwrap()
    }

    /// As the guidelines for accessible pages define it.
    fn luminance(colour: u32) -> f64 {
        let linear = |shift: u32| {
            let part = f64::from((colour >> shift) & 0xff) / 255.0;
            if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(16) + 0.7152 * linear(8) + 0.0722 * linear(0)
    }
}
