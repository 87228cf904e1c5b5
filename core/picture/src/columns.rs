//! Which member stands in which column.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::marks::Column;
use super::story::Story;
use crate::trace::run::What;

/// The first lifeline.
const FIRST: i32 = 96;
/// What is free at the right of the last lifeline: room for the names of bands.
const AFTER: i32 = 76;
/// More columns than this are not drawn; the others share one.
const MOST: usize = 64;
/// From so many columns on they are narrow.
const NARROW: usize = 13;
/// From so many columns on they are very narrow.
const SLIM: usize = 31;
/// Very narrow columns hold no longer name.
const SHORT_NAME: usize = 3;
/// What the name of the shared column takes.
const SHARED: i32 = 56;
/// Longer names need wide columns.
const LONG_NAME: usize = 8;

/// The columns of a picture.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns {
    pub(crate) all: Vec<Column>,
    /// The column of each life that has one.
    of: BTreeMap<usize, usize>,
    pub(crate) width: i32,
}

impl Columns {
    /// The columns of all that happens from event `from` on. Only lives in `wanted` get one of their own, if any are named.
    pub(crate) fn new(story: &Story<'_>, from: usize, wanted: Option<&BTreeSet<usize>>) -> Self {
        let order = order(story, from);
        let apart = chosen(story, &order, wanted);
        let mut columns: Vec<(String, Vec<usize>)> = Vec::new();
        let mut others = Vec::new();
        for &m in &order {
            if apart.contains(&m) {
                columns.push((story.name(m).into(), [m].into()));
            } else {
                others.push(m);
            }
        }
        if !others.is_empty() {
            columns.push(("others".into(), others));
        }
        let own = columns.iter().filter(|(_, lives)| lives.len() == 1);
        let longest = own.map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let step = match columns.len() {
            SLIM.. if longest <= SHORT_NAME => 28,
            SLIM.. => 44,
            NARROW.. => 56,
            _ if longest > LONG_NAME => 104,
            _ => 80,
        };
        let mut of = BTreeMap::new();
        let mut x = FIRST;
        let mut placed = Vec::new();
        for (at, (name, lives)) in columns.into_iter().enumerate() {
            of.extend(lives.iter().map(|&m| (m, at)));
            let is_shared = lives.len() > 1;
            // Its name is never cut, and has room to the right.
            x += if is_shared { (SHARED - step).max(0) / 2 } else { 0 };
            let label = if is_shared { name } else { fitting(&name, step) };
            placed.push(Column { x, label, lives });
            x += step;
        }
        let last = placed.last().map_or(FIRST, |column| column.x);
        Self { all: placed, of, width: last + AFTER }
    }

    /// The lifeline of a life.
    pub(crate) fn x(&self, m: usize) -> Option<i32> {
        self.at(m).and_then(|at| self.all.get(at)).map(|column| column.x)
    }

    /// The number of the column of a life.
    pub(crate) fn at(&self, m: usize) -> Option<usize> {
        self.of.get(&m).copied()
    }

    /// Whether the life has a column of its own.
    pub(crate) fn is_alone(&self, m: usize) -> bool {
        self.at(m).and_then(|at| self.all.get(at)).is_some_and(|column| column.lives.len() == 1)
    }
}

/// As much of a name as a column has room for.
fn fitting(name: &str, step: i32) -> String {
    let most = usize::try_from(step / 8).unwrap_or(1);
    if name.chars().count() <= most {
        return name.into();
    }
    let cut: String = name.chars().take(most.saturating_sub(1)).collect();
    format!("{cut}…")
}

/// All lives: the ring at the first shown moment, beginning with its leader; newcomers after the member before them in
/// the first ring that has them; another life at an address beside the former one; others at the end.
fn order(story: &Story<'_>, from: usize) -> Vec<usize> {
    let lives = &story.run.lives;
    let is_over = |m: &usize| {
        let course = &story.courses[*m];
        course.died.or(course.left).is_some_and(|e| e < from)
    };
    let mut order: Vec<usize> = story.ring_before(from).unwrap_or_default().to_vec();
    if let Some(at) = leader_before(story, from).and_then(|m| order.iter().position(|&other| other == m)) {
        order.rotate_left(at);
    }
    let rings = story.run.events.iter().skip(from).filter_map(|event| match &event.what {
        What::State(state) => state.ring.as_deref(),
        _ => None,
    });
    for ring in rings {
        let mut before = ring.last().copied();
        for &m in ring {
            if !order.contains(&m) {
                insert_after(story, &mut order, before, m);
            }
            before = Some(m);
        }
    }
    let rest = (0..lives.len()).filter(|m| story.courses[*m].first.is_some());
    for m in rest.filter(|m| !is_over(m)).collect::<Vec<_>>() {
        if !order.contains(&m) {
            insert_after(story, &mut order, None, m);
        }
    }
    order
}

fn insert_after(story: &Story<'_>, order: &mut Vec<usize>, before: Option<usize>, m: usize) {
    let addr =
        |m: usize| story.run.lives.get(m).map(|life| life.addr.as_str()).filter(|addr| !addr.is_empty());
    let former = order.iter().rposition(|&other| addr(other).is_some() && addr(other) == addr(m));
    let place = former.or_else(|| before.and_then(|before| order.iter().position(|&other| other == before)));
    order.insert(place.map_or(order.len(), |at| at + 1), m);
}

fn leader_before(story: &Story<'_>, from: usize) -> Option<usize> {
    let leads = |m: &usize| {
        let looks = from.checked_sub(1).and_then(|e| story.courses[*m].looks_after(e));
        looks == Some(super::story::Looks::Leading)
    };
    (0..story.courses.len()).find(leads)
}

/// The lives with columns of their own: those wanted, and of these the ones to which most happens.
fn chosen(story: &Story<'_>, order: &[usize], wanted: Option<&BTreeSet<usize>>) -> BTreeSet<usize> {
    let mut busy = vec![0usize; story.run.lives.len()];
    for event in &story.run.events {
        if let Some(count) = busy.get_mut(event.m) {
            *count += 1;
        }
    }
    let mut these: Vec<usize> =
        order.iter().copied().filter(|m| wanted.is_none_or(|wanted| wanted.contains(m))).collect();
    if these.len() > MOST {
        these.sort_by_key(|&m| (core::cmp::Reverse(busy.get(m).copied()), m));
        these.truncate(MOST);
    }
    these.into_iter().collect()
}
