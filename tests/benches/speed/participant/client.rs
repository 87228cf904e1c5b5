//! Who takes part in what ringchat is compared with, or in ringchat through pipes; or the bare hub, as the argument
//! tells.

#[path = "../agent/mod.rs"]
mod agent;
#[path = "../client.rs"]
mod client;
#[path = "../clock.rs"]
mod clock;
#[path = "../control.rs"]
mod control;
#[path = "../dialect/mod.rs"]
mod dialect;
#[path = "../hub.rs"]
mod hub;
#[path = "../pipes.rs"]
mod pipes;

use anyhow::Result;

use control::{Role, System};

fn main() -> Result<()> {
    match agent::role()? {
        Role::Hub => hub::serve(),
        Role::Agent(start) if matches!(start.system, System::Pipes | System::PipesTraced) => {
            agent::run(&start, pipes::open)
        }
        Role::Agent(start) => agent::run(&start, client::open),
    }
}
