//! A member of a ringchat room over async-std. It is a program of its own, so that what a member takes of memory is a
//! member's and nothing else.

#[path = "../agent/mod.rs"]
mod agent;
#[path = "../clock.rs"]
mod clock;
#[path = "../control.rs"]
mod control;
#[path = "../member.rs"]
mod member;

use std::sync::Arc;

use anyhow::{Result, bail};
use futures::executor::block_on;
use ringchat_async_std::Room;
use ringchat_core::Text;

use agent::{Ear, Voice};
use control::{Role, Start};

fn main() -> Result<()> {
    let Role::Agent(start) = agent::role()? else { bail!("a member is no hub") };
    agent::run(&start, open)
}

struct Member(Room);

/// Opens the room. What comes is heard within its turns.
fn open(start: &Start, ear: &Arc<Ear>) -> Result<Box<dyn Voice>> {
    let mut hearer = member::Hearer::new(start, ear);
    let room = block_on(Room::open_with(member::config(start)?, move |events| hearer.hear(events)))?;
    Ok(Box::new(Member(room)))
}

impl Voice for Member {
    fn say(&mut self, text: &str, _more: bool) -> Result<()> {
        Ok(block_on(self.0.say(Text::new(text)?))?)
    }
}
