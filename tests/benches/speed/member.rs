//! What members of a ringchat room have in common, over either runtime.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use ringchat_core::{Chat, Config, Departure, Name, Notice, Seq, Start as Way, Text};
use ringchat_driver::{Ended, Event};

use crate::agent::{self, Ear, Voice, answer};
use crate::clock;
use crate::control::{Answer, Role, Start, System};

/// Further events of a queue that are heard together with one, at most.
const MAX_TOGETHER: usize = 1024;

/// The way of a text into the room of a runtime.
type Say = Box<dyn FnMut(Text) -> Result<Seq, Ended>>;

/// Is a member of the room that `open` opens, or `open_queue` if events go through a queue. Otherwise they are heard
/// within the room's turns.
pub(crate) fn run(
    open: impl FnOnce(Config, Hearer) -> Result<Say>,
    open_queue: impl FnOnce(Config, Hearer) -> Result<Say>,
) -> Result<()> {
    let Role::Agent(start) = agent::role()? else { bail!("a member is no hub") };
    agent::run(&start, |start, ear| {
        let (config, hearer) = (config(start)?, Hearer::new(start, ear));
        let queued = matches!(start.system, System::ThreadsQueue | System::AsyncStdQueue);
        let opened = if queued { open_queue(config, hearer) } else { open(config, hearer) };
        Ok(Box::new(Member(opened?)))
    })
}

struct Member(Say);

impl Voice for Member {
    fn say(&mut self, text: &str, _more: bool) -> Result<()> {
        self.0(Text::new(text)?)?;
        Ok(())
    }
}

/// How a member comes in.
fn config(start: &Start) -> Result<Config> {
    let name = Name::new(&format!("m{}", start.me))?;
    let way = match start.contact {
        Some(contact) => Way::Join { contacts: vec![contact] },
        None => Way::Create,
    };
    let mut config = Config::new(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), name, way);
    config.join_timeout = Duration::from_mins(1);
    if let Some(detect) = start.detect_ms {
        config.detect = Duration::from_millis(detect);
    }
    Ok(config)
}

/// What is done with the events of a room.
pub(crate) struct Hearer {
    ear: Arc<Ear>,
    size: usize,
    members: usize,
}

impl Hearer {
    fn new(start: &Start, ear: &Arc<Ear>) -> Self {
        Self { ear: Arc::clone(ear), size: usize::from(start.size), members: 0 }
    }

    /// Takes the events of a queue until it ends: each that `wait` gives, with all that follow it at once.
    pub(crate) fn hear_queue<E>(
        mut self,
        mut queue: E,
        wait: impl Fn(&mut E) -> Option<Event>,
        next: impl Fn(&mut E) -> Option<Event>,
    ) {
        let mut events = Vec::new();
        while let Some(event) = wait(&mut queue) {
            events.push(event);
            events.extend(std::iter::from_fn(|| next(&mut queue)).take(MAX_TOGETHER));
            self.hear(events.drain(..));
        }
    }

    /// Takes the events of a turn.
    pub(crate) fn hear(&mut self, mut events: impl ExactSizeIterator<Item = Event>) {
        let mut chats = Vec::with_capacity(events.len());
        let taken = events.try_for_each(|event| self.take(event, &mut chats));
        let texts = chats.iter().flat_map(|chat| chat.said.texts.iter()).map(str::as_bytes);
        let heard = taken.and_then(|()| self.ear.hear(texts));
        if let Err(error) = heard {
            // If this cannot be told either, nobody is there to be told.
            let _ = answer(&Answer::Failed(format!("{error:#}")));
        }
    }

    fn take(&mut self, event: Event, chats: &mut Vec<Chat>) -> Result<()> {
        let notice = match event {
            Event::Notice { notice, .. } => notice,
            Event::Missed { count } => bail!("{count} notices came faster than they were read"),
            event => bail!("the benchmark does not know {event:?}"),
        };
        match notice {
            Notice::Chat(chat) => chats.push(chat),
            Notice::Gap { count, .. } => bail!("{count} texts can no longer be had"),
            Notice::Ready { me, members, .. } => {
                answer(&Answer::Joined { addr: Some(me.addr()), at: clock::now() })?;
                return self.count(members.len());
            }
            Notice::Joined { .. } => return self.count(self.members + 1),
            Notice::Left { member, reason } => {
                if reason == Departure::Lost {
                    self.ear.lost(member.name.as_str());
                }
                return self.count(self.members.saturating_sub(1));
            }
            Notice::Ended(ending) => bail!("the room has ended: {ending:?}"),
            _ => {}
        }
        Ok(())
    }

    fn count(&mut self, members: usize) -> Result<()> {
        let grown = members > self.members;
        self.members = members;
        if grown && members == self.size { answer(&Answer::Gathered) } else { Ok(()) }
    }
}
