//! What answers a served page in the tests: a listener, and a laboratory that knows only what they ask.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use ringchat_picture::page::served;
use ringchat_picture::trace::TraceReader;
use ringchat_picture::{Feed, Wanted};
use ringchat_sim::scenario::play_lives;
use serde_json::{Value, json};

/// What the page has to send with each question.
pub(crate) const KEY: &str = "0123456789abcdef";

/// A server on this machine, until it is dropped.
pub(crate) struct Host {
    /// The address with the key.
    pub(crate) address: String,
    /// What was asked.
    pub(crate) asked: mpsc::Receiver<Value>,
}

impl Host {
    /// Lets `answer` answer the questions of pages.
    pub(crate) fn new(answer: impl FnMut(&Value) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/#k={KEY}", listener.local_addr().unwrap());
        let (told, asked) = mpsc::channel();
        let answer = Arc::new(Mutex::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (answer, told) = (Arc::clone(&answer), told.clone());
                thread::spawn(move || talk(stream.unwrap(), |asked| {
                    let _ = told.send(asked.clone());
                    answer.lock().unwrap()(asked)
                }));
            }
        });
        Self { address, asked }
    }
}

/// One request, one answer.
fn talk(stream: TcpStream, mut answer: impl FnMut(&Value) -> String) {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length, mut key) = (String::new(), 0, false);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) <= 2 {
            break;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        key |= lower.trim() == format!("x-ringchat-key: {KEY}");
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let mut page = served();
    if let Ok(dir) = std::env::var("RINGCHAT_PAGE_DIR") {
        let read = |name: &str| std::fs::read_to_string(format!("{dir}/{name}")).unwrap();
        let scripts: String = ["run", "draw", "ring", "time", "tell", "play", "ask", "grow", "deeds", "lab", "live"].iter().map(|name| read(&format!("{name}.js"))).collect();
        page.policy = "default-src 'self' 'unsafe-inline'".into();
        page.html = read("page.html").replace("{policy}", &page.policy).replace("{title}", "x").replace("{style}", &(read("page.css") + &read("served.css"))).replace("{served}", &read("served.html")).replace("{run}", "{}").replace("{script}", &format!("(() => {{\"use strict\";\n{scripts}}})();"));
    }
    let (status, kind, content) = if head.starts_with("GET / ") {
        ("200 OK", "text/html; charset=utf-8", page.html)
    } else if head.starts_with("POST /ask ") && key {
        ("200 OK", "application/json", answer(&serde_json::from_slice(&body).unwrap()))
    } else if key || head.starts_with("GET ") {
        ("404 Not Found", "text/plain", String::new())
    } else {
        ("403 Forbidden", "text/plain", String::new())
    };
    let policy = page.policy;
    let _ = write!(
        reader.into_inner(),
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Security-Policy: {policy}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{content}",
        content.len()
    );
}

/// A laboratory with just enough sense for a page.
#[derive(Default)]
pub(crate) struct Bench {
    runs: Vec<Tried>,
    last: u64,
}

struct Tried {
    number: u64,
    head: String,
    /// When, in microseconds of the run, and what.
    deeds: Vec<(u64, String)>,
    exercise: Option<u64>,
    gathered: u64,
    feed: Feed,
}

impl Bench {
    pub(crate) fn answer(&mut self, asked: &Value) -> String {
        let number = asked["run"].as_u64().unwrap_or(0);
        let answer = match asked["ask"].as_str().unwrap() {
            "hello" => self.hello(),
            "exercise" => self.add("nodes 6 seed 7 delay 9ms", Vec::new(), asked["n"].as_u64()),
            "edit" => self.add(asked["script"].as_str().unwrap().lines().next().unwrap(), Vec::new(), None),
            "do" => {
                let run = self.run(number);
                let (head, exercise, mut deeds) = (run.head.clone(), run.exercise, run.deeds.clone());
                let at = asked["at"].as_u64().unwrap();
                deeds.retain(|(t, _)| *t <= at);
                deeds.push((at, asked["deed"].as_str().unwrap().into()));
                if asked["keep"] == false {
                    self.runs.retain(|run| run.number != number);
                }
                self.add(&head, deeds, exercise)
            }
            "undo" => {
                let run = self.run(number);
                let (head, exercise, mut deeds) = (run.head.clone(), run.exercise, run.deeds.clone());
                deeds.pop();
                self.runs.retain(|run| run.number != number);
                self.add(&head, deeds, exercise)
            }
            "close" => {
                self.runs.retain(|run| run.number != number);
                json!({ "runs": self.runs.iter().map(Tried::told).collect::<Vec<_>>() })
            }
            "guess" => json!({ "run": number, "guess": asked["who"] }),
            "more" => return self.run(number).more(asked["to"].as_u64().unwrap(), asked["have"].as_u64().unwrap()),
            other => json!({ "error": { "code": "unknown", "message": format!("{other} is no question") } }),
        };
        answer.to_string()
    }

    fn hello(&mut self) -> Value {
        if self.runs.is_empty() {
            self.add("nodes 6 seed 7 delay 9ms", Vec::new(), None);
        }
        let exercise = |n: u32| json!({ "n": n, "title": "Change the leader with the fewest messages",
            "task": "Make the room change its leader, with as few election messages as there can be.",
            "hint": "Which member does the token of the best candidate begin with?", "teaches": "A ring of n needs n messages at least." });
        json!({ "kind": "lab", "runs": self.runs.iter().map(Tried::told).collect::<Vec<_>>(), "current": self.last,
            "exercises": (1..=10).map(exercise).collect::<Vec<_>>() })
    }

    fn run(&mut self, number: u64) -> &mut Tried {
        self.runs.iter_mut().find(|run| run.number == number).unwrap()
    }

    fn add(&mut self, head: &str, deeds: Vec<(u64, String)>, exercise: Option<u64>) -> Value {
        self.last += 1;
        let gathered = play_lives(head).1.iter().flat_map(|life| &life.lines).map(|line| line.t).max().unwrap();
        let run = Tried { number: self.last, head: head.into(), deeds, exercise, gathered, feed: Feed::default() };
        let told = run.told();
        self.runs.push(run);
        told
    }
}

impl Tried {
    fn script(&self) -> String {
        let mut script = self.head.clone();
        for (at, deed) in &self.deeds {
            script.push_str(&format!("\nat {}ms {deed}", at.saturating_sub(self.gathered) / 1000));
        }
        script
    }

    fn told(&self) -> Value {
        let label = self.deeds.last().map_or(String::new(), |(at, deed)| format!("{deed} at {}.{:03} s", at / 1_000_000, at / 1000 % 1000));
        let names = ["ada", "bob", "cyd", "dan", "eve", "fay"];
        json!({ "run": self.number, "label": label, "parent": null, "exercise": self.exercise, "script": self.script(), "gathered": self.gathered,
            "members": (1..).zip(names).map(|(place, name)| json!({ "place": place, "name": name })).collect::<Vec<_>>() })
    }

    fn more(&mut self, to: u64, have: u64) -> String {
        let names = "\nname 1 ada\nname 2 bob\nname 3 cyd\nname 4 dan\nname 5 eve\nname 6 fay";
        let (head, deeds) = (self.head.clone(), self.script().split_once('\n').map_or(String::new(), |(_, deeds)| deeds.to_owned()));
        let script = format!("{head}{names}\n{deeds}\nuntil time within {}ms\n", to.saturating_sub(self.gathered) / 1000 + 1);
        let (result, mut lives, _) = play_lives(&script);
        let mut reader = TraceReader::default();
        for life in &mut lives {
            life.lines.retain(|line| line.t <= to);
            reader.life(life).unwrap();
        }
        let _ = self.feed.draw(&reader.finish(None).unwrap(), &Wanted::default());
        let failure = result.err().map(|failure| json!({ "line": 1, "what": failure.to_string() }));
        let goal = self.exercise.map(|_| json!({ "done": self.deeds.len() > 1, "words": format!("{} of 2 deeds", self.deeds.len()) }));
        json!({ "run": self.number, "version": self.feed.version(), "now": to, "busy": false, "failure": failure, "goal": goal,
            "part": serde_json::from_str::<Value>(&self.feed.since(have)).unwrap() })
        .to_string()
    }
}
