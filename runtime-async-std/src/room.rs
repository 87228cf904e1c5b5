//! The room, as a program that embeds it sees it.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use async_channel::{Receiver, Sender};
use futures::channel::oneshot;
use ringchat_core::trace::Tracing;
use ringchat_core::{Config, Report, Seq, Text};
use ringchat_driver::{
    Ended, Host, Membership, OpenError, ReportTo, TurnEvents, WorkerStep, event_queue, until_taken,
};

use crate::events::Events;
use crate::rt;
use crate::task_group::{TaskGroup, closed};
use crate::transport::Tasks;

/// A room that this process is a member of, or is about to be.
///
/// Share it between tasks by reference or in an [`Arc`].
///
/// Dropping it leaves the room but does not wait. If the process ends then, what was said last is lost. So before the
/// end of the process, call [`leave`](Self::leave), then [`wait`](Self::wait).
#[derive(Debug)]
#[must_use = "dropping a `Room` leaves the room"]
pub struct Room {
    membership: Membership<Tasks>,
    /// Closed when the worker has ended.
    ended: Receiver<Infallible>,
}

impl Room {
    /// Binds `config.addr` (port 0 is any free one) and starts the node. Does not wait. Whether the node comes into the
    /// room shows later: see [`Notice::Ready`](ringchat_core::Notice::Ready) and
    /// [`Notice::Ended`](ringchat_core::Notice::Ended).
    ///
    /// # Errors
    /// If the address cannot be listened on, or the system denies randomness.
    pub fn open(config: Config) -> Result<(Self, Events), OpenError> {
        let (filler, reader) = event_queue();
        let room = Self::open_with(config, move |turn| filler.put(turn))?;
        Ok((room, Events(reader)))
    }

    /// Like [`open`](Self::open), but hands all events of a turn to `hear` at once, without a queue and without
    /// another task that has to wake up.
    ///
    /// The task that runs the node calls `hear`: a task of the room, or one that says something. Meanwhile the
    /// room stands still, so `hear` must not wait for anything, not even in [`say`](Self::say) or
    /// [`report`](Self::report). It is dropped when the room has ended.
    ///
    /// # Errors
    /// Like [`open`](Self::open).
    pub fn open_with(
        config: Config,
        hear: impl FnMut(TurnEvents<'_>) + Send + 'static,
    ) -> Result<Self, OpenError> {
        let group = TaskGroup::new();
        let start = |listener: TcpListener, jobs| Ok(Tasks::start(listener.into(), jobs, group.clone()));
        let membership = Membership::start(config, hear, start)?;
        let (running, ended) = async_channel::bounded(1);
        rt::spawn(work(membership.host(), group, running));
        Ok(Self { membership, ended })
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
    pub async fn say(&self, text: Text) -> Result<Seq, Ended> {
        until_taken(text, |text| self.membership.say(text)).await
    }

    /// The room as this member sees it, once what was said before has been taken. Waits for that.
    ///
    /// # Errors
    /// If the room was left, or ends before.
    pub async fn report(&self) -> Result<Report, Ended> {
        let (tell, told) = oneshot::channel();
        let asker = ReportTo::Asker(Box::new(move |report| drop(tell.send(report))));
        until_taken(asker, |asker| self.membership.report(asker)).await?;
        told.await.map_err(|_| Ended)
    }

    /// Asks for a report among the events, in its place: [`Notice::Report`](ringchat_core::Notice::Report). Does not
    /// wait for it.
    ///
    /// # Errors
    /// If the room was left.
    pub async fn report_in_events(&self) -> Result<(), Ended> {
        until_taken(ReportTo::Events, |to| self.membership.report(to)).await
    }

    /// Tells so much of what this member does from now on, to the function of [`open_with`](Self::open_with).
    ///
    /// # Errors
    /// If the room was left.
    pub async fn trace(&self, tracing: Tracing) -> Result<(), Ended> {
        until_taken(tracing, |tracing| self.membership.trace(tracing)).await
    }

    /// Leaves the room once all members have what was said, after some 20 s at the latest; before
    /// [`Notice::Ready`](ringchat_core::Notice::Ready) it gives up joining at once. Does not wait, so call
    /// [`wait`](Self::wait) before the process ends. The events end with
    /// [`Notice::Ended`](ringchat_core::Notice::Ended), which counts the texts that may not have arrived. A second call
    /// does nothing.
    pub fn leave(&self) {
        self.membership.leave();
    }

    /// Waits until the room has ended, and every task and socket of it is gone. It does not leave.
    pub async fn wait(&self) {
        closed(&self.ended).await;
    }
}

/// The body of the worker, the last task of the room to end: runs turns until the node has ended. Then `running` is
/// dropped.
async fn work(host: Arc<Host<Tasks>>, group: TaskGroup, running: Sender<Infallible>) {
    loop {
        match host.step() {
            WorkerStep::Again => rt::yield_now().await,
            WorkerStep::Sleep(limit) => {
                let woken = poll_fn(|context| host.poll_woken(context));
                match limit {
                    Some(limit) => drop(rt::timeout(limit, woken).await),
                    None => woken.await,
                }
            }
            WorkerStep::End => break,
        }
    }
    let sink = host.end();
    group.join().await;
    drop((sink, running));
}
