//! What the kernels and the network do: handshakes, packets, reading, ends of connections.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use ringchat_core::{DialFailure, DownReason, Input, LinkId, NodeId, Origin};

use super::connection::{Connection, End, Fin, Packet, Phase, link, peer, place};
use super::handshake::{Handshake, Progress};
use super::secure::Secure;
use super::{
    BACKLOG, CONNECT_TIMEOUT, Event, Host, HostId, KERNEL_BUFFER, Network, Power, RETRY, Ready, SILENT_PORT,
    SIP, Waiting,
};

/// Handshakes.
impl Network {
    pub(super) fn syn(&mut self, number: usize) {
        let (dialer, target) = (self.dialer(number), self.connections[number].target);
        let from = self.hosts[dialer.0].addr;
        let host = self.listeners.get(&target).copied();
        let power = host.map(|host| self.hosts[host.0].power);
        let full = host.is_some_and(|host| self.hosts[host.0].backlog.len() >= BACKLOG);
        let is_silent = target.port() == SILENT_PORT || power == Some(Power::Off) || full;
        if self.is_cut(from, target) || self.is_cut(target, from) || is_silent {
            self.try_again(number, Event::Syn(number));
            return;
        }
        let at = self.now.after(self.delay());
        let Some(host) = host else {
            self.schedule.push(at, Event::DialFails(number, DialFailure::Refused));
            return;
        };
        self.connections[number].ends[1].host = Some(host);
        self.schedule.push(at, Event::SynAck(number));
    }

    pub(super) fn syn_ack(&mut self, number: usize) {
        let (dialer, target) = (self.dialer(number), self.connections[number].target);
        if self.is_cut(target, self.hosts[dialer.0].addr) {
            self.try_again(number, Event::SynAck(number));
            return;
        }
        match self.hosts[dialer.0].power {
            Power::On => self.connected(number),
            Power::Frozen => self.hosts[dialer.0].backlog.push_back(Waiting::Connected(number)),
            Power::Off | Power::Gone => return,
        }
        self.transmit(link(number, 0), Packet::Accept);
    }

    pub(super) fn try_again(&mut self, number: usize, event: Event) {
        if self.now.since(self.connections[number].began) + RETRY > CONNECT_TIMEOUT {
            self.schedule.push(self.now, Event::DialFails(number, DialFailure::TimedOut));
        } else {
            self.schedule.push(self.now.after(RETRY), event);
        }
    }

    pub(super) fn dial_fails(&mut self, number: usize, reason: DialFailure) {
        let dialer = self.dialer(number);
        self.connections[number].ends[0].bury();
        let dial = self.connections[number].dial;
        self.ready.push_back(Ready::Input(dialer, Input::DialFailed { dial, reason }));
    }

    pub(super) fn connected(&mut self, number: usize) {
        let expected = self.connections[number].expected;
        let (dialer, at) = (self.dialer(number), link(number, 0));
        let Host { id, keys, .. } = &self.hosts[dialer.0];
        let first = if let Some(keys) = keys {
            let Ok((secure, first)) = Secure::dial(keys, self.rng.jitter(), expected) else { return };
            self.end(at).secure = Some(secure);
            first
        } else {
            let (handshake, first) = Handshake::dial(*id, expected);
            self.end(at).handshake = Some(handshake);
            first
        };
        self.recordings.keep(&first);
        self.open(at, dialer);
        self.write(at, &first);
    }

    fn accepted(&mut self, at: LinkId) {
        let Some(host) = self.end_host(at) else { return };
        let Host { id, keys, .. } = &self.hosts[host.0];
        if let Some(keys) = keys {
            let secure = Secure::accept(keys, self.rng.jitter()).ok();
            self.end(at).secure = secure;
        } else {
            let handshake = Handshake::accept(*id);
            self.end(at).handshake = Some(handshake);
        }
        self.open(at, host);
    }

    /// The driver of this end begins to open the link.
    fn open(&mut self, at: LinkId, host: HostId) {
        self.end(at).phase = Phase::Opening;
        self.hosts[host.0].links.insert(at);
        let [dialed, accepted] = self.hosts[host.0].patience;
        let patience = if place(at).1 == 0 { dialed } else { accepted };
        self.schedule.push(self.now.after(patience), Event::PatienceOver(at));
    }

    /// The driver of this end goes on with opening the link, as far as what came allows.
    fn progress(&mut self, at: LinkId) {
        while self.end(at).is_opening() {
            match self.next_progress(at) {
                Ok(None) => return,
                Ok(Some(progress)) => {
                    if !progress.send.is_empty() {
                        self.write(at, &progress.send);
                    }
                    if let Some((peer, rest)) = progress.opened {
                        self.link_up(at, peer);
                        self.end(at).read(&rest);
                    }
                }
                Err(failure) => {
                    self.finish(at);
                    self.opening_fails(at, failure);
                }
            }
        }
    }

    fn next_progress(&mut self, at: LinkId) -> Result<Option<Progress>, DialFailure> {
        let (number, side) = place(at);
        let Self { connections, hosts, .. } = self;
        let end = &mut connections[number].ends[side];
        let keys = end.host.and_then(|host| hosts[host.0].keys.as_mut());
        match (&mut end.secure, &mut end.handshake, keys) {
            (Some(secure), _, Some(keys)) => secure.progress(keys),
            (_, Some(handshake), _) => handshake.progress(),
            _ => Ok(None),
        }
    }

    fn link_up(&mut self, at: LinkId, peer: NodeId) {
        let (number, side) = place(at);
        let end = self.end(at);
        (end.phase, end.handshake) = (Phase::Up, None);
        let Some(host) = end.host else { return };
        let Connection { dial, target, .. } = self.connections[number];
        let (origin, remote) =
            if side == 0 { (Origin::Dialed(dial), target) } else { (Origin::Accepted, self.dialed_from(at)) };
        self.ready.push_back(Ready::Input(host, Input::LinkUp { link: at, origin, remote, peer }));
    }

    /// The address from which the connection of this end was dialed.
    fn dialed_from(&self, at: LinkId) -> SocketAddr {
        let dialer = self.hosts[self.dialer(place(at).0).0].addr;
        SocketAddr::new(dialer.ip(), u16::try_from(32_768 + at.0 % 28_000).unwrap_or(u16::MAX))
    }

    /// The link of this end does not open. Only the node that dialed is told.
    fn opening_fails(&mut self, at: LinkId, reason: DialFailure) {
        let (number, side) = place(at);
        self.end(at).bury();
        let Some(host) = self.end(at).host else { return };
        self.hosts[host.0].links.remove(&at);
        if side == 0 {
            let dial = self.connections[number].dial;
            self.ready.push_back(Ready::Input(host, Input::DialFailed { dial, reason }));
        }
    }
}

/// Packets.
impl Network {
    /// Sends a packet from this end to the other.
    pub(super) fn transmit(&mut self, from: LinkId, packet: Packet) {
        let delay = self.delay();
        let at = self.now.after(delay);
        let out = &mut self.end(from).out;
        out.last_arrival = out.last_arrival.max(at);
        let at = out.last_arrival;
        out.in_flight.push_back(packet);
        self.schedule.push(at, Event::Arrive(from));
    }

    /// Hands to the kernel what the driver has written, as much as the kernel's buffers hold.
    pub(super) fn pump(&mut self, from: LinkId) {
        let host = self.end_host(from);
        if host.is_some_and(|host| self.hosts[host.0].power == Power::Frozen) {
            // What the kernel has not taken yet waits in the process.
            return;
        }
        if self.end(from).out.fin == Fin::Sent {
            // A kernel takes nothing more for a connection that is broken, though its process may not know yet.
            return self.end(from).out.queue.clear();
        }
        loop {
            let Self { rng, connections, quality, .. } = self;
            let (connection, end) = place(from);
            let out = &mut connections[connection].ends[end].out;
            let most = out.queue.len().min(KERNEL_BUFFER.saturating_sub(out.unread));
            if most == 0 {
                break;
            }
            let length = if rng.chance(quality.pieces) { 1 + rng.index(most) } else { most };
            let rest = out.queue.split_off(length);
            let data = core::mem::replace(&mut out.queue, rest);
            out.unread += length;
            self.transmit(from, Packet::Data(data));
        }
        let out = &mut self.end(from).out;
        if out.queue.is_empty() && out.fin == Fin::Wanted {
            out.fin = Fin::Sent;
            self.transmit(from, Packet::Fin);
        }
    }

    pub(super) fn arrive(&mut self, from: LinkId) {
        let cut = self.path_is_cut(from);
        let out = &mut self.end(from).out;
        // The last packets of a killed sender may be lost.
        let Some(packet) = out.in_flight.pop_front() else { return };
        if cut || !out.held.is_empty() {
            out.held.push_back(packet);
        } else {
            self.deliver(peer(from), packet);
        }
    }

    pub(super) fn release(&mut self, from: LinkId) {
        if !self.path_is_cut(from) {
            for packet in core::mem::take(&mut self.end(from).out.held) {
                self.deliver(peer(from), packet);
            }
        }
    }

    /// A packet arrives at the machine of this end.
    pub(super) fn deliver(&mut self, at: LinkId, packet: Packet) {
        let Some(host) = self.end(at).host else { return };
        match self.hosts[host.0].power {
            Power::On => self.take(at, packet),
            Power::Frozen => self.hosts[host.0].backlog.push_back(Waiting::Packet(at, packet)),
            Power::Off => {}
            Power::Gone if matches!(packet, Packet::Reset) => {}
            Power::Gone => self.answer_reset(at),
        }
    }

    /// The process of this end takes a packet.
    pub(super) fn take(&mut self, at: LinkId, packet: Packet) {
        match packet {
            Packet::Accept => {
                self.accepted(at);
            }
            Packet::Data(bytes) if self.end(at).reads() => self.read(at, &bytes),
            Packet::Data(_) => self.answer_reset(at),
            Packet::Fin => {
                let bytes: Vec<u8> = self.end(at).inbox.drain(..).collect();
                self.swallow(at, &bytes);
                self.ready.push_back(Ready::End(at));
            }
            // What has arrived before and is not read yet may be lost.
            Packet::Reset if !self.ready.is_empty() && self.rng.chance(500) => {
                self.ready.push_back(Ready::Reset(at));
            }
            Packet::Reset => self.down(at, DownReason::Io),
        }
    }

    pub(super) fn read(&mut self, at: LinkId, bytes: &[u8]) {
        let slow = self.end(at).host.is_some_and(|host| self.hosts[host.0].pace.is_some());
        let end = self.end(at);
        if slow || !end.inbox.is_empty() {
            end.inbox.extend(bytes);
            self.schedule.push(self.now, Event::Sip(at));
        } else {
            self.swallow(at, bytes);
        }
    }

    /// A slow reader reads as much as its pace allows.
    pub(super) fn sip(&mut self, at: LinkId) {
        let Some(host) = self.end(at).host else { return };
        let (pace, next_read) = (self.hosts[host.0].pace, self.hosts[host.0].next_read);
        if self.end(at).inbox.is_empty() {
            return;
        }
        if let Some(pace) = pace {
            if next_read > self.now {
                self.schedule.push(next_read, Event::Sip(at));
                return;
            }
            let pause = Duration::from_micros(SIP as u64 * 1_000_000 / pace.max(1));
            self.hosts[host.0].next_read = self.now.after(pause);
        }
        let inbox = &mut self.end(at).inbox;
        let size = if pace.is_some() { inbox.len().min(SIP) } else { inbox.len() };
        let bytes: Vec<u8> = inbox.drain(..size).collect();
        self.swallow(at, &bytes);
        if !self.end(at).inbox.is_empty() {
            self.schedule.push(self.now, Event::Sip(at));
        }
    }

    pub(super) fn swallow(&mut self, at: LinkId, bytes: &[u8]) {
        if self.end(at).reads() {
            self.end(at).read(bytes);
            self.progress(at);
            self.ready.push_back(Ready::Frames(at));
        }
        let from = peer(at);
        let out = &mut self.end(from).out;
        out.unread = out.unread.saturating_sub(bytes.len());
        self.mark(from);
    }

    /// All complete messages at this end, together, as a driver hands them on.
    pub(super) fn pop_frames(&mut self, at: LinkId) -> Option<(HostId, Vec<Input>)> {
        let end = self.end(at);
        let host = end.host.filter(|_| end.reads() && !end.is_opening())?;
        let mut inputs = Vec::new();
        if let Err(reason) = self.pop_all(at, &mut inputs) {
            self.reset(at);
            self.down(at, reason);
        }
        (!inputs.is_empty()).then_some((host, inputs))
    }

    /// Takes all records that are complete at this end, and all messages in them.
    fn pop_all(&mut self, at: LinkId, inputs: &mut Vec<Input>) -> Result<(), DownReason> {
        let (connection, side) = place(at);
        let Self { connections, seen, .. } = self;
        let End { decoder, secure, .. } = &mut connections[connection].ends[side];
        loop {
            let opened = secure.as_mut().map_or(Ok(false), |secure| secure.open(decoder));
            let is_last = !opened.map_err(DownReason::Link)?;
            while let Some(envelope) = decoder.pop(seen).map_err(DownReason::Protocol)? {
                inputs.push(Input::Received { link: at, envelope });
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// The other end has closed, and everything that it sent is read.
    pub(super) fn ended(&mut self, at: LinkId) {
        let end = self.end(at);
        if !end.reads() {
            return;
        }
        end.out.queue.clear();
        self.finish(at);
        self.down(at, DownReason::Eof);
    }

    pub(super) fn patience_over(&mut self, at: LinkId) {
        if self.end(at).is_opening() {
            self.reset(at);
            self.opening_fails(at, DialFailure::Unanswered);
        }
    }

    pub(super) fn linger_over(&mut self, at: LinkId) {
        if self.end(at).phase == Phase::Closing {
            self.down(at, DownReason::Closed);
        }
    }

    /// Tells the node of this end that the link is down, or that its dial has failed, unless it knows.
    pub(super) fn down(&mut self, at: LinkId, reason: DownReason) {
        let end = self.end(at);
        if end.is_opening() {
            let closed = end.closed().filter(|_| reason == DownReason::Eof);
            return self.opening_fails(at, closed.unwrap_or(DialFailure::Broken));
        }
        let reason = if end.phase == Phase::Closing { DownReason::Closed } else { reason };
        let told = end.reads();
        end.bury();
        let Some(host) = end.host else { return };
        self.hosts[host.0].links.remove(&at);
        if told {
            self.ready.push_back(Ready::Input(host, Input::LinkDown { link: at, reason }));
        }
    }
}

/// Small steps.
impl Network {
    pub(super) fn end(&mut self, at: LinkId) -> &mut End {
        let (number, side) = place(at);
        &mut self.connections[number].ends[side]
    }

    pub(super) fn end_at(&self, at: LinkId) -> &End {
        let (number, side) = place(at);
        &self.connections[number].ends[side]
    }

    pub(super) fn end_host(&self, at: LinkId) -> Option<HostId> {
        let (number, side) = place(at);
        self.connections[number].ends[side].host
    }

    pub(super) fn knows(&self, at: LinkId) -> bool {
        place(at).0 < self.connections.len()
    }

    pub(super) fn dialer(&self, number: usize) -> HostId {
        self.connections[number].ends[0].host.unwrap_or(HostId(usize::MAX))
    }

    pub(super) fn delay(&mut self) -> Duration {
        self.rng.between(self.quality.least, self.quality.most)
    }

    pub(super) fn path_is_cut(&self, from: LinkId) -> bool {
        let (number, side) = place(from);
        let [sender, receiver] = [side, 1 - side].map(|side| self.connections[number].ends[side].host);
        match (sender, receiver) {
            (Some(a), Some(b)) => self.is_cut(self.hosts[a.0].addr, self.hosts[b.0].addr),
            _ => false,
        }
    }

    /// The driver writes a frame, in records if the link is real.
    pub(super) fn write_frame(&mut self, from: LinkId, frame: &[u8]) {
        let Some(mut secure) = self.end(from).secure.take() else { return self.write(from, frame) };
        if let Ok(records) = secure.seal(frame) {
            self.write(from, records);
        }
        // A link whose queue is full is down now.
        if self.end(from).phase == Phase::Up {
            self.end(from).secure = Some(secure);
        }
    }

    /// The driver writes bytes. The link fails if the queue is full.
    pub(super) fn write(&mut self, from: LinkId, bytes: &[u8]) {
        let most = self.end_host(from).map_or(0, |host| self.hosts[host.0].queue);
        let queue = &mut self.end(from).out.queue;
        if queue.len() + bytes.len() > most {
            self.overflows += 1;
            self.reset(from);
            self.down(from, DownReason::Overflow);
        } else {
            queue.extend_from_slice(bytes);
            self.mark(from);
        }
    }

    /// The driver closes its direction once its queue is written.
    pub(super) fn finish(&mut self, from: LinkId) {
        let out = &mut self.end(from).out;
        if out.fin == Fin::No {
            out.fin = Fin::Wanted;
            self.mark(from);
        }
    }

    pub(super) fn mark(&mut self, from: LinkId) {
        let out = &mut self.end(from).out;
        if !out.dirty {
            out.dirty = true;
            self.dirty.push(from);
        }
    }

    /// Breaks the connection from this end.
    pub(super) fn reset(&mut self, from: LinkId) {
        let out = &mut self.end(from).out;
        out.queue.clear();
        out.fin = Fin::Sent;
        self.transmit(from, Packet::Reset);
    }

    /// A packet arrives for an end that no process reads any more.
    pub(super) fn answer_reset(&mut self, at: LinkId) {
        if self.end(at).out.queue.is_empty() {
            self.reset(at);
        }
    }

    pub(super) fn break_link(&mut self, from: LinkId) {
        for from in [from, peer(from)] {
            let out = &mut self.end(from).out;
            out.held.clear();
            out.in_flight.clear();
            self.reset(from);
        }
    }

    /// This end disappears: what it has sent is lost, and what arrives for it is answered by a reset.
    pub(super) fn half_open(&mut self, from: LinkId) {
        let out = &mut self.end(from).out;
        out.held.clear();
        out.in_flight.clear();
        out.queue.clear();
        out.fin = Fin::Sent;
        self.down(from, DownReason::Io);
    }

    /// The process disappears. What its kernel had taken may still arrive, as a whole or in part.
    pub(super) fn orphan(&mut self, from: LinkId) {
        let in_flight = self.end(from).out.in_flight.len();
        self.end(from).out.queue.clear();
        if self.rng.chance(500) {
            self.finish(from);
        } else {
            let kept = self.rng.index(in_flight + 1);
            self.end(from).out.in_flight.truncate(kept);
            self.reset(from);
        }
    }

    pub(super) fn disappear(&mut self, host: HostId) {
        let Host { addr, power, .. } = &mut self.hosts[host.0];
        *power = Power::Gone;
        if self.listeners.get(addr) == Some(&host) {
            self.listeners.remove(addr);
        }
    }

    /// What waits for a process that goes on. Each connection has its own reader, so what arrived on one is in order,
    /// and chance decides which reader comes first.
    pub(super) fn in_order_of_readers(&mut self, host: HostId) -> Vec<Waiting> {
        let mut waiting: Vec<Waiting> = core::mem::take(&mut self.hosts[host.0].backlog).into();
        let mut turns: BTreeMap<LinkId, u64> = BTreeMap::new();
        for it in &waiting {
            turns.entry(it.link()).or_insert_with(|| self.rng.bits());
        }
        waiting.sort_by_key(|it| turns.get(&it.link()).copied());
        waiting
    }

    /// Puts off an event in a frozen process.
    pub(super) fn frozen(&mut self, host: Option<HostId>, event: Event) -> bool {
        let Some(host) = host.map(|host| &mut self.hosts[host.0]) else { return false };
        let frozen = host.power == Power::Frozen;
        if frozen {
            host.backlog.push_back(Waiting::Event(event));
        }
        frozen
    }
}
