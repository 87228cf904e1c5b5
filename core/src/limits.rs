//! All bounds of the node and of its wire format, with the sums that justify them.

use core::time::Duration;

/// Members of a room, at most.
pub const MAX_ROSTER: usize = 1024;

/// Bytes of one text, at most.
pub const MAX_TEXT: usize = 16 * 1024;

/// Bytes of a name, at most.
pub const MAX_NAME: usize = 64;

/// Terminal columns of a name, at most.
pub const MAX_NAME_COLUMNS: usize = 32;

/// Bytes of a frame after its length, at most.
pub const MAX_FRAME: usize = 320 * 1024;

/// Bytes of a frame on an accepted link that the node does not trust yet, at most.
pub const MAX_GREETING: usize = 1024;

/// Accepted links whose other ends have not introduced themselves, at most, beside the newest of each member. The oldest
/// makes room for a new one.
pub const MAX_HALF_OPEN: usize = 32;

/// Accepted connections that may wait for long for the other end to prove that it knows the secret.
pub const MAX_SILENT: usize = 32;

/// How long an accepted connection may wait for that proof before it counts as waiting for long. A hundred members that
/// link to a new leader at one time come together, and are no crowd.
pub const SILENT_GRACE: Duration = Duration::from_millis(100);

/// Accepted connections that may wait for that proof at all, unless descriptors are few.
pub const MAX_SILENT_AT_ONCE: usize = 256;

/// Accepted connections whose other ends know the secret and may still have to prove an id, unless descriptors are few.
pub const MAX_PROVING: usize = 256;

/// Dialers that know the secret and are answered at once, at most.
pub const ANSWERS_AT_ONCE: u32 = 1024;

/// Dialers that are answered a second, at most, once so many at once were.
pub const ANSWERS_A_SECOND: u32 = 500;

/// How long a link is used before it has to be dialed anew.
pub const MAX_LINK_AGE: Duration = Duration::from_hours(24);

/// Ephemeral keys of dialers that are remembered, so that a recording is not answered again.
pub const MAX_RECENT_EPHEMERALS: usize = 4096;

/// Bytes that a link carries in one direction before it has to be dialed anew.
pub const MAX_LINK_BYTES: u64 = 1 << 38;

/// Records that a link carries in one direction before it has to be dialed anew.
pub const MAX_LINK_RECORDS: u64 = 1 << 32;

/// Dials under way at one time, at most.
pub const MAX_DIALS: usize = 2 * MAX_ROSTER;

/// Dials to a member that may connect and break in a row before the member counts as dead.
pub const MAX_BROKEN_DIALS: u8 = 2;

/// Dials to a member in a row that led to no link. After so many, a link that the member breaks is followed by no dial for
/// some seconds.
pub const MAX_VAIN_DIALS: u8 = 4;

/// Successors dialed at one time while the nearest does not answer, so that many dead machines in a row cost
/// one time-out and not one each.
pub const LOOK_AHEAD: usize = 8;

/// Dials under way at one time to members that this node was never linked to, of each kind that is counted by itself.
pub const STRANGERS_AT_ONCE: usize = LOOK_AHEAD;

/// Dials to members that this node was never linked to, and for which only one leader vouches, or nobody; then they come
/// back one by one.
pub const STRANGER_DIALS: u32 = 48;

/// Dials to members that this node was never linked to, and that were there under the leader before; then they come back
/// one by one. A new leader may have to dial all members.
pub const FAMILIAR_DIALS: u32 = 1024;

/// Of both, how many come back in a second.
pub const STRANGERS_A_SECOND: u64 = 8;

/// Bytes of entries in one `Deliver`, or of runs in one `Submit` or `Sync`, before the next one is begun.
pub const BATCH_BYTES: usize = 64 * 1024;

/// Bytes of texts that are signed as one run, before the next run is begun. All members verify each run.
pub const RUN_BYTES: usize = 192 * 1024;

/// Own messages that wait for their place in the log, at most.
pub const SUBMIT_WINDOW: usize = 4096;

/// Bytes of own texts that wait for their place in the log, before no more are taken.
pub const SUBMIT_WINDOW_BYTES: usize = 1024 * 1024;

/// Bytes of entries sent to a member and not acknowledged, before the leader sends no more. In a large room it is less, so
/// that all of them together fit [`WRITE_BYTES`].
pub const INFLIGHT_BYTES: usize = 1024 * 1024;

/// Bytes of entries that a synced member has not acknowledged, before the leader sequences no more chat.
pub const UNSTABLE_BYTES: usize = 1024 * 1024;

/// Bytes of messages of all members that a leader holds while too much is unstable, and as many again that it puts off while
/// it does not know whether it still leads. Members share them ([`pool_has_room`](crate::pool_has_room)).
pub const HELD_BYTES: usize = 32 * 1024 * 1024;

/// The same of one member: twice what may wait for a place in the log.
pub const PUT_OFF_BYTES: usize = 2 * SUBMIT_WINDOW_BYTES;

/// Signatures that a process remembers as verified.
pub const SEEN_RUNS: usize = 8192;

/// Texts that a newcomer is sent, and may be shown, of what was said before it came.
pub const BACKLOG_TEXTS: usize = 20;

/// Bytes of runs with such texts, all of them together. A run is sent whole, or not at all.
pub const BACKLOG_BYTES: usize = 256 * 1024;

/// Places of history that are kept even if all members have acknowledged them; and entries in which a fork is looked for.
pub const HISTORY_ENTRIES: usize = 1000;

/// Bytes of history that are kept even if all members have acknowledged them.
pub const HISTORY_BYTES: usize = 4 * 1024 * 1024;

/// Bytes of history that are kept for members that were lost and may come back.
pub const ABSENT_HISTORY_BYTES: usize = 64 * 1024 * 1024;

/// Bytes of entries that some member lacks, before a leader takes no more of what members hold that it lacks. A member that
/// comes back may lack all that is kept for it.
pub const TAIL_BYTES: usize = ABSENT_HISTORY_BYTES + 4 * 1024 * 1024;

/// Bytes of the log that are kept, whichever members lack it.
pub const LOG_BYTES: usize = ABSENT_HISTORY_BYTES + 8 * 1024 * 1024;

/// Bytes of a log that is being installed: a leader may have appended a few batches since it dropped what is too much.
pub const INSTALL_BYTES: usize = LOG_BYTES + MAX_FRAME_WEIGHT;

/// Lost members that are remembered, at most.
pub const MAX_ABSENT: usize = 64;

/// Members that departed for good whose last message numbers are remembered, at most.
pub const MAX_DEPARTED: usize = 4096;

/// Origins of messages that a leader tells, at most. Beyond that, departed ones are forgotten as soon as they may be.
pub const MAX_ORIGINS: usize = 2 * MAX_ROSTER;

/// Links of a node, at most: one that each member dialed and one that stands, those of strangers, and those that this node
/// dials.
pub const MAX_LINKS: usize = 2 * MAX_ROSTER + MAX_HALF_OPEN + MAX_DIALS;

/// Authors of whom a user is told that they signed different words under one number, at most.
pub const MAX_FORKED: usize = MAX_ROSTER;

/// Bytes that a driver queues for one link before the link counts as failed (`DownReason::Overflow`).
pub const LINK_QUEUE_BYTES: usize = 16 * 1024 * 1024;

/// Bytes that a driver queues for all links together. Links share them ([`pool_has_room`](crate::pool_has_room)).
pub const WRITE_BYTES: usize = 256 * 1024 * 1024;

/// Batches of inputs, each what one read brought, that a driver queues for the node before its readers wait.
pub const INPUT_QUEUE: usize = 128;

/// Bytes of inputs that a driver queues for the node before its readers wait: as many as 128 reads bring mostly.
pub const INPUT_BYTES: usize = 8 * 1024 * 1024;

/// Events that a runtime keeps for a slow reader.
pub const EVENT_QUEUE: usize = 64 * 1024;

/// Bytes of text in the events that a runtime keeps. A member that catches up is shown at once all the history that may
/// be kept for it, which shares these bytes with its log, and some more.
pub const EVENT_QUEUE_BYTES: usize = ABSENT_HISTORY_BYTES + 8 * 1024 * 1024;

/// How far an epoch may be above all that a member knows. One election after the other takes hours to get so far.
pub const MAX_EPOCH_LEAP: u64 = 1 << 16;

/// The highest epoch that a node takes over from a ring that it enters, whose epochs it does not know. At [`MAX_EPOCH_LEAP`] a
/// message, epochs do not come to their end from there within years.
pub const MAX_EPOCH: u64 = 1 << 62;

/// A new leader whose log has more places begins the places anew: a leader before it has counted too far. No member takes a log
/// that begins above twice as many, and no honest leader gets there.
pub const MAX_PLACES: u64 = 1 << 62;

/// How far others can move a node's Lamport clock at once. Two rings that were cut apart, one of which was busy for years, are
/// not so far apart.
pub const CLOCK_CREDIT: u64 = 1 << 40;

/// How much further others can move it with each microsecond, up to [`CLOCK_CREDIT`] again. A liar that moves it all the
/// time takes nine thousand years to [`MAX_STAMP`].
pub const CLOCK_CREDIT_A_MICROSECOND: u64 = 1 << 4;

/// The number after the last of a signed run, at most. At a thousand texts a second it is nine thousand years away.
pub const MAX_SEQ: u64 = 1 << 48;

/// The Lamport time after the last of a signed run, at most.
pub const MAX_STAMP: u64 = 1 << 62;

/// Addresses in a ticket, at most.
pub const MAX_TICKET_ADDRS: usize = 8;

/// Views in the history of a log, at most. The oldest are dropped.
pub const MAX_VIEW_HISTORY: usize = 1024;

/// Encoded bytes of an id: its length, a key and an incarnation.
const ID_BYTES: usize = 1 + 32 + 8;
/// Encoded bytes of a member, at most: its id, a v6 address (variant, 16 bytes, port) and a name with its length.
const MEMBER_BYTES: usize = ID_BYTES + (1 + 16 + 3) + 1 + MAX_NAME;

// An `Elect` with its path of ids and a full roster fits a frame.
const _: () = assert!(MAX_ROSTER * (MEMBER_BYTES + ID_BYTES) + 1024 < MAX_FRAME);
// An `Elected` or `Install` with a full roster, the origins of twice as many and a full history fits a frame.
const _: () = assert!(
    MAX_ROSTER * MEMBER_BYTES + MAX_ORIGINS * (ID_BYTES + 10) + MAX_VIEW_HISTORY * (ID_BYTES + 20) + 1024
        < MAX_FRAME
);
/// What may be in flight to each of so many members when it is sent more: with a full run, three quarters of what a driver
/// queues for all, and at least half a batch.
pub(crate) fn inflight_bytes(members: usize) -> u64 {
    let each = (WRITE_BYTES / 4 * 3).checked_div(members).unwrap_or(usize::MAX);
    each.saturating_sub(RUN_BYTES).clamp(BATCH_BYTES / 2, INFLIGHT_BYTES) as u64
}
// Full runs in flight to all members of the largest room fit the driver's queues.
const _: () = assert!(MAX_ROSTER * (BATCH_BYTES / 2 + RUN_BYTES) < WRITE_BYTES);

/// What the entries or runs of one frame weigh, at most: a run takes 76 bytes of it or more beside its text.
pub(crate) const MAX_FRAME_WEIGHT: usize = 4 * MAX_FRAME;
const _: () = assert!((RUN_OVERHEAD + TEXT_OVERHEAD) < 4 * 76);

/// What a run or a change of the membership weighs beside texts.
pub(crate) const RUN_OVERHEAD: usize = 256;
/// What a text weighs beside its bytes.
pub(crate) const TEXT_OVERHEAD: usize = 16;
/// Encoded bytes of an entry of chat beside its texts and its origin, at most: its signature, and its numbers.
const ENTRY_BYTES: usize = 65 + 8 * 5;
/// The weight of a batch, at most: one more run may overshoot it, which in turn one more text may overshoot.
const MAX_BATCH: usize = BATCH_BYTES + RUN_BYTES + 2 * RUN_OVERHEAD + TEXT_OVERHEAD + MAX_TEXT;

// A batch fits a frame, also if each text is empty and of another member. A text has at most three bytes of length.
const _: () = assert!(
    MAX_BATCH / (RUN_OVERHEAD + TEXT_OVERHEAD) * (MEMBER_BYTES + ENTRY_BYTES) + 2048 < MAX_FRAME
        && MAX_BATCH + 2048 < MAX_FRAME
        && TEXT_OVERHEAD >= 3
);
// What the node has in flight to a member never overflows the driver's queue.
const _: () = assert!(INFLIGHT_BYTES + UNSTABLE_BYTES + 4 * MAX_FRAME < LINK_QUEUE_BYTES);
// A member can always have a longest text under way.
const _: () = assert!(SUBMIT_WINDOW_BYTES >= 2 * MAX_TEXT);

/// Bytes of memory that a byte of the weight of a run or an entry costs, at most: a run of one short text has a record, a
/// name and an address of its own, and may keep as much again of the texts with which it came.
const KEPT: usize = 4;

/// Bytes of memory that a byte of a frame costs once it is decoded, at most: the shortest message has 22.
const DECODED: usize = 20;

/// Bytes of memory of a member in a roster.
const MEMBER_HELD: usize = 256;

/// Bytes of memory of a number in a map by the member that has it.
const NUMBER_HELD: usize = 96;

/// Bytes of memory of what a node and its driver note of a link.
const LINK_NOTES: usize = 4096;

/// The log, and the next one that is being installed.
const LOGS_HELD: usize = KEPT * (LOG_BYTES + INSTALL_BYTES + 2 * MAX_FRAME_WEIGHT);

/// What a leader holds, and what it puts off.
const SUBMISSIONS_HELD: usize = KEPT * 2 * HELD_BYTES;

/// Four numbers of each origin, of which there are up to twice as many as entries; then those that departed or forked.
const NUMBERS_HELD: usize =
    NUMBER_HELD * (8 * LOG_BYTES / (RUN_OVERHEAD + TEXT_OVERHEAD) + 4 * MAX_DEPARTED + MAX_FORKED);

/// Sixteen rosters, which are the route, the log's, the one awaited, those of newcomers and of a leader's notes; the members
/// known by their addresses; paths and histories.
const MEMBERS_HELD: usize = (16 + 4) * MAX_ROSTER * MEMBER_HELD + 8 * MAX_FRAME;

/// What a turn brings forth before it is written: an answer to each message of a read, and one install.
const TURN_HELD: usize = 2 * DECODED * MAX_READ + KEPT * INFLIGHT_BYTES + 8 * MAX_FRAME;

/// What waits to be written. A vector that grows may take twice what it holds.
const WRITES_HELD: usize = 2 * WRITE_BYTES;

/// What waits for a turn, and what the turn before is busy with; each may be exceeded by one frame.
const INPUTS_HELD: usize = 2 * DECODED * (INPUT_BYTES + MAX_FRAME + MAX_READ);

/// What waits for the user.
const EVENTS_HELD: usize = EVENT_QUEUE * 1024 + KEPT * EVENT_QUEUE_BYTES;

/// Signatures, ephemeral keys, dials, faults.
const NOTES_HELD: usize = 128 * SEEN_RUNS + 64 * MAX_RECENT_EPHEMERALS + 256 * MAX_DIALS + 64 * 1024;

/// Connections whose other ends have not proven who they are: a record of each, and a stack.
const STRANGERS_HELD: usize = (MAX_SILENT_AT_ONCE + MAX_PROVING) * (3 * MAX_READ + STACK);

/// Bytes that one read brings, at most, as a record holds.
const MAX_READ: usize = 64 * 1024;

/// Bytes of the stack of a reader that are in use.
const STACK: usize = 64 * 1024;

/// Bytes that others can make a node and its driver hold, at most, beside [`LINK_HELD`] for each link.
pub const MAX_HELD: usize = LOGS_HELD
    + SUBMISSIONS_HELD
    + NUMBERS_HELD
    + MEMBERS_HELD
    + TURN_HELD
    + WRITES_HELD
    + INPUTS_HELD
    + EVENTS_HELD
    + NOTES_HELD
    + STRANGERS_HELD;

/// Bytes that the other end of one link can make a node and its driver hold for it, at most, beside its shares of the pools:
/// half a record and half a frame, a read that is decoded and waits for its turn, a stack.
pub const LINK_HELD: usize =
    6 * MAX_READ + MAX_FRAME + DECODED * MAX_READ + KEPT * MAX_FRAME_WEIGHT + STACK + LINK_NOTES;

const MIB: usize = 1024 * 1024;
const _: () = assert!(MAX_HELD < 2500 * MIB && LINK_HELD < 8 * MIB);

#[cfg(test)]
mod tests {
    use alloc::sync::Arc;

    use super::*;
    use crate::ids::RoomId;
    use crate::numbers::{Seq, Stamp};
    use crate::roster::Member;
    use crate::text::Text;
    use crate::text_run::{JoinedTexts, TextRun};
    use crate::wire::{Entry, Envelope, Message, Run, encode};

    /// What the allocator takes for itself.
    const EACH: usize = 16;

    #[test]
    fn a_run_that_is_kept_takes_no_more_memory_than_is_counted() {
        for length in [0, 1, 100, MAX_TEXT] {
            let texts = TextRun::from(Text::new(&"x".repeat(length)).unwrap());
            let said = Run::sham(RoomId::UNKNOWN, Member::numbered(1).into(), Seq(1), Stamp(1), texts);
            let weight = usize::try_from(said.weight()).unwrap();
            // A queue that grows has twice as many places as entries.
            let places = 2 * (size_of::<Entry>() + size_of::<u64>());
            let origin = size_of::<Member>() + size_of::<Arc<Member>>() + MAX_NAME + 2 * EACH;
            let texts = size_of::<JoinedTexts>() + size_of::<Arc<JoinedTexts>>() + weight + 3 * EACH;
            assert!(places + origin + texts <= KEPT * weight, "{length}: {places} {origin} {texts}");
        }
        assert!(size_of::<Member>() + MAX_NAME + EACH <= MEMBER_HELD);
    }

    #[test]
    fn a_message_that_is_decoded_takes_no_more_memory_than_is_counted() {
        let mut frame = alloc::vec::Vec::new();
        let envelope = Envelope { room: RoomId::UNKNOWN, stamp: Stamp(1), message: Message::Leave };
        encode(&envelope, &mut frame).unwrap();
        assert!(
            2 * size_of::<Envelope>() <= DECODED * frame.len(),
            "{} {}",
            size_of::<Envelope>(),
            frame.len()
        );
    }
}
