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

/// What a server's page has more than a file: questions to the server, a laboratory, a live view.
const SERVED_BODY: &str = include_str!("page/served.html");
const SERVED_STYLE: &str = include_str!("page/served.css");
const SERVED_SCRIPTS: [&str; 5] = [
    include_str!("page/ask.js"),
    include_str!("page/grow.js"),
    include_str!("page/deeds.js"),
    include_str!("page/lab.js"),
    include_str!("page/live.js"),
];

/// The page of a run: a whole HTML file that needs nothing else.
///
/// `run` is the run as JSON; any text in it is safe. `title` is plain text.
pub fn page(title: &str, run: &str) -> String {
    Parts { body: "", style: STYLE.into(), script: script(&SCRIPTS), connect: "" }.page(title, run)
}

/// The page of a server, and the policy that its answer has to bear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// A whole HTML file without a run: it asks the server for one.
    pub html: String,
    /// The value of the header `Content-Security-Policy`: that of the page itself, and what a page cannot say of itself.
    pub policy: String,
}

/// The page that a server gives, which asks `POST /ask` of the same server.
pub fn served() -> Served {
    let scripts = [SCRIPTS.as_slice(), SERVED_SCRIPTS.as_slice()].concat();
    let style = [STYLE, SERVED_STYLE].concat();
    let parts = Parts { body: SERVED_BODY, style, script: script(&scripts), connect: "; connect-src 'self'" };
    Served {
        html: parts.page("ringchat", "{}"),
        policy: format!("{}; frame-ancestors 'none'", parts.policy()),
    }
}

/// What a page is made of beside its run.
struct Parts {
    /// What comes after the head of the page.
    body: &'static str,
    style: String,
    script: String,
    /// Where the script may ask, as a part of the policy.
    connect: &'static str,
}

impl Parts {
    fn page(&self, title: &str, run: &str) -> String {
        let (policy, title, run) = (self.policy(), plain(title), run.replace('<', "\\u003c"));
        let parts: [(&str, &str); 6] = [
            ("{policy}", &policy),
            ("{title}", &title),
            ("{style}", &self.style),
            ("{served}", self.body),
            ("{run}", &run),
            ("{script}", &self.script),
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

    /// The Content-Security-Policy: nothing but this script and this style.
    fn policy(&self) -> String {
        format!(
            "default-src 'none'; script-src {}; style-src {}; base-uri 'none'; form-action 'none'{}",
            source(&self.script),
            source(&self.style),
            self.connect
        )
    }
}

/// A text as a source of a policy: its hash.
fn source(text: &str) -> String {
    format!("'sha256-{}'", BASE64.encode(&Sha256::digest(text)))
}

fn script(parts: &[&str]) -> String {
    format!("(() => {{\n\"use strict\";\n{}}})();\n", parts.concat())
}

fn plain(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    extern crate std;

    use alloc::vec::Vec;

    use super::*;

    /// The text between two others, the first time that they stand there.
    fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
        page.split_once(from).and_then(|(_, rest)| rest.split_once(to)).unwrap().0
    }

    #[test]
    fn the_policy_has_the_hashes_of_the_only_script_and_style() {
        let file = page("a run", "{}");
        let served = served();
        assert!(!policy_of(&file).contains("connect-src"), "a file asks nobody");
        assert_eq!(served.policy, format!("{}; frame-ancestors 'none'", policy_of(&served.html)));
        assert!(served.policy.contains("; connect-src 'self'"));
        for page in [file, served.html] {
            let policy = policy_of(&page);
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
    }

    fn policy_of(page: &str) -> &str {
        between(page, "content=\"", "\"")
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
    fn a_file_has_nothing_of_what_only_a_server_can_answer() {
        let (file, served) = (page("a run", "{}"), served().html);
        for word in ["fetch(", "class Lab", "id=\"bench\"", "#bench"] {
            assert!(!file.contains(word) && served.contains(word), "{word}");
        }
    }

    #[test]
    fn the_sources_have_nothing_that_the_policy_forbids_or_a_run_could_abuse() {
        let forbidden = [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "</script",
            "import(",
            "XMLHttpRequest",
            "WebSocket",
            "sendBeacon",
        ];
        for part in SCRIPTS.into_iter().chain(SERVED_SCRIPTS) {
            for word in forbidden {
                assert!(!part.contains(word), "{word}");
            }
            assert!(part.lines().count() <= 600);
        }
        let asks: Vec<&str> =
            SCRIPTS.into_iter().chain(SERVED_SCRIPTS).filter(|part| part.contains("fetch(")).collect();
        assert_eq!(asks, [SERVED_SCRIPTS[0]], "one place asks the server");
        for body in [FRAME, SERVED_BODY] {
            assert!(!body.contains("style="), "the policy forbids style attributes");
            assert!(!body.contains("http:") && !body.contains("https:"));
        }
        for style in [STYLE, SERVED_STYLE] {
            assert!(!style.contains("url(h") && !style.contains("@import"));
        }
        let lines = |parts: &[&str]| parts.iter().map(|part| part.lines().count()).sum::<usize>();
        assert!(lines(&SCRIPTS) <= 1_700, "the script is to stay small");
        assert!(lines(&SERVED_SCRIPTS) <= 760, "what a server's page has more is to stay small");
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
        let colours: Vec<u32> = pair.split(", ").map(colour).collect();
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
