//! ringchat: a chat room without a server.

use std::process::ExitCode;

fn main() -> ExitCode {
    ringchat::run()
}
