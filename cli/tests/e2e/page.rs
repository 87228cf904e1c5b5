//! Pages that are served: to a browser of this machine that has their address, and to nobody else.

use std::io::{BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::{MemberIndex, ReceivedEvent, Runtimes, TestRoom, on_every_runtime};

on_every_runtime! {
    a_page_shows_the_room_as_one_member_sees_it
}

/// How long a page may take. Only a broken program needs so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// A page, as a browser sees it.
struct Page {
    port: String,
    key: String,
}

impl Page {
    fn at(url: &str) -> Self {
        let rest = url.strip_prefix("http://127.0.0.1:").unwrap_or_else(|| panic!("{url:?}"));
        let (port, key) = rest.split_once("/#k=").unwrap_or_else(|| panic!("{url:?}"));
        Self { port: port.to_owned(), key: key.to_owned() }
    }

    /// What comes back: the status and the body.
    fn exchange(&self, first: &str, headers: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(format!("127.0.0.1:{}", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!("{first} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n{headers}\r\n", self.port);
        stream.write_all((head + body).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.get(9..12).and_then(|status| status.parse().ok());
        (status.unwrap_or_else(|| panic!("{answer}")), answer.split_once("\r\n\r\n").unwrap().1.to_owned())
    }

    fn get(&self) -> String {
        let (status, page) = self.exchange("GET /", "", "");
        assert_eq!(status, 200);
        page
    }

    fn ask_with(&self, key: &str, question: &Value) -> (u16, String) {
        let body = question.to_string();
        let length = body.len();
        let headers = format!(
            "X-Ringchat-Key: {key}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n"
        );
        self.exchange("POST /ask", &headers, &body)
    }

    fn ask(&self, question: &Value) -> Value {
        let (status, answer) = self.ask_with(&self.key, question);
        assert_eq!(status, 200, "{answer}");
        serde_json::from_str(&answer).unwrap()
    }

    /// Asks again and again until the answer is `wanted`.
    fn ask_until(&self, question: &Value, wanted: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        loop {
            let answer = self.ask(question);
            if wanted(&answer) {
                return answer;
            }
            assert!(start.elapsed() < PATIENCE, "{answer:.4000}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// A lab, which is ended when this is dropped.
struct Lab(Child);

impl Lab {
    fn start(args: &[&str], env: &[(&str, &str)]) -> (Self, BufReader<std::process::ChildStdout>) {
        // The program leaves inherited ignored signals ignored, so it must not inherit those of the tests.
        let mut command = Command::new("env");
        command.args(["--default-signal", env!("CARGO_BIN_EXE_ringchat"), "lab"]).args(args);
        command.env_remove("SSH_CONNECTION").envs(env.iter().copied());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        (Self(child), output)
    }

    fn signal(&mut self, signal: Signal) -> Option<i32> {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
        self.0.wait().unwrap().code()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn line(output: &mut impl std::io::BufRead) -> String {
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

#[test]
fn a_lab_prints_its_address_plays_for_its_page_alone_and_ends_with_0() {
    let (mut lab, mut output) = Lab::start(&["--no-open"], &[]);
    let page = Page::at(&line(&mut output));
    assert!(page.get().contains("<html"));
    assert_eq!(page.ask_with("", &json!({"ask": "hello"})).0, 403);
    let hello = page.ask(&json!({"ask": "hello"}));
    assert_eq!(hello["kind"], "lab");
    let run = &hello["runs"][0];
    let names: Vec<&str> =
        run["members"].as_array().unwrap().iter().filter_map(|m| m["name"].as_str()).collect();
    assert_eq!(names.len(), 6);
    assert!(names.contains(&"ada") && names.contains(&"fay"), "{names:?}");

    let at = run["gathered"].as_u64().unwrap() + 100_000;
    let more = json!({"ask": "more", "run": run["run"], "to": at, "have": 0});
    page.ask_until(&more, |answer| answer["busy"] == json!(false));
    let killed =
        page.ask(&json!({"ask": "do", "run": run["run"], "at": at, "deed": "crash leader", "keep": true}));
    let more = json!({"ask": "more", "run": killed["run"], "to": at + 5_000_000, "have": 0});
    let played = page.ask_until(&more, |answer| answer["busy"] == json!(false));
    assert_eq!(played["part"]["elections"].as_array().unwrap().len(), 1, "{:.2000}", played.to_string());
    assert_eq!(played["part"]["faults"][0]["kind"], "crash");
    assert_eq!(lab.signal(Signal::INT), Some(0));
}

#[test]
fn a_lab_over_ssh_opens_nothing_and_says_how_its_page_comes_to_the_user() {
    let ssh = [("SSH_CONNECTION", "10.0.0.9 51000 10.0.0.5 22")];
    let (mut lab, mut output) = Lab::start(&["--exercise", "1"], &ssh);
    let page = Page::at(&line(&mut output));
    let how = line(&mut output);
    assert!(how.ends_with(&format!("ssh -L {0}:127.0.0.1:{0} 10.0.0.5", page.port)), "{how}");
    assert_eq!(lab.signal(Signal::TERM), Some(0));
}

#[test]
fn a_lab_that_cannot_be_says_why() {
    for (args, code) in
        [(&["--port", "x"][..], 2), (&["--script", "/nowhere"], 2), (&["--exercise", "99"], 2)]
    {
        let (mut lab, _) = Lab::start(args, &[]);
        assert_eq!(lab.0.wait().unwrap().code(), Some(code), "{args:?}");
    }
}

/// Where the page of `who` is after a command.
fn see(room: &mut TestRoom, who: MemberIndex, command: &Value) -> Option<String> {
    let from = room.record(who, |record| record.events.len());
    room.command_with(who, command);
    room.wait_for(who, from, |event| match event {
        ReceivedEvent::See { url } => Some(url.clone()),
        _ => None,
    })
}

fn a_page_shows_the_room_as_one_member_sees_it(runtimes: Runtimes) {
    let mut room = TestRoom::new(runtimes);
    room.create();
    let contact = room.addr(0);
    let board = room.start(|launch| {
        launch.contacts = vec![contact];
        launch.extra = vec!["--see".to_owned()];
    });
    room.wait_ready(board);
    room.join(0);
    room.settle(&room.everyone());
    let told = |event: &ReceivedEvent| match event {
        ReceivedEvent::See { url } => url.clone(),
        _ => None,
    };
    let page = Page::at(&room.wait_for(board, 0, told));
    assert!(page.get().contains("<html"));
    assert_eq!(page.ask(&json!({"ask": "hello"})), json!({"kind": "live", "name": "m1"}));
    room.say(2, "is that seen?");
    let more = |have: u64| json!({"ask": "more", "have": have});
    page.ask_until(&more(0), |answer| answer.to_string().contains("is that seen?"));

    room.kill(&[0]);
    room.settle(&[1, 2]);
    // How m1 learned of the death may be told beside it: by its own link, or by an election.
    let lost = |part: &Value| {
        words(part).iter().filter(|words| *words == "m1 has in its log that m0 was lost.").count()
    };
    let seen = page.ask_until(&more(0), |answer| lost(&answer["part"]) > 0);
    let part = &seen["part"];
    let elections = part["elections"].as_array().unwrap();
    assert_eq!(elections.iter().map(|it| &it["epoch"]).collect::<Vec<_>>(), [&json!(2)], "{elections:?}");
    assert_eq!((lost(part), &seen["over"]), (1, &Value::Null), "{:#?}", words(part));
    let names: Vec<&Value> =
        part["members"].as_array().unwrap().iter().map(|member| &member["name"]).collect();
    let by = part["seen_by"].as_u64().and_then(|by| usize::try_from(by).ok());
    assert_eq!((names.len(), by.map(|by| names[by])), (3, Some(&json!("m1"))));
    let since = page.ask(&more(seen["version"].as_u64().unwrap()));
    assert!(since["now"].as_u64() >= part["end"].as_u64(), "{since:.300}");

    for question in [json!({"ask": "say", "text": "x"}), json!({"ask": "do"}), json!(1)] {
        assert_eq!(page.ask(&question)["error"]["code"], "read-only", "{question}");
    }
    assert_eq!(page.ask_with("0", &more(0)).0, 403);
    check_off_and_on(&mut room, board, &page);
    room.check_survivors(&[1, 2]);
}

/// What happened, in words.
fn words(part: &Value) -> Vec<String> {
    let said = |event: &Value| {
        let parts = event["say"].as_array().into_iter().flatten();
        parts.filter_map(|part| part[0].as_str()).collect::<String>()
    };
    part["events"].as_array().into_iter().flatten().map(said).collect()
}

/// The page goes, and comes back with another address, while a trace goes on.
fn check_off_and_on(room: &mut TestRoom, board: MemberIndex, page: &Page) {
    assert_eq!(see(room, board, &json!({"command": "see", "on": false})), None);
    assert_eq!(see(room, board, &json!({"command": "see"})), None);
    room.command_with(board, &json!({"command": "trace", "file": "m1.ndjson"}));
    let again = Page::at(&see(room, board, &json!({"command": "see", "on": true})).unwrap());
    assert_ne!(again.key, page.key);
    room.say(2, "and now?");
    let question = json!({"ask": "more"});
    let seen = again.ask_until(&question, |answer| answer.to_string().contains("and now?"));
    assert!(!seen.to_string().contains("is that seen?"), "what was said before is forgotten");
    assert_eq!(seen["part"]["members"].as_array().unwrap().len(), 2, "it tells who is there");
    room.command_with(board, &json!({"command": "trace", "off": true}));
    room.say(2, "still seen");
    again.ask_until(&question, |answer| answer.to_string().contains("still seen"));
    let traced = std::fs::read_to_string(room.dir().join("m1.ndjson")).unwrap();
    assert!(!traced.contains("and now?"), "texts are for the page alone");
    assert_eq!(traced.matches("ringchat_trace").count(), 1, "one life");
}
