//! Why dials fail, links break and members end, in plain words.

use alloc::string::String;

/// What the other end of a dial did, or what kept it from being reached.
pub(crate) fn failed(why: &str) -> String {
    match why {
        "refused" => "refuses: nothing listens there any more".into(),
        "timed_out" => "does not answer in time".into(),
        "unreachable" => "cannot be reached through this network".into(),
        "broken" => "ends the connection before it says who it is".into(),
        "absent" => "is not the member that was wanted".into(),
        "unanswered" => "does not answer what it is asked".into(),
        "no_member" => "is no member of the room".into(),
        "another" => "is another member".into(),
        "oneself" => "is this member itself".into(),
        other => other.replace('_', " "),
    }
}

/// What ended a link.
pub(crate) fn down(why: &str) -> String {
    match why {
        "eof" => "The other end closed it, or its process ended".into(),
        "io" => "The connection broke".into(),
        "overflow" => "The other end took nothing for too long".into(),
        "protocol" => "The other end broke the protocol".into(),
        "link" => "What came in was not from the other end, or was changed on its way".into(),
        "closed" => "It was needed no more, or the other end was silent".into(),
        other => other.replace('_', " "),
    }
}

/// How a member ended.
pub(crate) fn end(why: &str) -> String {
    match why {
        "left" => "leaves in order".into(),
        "join_failed" => "ends: it found no way into the room".into(),
        "refused" => "ends: the room is full".into(),
        "off" => "goes on without a trace".into(),
        other => alloc::format!("ends: {}", other.replace('_', " ")),
    }
}
