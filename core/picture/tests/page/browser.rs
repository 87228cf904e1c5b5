//! A headless browser, driven over two pipes: no port, no other program between.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// How long the browser may take for one answer.
const PATIENCE: Duration = Duration::from_secs(30);

const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

const OPTIONS: [&str; 14] = [
    "--headless=new",
    "--remote-debugging-pipe",
    "--user-data-dir=profile",
    "--window-size=1400,900",
    "--no-first-run",
    "--no-default-browser-check",
    // The tests may run as root, where its own sandbox cannot be.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "about:blank",
];

/// The browsers of all tests, as many as tests run at once on a small machine; they end when their pipes do.
static BROWSERS: [LazyLock<Option<Mutex<Browser>>>; 2] =
    [LazyLock::new(|| Browser::start("first")), LazyLock::new(|| Browser::start("second"))];

/// A running browser with one tab, which tests use in turn.
pub(crate) struct Browser {
    _child: Child,
    orders: File,
    messages: Receiver<Value>,
    last_id: u64,
    session: Option<String>,
    folder: PathBuf,
}

impl Browser {
    fn start(which: &str) -> Option<Mutex<Self>> {
        let runs = |name: &&&str| {
            let mut command = Command::new(name);
            command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
        };
        let name = NAMES.iter().find(runs)?;
        let folder = format!("page-{}-{which}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
        fs::create_dir_all(&folder).unwrap();
        assert!(Command::new("mkfifo").args(["in", "out"]).current_dir(&folder).status().unwrap().success());
        // The browser wants its pipes at descriptors 3 and 4, where only a shell can put them without unsafe code.
        let script = "\"$0\" \"$@\" 3<in 4>out; rm -rf \"$PWD\"";
        let mut command = Command::new("sh");
        command.args(["-c", script, name]).args(OPTIONS).current_dir(&folder);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let orders = File::options().write(true).open(folder.join("in")).unwrap();
        let answers = File::open(folder.join("out")).unwrap();
        let (told, messages) = channel();
        thread::spawn(move || {
            for message in BufReader::new(answers).split(0) {
                let message = serde_json::from_slice(&message.unwrap()).unwrap();
                if told.send(message).is_err() {
                    break;
                }
            }
        });
        Some(Mutex::new(Self { _child: child, orders, messages, last_id: 0, session: None, folder }))
    }

    /// A browser that no test uses, or one that is waited for.
    fn take() -> Option<MutexGuard<'static, Self>> {
        for browser in &BROWSERS {
            match browser.as_ref()?.try_lock() {
                Ok(browser) => return Some(browser),
                Err(TryLockError::Poisoned(broken)) => return Some(broken.into_inner()),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        Some(BROWSERS[0].as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sends an order to the tab, or to the browser while there is no tab.
    fn send(&mut self, method: &str, params: &Value) -> u64 {
        self.last_id += 1;
        let mut order = json!({ "id": self.last_id, "method": method, "params": params });
        if let Some(session) = &self.session {
            order["sessionId"] = session.as_str().into();
        }
        self.orders.write_all(format!("{order}\0").as_bytes()).unwrap();
        self.last_id
    }

    fn next(&mut self) -> Value {
        self.messages.recv_timeout(PATIENCE).expect("the browser says nothing, or has ended")
    }
}

/// A tab with a page, as a person at a desk has it.
pub(crate) struct Tab {
    browser: MutexGuard<'static, Browser>,
    /// What the browser told that was no answer.
    pub(crate) told: Vec<Value>,
}

impl Tab {
    /// The tab, or `None` where there is no browser, which is said.
    pub(crate) fn new() -> Option<Self> {
        let Some(browser) = Browser::take() else {
            eprintln!("SKIPPED: no browser; install chromium to test the page");
            return None;
        };
        let mut tab = Self { browser, told: Vec::new() };
        if tab.browser.session.is_none() {
            tab.attach();
        }
        tab.ask("Emulation.setEmulatedMedia", &json!({ "features": [] }));
        tab.size(1400, 900);
        Some(tab)
    }

    fn attach(&mut self) {
        let target = self.ask("Target.createTarget", &json!({ "url": "about:blank" }));
        let session =
            self.ask("Target.attachToTarget", &json!({ "targetId": target["targetId"], "flatten": true }));
        self.browser.session = session["sessionId"].as_str().map(String::from);
        for domain in ["Page", "Runtime", "Log", "Network", "Accessibility"] {
            self.ask(&format!("{domain}.enable"), &json!({}));
        }
    }

    fn offline(&mut self, offline: bool) {
        let conditions =
            json!({ "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
        self.ask("Network.emulateNetworkConditions", &conditions);
    }

    /// Opens a page from disk, at a moment such as `t=1.3`.
    pub(crate) fn open(&mut self, page: &str, moment: &str) -> String {
        // A file of its own: only another hash would not be another page.
        let file = self.browser.folder.join(format!("{}.html", self.browser.last_id));
        fs::write(&file, page).unwrap();
        let address = format!("file://{}", file.display());
        self.offline(true);
        self.go(&format!("{address}#{moment}"));
        address
    }

    /// Opens the page of a server on this machine.
    pub(crate) fn visit(&mut self, address: &str) {
        self.offline(false);
        self.go(address);
    }

    fn go(&mut self, address: &str) {
        self.told.clear();
        self.ask("Page.navigate", &json!({ "url": address }));
        self.wait_for("Page.loadEventFired");
    }

    /// Waits until an expression in the page is true.
    pub(crate) fn until(&mut self, condition: &str) {
        let seen = self.eval(&format!(
            "new Promise((done) => {{ const end = Date.now() + 20000, look = () => {{
                let seen = false;
                try {{ seen = Boolean({condition}); }} catch {{ }}
                if (seen || Date.now() > end) done(seen); else setTimeout(look, 20);
            }}; look(); }})"
        ));
        if seen != true {
            let page = self.text("document.body.innerText");
            panic!("{condition} never comes true: {page}");
        }
    }

    /// Keeps what is seen as a picture, if `RINGCHAT_SHOTS` names a folder.
    pub(crate) fn shot(&mut self, name: &str) {
        let Some(folder) = std::env::var_os("RINGCHAT_SHOTS") else { return };
        let shot = self.ask("Page.captureScreenshot", &json!({ "format": "png" }));
        let picture = data_encoding::BASE64.decode(shot["data"].as_str().unwrap().as_bytes()).unwrap();
        fs::write(Path::new(&folder).join(format!("{name}.png")), picture).unwrap();
    }

    /// Keeps what is printed, if `RINGCHAT_SHOTS` names a folder.
    pub(crate) fn paper(&mut self, name: &str) {
        let Some(folder) = std::env::var_os("RINGCHAT_SHOTS") else { return };
        let paper =
            self.ask("Page.printToPDF", &json!({ "preferCSSPageSize": true, "printBackground": true }));
        let paper = data_encoding::BASE64.decode(paper["data"].as_str().unwrap().as_bytes()).unwrap();
        fs::write(Path::new(&folder).join(format!("{name}.pdf")), paper).unwrap();
    }

    /// Gives an order and returns the answer.
    pub(crate) fn ask(&mut self, method: &str, params: &Value) -> Value {
        let id = self.browser.send(method, params);
        loop {
            let mut message = self.browser.next();
            if message["id"] == id {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].take();
            }
            self.told.push(message);
        }
    }

    fn wait_for(&mut self, event: &str) {
        while !self.told.iter().any(|told| told["method"] == event) {
            let message = self.browser.next();
            self.told.push(message);
        }
    }

    /// The value of an expression in the page; promises are waited for.
    pub(crate) fn eval(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut answer = self.ask("Runtime.evaluate", &params);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].take()
    }

    /// As text.
    pub(crate) fn text(&mut self, expression: &str) -> String {
        match self.eval(expression) {
            Value::String(text) => text,
            other => other.to_string(),
        }
    }

    /// Presses a key, with shift if it is named `shift+KEY`.
    pub(crate) fn press(&mut self, key: &str) {
        let (shift, key) = key.strip_prefix("shift+").map_or((0, key), |key| (8, key));
        let (code, text) = match key {
            "Tab" => (9, ""),
            "Enter" => (13, "\r"),
            "Escape" => (27, ""),
            "End" => (35, ""),
            "Home" => (36, ""),
            "ArrowLeft" => (37, ""),
            "ArrowUp" => (38, ""),
            "ArrowRight" => (39, ""),
            "ArrowDown" => (40, ""),
            other => (u32::from(other.to_uppercase().as_bytes()[0]), other),
        };
        let mut params = json!({ "type": if text.is_empty() { "rawKeyDown" } else { "keyDown" }, "key": key, "text": text,
            "windowsVirtualKeyCode": code, "modifiers": shift });
        self.ask("Input.dispatchKeyEvent", &params);
        params["type"] = "keyUp".into();
        self.ask("Input.dispatchKeyEvent", &params);
    }

    /// Presses the mouse at the first place, moves it through all, and lets it go at the last.
    pub(crate) fn drag(&mut self, places: &[[f64; 2]]) {
        let mut mouse = |kind: &str, [x, y]: [f64; 2], pressed: u8| {
            let params = json!({ "type": kind, "x": x, "y": y, "button": "left", "buttons": pressed, "clickCount": 1 });
            self.ask("Input.dispatchMouseEvent", &params);
        };
        mouse("mousePressed", places[0], 1);
        for place in places {
            mouse("mouseMoved", *place, 1);
        }
        mouse("mouseReleased", places[places.len() - 1], 0);
    }

    /// Makes the window so many pixels wide and high.
    pub(crate) fn size(&mut self, width: u32, height: u32) {
        let params =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 700 });
        self.ask("Emulation.setDeviceMetricsOverride", &params);
    }

    /// Sets what the person prefers: a feature of media queries and its value.
    pub(crate) fn prefer(&mut self, feature: &str, value: &str) {
        let params = json!({ "features": [{ "name": feature, "value": value }] });
        self.ask("Emulation.setEmulatedMedia", &params);
    }
}
