//! A run with its layout as JSON: whole numbers only, times in microseconds since the run began, events and members as
//! positions in their lists.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use serde::Serialize;

use super::causes;
use super::election_words;
use super::elections::Contest;
use super::hearsay::{Hearsay, hearsay};
use super::log_cells;
use super::marks::Layout;
use super::story::{ReignKind, Story};
use super::wanted::Window;
use super::words;
use crate::trace::run::{Fate, Gist, Tidings, What};

#[derive(Serialize)]
struct Page<'a> {
    title: String,
    description: String,
    zero: u64,
    end: u64,
    agree: Option<u64>,
    seen_by: Option<usize>,
    notes: &'a [String],
    members: Vec<MemberJson<'a>>,
    columns: Vec<ColumnJson<'a>>,
    width: i32,
    height: i32,
    ring0: &'a [usize],
    rows: Vec<RowJson>,
    ticks: Vec<TickJson<'a>>,
    marks: Vec<MarkJson<'a>>,
    events: Vec<EventJson>,
    changes: Vec<ChangeJson>,
    flights: Vec<FlightJson>,
    reigns: Vec<ReignJson>,
    elections: Vec<ElectionJson<'a>>,
    faults: Vec<FaultJson<'a>>,
    partitions: Vec<PartitionJson<'a>>,
    logs: Vec<LogJson>,
}

#[derive(Serialize)]
struct MemberJson<'a> {
    name: &'a str,
    addr: &'a str,
    id: String,
    rank: u64,
    column: Option<usize>,
    file: bool,
}

#[derive(Serialize)]
struct ColumnJson<'a> {
    x: i32,
    label: &'a str,
    members: &'a [usize],
}

#[derive(Serialize)]
struct RowJson {
    y: i32,
    t: u64,
}

#[derive(Serialize)]
struct TickJson<'a> {
    y: i32,
    label: &'a str,
}

#[derive(Serialize)]
struct MarkJson<'a> {
    row: usize,
    kind: &'static str,
    x1: i32,
    y1: i32,
    x2: i32,
    /// None down to the end of the picture, wherever that is.
    y2: Option<i32>,
    class: &'static str,
    label: &'a str,
    event: Option<usize>,
    end: &'static str,
}

#[derive(Serialize)]
struct EventJson {
    t: u64,
    row: Option<usize>,
    m: usize,
    lc: u64,
    class: &'static str,
    what: &'static str,
    k: &'static str,
    words: String,
    say: Vec<(String, &'static str)>,
    why: String,
    cause: Option<usize>,
    effects: Vec<usize>,
    fields: Vec<(&'static str, String)>,
}

#[derive(Serialize)]
struct ChangeJson {
    e: usize,
    m: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    promised: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    leader: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prev: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lc: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stable: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ring: Option<Vec<usize>>,
}

#[derive(Serialize)]
struct FlightJson {
    from: Option<usize>,
    to: Option<usize>,
    class: &'static str,
    k: &'static str,
    s: Option<usize>,
    r: Option<usize>,
    t1: u64,
    t2: Option<u64>,
    about: Option<usize>,
    path: Vec<usize>,
    fate: &'static str,
}

#[derive(Serialize)]
struct ReignJson {
    t1: u64,
    t2: u64,
    kind: &'static str,
    m: Option<usize>,
    epoch: Option<u64>,
}

#[derive(Serialize)]
struct ElectionJson<'a> {
    epoch: u64,
    t1: u64,
    t2: Option<u64>,
    /// When the last member came to follow.
    followed: Option<u64>,
    first: usize,
    won: Option<usize>,
    winner: Option<usize>,
    starters: &'a [usize],
    members: Vec<usize>,
    /// Each member with its rank in this election.
    ranks: Vec<(usize, u64)>,
    messages: u64,
    announced: u64,
    about: String,
    theory: TheoryJson<'a>,
}

#[derive(Serialize)]
struct TheoryJson<'a> {
    case: &'static str,
    n: u64,
    hops: Option<u64>,
    exact: Option<u64>,
    least: u64,
    most: u64,
    mean: &'a str,
}

#[derive(Serialize)]
struct FaultJson<'a> {
    t: u64,
    e: usize,
    kind: &'static str,
    m: Option<usize>,
    words: String,
    /// Of a cut: from where and to where nothing gets through.
    sides: &'a [Vec<usize>],
}

#[derive(Serialize)]
struct PartitionJson<'a> {
    t1: u64,
    t2: Option<u64>,
    sides: &'a [Vec<usize>],
}

#[derive(Serialize)]
struct LogJson {
    m: usize,
    cells: Vec<CellJson>,
}

#[derive(Serialize)]
struct CellJson {
    e: usize,
    index: u64,
    kind: &'static str,
    label: String,
    stable: Option<usize>,
    gone: Option<usize>,
}

/// Writes a run and its layout.
pub(crate) fn json(story: &Story<'_>, window: &Window, layout: &Layout) -> String {
    let page = Page {
        title: words::title(story),
        description: election_words::description(story),
        zero: story.zero,
        end: story.end,
        agree: story.run.agree,
        seen_by: story.seen_by(),
        notes: &layout.notes,
        members: members(story, layout),
        columns: layout
            .columns
            .iter()
            .map(|c| ColumnJson { x: c.x, label: &c.label, members: &c.lives })
            .collect(),
        width: layout.width,
        height: layout.height,
        ring0: story.ring_before(window.from).or_else(|| story.first_ring()).unwrap_or_default(),
        rows: layout.rows.iter().map(|row| RowJson { y: row.y, t: row.t }).collect(),
        ticks: layout.ticks.iter().map(|tick| TickJson { y: tick.y, label: &tick.label }).collect(),
        marks: marks(layout),
        events: events(story, window, layout),
        changes: changes(story),
        flights: flights(story),
        reigns: reigns(story),
        elections: story.contests.iter().map(|contest| election(story, contest)).collect(),
        faults: faults(story),
        partitions: partitions(story),
        logs: logs(story),
    };
    // Numbers, strings and lists of them: this cannot fail.
    let mut text = serde_json::to_string(&page).unwrap_or_default();
    text.push('\n');
    text
}

fn members<'a>(story: &'a Story<'_>, layout: &Layout) -> Vec<MemberJson<'a>> {
    let lives = story.run.lives.iter().enumerate();
    let member = |(m, life): (usize, &'a crate::trace::run::OneLife)| MemberJson {
        name: if life.name.is_empty() { "?" } else { &life.name },
        addr: &life.addr,
        id: if story.run.anonymous { String::new() } else { format!("{:x}", life.id) },
        rank: words::rank(story, m, 0).unwrap_or(0),
        column: layout.columns.iter().position(|column| column.lives.contains(&m)),
        file: life.has_trace,
    };
    lives.map(member).collect()
}

fn marks(layout: &Layout) -> Vec<MarkJson<'_>> {
    let mark = |mark: &super::marks::Mark| (mark.row, mark.x1, mark.y1, mark.x2, mark.y2);
    layout
        .marks
        .iter()
        .map(|m| {
            let (row, x1, y1, x2, y2) = mark(m);
            let class = m.class.map_or("", super::class::Class::name);
            MarkJson {
                row,
                kind: m.kind.name(),
                x1,
                y1,
                x2,
                y2: Some(y2).filter(|y2| *y2 < layout.bottom),
                class,
                label: &m.label,
                event: m.event,
                end: m.end.name(),
            }
        })
        .collect()
}

fn events(story: &Story<'_>, window: &Window, layout: &Layout) -> Vec<EventJson> {
    let event = |(e, event): (usize, &crate::trace::run::RunEvent)| {
        let said = words::said(story, e);
        let (what, k) = kind(&event.what);
        EventJson {
            t: event.t,
            row: layout.row_of.get(&e).copied(),
            m: event.m,
            lc: event.lamport,
            class: said.class.map_or("", super::class::Class::name),
            what,
            k,
            words: if window.holds(e) { said.short } else { String::new() },
            say: said.say,
            why: said.why,
            cause: story.cause(e),
            effects: story.effects(e).collect(),
            fields: fields(story, e),
        }
    };
    story.events().map(event).collect()
}

fn kind(what: &What) -> (&'static str, &'static str) {
    match what {
        What::Sent { gist, .. } => ("send", gist.kind.name()),
        What::Took { dropped: Some(_), gist, .. } => ("drop", gist.kind.name()),
        What::Took { gist, .. } => ("recv", gist.kind.name()),
        What::Dialed { .. } => ("dial", ""),
        What::Failed { .. } => ("fail", ""),
        What::Up { .. } => ("up", ""),
        What::Down { .. } => ("down", ""),
        What::State(_) => ("state", ""),
        What::Told(Tidings::Election { step, .. }) => ("note", step.name()),
        What::Told(_) => ("note", ""),
        What::Deed(_) => ("fault", ""),
        What::End(_) => ("end", ""),
        What::Sum(_) => ("sum", ""),
        What::Missed(_) => ("missed", ""),
        What::Full => ("full", ""),
    }
}

/// What a person may want to know of an event, beside the sentence.
fn fields(story: &Story<'_>, e: usize) -> Vec<(&'static str, String)> {
    let who = |m: &Option<usize>| m.map_or("?", |m| story.name(m)).to_string();
    let mut fields = Vec::new();
    match &story.event(e).what {
        What::Sent { to, gist } => {
            fields.push(("to", super::wanted::list(to.iter().map(|(_, to)| who(to)))));
            of_message(story, gist, &mut fields);
        }
        What::Took { from, stamp, counted, gist, dropped, .. } => {
            fields.push(("from", who(from)));
            fields.push(("stamp", stamp.to_string()));
            if !counted {
                fields.push(("clock", "not moved: the sender was a stranger".into()));
            }
            if let Some(why) = dropped {
                fields.push(("no effect", words::reason(why)));
            }
            of_message(story, gist, &mut fields);
        }
        What::Dialed { whom, why } => fields.extend([("whom", who(whom)), ("for", why.clone())]),
        What::Failed { whom, why } => fields.extend([("whom", who(whom)), ("why", causes::failed(why))]),
        What::Up { with, link } => fields.extend([("with", who(with)), ("link", link.to_string())]),
        What::Down { with, link, why } => {
            fields.extend([("with", who(with)), ("link", link.to_string()), ("why", causes::down(why))]);
        }
        _ => {}
    }
    fields
}

fn of_message(story: &Story<'_>, gist: &Gist, fields: &mut Vec<(&'static str, String)>) {
    if let Some(epoch) = gist.epoch {
        fields.push(("epoch", epoch.to_string()));
    }
    if let Some(about) = gist.about {
        fields.push(("about", story.name(about).into()));
    }
    if let Some((epoch, length)) = gist.key {
        fields.push(("log", format!("{length} entries, the last of epoch {epoch}")));
    }
    if !gist.path.is_empty() {
        fields.push(("path", super::wanted::list(gist.path.iter().map(|&m| story.name(m).into()))));
    }
    if gist.to > 0 {
        fields.push(("entries", format!("{} to {}", gist.from, gist.to)));
    }
    if gist.texts > 0 {
        fields.push(("texts", gist.texts.to_string()));
    }
}

/// A life, or −1 for none.
fn or_none(m: Option<usize>) -> i64 {
    m.and_then(|m| i64::try_from(m).ok()).unwrap_or(-1)
}

fn changes(story: &Story<'_>) -> Vec<ChangeJson> {
    let mut changes: Vec<ChangeJson> = Vec::new();
    for m in 0..story.run.lives.len() {
        let mut last: Option<ChangeJson> = None;
        let course = &story.courses[m];
        let mut moments: Vec<usize> = course.states().to_vec();
        moments.extend(course.looks.iter().map(|&(e, _)| e));
        moments.sort_unstable();
        moments.dedup();
        for e in moments {
            let now = whole_change(story, m, e);
            changes.push(differing(&now, last.as_ref()));
            last = Some(now);
        }
    }
    if let Some(teller) = story.seen_by() {
        changes.extend(hearsay(story, teller).into_iter().map(heard));
    }
    changes.sort_by_key(|change| (change.e, change.m));
    changes
}

fn heard((e, m, known): (usize, usize, Hearsay)) -> ChangeJson {
    ChangeJson {
        e,
        m,
        mode: Some(known.mode),
        promised: None,
        epoch: None,
        leader: Some(or_none(known.leader)),
        next: Some(or_none(known.next)),
        prev: Some(or_none(known.prev)),
        lc: None,
        log: None,
        stable: None,
        ring: None,
    }
}

fn whole_change(story: &Story<'_>, m: usize, e: usize) -> ChangeJson {
    let held = story.holding(m, e + 1);
    ChangeJson {
        e,
        m,
        mode: story.courses[m].looks_after(e).map(super::story::Looks::name),
        promised: held.map(|held| held.promised),
        epoch: held.map(|held| held.epoch),
        leader: held.map(|held| or_none(held.leader)),
        next: held.map(|held| or_none(held.next)),
        prev: held.map(|held| or_none(held.prev)),
        lc: Some(story.event(e).lamport),
        log: held.map(|held| held.log),
        stable: held.map(|held| held.stable),
        ring: held.and_then(|held| held.ring.clone()),
    }
}

/// What differs from the change before.
fn differing(now: &ChangeJson, before: Option<&ChangeJson>) -> ChangeJson {
    fn news<T: Clone + PartialEq>(now: Option<&T>, before: Option<&T>) -> Option<T> {
        now.filter(|now| before != Some(now)).cloned()
    }
    ChangeJson {
        e: now.e,
        m: now.m,
        mode: news(now.mode.as_ref(), before.and_then(|before| before.mode.as_ref())),
        promised: news(now.promised.as_ref(), before.and_then(|before| before.promised.as_ref())),
        epoch: news(now.epoch.as_ref(), before.and_then(|before| before.epoch.as_ref())),
        leader: news(now.leader.as_ref(), before.and_then(|before| before.leader.as_ref())),
        next: news(now.next.as_ref(), before.and_then(|before| before.next.as_ref())),
        prev: news(now.prev.as_ref(), before.and_then(|before| before.prev.as_ref())),
        lc: now.lc,
        log: news(now.log.as_ref(), before.and_then(|before| before.log.as_ref())),
        stable: news(now.stable.as_ref(), before.and_then(|before| before.stable.as_ref())),
        ring: news(now.ring.as_ref(), before.and_then(|before| before.ring.as_ref())),
    }
}

fn flights(story: &Story<'_>) -> Vec<FlightJson> {
    let flight = |frame: &crate::trace::run::Frame| {
        let either = frame.sent.or(frame.taken)?;
        let (What::Sent { gist, .. } | What::Took { gist, .. }) = &story.event(either).what else {
            return None;
        };
        let is_token = super::class::Class::of(gist.kind) == super::class::Class::Elect;
        Some(FlightJson {
            from: frame.from,
            to: frame.to,
            class: super::class::Class::of(gist.kind).name(),
            k: gist.kind.name(),
            s: frame.sent,
            r: frame.taken,
            t1: story.event(either).t,
            t2: frame.taken.map(|taken| story.event(taken).t),
            about: gist.about,
            path: if is_token { gist.path.clone() } else { Vec::new() },
            fate: match frame.fate {
                Fate::Arrived | Fate::Summed => "arrived",
                Fate::Lost => "lost",
                Fate::Open => "open",
                Fate::Unseen => "unseen",
            },
        })
    };
    story.run.frames.iter().filter_map(flight).collect()
}

fn reigns(story: &Story<'_>) -> Vec<ReignJson> {
    let reign = |reign: &super::story::Reign| {
        let (kind, m, epoch) = match reign.kind {
            ReignKind::Leader(m, epoch) => ("leader", Some(m), Some(epoch)),
            ReignKind::Election => ("election", None, None),
            ReignKind::Nobody => ("none", None, None),
        };
        ReignJson { t1: reign.t1, t2: reign.t2, kind, m, epoch }
    };
    story.reigns.iter().map(reign).collect()
}

fn election<'a>(story: &Story<'_>, contest: &'a Contest) -> ElectionJson<'a> {
    let time = |e: usize| story.event(e).t;
    let theory = &contest.theory;
    ElectionJson {
        epoch: contest.epoch,
        t1: time(contest.first),
        t2: contest.won.map(|(e, _)| time(e)),
        followed: contest.followed.map(time),
        first: contest.first,
        won: contest.won.map(|(e, _)| e),
        winner: contest.won.map(|(_, winner)| winner),
        starters: &contest.starters,
        members: contest.members.iter().copied().collect(),
        ranks: contest.ranks.iter().map(|(&m, &rank)| (m, rank)).collect(),
        messages: contest.messages,
        announced: contest.announced,
        about: election_words::about(story, contest),
        theory: TheoryJson {
            case: theory.case.name(),
            n: theory.n,
            hops: theory.hops,
            exact: theory.exact,
            least: theory.least,
            most: theory.most,
            mean: &theory.mean,
        },
    }
}

fn faults<'a>(story: &'a Story<'_>) -> Vec<FaultJson<'a>> {
    let fault = |&e: &usize| {
        let event = story.event(e);
        let What::Deed(deed) = &event.what else { return None };
        let kind = if deed.seen { deed.kind.name() } else { "died" };
        let words = words::said(story, e).short;
        Some(FaultJson { t: event.t, e, kind, m: deed.to, words, sides: &deed.sides })
    };
    story.faults.iter().filter_map(fault).collect()
}

fn partitions<'a>(story: &'a Story<'_>) -> Vec<PartitionJson<'a>> {
    let time = |e: usize| story.event(e).t;
    let split = |split: &'a super::story::Split| PartitionJson {
        t1: time(split.from),
        t2: split.to.map(time),
        sides: &split.sides,
    };
    story.splits.iter().map(split).collect()
}

fn logs(story: &Story<'_>) -> Vec<LogJson> {
    let cell = |cell: &log_cells::Cell| CellJson {
        e: cell.e,
        index: cell.index,
        kind: cell.kind.name(),
        label: log_cells::label(story, cell),
        stable: cell.stable,
        gone: cell.gone,
    };
    let logs = log_cells::cells(story).into_iter().enumerate();
    logs.map(|(m, cells)| LogJson { m, cells: cells.iter().map(cell).collect() }).collect()
}
