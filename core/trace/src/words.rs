//! Words for what a node tells in types that may grow.

use ringchat_core::{DialFailure, DownReason, Fault, JoinFailure, RingReason};

pub(crate) fn dial_failure(failure: DialFailure) -> &'static str {
    match failure {
        DialFailure::Refused => "refused",
        DialFailure::TimedOut => "timed_out",
        DialFailure::Unreachable => "unreachable",
        DialFailure::Broken => "broken",
        DialFailure::Absent => "absent",
        DialFailure::Unanswered => "unanswered",
        DialFailure::NoMember => "no_member",
        DialFailure::Another => "another",
        DialFailure::Oneself => "oneself",
        _ => "other",
    }
}

pub(crate) fn down(reason: DownReason) -> &'static str {
    match reason {
        DownReason::Eof => "eof",
        DownReason::Io => "io",
        DownReason::Overflow => "overflow",
        DownReason::Protocol(_) => "protocol",
        DownReason::Link(_) => "link",
        DownReason::Closed => "closed",
        _ => "other",
    }
}

pub(crate) fn fault(fault: Fault) -> &'static str {
    match fault {
        Fault::Link(reason) => down(reason),
        Fault::Silent => "silent",
        Fault::OtherRoom => "other_room",
        Fault::FalseName => "false_name",
        Fault::Unexpected => "unexpected",
        Fault::LogOrder => "log_order",
        Fault::WithinRun => "within_run",
        Fault::FalseClaim => "false_claim",
        Fault::TooLong => "too_long",
        Fault::TakenBack => "taken_back",
        _ => "other",
    }
}

pub(crate) fn join_failure(failure: JoinFailure) -> &'static str {
    match failure {
        JoinFailure::Dial(failure) => dial_failure(failure),
        JoinFailure::NoAnswer => "no_answer",
        JoinFailure::Broken => "broken",
        JoinFailure::Leader { .. } => "leader_unreachable",
        JoinFailure::AddressTaken => "address_taken",
        _ => "other",
    }
}

pub(crate) fn ring(reason: RingReason) -> &'static str {
    match reason {
        RingReason::Join => "join",
        RingReason::Leave => "leave",
        RingReason::Repair => "repair",
        RingReason::Merge => "merge",
    }
}
