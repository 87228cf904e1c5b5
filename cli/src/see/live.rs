//! The page of a real room, as this member sees it. It can neither speak nor leave.

use std::sync::{Mutex, MutexGuard, PoisonError};

use ringchat_core::Name;
use ringchat_driver::Clock;
use ringchat_picture::page::served;
use ringchat_picture::trace::{MergedRun, ReadError, TraceReader};
use ringchat_picture::{Feed, Wanted};
use ringchat_trace::LifeLines;
use serde::Deserialize;
use serde_json::json;
use thiserror::Error;

use super::memory::{MAX_STEPS, SharedMemory};
use super::pace::Pace;
use super::serve::{ServeError, Server};
use super::{Recorder, SeeOrder, SeeStatus};

/// The reason why there is no page.
#[derive(Debug, Error)]
#[error(transparent)]
pub(crate) struct SeeError(#[from] ServeError);

impl SeeError {
    /// The exit code of a program that was to begin with a page.
    pub(crate) fn exit(&self) -> u8 {
        match self.0 {
            ServeError::Port { .. } => 5,
            ServeError::Random(_) | ServeError::Thread(_) => 1,
        }
    }
}

/// The page of this member, while there is one.
pub(crate) struct Live {
    recorder: Recorder,
    name: Name,
    port: u16,
    server: Mutex<Option<Server>>,
}

impl Live {
    /// No page yet of the member called `name`, whose steps `recorder` records. It will be served at `port`, or at a free
    /// one if that is 0.
    pub(crate) fn new(recorder: Recorder, name: Name, port: u16) -> Self {
        Self { recorder, name, port, server: Mutex::new(None) }
    }

    /// Obeys an order. Gives where the page is now, if there is one. What the node has to tell may have changed.
    ///
    /// # Errors
    /// If there can be no page.
    pub(crate) fn obey(&self, order: SeeOrder) -> Result<Option<SeeStatus>, SeeError> {
        let mut server = self.lock();
        match order {
            SeeOrder::On if server.is_none() => *server = Some(self.start()?),
            SeeOrder::Off => {
                *server = None;
                self.recorder.forget();
            }
            SeeOrder::On | SeeOrder::Tell => {}
        }
        Ok(server.as_ref().map(|server| SeeStatus { url: server.url(), refused: server.refused() }))
    }

    fn start(&self) -> Result<Server, ServeError> {
        let memory = self.recorder.remember().map_err(ServeError::Thread)?;
        let mut show = Show::new(self.name.clone(), memory);
        let clock = Clock::start();
        let server = Server::start(self.port, served(), move |question| show.answer(question, clock));
        server.inspect_err(|_| self.recorder.forget())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Server>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the page asks.
#[derive(Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
enum Question {
    /// What kind of page it is.
    Hello,
    /// What is new.
    More {
        /// The version that the page has.
        #[serde(default)]
        have: u64,
    },
}

/// What the page shows.
struct Show {
    name: Name,
    memory: SharedMemory,
    feed: Feed,
    pace: Pace,
    /// How many steps there had been at the last drawing.
    drawn: u64,
}

impl Show {
    fn new(name: Name, memory: SharedMemory) -> Self {
        let (feed, pace) = (Feed::default(), Pace::default());
        Self { name, memory, feed, pace, drawn: 0 }
    }

    fn answer(&mut self, question: &str, clock: Clock) -> String {
        match serde_json::from_str(question) {
            Ok(Question::Hello) => json!({"kind": "live", "name": self.name.as_str()}).to_string(),
            Ok(Question::More { have }) => self.more(have, clock),
            Err(_) => json!({"error": {
                "code": "read-only",
                "message": "this page shows a real room, of which it can ask hello and more",
            }})
            .to_string(),
        }
    }

    fn more(&mut self, have: u64, clock: Clock) -> String {
        let now = clock.now();
        if self.pace.is_due(now) {
            self.draw();
            self.pace.took(now, clock.now());
        }
        let memory = self.memory.lock();
        let (time, over) = (memory.now().as_micros(), if memory.has_left() { r#""left""# } else { "null" });
        drop(memory);
        let (version, part) = (self.feed.version(), self.feed.since(have));
        format!(r#"{{"version":{version},"now":{time},"part":{part},"over":{over}}}"#)
    }

    /// Draws what is in the memory, if that is not drawn yet.
    fn draw(&mut self) {
        let memory = self.memory.lock();
        if memory.count() == self.drawn {
            return;
        }
        let lives = memory.lives();
        self.drawn = memory.count();
        // The steps of the room wait for the memory, and a drawing takes a while.
        drop(memory);
        let Ok(run) = run_of(&lives) else { return };
        let wanted = Wanted { max: MAX_STEPS, ..Wanted::default() };
        // Before there is anything to draw, the page stays empty.
        let _ = self.feed.draw(&run, &wanted);
    }
}

/// What the lives of this member come to; the last alone if it was in another room than those before.
fn run_of(lives: &[LifeLines]) -> Result<MergedRun, ReadError> {
    let read = |lives: &[LifeLines]| {
        let mut reader = TraceReader::default();
        lives.iter().try_for_each(|life| reader.life(life))?;
        reader.finish(None)
    };
    let last = lives.len().saturating_sub(1);
    read(lives).or_else(|_| read(lives.get(last..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;
    use std::sync::mpsc::sync_channel;
    use std::time::Duration;

    use ringchat_core::trace::{Sketch, Traced};
    use ringchat_core::wire::Message;
    use ringchat_core::{Ending, Instant, LinkId, Member, NodeId, Notice, Stamp};
    use ringchat_trace::Step;
    use serde_json::Value;

    use super::*;

    fn bob() -> NodeId {
        NodeId::new([2; 32], NonZeroU64::MIN)
    }

    fn life() -> Step {
        let id = NodeId::new([1; 32], NonZeroU64::MIN);
        let me = Member::new(id, ([10, 0, 0, 1], 5000).into(), Name::new("eve").unwrap());
        Step::Life { me: me.into(), detect: Duration::from_secs(1), wall: 7 }
    }

    /// What the page of a member with these steps answers, which are a millisecond apart.
    fn answer(steps: impl IntoIterator<Item = Step>, question: &str) -> Value {
        let (queue, waiting) = sync_channel(9);
        for (at, step) in (5..).zip(steps) {
            queue.send((Instant(at * 1000), Stamp(at), step)).unwrap();
        }
        drop(queue);
        let memory = SharedMemory::default();
        memory.keep(&waiting);
        let mut show = Show::new(Name::new("eve").unwrap(), memory);
        serde_json::from_str(&show.answer(question, Clock::start())).unwrap()
    }

    #[test]
    fn there_is_nothing_to_draw_before_the_member_is_in_a_room() {
        let nothing = json!({"version": 0, "now": 0, "part": {}, "over": null});
        assert_eq!(answer([], r#"{"ask":"more"}"#), nothing);
        assert_eq!(answer([], r#"{"ask":"hello"}"#), json!({"kind": "live", "name": "eve"}));
    }

    #[test]
    fn what_the_member_did_is_drawn_and_that_it_left_is_told() {
        let took = || {
            let (link, from, sketch) = (LinkId(1), bob(), Sketch::of(&Message::WantRoster));
            Step::Traced(Traced::Took { link, from, stamp: Stamp(1), counted: true, sketch }.into())
        };
        let seen = answer([life(), took(), took()], r#"{"ask":"more"}"#);
        assert_eq!((&seen["version"], &seen["now"], &seen["over"]), (&json!(1), &json!(1000), &Value::Null));
        assert_eq!((&seen["part"]["end"], &seen["part"]["seen_by"]), (&json!(1000), &json!(0)));
        let left = Step::Told(Notice::Ended(Ending::Left { unsure: 0 }).into());
        assert_eq!(answer([life(), took(), left], r#"{"ask":"more","have":9}"#)["over"], "left");
    }

    #[test]
    fn all_else_is_refused() {
        for question in
            ["", "{}", "[]", r#"{"ask":"do"}"#, r#"{"ask":"say","text":"x"}"#, r#"{"ask":"more","have":-1}"#]
        {
            assert_eq!(answer([life()], question)["error"]["code"], "read-only", "{question}");
        }
    }
}
