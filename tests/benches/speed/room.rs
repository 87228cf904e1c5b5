//! A room as the benchmark sees it: its participants, each a process of its own, and what they are told to do.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::clock::{self, Nanos};
use crate::control::{Answer, Heard, Order, Role, Start, Usage};
use crate::programs;
use crate::server::Server;
use crate::system::System;

/// How long the benchmark waits for any answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// How a room is made up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// What it runs over.
    pub(crate) system: System,
    /// How many take part.
    pub(crate) size: u16,
    /// Whether the last of them wants to hear nothing.
    pub(crate) deaf_sender: bool,
    /// ringchat's `--detect-ms`, if not the default.
    pub(crate) detect_ms: Option<u64>,
}

impl Plan {
    /// A room in which all hear.
    pub(crate) fn of(system: System, size: u16) -> Self {
        Self { system, size, deaf_sender: false, detect_ms: None }
    }

    fn start(self, me: u16, contact: Option<SocketAddr>) -> Start {
        let listens = !(self.deaf_sender && me + 1 == self.size);
        Start { system: self.system, me, size: self.size, contact, listens, detect_ms: self.detect_ms }
    }
}

/// A participant.
struct Agent {
    child: Child,
    started: Nanos,
    orders: ChildStdin,
    /// What it answered and nobody has asked for.
    answers: VecDeque<Answer>,
}

/// A room. In one of ringchat the first participant leads.
pub(crate) struct Room {
    plan: Plan,
    agents: Vec<Agent>,
    answers: Receiver<(usize, Answer)>,
    /// For further participants.
    answer: Sender<(usize, Answer)>,
    contact: Option<SocketAddr>,
    // Dropped after the participants.
    server: Option<Server>,
}

impl Drop for Room {
    fn drop(&mut self) {
        for agent in &mut self.agents {
            // It may have ended by itself.
            let _ = agent.child.kill();
            let _ = agent.child.wait();
        }
    }
}

/// Making it.
impl Room {
    /// Starts the server, if it takes one, and the participants; none if the server is not installed.
    pub(crate) fn open(plan: Plan) -> Result<Option<Self>> {
        let server = if plan.system.is_ringchat() {
            None
        } else {
            match Server::start(plan.system)? {
                None => return Ok(None),
                server => server,
            }
        };
        let contact = server.as_ref().map(|server| server.addr);
        let (answer, answers) = mpsc::channel();
        let mut room = Self { plan, agents: Vec::new(), answers, answer, contact, server };
        let first = room.enter()?;
        let (addr, _) = room.joined(first)?;
        room.contact = contact.or(addr);
        let all: Vec<usize> = room.enter_more(usize::from(plan.size) - 1)?;
        for who in all {
            room.joined(who)?;
        }
        for who in room.everyone() {
            room.wait(who, |answer| matches!(answer, Answer::Gathered).then_some(()))?;
        }
        Ok(Some(room))
    }

    /// Starts so many participants at once, and tells their numbers.
    pub(crate) fn enter_more(&mut self, count: usize) -> Result<Vec<usize>> {
        (0..count).map(|_| self.enter()).collect()
    }

    /// Where a participant listens, and when it was in.
    pub(crate) fn joined(&mut self, who: usize) -> Result<(Option<SocketAddr>, Nanos)> {
        self.wait(who, |answer| match answer {
            Answer::Joined { addr, at } => Some((*addr, *at)),
            _ => None,
        })
    }

    fn enter(&mut self) -> Result<usize> {
        let who = self.agents.len();
        let role = Role::Agent(self.plan.start(u16::try_from(who)?, self.contact));
        let mut command = programs::participant(&role)?;
        let started = clock::now();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let orders = child.stdin.take().context("no standard input")?;
        let stdout = child.stdout.take().context("no standard output")?;
        let tell = self.answer.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let answer = serde_json::from_str(&line).unwrap_or(Answer::Failed(line));
                if tell.send((who, answer)).is_err() {
                    return;
                }
            }
        });
        self.agents.push(Agent { child, started, orders, answers: VecDeque::new() });
        Ok(who)
    }
}

/// What can be done with it.
impl Room {
    /// The numbers of all participants.
    pub(crate) fn everyone(&self) -> Vec<usize> {
        (0..self.agents.len()).collect()
    }

    /// What it runs over.
    pub(crate) fn system(&self) -> System {
        self.plan.system
    }

    /// When the start of a participant's process began.
    pub(crate) fn started(&self, who: usize) -> Nanos {
        self.agents[who].started
    }

    /// The process of a participant.
    pub(crate) fn pid(&self, who: usize) -> u32 {
        self.agents[who].child.id()
    }

    /// Lets `listeners` forget what they heard, and wait for so many others to say their last.
    pub(crate) fn listen(&mut self, listeners: &[usize], senders: usize, keep: bool) -> Result<()> {
        let own = |who: usize| usize::from(!self.plan.system.echoes() && senders > 1 && who < senders);
        let orders: Vec<Order> =
            listeners.iter().map(|who| Order::Listen { senders: senders - own(*who), keep }).collect();
        for (who, order) in listeners.iter().zip(orders) {
            self.order(*who, &order)?;
        }
        for who in listeners {
            self.wait(*who, |answer| matches!(answer, Answer::Listening).then_some(()))?;
        }
        Ok(())
    }

    /// Gives an order.
    pub(crate) fn order(&mut self, who: usize, order: &Order) -> Result<()> {
        let mut line = serde_json::to_vec(order)?;
        line.push(b'\n');
        Ok(self.agents[who].orders.write_all(&line)?)
    }

    /// How many texts a participant has said, and from when on.
    pub(crate) fn said(&mut self, who: usize) -> Result<(u32, Nanos)> {
        self.wait(who, |answer| match answer {
            Answer::Said { count, from } => Some((*count, *from)),
            _ => None,
        })
    }

    /// What a participant has heard, once that is all.
    pub(crate) fn heard(&mut self, who: usize) -> Result<Heard> {
        self.wait(who, |answer| match answer {
            Answer::Heard(heard) => Some(heard.clone()),
            _ => None,
        })
    }

    /// What a participant uses.
    pub(crate) fn usage(&mut self, who: usize) -> Result<Usage> {
        self.order(who, &Order::Usage)?;
        self.wait(who, |answer| match answer {
            Answer::Usage(usage) => Some(*usage),
            _ => None,
        })
    }

    /// The processor time of what all texts go through: the leader or the server.
    pub(crate) fn centre(&mut self) -> Result<Nanos> {
        match &self.server {
            Some(server) => server.processor_time(),
            None => Ok(self.usage(0)?.processor),
        }
    }

    /// Lets things happen until `at`.
    pub(crate) fn pass_until(&mut self, at: Nanos) -> Result<()> {
        while let Ok(came) = self.answers.recv_timeout(clock::until(at)) {
            self.take(came)?;
        }
        Ok(())
    }

    fn take(&mut self, (who, answer): (usize, Answer)) -> Result<()> {
        if let Answer::Failed(why) = answer {
            bail!("participant {who} of {:?}: {why}", self.plan);
        }
        self.agents[who].answers.push_back(answer);
        Ok(())
    }

    fn wait<T>(&mut self, who: usize, wanted: impl Fn(&Answer) -> Option<T>) -> Result<T> {
        let end = clock::now() + u64::try_from(PATIENCE.as_nanos())?;
        loop {
            let agent = &mut self.agents[who];
            if let Some(at) = agent.answers.iter().position(|answer| wanted(answer).is_some())
                && let Some(found) = agent.answers.remove(at).as_ref().and_then(&wanted)
            {
                return Ok(found);
            }
            let came = self.answers.recv_timeout(clock::until(end));
            self.take(came.with_context(|| format!("no answer of participant {who} of {:?}", self.plan))?)?;
        }
    }
}
