//! The oracle on the outside: what the members showed to their people.

use std::collections::{BTreeMap, BTreeSet};

use ringchat_core::{
    ChatLine, Ending, Epoch, Index, Instant, Member, NodeId, Notice, Occasion, Seq, Stamp, Text,
};

use super::Violation;
use crate::sim::HostId;

/// Which promises a run is held to; some hold only when nothing but crashes happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promises {
    /// Nothing was frozen, cut or wrongly suspected: one order for all, one leader an epoch, no gap.
    CrashOnly,
    /// One member at a time was stopped for a while, with the others all right, and nothing else but crashes. All as
    /// above, but that the room may have gone on without the one that was stopped, which then came back.
    OneSleeps,
    /// Anything may have happened.
    Any,
}

impl Promises {
    /// Whether there is one order for all, one leader an epoch, and no gap.
    pub fn are_strict(self) -> bool {
        self != Self::Any
    }
}

/// What one process showed.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// What it is called in traces.
    pub label: String,
    /// Who it is, once it was a member.
    pub me: Option<NodeId>,
    /// When it became a member for the first time.
    pub ready: Option<Instant>,
    /// How often it became a member.
    pub times_ready: u32,
    /// How often the room went on without it.
    pub left_behind: u32,
    /// How often it was told that it is too slow.
    pub cut_off: u32,
    /// The messages in the order in which it showed them: origin and number.
    pub shown: Vec<(NodeId, Seq)>,
    /// The texts of `shown`.
    pub texts: Vec<String>,
    /// Where it was when they were said.
    pub occasions: Vec<Occasion>,
    /// How many elections it began.
    pub elections: u32,
    /// Who leads, as it said last.
    pub leader: Option<NodeId>,
    /// How it ended.
    pub ending: Option<Ending>,
    /// What it was given to say, and when; the first has number 1.
    pub said: Vec<(Text, Instant)>,
    /// Of each origin the number up to which everything was shown or told to be missing.
    reached: BTreeMap<NodeId, Seq>,
    /// Of whom something is missing, and said so.
    gaps: BTreeSet<NodeId>,
    place: Option<Index>,
    epoch: Epoch,
    lamport: Stamp,
}

impl History {
    /// The number up to which `origin`'s messages were shown or told to be missing.
    pub fn reached(&self, origin: NodeId) -> Seq {
        self.reached.get(&origin).copied().unwrap_or_default()
    }

    /// Whether it was told that something is missing.
    pub fn has_gap(&self) -> bool {
        !self.gaps.is_empty()
    }

    /// Whether it showed this text.
    pub fn showed(&self, text: &str) -> bool {
        self.texts.iter().any(|shown| shown == text)
    }

    /// Whether it showed this text as said on this occasion.
    pub fn showed_as(&self, text: &str, occasion: Occasion) -> bool {
        self.texts.iter().zip(&self.occasions).any(|(shown, was)| shown == text && *was == occasion)
    }
}

/// What all processes showed.
#[derive(Clone, Debug)]
pub struct Room {
    promises: Promises,
    histories: Vec<History>,
    gone: BTreeSet<HostId>,
    /// Who was stopped for a while.
    slept: BTreeSet<HostId>,
    by_id: BTreeMap<NodeId, HostId>,
    /// What was shown at each place of the log, by whom.
    places: BTreeMap<Index, Vec<(HostId, NodeId, Seq)>>,
    leaders: BTreeMap<Epoch, NodeId>,
    checked: u64,
}

impl Room {
    /// A room that is held to these promises.
    pub fn new(promises: Promises) -> Self {
        Self {
            promises,
            histories: Vec::new(),
            gone: BTreeSet::new(),
            slept: BTreeSet::new(),
            by_id: BTreeMap::new(),
            places: BTreeMap::new(),
            leaders: BTreeMap::new(),
            checked: 0,
        }
    }

    /// A new process; they are numbered in order.
    pub fn enter(&mut self, label: String) {
        self.histories.push(History { label, ..History::default() });
    }

    /// The process died or ended.
    pub fn exit(&mut self, host: HostId) {
        self.gone.insert(host);
    }

    /// The process is stopped for a while, and it alone.
    pub fn sleep(&mut self, host: HostId) {
        self.slept.insert(host);
    }

    /// From now on only what holds whatever happens.
    pub fn expect_anything(&mut self) {
        self.promises = Promises::Any;
    }

    /// To which promises it is held.
    pub fn promises(&self) -> Promises {
        self.promises
    }

    /// What a process showed.
    pub fn history(&self, host: HostId) -> &History {
        &self.histories[host.0]
    }

    /// How many messages were checked.
    pub fn checked(&self) -> u64 {
        self.checked
    }

    /// A process was given something to say.
    pub fn said(&mut self, host: HostId, now: Instant, text: Text) {
        self.histories[host.0].said.push((text, now));
    }

    /// A process showed something.
    ///
    /// # Errors
    /// If it must not.
    pub fn notice(
        &mut self,
        host: HostId,
        now: Instant,
        lamport: Stamp,
        notice: &Notice,
    ) -> Result<(), Violation> {
        let history = &mut self.histories[host.0];
        let label = history.label.clone();
        let fail = |property, detail: String| Err(Violation::new(now, property, format!("{label} {detail}")));
        if history.ending.is_some() {
            return fail("silence after the end", format!("said {notice:?}"));
        }
        if lamport < history.lamport {
            return fail("S10", format!("went back in Lamport time from {} to {lamport}", history.lamport));
        }
        history.lamport = lamport;
        match notice {
            Notice::Ready { me, .. } => {
                history.me = Some(me.id);
                history.ready.get_or_insert(now);
                history.times_ready += 1;
                self.by_id.insert(me.id, host);
            }
            Notice::Chat(chat) => {
                for line in chat.lines() {
                    if line.stamp >= lamport {
                        return fail("S10", format!("shows stamp {} at its time {lamport}", line.stamp));
                    }
                    self.line(host, now, &line)?;
                }
            }
            Notice::Gap { from, count } => {
                let reached = history.reached.entry(from.id).or_default();
                *reached = reached.plus(*count);
                history.gaps.insert(from.id);
                if self.promises.are_strict() {
                    return fail("S6", format!("misses {count} messages of {from}"));
                }
            }
            Notice::Leader { member, epoch } => return self.leader(host, now, member, *epoch),
            Notice::Election { phase: ringchat_core::ElectionPhase::Start, .. } => history.elections += 1,
            Notice::LeftBehind => {
                history.left_behind += 1;
                let strict = self.promises.are_strict() && !self.slept.contains(&host);
                if strict && history.ready.is_some() {
                    return fail("no false alarm", "was left behind and had not slept".into());
                }
            }
            Notice::NotTaken { text } => {
                return fail("can_say", format!("did not take {text:?} though it can say"));
            }
            Notice::CutOff => history.cut_off += 1,
            Notice::Ended(ending) => history.ending = Some(ending.clone()),
            _ => {}
        }
        Ok(())
    }

    fn line(&mut self, host: HostId, now: Instant, shown: &ChatLine<'_>) -> Result<(), Violation> {
        let label = self.histories[host.0].label.clone();
        let fail = |property, what: &str| {
            let ChatLine { index, from, seq, text, .. } = shown;
            let text: String = text.chars().take(40).collect();
            let detail = format!("{label} shows {index}: {}:{seq} {text:?}: {what}", from.id);
            Err(Violation::new(now, property, detail))
        };
        self.checked += 1;
        if let Some((property, what)) = self.invented(host, shown) {
            return fail(property, &what);
        }
        let id = shown.from.id;
        let before_me = self.said_before_ready(host, id);
        let history = &mut self.histories[host.0];
        let reached = history.reached.get(&id).copied();
        let expected = reached.unwrap_or_default().next();
        // A newcomer starts in the midst of what others say.
        let may_start_late = reached.is_none() && shown.seq <= before_me.next();
        if shown.seq < expected {
            return fail("S5", &format!("shown before, {expected} is expected"));
        }
        if shown.seq > expected && !may_start_late {
            return fail("S6", &format!("{expected} is missing in silence"));
        }
        history.reached.insert(id, shown.seq);
        history.shown.push((id, shown.seq));
        history.texts.push(shown.text.to_owned());
        history.occasions.push(shown.occasion);
        let before = history.place.replace(shown.index);
        if !self.promises.are_strict() {
            return Ok(());
        }
        if before.is_some_and(|before| before >= shown.index) {
            return fail("S4", "its place is not after the last one");
        }
        let place = self.places.entry(shown.index).or_default();
        let other = place.iter().find(|(by, ..)| !self.gone.contains(by));
        if let Some((by, other, seq)) = other.filter(|(_, other, seq)| (*other, *seq) != (id, shown.seq)) {
            let by = &self.histories[by.0].label;
            return fail("S3", &format!("{by} shows {other}:{seq} at this place"));
        }
        place.push((host, id, shown.seq));
        Ok(())
    }

    /// How many messages `origin` had been given to say when `host` became a member.
    fn said_before_ready(&self, host: HostId, origin: NodeId) -> Seq {
        let (Some(ready), Some(origin)) = (self.histories[host.0].ready, self.by_id.get(&origin)) else {
            return Seq::default();
        };
        Seq(self.histories[origin.0].said.iter().take_while(|(_, at)| *at < ready).count() as u64)
    }

    /// What is wrong if nobody said this.
    fn invented(&self, host: HostId, shown: &ChatLine<'_>) -> Option<(&'static str, String)> {
        let Some(&origin) = self.by_id.get(&shown.from.id) else {
            return Some(("S5", "nobody of that id was ever a member".into()));
        };
        if shown.mine != (origin == host) {
            return Some(("S5", format!("mine is {}", shown.mine)));
        }
        let number = usize::try_from(shown.seq.0).unwrap_or(usize::MAX);
        match number.checked_sub(1).and_then(|n| self.histories[origin.0].said.get(n)) {
            None => Some(("S5", "never said".into())),
            Some((said, _)) if said.as_str() != shown.text => Some(("S6", format!("{said:?} was said"))),
            Some(_) => None,
        }
    }

    fn leader(&mut self, host: HostId, now: Instant, member: &Member, epoch: Epoch) -> Result<(), Violation> {
        let history = &mut self.histories[host.0];
        history.leader = Some(member.id);
        if epoch < history.epoch {
            let detail = format!("{} went back from epoch {} to {epoch}", history.label, history.epoch);
            return Err(Violation::new(now, "S9", detail));
        }
        history.epoch = epoch;
        let known = *self.leaders.entry(epoch).or_insert(member.id);
        if self.promises.are_strict() && known != member.id {
            let detail = format!("epoch {epoch} has two leaders, {known} and {}", member.id);
            return Err(Violation::new(now, "S7", detail));
        }
        Ok(())
    }
}

/// At the end.
impl Room {
    /// Checks that nothing is lost that was promised, among `together`: members that live and form one ring.
    ///
    /// # Errors
    /// If one of them lacks a message that it is owed.
    pub fn nothing_lost(&self, now: Instant, together: &[HostId]) -> Result<(), Violation> {
        for &to in together {
            for (from, history) in self.histories.iter().enumerate() {
                let owed = self.owed(HostId(from), to, together);
                if let (Some(id), true) = (history.me, owed > Seq::default()) {
                    let reached = self.histories[to.0].reached(id);
                    if reached < owed {
                        let (to, from) = (&self.histories[to.0].label, &history.label);
                        let detail = format!("{to} lacks {from}'s messages {} to {owed}", reached.next());
                        return Err(Violation::new(now, "L1", detail));
                    }
                }
            }
        }
        Ok(())
    }

    /// Up to which number `to` must have got the messages of `from`.
    fn owed(&self, from: HostId, to: HostId, together: &[HostId]) -> Seq {
        let sender = &self.histories[from.0];
        let Some(id) = sender.me else { return Seq::default() };
        // Who left in order has told all of its ring; after a cut that need not be everybody.
        let in_order = self.promises.are_strict() && sender.ending == Some(Ending::Left { unsure: 0 });
        let survives = together.contains(&from) || in_order;
        if !survives {
            return Seq::default();
        }
        let all = Seq(sender.said.len() as u64);
        if all > self.said_before_ready(to, id) { all } else { Seq::default() }
    }

    /// Checks that members of one ring have shown the same, in the same order, since the last of them came.
    ///
    /// # Errors
    /// If two of them differ.
    pub fn one_order(&self, now: Instant, together: &[HostId]) -> Result<(), Violation> {
        if !self.promises.are_strict() {
            return Ok(());
        }
        let Some((first, others)) = together.split_first() else { return Ok(()) };
        for other in others {
            let (a, b) = (&self.histories[first.0].shown, &self.histories[other.0].shown);
            let common = a.len().min(b.len());
            if a[a.len() - common..] != b[b.len() - common..] {
                let detail = format!(
                    "{} and {} end in different orders",
                    self.histories[first.0].label, self.histories[other.0].label
                );
                return Err(Violation::new(now, "S3", detail));
            }
        }
        Ok(())
    }
}
