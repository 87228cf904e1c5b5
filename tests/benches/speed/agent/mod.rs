//! A participant: a process of its own that says and hears what it is told to.

mod listener;
mod text;

use std::io::{BufRead, stdin, stdout};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};

use anyhow::{Context, Result, bail};
use rustix::time::ClockId;

use crate::clock::{self, Nanos};
use crate::control::{Answer, Order, Role, Start, Usage};
use text::Said;

pub(crate) use listener::Ear;

/// The way of a participant's texts into its room.
pub(crate) trait Voice {
    /// Says `text`; waits while the room takes no more. If `more` follows at once, the text may wait for it.
    fn say(&mut self, text: &str, more: bool) -> Result<()>;

    /// The process that is the participant, if it is not this one.
    fn process(&self) -> Option<u32> {
        None
    }
}

/// As what the benchmark starts this program.
pub(crate) fn role() -> Result<Role> {
    let role = std::env::args().nth(1).context("only the benchmark starts this program")?;
    Ok(serde_json::from_str(&role)?)
}

/// Takes part in what `open` opens until standard input ends.
pub(crate) fn run(
    start: &Start,
    open: impl FnOnce(&Start, &Arc<Ear>) -> Result<Box<dyn Voice>>,
) -> Result<()> {
    let done = take_part(start, open);
    if let Err(error) = &done {
        answer(&Answer::Failed(format!("{error:#}")))?;
    }
    done
}

fn take_part(start: &Start, open: impl FnOnce(&Start, &Arc<Ear>) -> Result<Box<dyn Voice>>) -> Result<()> {
    let ear = Arc::new(Ear::new(start));
    let mut voice = open(start, &ear)?;
    let orders = orders();
    while let Ok(order) = orders.recv() {
        match order {
            Order::Listen { senders, keep } => ear.listen(senders, keep)?,
            Order::Flood { nanos } => flood(start.me, voice.as_mut(), nanos)?,
            Order::Pace { count, every, from } => {
                pace(start.me, voice.as_mut(), &orders, from, every, count)?;
            }
            Order::Usage => answer(&Answer::Usage(usage(voice.process())?))?,
        }
    }
    Ok(())
}

/// What comes on standard input. Read on a thread of its own, so that its end is seen while texts are paced.
fn orders() -> Receiver<Order> {
    let (give, orders) = mpsc::channel();
    std::thread::spawn(move || {
        for line in stdin().lock().lines().map_while(Result::ok) {
            let Ok(order) = serde_json::from_str(&line) else { return };
            if give.send(order).is_err() {
                return;
            }
        }
    });
    orders
}

fn flood(me: u16, voice: &mut dyn Voice, nanos: Nanos) -> Result<()> {
    let from = clock::now();
    let mut text = String::new();
    let mut number = 0;
    loop {
        let at = clock::now();
        let last = at >= from + nanos;
        Said { by: me, number, at, last }.write(&mut text);
        voice.say(&text, !last)?;
        number += 1;
        if last {
            return answer(&Answer::Said { count: number, from });
        }
    }
}

fn pace(
    me: u16,
    voice: &mut dyn Voice,
    orders: &Receiver<Order>,
    from: Nanos,
    every: Nanos,
    count: u32,
) -> Result<()> {
    let mut text = String::new();
    for number in 0..count {
        match orders.recv_timeout(clock::until(from + every * u64::from(number))) {
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Ok(order) => bail!("{order:?} came while texts were being paced"),
        }
        Said { by: me, number, at: clock::now(), last: number + 1 == count }.write(&mut text);
        voice.say(&text, false)?;
    }
    answer(&Answer::Said { count, from })
}

fn usage(process: Option<u32>) -> Result<Usage> {
    let name = process.map_or_else(|| "self".to_owned(), |pid| pid.to_string());
    let status = std::fs::read_to_string(format!("/proc/{name}/status"))?;
    let kib = |key| {
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
    };
    let own = || Ok(clock::read(ClockId::ProcessCPUTime));
    let processor = process.map_or_else(own, clock::of_process)?;
    Ok(Usage { processor, resident_kib: kib("VmRSS:"), peak_kib: kib("VmHWM:") })
}

/// Tells the benchmark something.
pub(crate) fn answer(answer: &Answer) -> Result<()> {
    use std::io::Write;
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    let mut stdout = stdout().lock();
    stdout.write_all(&line)?;
    Ok(stdout.flush()?)
}
