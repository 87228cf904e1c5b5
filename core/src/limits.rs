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

/// How long an accepted connection may wait for that before this is long. A hundred members that link to a new leader at one
/// time come together, and are no crowd.
pub const SILENT_GRACE: Duration = Duration::from_millis(100);

/// Accepted connections that may wait for that at all, unless descriptors are few.
pub const MAX_SILENT_AT_ONCE: usize = 256;

/// Accepted connections that may wait for the other end, which knows the secret, to prove who it is; unless descriptors are few.
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

/// Successors dialed at one time while the nearest does not answer, so that many dead machines in a row cost
/// one time-out and not one each.
pub const LOOK_AHEAD: usize = 8;

/// Members that this node was never linked to that it dials at one time.
pub const STRANGERS_AT_ONCE: usize = LOOK_AHEAD;

/// Dials to members that this node was never linked to, and of whom only one leader or nobody has told, until they come
/// back one by one.
pub const STRANGER_DIALS: u32 = 48;

/// Dials to members that this node was never linked to, and that were there under the leader before, until they come back
/// one by one: a new leader may have to dial all members.
pub const FAMILIAR_DIALS: u32 = 1024;

/// Of both, how many come back in a second.
pub const STRANGERS_A_SECOND: u64 = 8;

/// Bytes of entries in one `Deliver`, or of runs in one `Submit` or `Sync`, before the next one is begun.
pub const BATCH_BYTES: usize = 64 * 1024;

/// Own messages that wait for their place in the log, at most.
pub const SUBMIT_WINDOW: usize = 4096;

/// Bytes of own texts that wait for their place in the log, before no more are taken.
pub const SUBMIT_WINDOW_BYTES: usize = 1024 * 1024;

/// Bytes of entries sent to a member and not acknowledged, before the leader sends no more.
pub const INFLIGHT_BYTES: usize = 1024 * 1024;

/// Bytes of entries that a synced member has not acknowledged, before the leader sequences no more chat.
pub const UNSTABLE_BYTES: usize = 1024 * 1024;

/// Bytes of messages of one member that a leader puts off while it does not know whether it still leads: twice what
/// may wait for a place in the log.
pub const PUT_OFF_BYTES: usize = 2 * SUBMIT_WINDOW_BYTES;

/// Bytes of entries acknowledged together.
pub const ACK_BYTES: usize = INFLIGHT_BYTES / 2;

/// Signatures that a process remembers as verified.
pub const SEEN_RUNS: usize = 8192;

/// Entries of history that are kept even if all members have acknowledged them.
pub const HISTORY_ENTRIES: usize = 1000;

/// Bytes of history that are kept even if all members have acknowledged them.
pub const HISTORY_BYTES: usize = 4 * 1024 * 1024;

/// Bytes of history that are kept for members that were lost and may come back.
pub const ABSENT_HISTORY_BYTES: usize = 64 * 1024 * 1024;

/// Lost members that are remembered, at most.
pub const MAX_ABSENT: usize = 64;

/// Members that departed for good whose last message numbers are remembered, at most.
pub const MAX_DEPARTED: usize = 4096;

/// Authors of whom a user is told that they signed different words under one number, at most.
pub const MAX_FORKED: usize = MAX_ROSTER;

/// Bytes that a driver queues for one link before the link counts as failed (`DownReason::Overflow`).
pub const LINK_QUEUE_BYTES: usize = 16 * 1024 * 1024;

/// Batches of inputs, each what one read brought, that a driver queues for the node before its readers wait.
pub const INPUT_QUEUE: usize = 128;

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

/// How far others can move a node's Lamport clock at once. Two rings that were cut apart, one of which was busy for years, are
/// not so far apart.
pub const CLOCK_CREDIT: u64 = 1 << 40;

/// How much further others can move it with each microsecond, until that is reached again. A liar that moves it all the
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
    MAX_ROSTER * MEMBER_BYTES + 2 * MAX_ROSTER * (ID_BYTES + 10) + MAX_VIEW_HISTORY * (ID_BYTES + 20) + 1024
        < MAX_FRAME
);
/// What a run or a change of the membership weighs beside texts.
pub(crate) const RUN_OVERHEAD: usize = 256;
/// What a text weighs beside its bytes.
pub(crate) const TEXT_OVERHEAD: usize = 16;
/// Encoded bytes of an entry of chat beside its texts and its origin, at most: its signature, and its numbers.
const RUN_BYTES: usize = 65 + 8 * 5;
/// The weight of a batch, at most: one more run may overshoot it, which in turn one more text may overshoot.
const MAX_BATCH: usize = 2 * (BATCH_BYTES + RUN_OVERHEAD) + TEXT_OVERHEAD + MAX_TEXT;

// A batch fits a frame, also if each text is empty and of another member. A text has at most three bytes of length.
const _: () = assert!(
    MAX_BATCH / (RUN_OVERHEAD + TEXT_OVERHEAD) * (MEMBER_BYTES + RUN_BYTES) + 2048 < MAX_FRAME
        && MAX_BATCH + 2048 < MAX_FRAME
        && TEXT_OVERHEAD >= 3
);
// What the node has in flight to a member never overflows the driver's queue.
const _: () = assert!(INFLIGHT_BYTES + UNSTABLE_BYTES + 4 * MAX_FRAME < LINK_QUEUE_BYTES);
// A member can always have a longest text under way.
const _: () = assert!(SUBMIT_WINDOW_BYTES >= 2 * MAX_TEXT);
