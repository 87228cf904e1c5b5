//! A member that puts words into the mouth of another: the log that it shows a new leader holds a run that nobody said.
//!
//! The run comes to the leader's decoder as bytes. Its signature does not hold, and so the link ends there.

use ringchat_core::limits::MAX_FRAME;
use ringchat_core::secure::Signature;
use ringchat_core::wire::{Envelope, FrameDecoder, Message, Proven, Run, encode};
use ringchat_core::{DownReason, Input, Member, Seq, Stamp, Text, UnixTime};

use super::state::{State, Tail};
use super::transition::Transition;

impl State {
    /// Each log that comes next to an end of a connection can hold an invention.
    pub(super) fn inventions(&self) -> impl Iterator<Item = Transition> {
        let ends = (0..self.wires.len()).flat_map(|wire| [(wire, 0), (wire, 1)]);
        let shows_log = ends.filter(|(wire, end)| {
            let it = &self.wires[*wire];
            let next = it.queues[*end].front().map(|letter| &letter.envelope.message);
            let takes = !it.gone[*end] && self.asleep != Some(it.hosts[*end]);
            takes && matches!(next, Some(Message::Sync(_)))
        });
        shows_log.map(|(wire, end)| Transition::Invent { wire, end })
    }

    /// The log that comes next to this end arrives with an invention in it.
    pub(super) fn invent(&mut self, at: usize, end: usize) {
        self.budget.inventions -= 1;
        let (link, hosts) = (self.wires[at].link, self.wires[at].hosts);
        let (liar, host) = (hosts[1 - end], hosts[end]);
        let victim = (0..self.hosts.len()).find(|other| *other != liar);
        let Some((letter, victim)) = self.wire_mut(at).queues[end].pop_front().zip(victim) else { return };
        let (author, said) = (self.hosts[victim].node.me().clone(), self.hosts[victim].said);
        match self.decoded(&with_invention(letter.envelope.clone(), author, said.next())) {
            Ok(envelope) => self.input(host, Input::Received { link, envelope }),
            Err(reason) => {
                self.let_go(at, end, Tail::Broken);
                self.input(host, Input::LinkDown { link, reason });
            }
        }
    }

    /// What a decoder makes of the bytes of `envelope`.
    fn decoded(&self, envelope: &Envelope) -> Result<Envelope, DownReason> {
        let (mut bytes, mut decoder) = (Vec::new(), FrameDecoder::new(MAX_FRAME));
        // What fits into a frame is not too long for one.
        encode(envelope, &mut bytes).map_err(|_| DownReason::Overflow)?;
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let spare = decoder.spare();
            let (now, later) = rest.split_at(rest.len().min(spare.len()));
            spare[..now.len()].copy_from_slice(now);
            decoder.advance(now.len());
            rest = later;
        }
        let taken = decoder.pop(&mut self.signature_check()).map_err(DownReason::Protocol)?;
        taken.ok_or(DownReason::Eof)
    }
}

/// The same message, with one more run at the end, as if `author` had said it under the number `first`.
fn with_invention(mut envelope: Envelope, author: Member, first: Seq) -> Envelope {
    if let (Message::Sync(sync), Ok(text)) = (&mut envelope.message, Text::new("never said")) {
        let (stamp, at, signature) = (Stamp(1), UnixTime(0), Signature::NONE);
        let invented = Run { origin: author.into(), first, stamp, texts: text.into(), at, signature };
        sync.tail.push(Proven::claimed(invented));
    }
    envelope
}
