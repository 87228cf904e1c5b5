//! Makes `docs/full-screen.svg`: the full screen of a real member while its room elects a leader. Run by
//! `cargo test -p ringchat --test terminal -- --ignored picture`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::json_member::JsonMember;
use crate::pty::Terminal;
use crate::svg::svg;

/// How often the room is begun anew if the election goes another way.
const ATTEMPTS: usize = 20;

/// How long a member may be silent. Until then the election waits for the one who does not answer.
const DETECT: [&str; 2] = ["--detect-ms", "5000"];

const TYPED: &str = "nobody leads, so I type on";

const TITLE: &str = "The full screen of a member while its room elects a leader";
const ABOUT: &str = "Left the talk; right the ring of five members and the election, in which the token of erin stands at alice, who is better; \
                     below the status bar and a line that is being typed.";

#[test]
#[ignore = "writes a picture"]
fn picture() {
    let screen = (0..ATTEMPTS).find_map(|_| election()).expect("the election always goes another way");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/full-screen.svg");
    fs::write(&file, svg(&screen, TITLE, ABOUT)).unwrap();
}

/// Five real members talk, the leader is killed, and the election waits for a member that does not answer. Returns the screen of
/// alice, if she has just stopped the token of erin.
fn election() -> Option<vt100::Screen> {
    let dir = TempDir::new().unwrap();
    let mut carol = JsonMember::start(dir.path(), &[&["-l", "-n", "carol"][..], &DETECT].concat());
    let contact = carol.addr.clone();
    // A newcomer stands right behind the member through which it joins.
    let join = |name| JsonMember::start(dir.path(), &[&["-n", name, &contact][..], &DETECT].concat());
    let [mut erin, mut dave, mut bob] = ["erin", "dave", "bob"].map(join);
    let args = [&["-f", "-n", "alice", &contact][..], &DETECT].concat();
    let mut alice = Terminal::start(dir.path(), &args, &[("TZ", "UTC")]);
    alice.wait("the ring", |lines| lines.iter().any(|line| line.contains("└─ erin")));
    alice.resize(100, 24);
    alice.keys("/clear\r");
    let shows = |alice: &Terminal, text: &str| {
        alice.wait(text, |lines| lines.iter().any(|line| line.contains(text)));
    };
    alice.wait("no talk", |lines| !lines.iter().any(|line| line.contains("in the ring as")));
    bob.say("hello all");
    shows(&alice, "hello all");
    carol.say("the build is green again, see\nhttps://ci.example.org/run/8841");
    shows(&alice, "run/8841");
    alice.keys("thanks!\r");
    shows(&alice, "alice thanks!");
    bob.say("here is what I ran:\ncargo test -p ringchat-core\ncargo test -p ringchat-threads");
    shows(&alice, "ringchat-threads");
    dave.say("/me waves");
    shows(&alice, "dave waves");
    erin.say(
        "a longer text that does not fit into one row of this pane; so it is broken at a word and goes on under its own beginning",
    );
    shows(&alice, "its own beginning");
    bob.say("alice: did you see that?");
    shows(&alice, "did you see that?");
    alice.keys("just now; so ten lines are enough for a ring\r");
    shows(&alice, "enough for a ring");
    carol.say("and an election takes a few milliseconds, unless somebody does not answer");
    shows(&alice, "a few milliseconds");
    bob.freeze();
    carol.signal(Signal::KILL);
    shows(&alice, "electing, best");
    alice.keys(&format!("still there?\r{TYPED}"));
    // Alice's own token, and that of erin, which is not the best.
    let stopped = ["ring of 5, epoch 2", "alice   you  ●erin", "2 steps seen here", "best alice"];
    let is_wanted = |lines: &[String]| {
        let has = |text: &str| lines.iter().any(|line| line.contains(text));
        let is_typed = lines.last().is_some_and(|line| line.ends_with(TYPED));
        is_typed && has("waits for a leader") && stopped.into_iter().all(has)
    };
    alice.catch(Duration::from_secs(3), is_wanted)
}
