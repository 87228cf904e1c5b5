//! All sentences about a run. They give the reason, with its numbers.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;

use ringchat_trace::FaultKind;

use super::causes;
use super::class::Class;
use super::election_words;
use super::elections::Contest;
use super::rows::seconds;
use super::story::Story;
use super::wanted::{Window, list};
use crate::trace::run::{Deed, Gist, Tidings, What};

/// A sentence in pieces, each with what it is: `name`, a class, or nothing.
pub(crate) type Pieces = Vec<(String, &'static str)>;

/// What is said of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// One short line for a list; empty if the event is not listed.
    pub(crate) short: String,
    /// A sentence.
    pub(crate) say: Pieces,
    /// The reason.
    pub(crate) why: String,
    /// What the event is about.
    pub(crate) class: Option<Class>,
}

impl Said {
    pub(crate) fn new(class: Class, short: String, say: Pieces, why: impl Into<String>) -> Self {
        Self { short, say, why: why.into(), class: Some(class) }
    }

    /// The sentence without its pieces.
    pub(crate) fn sentence(&self) -> String {
        self.say.iter().map(|(text, _)| text.as_str()).collect()
    }
}

pub(crate) fn plain(text: &str) -> (String, &'static str) {
    (text.into(), "")
}

/// What is said of event `e`.
pub(crate) fn said(story: &Story<'_>, e: usize) -> Said {
    let event = story.event(e);
    let m = event.m;
    match &event.what {
        What::Deed(deed) => deed_said(story, e, m, deed),
        What::Told(tidings) => told(story, e, m, tidings),
        What::Down { with: Some(with), why, .. } => down(story, e, m, *with, why),
        What::Failed { whom: Some(whom), why } => {
            let (me, other) = (name(story, m), name(story, *whom));
            let short = format!("{}: no way to {}", me.0, other.0);
            let say = vec![me, plain(" cannot reach "), other, plain(".")];
            Said::new(Class::Repair, short, say, format!("The other end {}.", causes::failed(why)))
        }
        What::End(why) => {
            let me = name(story, m);
            let how = causes::end(why);
            let short = format!("{} {how}", me.0);
            Said::new(Class::Member, short, vec![me, plain(&format!(" {how}."))], "")
        }
        What::Sent { to, gist } => sent(story, m, to, gist),
        What::Took { from, gist, stamp, dropped, .. } => {
            took(story, m, *from, *stamp, gist, dropped.as_deref())
        }
        _ => Said::default(),
    }
}

pub(crate) fn name(story: &Story<'_>, m: usize) -> (String, &'static str) {
    (story.name(m).into(), "name")
}

fn sent(story: &Story<'_>, m: usize, to: &[(u64, Option<usize>)], gist: &Gist) -> Said {
    let class = Class::of(gist.kind);
    let whom =
        list(to.iter().map(|(_, to)| to.map_or_else(|| "somebody".into(), |to| story.name(to).into())));
    let say = vec![name(story, m), plain(" sends "), what(story, gist), plain(&format!(" to {whom}."))];
    Said::new(class, String::new(), say, "")
}

fn took(
    story: &Story<'_>,
    m: usize,
    from: Option<usize>,
    stamp: u64,
    gist: &Gist,
    dropped: Option<&str>,
) -> Said {
    let class = Class::of(gist.kind);
    let from = from.map_or_else(|| plain("somebody"), |from| name(story, from));
    let (me, thing) = (name(story, m), what(story, gist));
    let say = vec![me.clone(), plain(" receives "), thing.clone(), plain(" from "), from, plain(".")];
    let jump = format!("Its clock goes above both its own time and the stamp {stamp}.");
    match dropped {
        Some(why) => {
            let short =
                if class == Class::Elect { format!("{} drops {}", me.0, thing.0) } else { String::new() };
            Said::new(class, short, say, format!("It has no effect: {}.", reason(why)))
        }
        None => Said::new(class, String::new(), say, jump),
    }
}

/// Why a message has no effect, for people.
pub(crate) fn reason(why: &str) -> String {
    match why {
        "stale" => "it is about something that is over".into(),
        "known" => "the member knows that already".into(),
        "early" => "it comes before what has to come first".into(),
        "closing" => "its link is being closed".into(),
        "not_member" => "its sender is no member of this ring".into(),
        "not_leader" => "it is for a leader".into(),
        "leap" => "its epoch is too far above all that this member knows".into(),
        "not_for_me" => "it announces a ring without this member".into(),
        "fault" => "it breaks the protocol".into(),
        other => other.replace('_', " "),
    }
}

/// A message, with its candidate if it is a token.
fn what(story: &Story<'_>, gist: &Gist) -> (String, &'static str) {
    let class = Class::of(gist.kind).name();
    match (Class::of(gist.kind), gist.about) {
        (Class::Elect, Some(candidate)) => (format!("{}'s token", story.name(candidate)), class),
        _ => (gist.kind.name().into(), class),
    }
}

fn deed_said(story: &Story<'_>, e: usize, m: usize, deed: &Deed) -> Said {
    let m = deed.to.unwrap_or(m);
    let me = name(story, m);
    let the_leader = plain(if story.leads_before(m, e) { ", the leader, " } else { " " });
    let short = |what: &str| format!("{} {what}", me.0);
    let of = |what: &'static str, class: Class| {
        vec![me.clone(), the_leader.clone(), (what.into(), class.name()), plain(".")]
    };
    let named = |side: &Vec<usize>| list(side.iter().map(|&m| story.name(m).into()));
    match deed.kind {
        FaultKind::Crash if !deed.seen => {
            let what = if story.run.lives[m].has_trace { "died" } else { "was lost" };
            Said::new(Class::Dead, short(what), of(what, Class::Dead), died(story, e, m))
        }
        FaultKind::Crash => Said::new(
            Class::Dead,
            short("is killed"),
            of("is killed", Class::Dead),
            "Its connections break; each member notices at its own time.",
        ),
        FaultKind::Power => Said::new(
            Class::Dead,
            short("loses power"),
            of("loses power", Class::Dead),
            "Nothing tells the others; they notice its silence.",
        ),
        FaultKind::Freeze => Said::new(
            Class::Freeze,
            short("is stopped"),
            of("is stopped", Class::Freeze),
            "Its process does nothing, but its connections stand.",
        ),
        FaultKind::Thaw => Said::new(Class::Freeze, short("goes on"), of("goes on", Class::Freeze), ""),
        FaultKind::Break => {
            let say = vec![plain("A connection of "), me.clone(), plain(" breaks.")];
            Said::new(Class::Dead, format!("a connection of {} breaks", me.0), say, "")
        }
        FaultKind::Cut => {
            let say = vec![("A way is cut".into(), Class::Freeze.name()), plain(&cut(&deed.sides, named))];
            Said::new(Class::Freeze, "a way is cut".into(), say, "The other direction may still work.")
        }
        FaultKind::Partition => {
            let sides = deed.sides.iter().map(named).collect::<Vec<_>>().join(" | ");
            let say = vec![("The room is split".into(), Class::Freeze.name()), plain(&format!(": {sides}."))];
            Said::new(
                Class::Freeze,
                "the room is split".into(),
                say,
                "Nothing gets through between the sides.",
            )
        }
        FaultKind::Heal => {
            let say = vec![("All can reach each other again".into(), Class::Freeze.name()), plain(".")];
            Said::new(Class::Freeze, "all cuts end".into(), say, "")
        }
    }
}

fn cut(sides: &[Vec<usize>], named: impl Fn(&Vec<usize>) -> String) -> String {
    match sides {
        [from, to] => format!(": nothing gets from {} to {}.", named(from), named(to)),
        _ => ".".into(),
    }
}

fn died(story: &Story<'_>, e: usize, m: usize) -> String {
    if !story.run.lives[m].has_trace {
        return "It has no trace; another member has lost it, and this is when that one noticed first."
            .into();
    }
    match unheard(story, e, m) {
        Some(before) => format!(
            "It was last heard {before} before, and said no farewell. Here another member notices: it died in between."
        ),
        None => "Its trace ends here, without a farewell.".into(),
    }
}

/// How long before its death, which nobody saw, a life told something last.
fn unheard(story: &Story<'_>, e: usize, m: usize) -> Option<String> {
    let last = story.run.events.iter().take(e).rev().find(|event| event.m == m)?;
    let before = story.event(e).t.saturating_sub(last.t);
    (before >= 1_000).then(|| seconds(before))
}

fn down(story: &Story<'_>, e: usize, m: usize, with: usize, why: &str) -> Said {
    let (me, other) = (name(story, m), name(story, with));
    let is_dead = story.courses.get(with).and_then(|course| course.died).is_some_and(|died| died < e);
    let short = if is_dead { format!("{}: link to {} broke", me.0, other.0) } else { String::new() };
    let class = if is_dead { Class::Dead } else { Class::Repair };
    let say = vec![me, plain("'s link to "), other, plain(" ends.")];
    Said::new(class, short, say, format!("{}.", causes::down(why)))
}

fn told(story: &Story<'_>, e: usize, m: usize, tidings: &Tidings) -> Said {
    let me = name(story, m);
    match tidings {
        Tidings::Election { step, candidate, epoch } => {
            election_words::step(story, e, m, *step, *candidate, *epoch)
        }
        Tidings::Leader { who, epoch } if *who == m => {
            let say =
                vec![me.clone(), plain(" "), ("leads".into(), "lead"), plain(&format!(" in epoch {epoch}."))];
            Said::new(Class::Lead, format!("{} leads", me.0), say, "")
        }
        Tidings::Leader { who, epoch } => {
            let leader = (story.name(*who).into(), "lead");
            let short = format!("{} follows {}", me.0, leader.0);
            let say = vec![me, plain(" has the whole log and follows "), leader, plain(".")];
            Said::new(
                Class::Lead,
                short,
                say,
                format!("From here on it appends what the leader of epoch {epoch} sends."),
            )
        }
        Tidings::Ring { next, why, .. } if *next == m => {
            let say = vec![me.clone(), plain(" is "), ("alone".into(), "repair"), plain(" in its ring.")];
            Said::new(Class::Repair, format!("{} is alone", me.0), say, ring_reason(why))
        }
        Tidings::Ring { prev, next, why } => {
            // Of its two neighbours, the one that is new.
            let stays = story.neighbours(m, e).is_some_and(|(_, after)| after == *next);
            let (from, to) = if stays { (*prev, m) } else { (m, *next) };
            let other = story.name(if stays { from } else { to });
            let short = format!("{}: {} is {other}", me.0, if stays { "before it" } else { "next" });
            let way = (format!("{} → {}", story.name(from), story.name(to)), "repair");
            let closes = why == "repair" || why == "merge";
            let say =
                vec![plain(if closes { "The ring closes: " } else { "The ring changes: " }), way, plain(".")];
            Said::new(Class::Repair, short, say, ring_reason(why))
        }
        Tidings::Joined(who) => {
            let other = name(story, *who);
            let short = format!("{}: {} came in", me.0, other.0);
            let say =
                vec![me, plain(" has in its log that "), other, (" came in".into(), "member"), plain(".")];
            Said::new(Class::Member, short, say, "")
        }
        Tidings::Left { who, lost } => {
            let other = name(story, *who);
            let (how, class) = if *lost { (" was lost", Class::Dead) } else { (" left", Class::Member) };
            let short = format!("{}: {}{how}", me.0, other.0);
            let say = vec![me, plain(" has in its log that "), other, (how.into(), class.name()), plain(".")];
            Said::new(class, short, say, "")
        }
        Tidings::Ready => ready(&me),
        Tidings::Chat { by, index, count, text } => chat(story, m, *by, *index, *count, text.as_deref()),
        Tidings::Other(what) => {
            let what = what.replace('_', " ");
            let say = vec![me.clone(), plain(&format!(" tells its user: {what}."))];
            Said::new(Class::Member, format!("{}: {what}", me.0), say, "")
        }
    }
}

fn ready(me: &(String, &'static str)) -> Said {
    let say = vec![me.clone(), plain(" "), ("is in".into(), "member"), plain(".")];
    Said::new(
        Class::Member,
        format!("{} is in", me.0),
        say,
        "It has the log and the members, and is one of them.",
    )
}

fn ring_reason(why: &str) -> &'static str {
    match why {
        "join" => "A member came in between, or this one did.",
        "leave" => "The member between them left.",
        "merge" => "Two rings became one.",
        _ => "It asks the members after a gap in turn, by the roster, until one answers.",
    }
}

fn chat(story: &Story<'_>, m: usize, by: usize, index: u64, count: u64, text: Option<&str>) -> Said {
    let (me, author) = (name(story, m), name(story, by));
    let what = match text {
        Some(text) if count <= 1 => format!("“{text}”"),
        _ if count <= 1 => "a message".into(),
        _ => format!("{count} messages"),
    };
    let short = format!("{} shows {what} of {}", me.0, author.0);
    let say = vec![me, plain(" shows "), (what, "chat"), plain(" of "), author, plain(".")];
    Said::new(
        Class::Chat,
        short,
        say,
        format!("Entry {index} of the one log, which every member has by now."),
    )
}

/// The rank of a member in the election that is on at event `e`, or in the next, or in the last.
pub(crate) fn rank(story: &Story<'_>, m: usize, e: usize) -> Option<u64> {
    let of = |contest: &Contest| contest.ranks.get(&m).copied();
    let end = |contest: &Contest| contest.followed.or(contest.won.map(|(e, _)| e)).unwrap_or(contest.last);
    let next = story.contests.iter().filter(|contest| end(contest) >= e).find_map(of);
    next.or_else(|| story.contests.iter().rev().find_map(of))
}

/// The same in words.
pub(crate) fn lot(story: &Story<'_>, m: usize, e: usize) -> Option<String> {
    rank(story, m, e).map(|rank| format!("rank {rank}"))
}

/// What stands below a picture.
pub(crate) fn notes(story: &Story<'_>, window: &Window, left_out: usize) -> Vec<String> {
    let mut notes = Vec::new();
    if left_out > 0 {
        notes.push(format!("{} later events not shown; --from crash shows them", grouped(left_out as u64)));
    }
    if story.run.one_in > 1 {
        let one_in = grouped(story.run.one_in);
        notes
            .push(format!("of chat and signs of life one message in {one_in} is read: the traces are large"));
    }
    if let Some(agree) = story.run.agree {
        let within = if agree < 1_000 { format!("{agree} µs") } else { fine(agree) };
        notes.push(format!("clocks agree within ± {within}"));
    }
    let gaps = story.events().filter(|(_, event)| matches!(event.what, What::Missed(_)));
    let gaps: BTreeSet<usize> = gaps.map(|(_, event)| event.m).collect();
    if !gaps.is_empty() {
        notes.push(format!("lines of {} are missing", list(gaps.into_iter().map(|m| story.name(m).into()))));
    }
    let without: Vec<String> = (0..story.run.lives.len())
        .filter(|&m| !story.run.lives[m].has_trace && !story.run.lives[m].name.is_empty())
        .map(|m| story.name(m).into())
        .collect();
    if !without.is_empty() && window.to > window.from {
        notes.push(format!("no trace of {}", list(without.into_iter())));
    }
    notes
}

/// Microseconds as milliseconds with one digit after the point.
fn fine(us: u64) -> String {
    format!("{}.{} ms", us / 1_000, us % 1_000 / 100)
}

/// A number with commas: `4,312`.
pub(crate) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// When a life that nobody saw die was heard last, if that is the first fault.
fn last_heard(story: &Story<'_>) -> String {
    let first = story.faults.first().map(|&e| (e, &story.event(e).what));
    let before = match first {
        Some((e, What::Deed(Deed { to: Some(m), seen: false, .. }))) => unheard(story, e, *m),
        _ => None,
    };
    before.map_or_else(String::new, |before| format!(", last heard {before} before"))
}

/// What a run is about, in one line.
pub(crate) fn title(story: &Story<'_>) -> String {
    let crashes =
        story.faults.iter().filter(|&&e| matches!(&story.event(e).what, What::Deed(d) if d.kind.is_death()));
    let first = story.faults.first().map(|&e| said(story, e).sentence());
    let what = match (crashes.count(), first) {
        (_, Some(first)) => {
            let first = first.trim_end_matches('.').replace(", the leader, ", " (the leader) ");
            format!("{first}{}", last_heard(story))
        }
        (_, None) if story.contests.is_empty() => "A room without a fault".into(),
        (_, None) => "An election without a fault".into(),
    };
    let lives = story.courses.iter().zip(&story.run.lives);
    let members = lives.filter(|(course, life)| course.first.is_some() || !life.has_trace).count();
    format!("{what} · {members} member{}", if members == 1 { "" } else { "s" })
}
