//! The room, as a program that embeds it sees it.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{Builder, JoinHandle};

use ringchat_core::trace::Tracing;
use ringchat_core::{Config, Report, Seq, Text};
use ringchat_driver::{
    Ended, Host, Membership, OpenError, ReportTo, TurnEvents, WorkerStep, event_queue, lock,
};

use crate::events::Events;
use crate::task_group::TaskGroup;
use crate::transport::Threads;
use crate::waiting::{block_on, until_taken};

/// A room that this process is a member of, or is about to be.
///
/// Share it between threads by reference or in an [`Arc`].
///
/// Dropping it leaves the room but does not wait. If the process ends then, what was said last is lost. So before the
/// end of the process, call [`leave`](Self::leave), then [`wait`](Self::wait).
#[derive(Debug)]
#[must_use = "dropping a `Room` leaves the room"]
pub struct Room {
    membership: Membership<Threads>,
    worker: Mutex<Option<JoinHandle<()>>>,
}

impl Room {
    /// Binds `config.addr` (port 0 is any free one) and starts the node. Whether the node comes into the room shows
    /// later: see [`Notice::Ready`](ringchat_core::Notice::Ready) and [`Notice::Ended`](ringchat_core::Notice::Ended).
    ///
    /// # Errors
    /// If the address cannot be listened on, or the system denies randomness or threads.
    pub fn open(config: Config) -> Result<(Self, Events), OpenError> {
        let (filler, events) = event_queue();
        Ok((Self::open_with(config, move |turn| filler.put(turn))?, Events(events)))
    }

    /// Like [`open`](Self::open), but hands all events of a turn to `hear` at once, without a queue and without
    /// another thread that has to wake up.
    ///
    /// The thread that runs the node calls `hear`: a thread of the room, or one that says something. Meanwhile the
    /// room stands still, so `hear` must not wait for anything, not even in [`say`](Self::say) or
    /// [`report`](Self::report). It is dropped when the room has ended.
    ///
    /// # Errors
    /// Like [`open`](Self::open).
    pub fn open_with(
        config: Config,
        hear: impl FnMut(TurnEvents<'_>) + Send + 'static,
    ) -> Result<Self, OpenError> {
        let tasks = TaskGroup::default();
        let membership =
            Membership::start(config, hear, |listener, jobs| Threads::start(listener, jobs, tasks.clone()))?;
        match start_worker(membership.host(), tasks.clone()) {
            Ok(worker) => Ok(Self { membership, worker: Mutex::new(Some(worker)) }),
            Err(error) => {
                drop(membership.end());
                tasks.join();
                Err(OpenError::Thread(error))
            }
        }
    }

    /// Where others reach this member, and may join.
    pub fn addr(&self) -> SocketAddr {
        self.membership.addr()
    }

    /// Says something to all, and gives the number of the text among the own ones, from 1. Waits while the room can
    /// take no more, but not until the others have the text. Nothing that was taken is dropped while the process runs;
    /// before it ends, call [`leave`](Self::leave), then [`wait`](Self::wait).
    ///
    /// # Errors
    /// If the room was left.
    pub fn say(&self, text: Text) -> Result<Seq, Ended> {
        until_taken(text, |text| self.membership.say(text))
    }

    /// The room as this member sees it, once what was said before has been taken. Waits for that.
    ///
    /// # Errors
    /// If the room was left, or ends before.
    pub fn report(&self) -> Result<Report, Ended> {
        let (tell, told) = mpsc::sync_channel(1);
        let asker = ReportTo::Asker(Box::new(move |report| drop(tell.send(report))));
        until_taken(asker, |asker| self.membership.report(asker))?;
        told.recv().map_err(|_| Ended)
    }

    /// Asks for a report among the events, in its place: [`Notice::Report`](ringchat_core::Notice::Report). Does not
    /// wait for it.
    ///
    /// # Errors
    /// If the room was left.
    pub fn report_in_events(&self) -> Result<(), Ended> {
        until_taken(ReportTo::Events, |to| self.membership.report(to))
    }

    /// Tells so much of what this member does from now on, to the function of [`open_with`](Self::open_with).
    ///
    /// # Errors
    /// If the room was left.
    pub fn trace(&self, tracing: Tracing) -> Result<(), Ended> {
        until_taken(tracing, |tracing| self.membership.trace(tracing))
    }

    /// Leaves the room once all members have what was said, after some 20 s at the latest; before
    /// [`Notice::Ready`](ringchat_core::Notice::Ready) it gives up joining at once. Does not wait, so call
    /// [`wait`](Self::wait) before the process ends. The events end with
    /// [`Notice::Ended`](ringchat_core::Notice::Ended), which counts the texts that may not have arrived. A second call
    /// does nothing.
    pub fn leave(&self) {
        self.membership.leave();
    }

    /// Waits until the room has ended, and every thread and socket of it is gone. It does not leave.
    pub fn wait(&self) {
        // A second caller waits for the lock.
        if let Some(worker) = lock(&self.worker).take()
            && worker.join().is_err()
        {
            log::error!("the node's thread panicked");
        }
    }
}

/// Starts the thread that works for the node, the last of the room to end.
fn start_worker(host: Arc<Host<Threads>>, tasks: TaskGroup) -> io::Result<JoinHandle<()>> {
    Builder::new().name("ringchat-node".into()).spawn(move || {
        work(&host);
        let sink = host.end();
        tasks.join();
        drop(sink);
    })
}

/// Runs turns until the node has ended.
fn work(host: &Host<Threads>) {
    loop {
        match host.step() {
            WorkerStep::Again => {}
            WorkerStep::Sleep(limit) => drop(block_on(limit, |context| host.poll_woken(context))),
            WorkerStep::End => return,
        }
    }
}
