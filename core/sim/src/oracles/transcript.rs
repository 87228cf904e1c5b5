//! The oracle from the outside: what processes show to their users.

use alloc::borrow::ToOwned as _;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use ringchat_core::{
    ChatLine, ElectionPhase, Ending, Epoch, Index, Instant, Member, Name, NodeId, Notice, Occasion, Seq,
    Stamp, Text,
};

use super::{FaultModel, Violation};
use crate::{HostId, Property};

/// What one process has shown to its user.
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    /// Its name in traces.
    pub label: String,
    /// The name under which it speaks.
    pub name: String,
    /// Its id, once it was a member.
    pub me: Option<NodeId>,
    /// When it became a member for the first time.
    pub ready: Option<Instant>,
    /// How often it became a member.
    pub times_ready: u32,
    /// How often it was told that the room went on without it.
    pub left_behind: u32,
    /// How often it was told that it is too slow.
    pub cut_off: u32,
    /// The origins and numbers of the messages, in the order in which they were shown.
    pub shown: Vec<(NodeId, Seq)>,
    /// The texts of `shown`.
    pub texts: Vec<String>,
    /// The occasions of `shown`.
    pub occasions: Vec<Occasion>,
    /// How many elections it began.
    pub elections: u32,
    /// The leader that it told of last.
    pub leader: Option<NodeId>,
    /// How it ended.
    pub ending: Option<Ending>,
    /// What its user has said, and when. The first message has the number 1.
    pub said: Vec<(Text, Instant)>,
    /// For each origin, the number up to which all messages were shown or told to be missing.
    reached: BTreeMap<NodeId, Seq>,
    /// The origins of messages that were told to be missing.
    gaps: BTreeSet<NodeId>,
    place: Option<Index>,
    epoch: Epoch,
    lamport: Stamp,
}

impl Transcript {
    /// The number up to which all messages of `origin` were shown or told to be missing.
    pub fn reached(&self, origin: NodeId) -> Seq {
        self.reached.get(&origin).copied().unwrap_or_default()
    }

    /// Whether its user was told of missing messages.
    pub fn has_gap(&self) -> bool {
        !self.gaps.is_empty()
    }

    /// Whether it has shown this text.
    pub fn showed(&self, text: &str) -> bool {
        self.texts.iter().any(|shown| shown == text)
    }

    /// Whether it has shown this text as said on this occasion.
    pub fn showed_as(&self, text: &str, occasion: Occasion) -> bool {
        self.texts.iter().zip(&self.occasions).any(|(shown, was)| shown == text && *was == occasion)
    }
}

impl Transcript {
    fn add(&mut self, line: &ChatLine<'_>) {
        self.reached.insert(line.from.id, line.seq);
        self.shown.push((line.from.id, line.seq));
        self.texts.push(line.text.to_owned());
        self.occasions.push(line.occasion);
        self.place = Some(line.index);
    }

    fn fails(&self, now: Instant, property: Property, what: &str) -> Result<(), Violation> {
        Err(Violation::new(now, property, format!("{} {what}", self.label)))
    }
}

/// What all processes have shown, and whether they may.
#[derive(Clone, Debug)]
pub struct Transcripts {
    fault_model: FaultModel,
    all: Vec<Transcript>,
    gone: BTreeSet<HostId>,
    /// The processes that lie.
    liars: BTreeSet<HostId>,
    /// The processes that were stopped for a while.
    slept: BTreeSet<HostId>,
    /// The messages that members said again under later numbers when they led, because a liar had made the log count too
    /// much of them, and the place of each among all that its user said.
    said_anew: BTreeMap<(NodeId, Seq), usize>,
    /// The process of each id, and how much its user had said in earlier lives.
    by_id: BTreeMap<NodeId, (HostId, usize)>,
    /// For each place of the log, the processes that have shown it, and the message that each has shown there.
    places: BTreeMap<Index, Vec<(HostId, NodeId, Seq)>>,
    leaders: BTreeMap<Epoch, NodeId>,
    checked: u64,
}

impl Transcripts {
    /// No transcripts yet, of a run in which this may happen.
    pub fn new(fault_model: FaultModel) -> Self {
        Self {
            fault_model,
            all: Vec::new(),
            gone: BTreeSet::new(),
            liars: BTreeSet::new(),
            slept: BTreeSet::new(),
            said_anew: BTreeMap::new(),
            by_id: BTreeMap::new(),
            places: BTreeMap::new(),
            leaders: BTreeMap::new(),
            checked: 0,
        }
    }

    /// A process starts. Processes are numbered in this order.
    pub fn enter(&mut self, label: String, name: &Name) {
        self.all.push(Transcript { label, name: String::from(name.as_str()), ..Transcript::default() });
    }

    /// A process dies or ends.
    pub fn exit(&mut self, host: HostId) {
        self.gone.insert(host);
    }

    /// A process is stopped for a while, and no other.
    pub fn sleep(&mut self, host: HostId) {
        self.slept.insert(host);
    }

    /// A process lies from now on. What it shows to its own user does not count.
    pub fn corrupt(&mut self, host: HostId) {
        self.liars.insert(host);
    }

    /// Whether a process lies.
    pub fn is_liar(&self, host: HostId) -> bool {
        self.liars.contains(&host)
    }

    fn is_by_liar(&self, id: NodeId) -> bool {
        self.by_id.get(&id).is_none_or(|(host, _)| self.is_liar(*host))
    }

    /// What may happen in the run.
    pub fn fault_model(&self) -> FaultModel {
        self.fault_model
    }

    /// The transcript of a process.
    pub fn of(&self, host: HostId) -> &Transcript {
        &self.all[host.0]
    }

    /// The number of messages that were checked.
    pub fn checked(&self) -> u64 {
        self.checked
    }

    /// A user says something.
    pub fn said(&mut self, host: HostId, now: Instant, text: Text) {
        self.all[host.0].said.push((text, now));
    }

    /// The node of a process takes another id, and says again the last `waiting` messages of its user.
    pub fn new_life(&mut self, host: HostId, id: NodeId, waiting: u64) {
        let it = &mut self.all[host.0];
        it.me = Some(id);
        let waiting = usize::try_from(waiting).unwrap_or(usize::MAX);
        self.by_id.insert(id, (host, it.said.len().saturating_sub(waiting)));
    }

    /// A process shows something.
    ///
    /// # Errors
    /// The property that this breaks.
    pub fn notice(
        &mut self,
        host: HostId,
        now: Instant,
        lamport: Stamp,
        notice: &Notice,
    ) -> Result<(), Violation> {
        let is_liar = self.is_liar(host);
        let it = &mut self.all[host.0];
        if is_liar {
            it.ready = it.ready.or(Some(now));
            return Ok(());
        }
        if it.ending.is_some() {
            return it.fails(now, Property::SilenceAfterEnd, &format!("said {notice:?}"));
        }
        if lamport < it.lamport {
            let what = format!("went back in Lamport time from {} to {lamport}", it.lamport);
            return it.fails(now, Property::LamportOrder, &what);
        }
        it.lamport = lamport;
        match notice {
            Notice::Ready { me, .. } => {
                it.me = Some(me.id);
                it.ready.get_or_insert(now);
                it.times_ready += 1;
                self.by_id.entry(me.id).or_insert((host, 0));
            }
            // Another life has promised nothing.
            Notice::NewLife { .. } => it.epoch = Epoch::default(),
            Notice::Chat(chat) => return chat.lines().try_for_each(|line| self.line(host, now, &line)),
            Notice::Gap { from, count } => return self.gap(host, now, from, *count),
            Notice::Swallowed { first, count, .. } => return self.swallowed(host, now, *first, *count),
            Notice::Forked { author: liar } | Notice::Forged { by: liar, .. } => {
                return self.accused(host, now, liar);
            }
            Notice::Leader { member, epoch } => return self.leader(host, now, member, *epoch),
            Notice::Election { phase: ElectionPhase::Start, .. } => it.elections += 1,
            Notice::LeftBehind => return self.left_behind(host, now),
            Notice::NotTaken { text } => {
                let what = format!("did not take {text:?} though it can say");
                return it.fails(now, Property::OfferedIsTaken, &what);
            }
            Notice::CutOff => it.cut_off += 1,
            Notice::Ended(ending) => it.ending = Some(ending.clone()),
            _ => {}
        }
        Ok(())
    }

    fn line(&mut self, host: HostId, now: Instant, shown: &ChatLine<'_>) -> Result<(), Violation> {
        self.note_said_anew(host, shown);
        let it = &self.all[host.0];
        let fails = |property, what: &str| {
            let ChatLine { index, from, seq, text, .. } = shown;
            let text: String = text.chars().take(40).collect();
            it.fails(now, property, &format!("shows {index}: {}:{seq} {text:?}: {what}", from.id))
        };
        let lies = self.fault_model.has_liar();
        if shown.stamp >= it.lamport && !lies {
            return fails(
                Property::LamportOrder,
                &format!("its stamp is {} at Lamport time {}", shown.stamp, it.lamport),
            );
        }
        if let Some(what) = self.invented(host, shown).filter(|_| !lies || !self.is_by_liar(shown.from.id)) {
            let property = if lies { Property::NoForgedWords } else { Property::OnlyWhatWasSaid };
            return fails(property, &what);
        }
        let id = shown.from.id;
        let reached = it.reached(id);
        let expected = reached.next();
        // A newcomer starts in the middle of what others say, and may be told before that how much of it is missing.
        let may_start_late = || {
            let starts = it.shown.iter().all(|(from, _)| *from != id);
            starts && shown.seq <= self.said_before_ready(host, id).plus(reached.0).next()
        };
        if shown.seq < expected {
            return fails(Property::NoDoubles, &format!("shown before, {expected} is expected"));
        }
        // A leader that lies can hide what was said from whoever knows nothing of its author.
        if shown.seq > expected && !lies && !may_start_late() {
            return fails(Property::NoSilentGap, &format!("{expected} is missing in silence"));
        }
        if self.fault_model.is_strict() {
            if it.place.is_some_and(|before| before >= shown.index) {
                return fails(Property::NothingShownIsTakenBack, "its place is not after the last one");
            }
            let others = self.places.get(&shown.index).into_iter().flatten();
            let other = others.clone().find(|(by, ..)| !self.gone.contains(by));
            if let Some((by, origin, seq)) = other.filter(|(_, of, seq)| (*of, *seq) != (id, shown.seq)) {
                let by = &self.all[by.0].label;
                return fails(Property::OneOrder, &format!("{by} shows {origin}:{seq} at this place"));
            }
            self.places.entry(shown.index).or_default().push((host, id, shown.seq));
        }
        self.checked += 1;
        self.all[host.0].add(shown);
        Ok(())
    }

    /// If a liar made the log count a part of a member's run, the member says all of it anew when it leads, and shows that
    /// first.
    fn note_said_anew(&mut self, host: HostId, shown: &ChatLine<'_>) {
        let it = &self.all[host.0];
        let is_own = self.fault_model.has_liar() && it.me == Some(shown.from.id);
        if !is_own || self.invented(host, shown).is_none() {
            return;
        }
        if let Some(place) = it.said.iter().position(|(text, _)| text.as_str() == shown.text) {
            self.said_anew.insert((shown.from.id, shown.seq), place);
        }
    }

    fn gap(&mut self, host: HostId, now: Instant, from: &Member, count: u64) -> Result<(), Violation> {
        let it = &mut self.all[host.0];
        if self.fault_model.has_liar() {
            // What a leader tells to be missing may come all the same.
            return Ok(());
        }
        let reached = it.reached.entry(from.id).or_default();
        *reached = reached.plus(count);
        it.gaps.insert(from.id);
        if self.fault_model.is_strict() {
            return it.fails(now, Property::NoGap, &format!("misses {count} messages of {from}"));
        }
        Ok(())
    }

    /// A process is told that others will never see messages of its own.
    fn swallowed(&mut self, host: HostId, now: Instant, first: Seq, count: u64) -> Result<(), Violation> {
        let it = &mut self.all[host.0];
        let (Some(me), last) = (it.me, first.last_of(count)) else { return Ok(()) };
        if self.fault_model.has_liar() {
            return Ok(());
        }
        if last > Seq(it.said.len() as u64) {
            return it.fails(now, Property::OnlyWhatWasSaid, "lost more than it said");
        }
        let reached = it.reached.entry(me).or_default();
        *reached = last.max(*reached);
        it.gaps.insert(me);
        if self.fault_model.is_strict() {
            return it.fails(now, Property::NoGap, &format!("is told that {count} of its messages are lost"));
        }
        Ok(())
    }

    /// A process is told that a member lied.
    fn accused(&self, host: HostId, now: Instant, liar: &Member) -> Result<(), Violation> {
        if self.is_by_liar(liar.id) {
            return Ok(());
        }
        self.all[host.0].fails(now, Property::NoForgedWords, &format!("takes {liar} for a liar"))
    }

    fn left_behind(&mut self, host: HostId, now: Instant) -> Result<(), Violation> {
        let it = &mut self.all[host.0];
        it.left_behind += 1;
        let is_strict = self.fault_model.is_strict() && !self.slept.contains(&host);
        if is_strict && it.ready.is_some() {
            return it.fails(now, Property::NoFalseAlarm, "was left behind and had not slept");
        }
        Ok(())
    }

    /// How many messages `origin` had said when `host` became a member.
    fn said_before_ready(&self, host: HostId, origin: NodeId) -> Seq {
        let (Some(ready), Some(&(origin, earlier))) = (self.all[host.0].ready, self.by_id.get(&origin))
        else {
            return Seq::default();
        };
        let said = self.all[origin.0].said.iter().skip(earlier);
        Seq(said.take_while(|(_, at)| *at < ready).count() as u64)
    }

    /// The reason why nobody can have said this, if there is one.
    fn invented(&self, host: HostId, shown: &ChatLine<'_>) -> Option<String> {
        let Some(&(origin, earlier)) = self.by_id.get(&shown.from.id) else {
            return Some("nobody of that id was ever a member".into());
        };
        if self.fault_model.has_liar() && shown.from.name.as_str() != self.all[origin.0].name {
            return Some(format!("the name is {}", shown.from.name));
        }
        if shown.mine != (self.all[host.0].me == Some(shown.from.id)) {
            return Some(format!("mine is {}", shown.mine));
        }
        let place = self.place_of(shown.from.id, shown.seq, earlier);
        match place.and_then(|place| self.all[origin.0].said.get(place)) {
            None => Some("never said".into()),
            Some((said, _)) if said.as_str() != shown.text => Some(format!("{said:?} was said")),
            Some(_) => None,
        }
    }

    /// The place of a number among all that the user of that id said, who had said `earlier` texts in earlier lives. What is
    /// said after something that was said anew follows it.
    fn place_of(&self, id: NodeId, seq: Seq, earlier: usize) -> Option<usize> {
        let anew = self.said_anew.range((id, Seq::default())..=(id, seq)).next_back();
        let (first, place) = anew.map_or((Seq(1), earlier), |((_, first), place)| (*first, *place));
        let after = usize::try_from(seq.0.checked_sub(first.0)?).ok()?;
        place.checked_add(after)
    }

    fn leader(&mut self, host: HostId, now: Instant, member: &Member, epoch: Epoch) -> Result<(), Violation> {
        let it = &mut self.all[host.0];
        it.leader = Some(member.id);
        if epoch < it.epoch {
            let what = format!("went back from epoch {} to {epoch}", it.epoch);
            return it.fails(now, Property::MonotonicState, &what);
        }
        it.epoch = epoch;
        let known = *self.leaders.entry(epoch).or_insert(member.id);
        if self.fault_model.is_strict() && known != member.id {
            let detail = format!("epoch {epoch} has two leaders, {known} and {}", member.id);
            return Err(Violation::new(now, Property::OneLeaderPerEpoch, detail));
        }
        Ok(())
    }
}

/// Checks of a room at rest.
impl Transcripts {
    /// Checks [`Property::NothingLost`] among `together`, the live members of one ring.
    ///
    /// # Errors
    /// The first member that lacks a message.
    pub fn nothing_lost(&self, now: Instant, together: &[HostId]) -> Result<(), Violation> {
        for &to in together {
            for (from, sender) in self.all.iter().enumerate() {
                let owed = self.owed(HostId(from), to, together);
                if let (Some(id), true) = (sender.me, owed > Seq::default()) {
                    let reached = self.all[to.0].reached(id);
                    if reached < owed {
                        let (to, from) = (&self.all[to.0].label, &sender.label);
                        let detail = format!("{to} lacks {from}'s messages {} to {owed}", reached.next());
                        return Err(Violation::new(now, Property::NothingLost, detail));
                    }
                }
            }
        }
        Ok(())
    }

    /// What live members said and some of `together`, the live members of one ring, has not shown, even if it was told of
    /// a gap.
    pub fn lost(&self, together: &[HostId]) -> BTreeSet<(NodeId, Seq)> {
        let mut lost = BTreeSet::new();
        for &to in together {
            let shown: BTreeSet<&(NodeId, Seq)> = self.all[to.0].shown.iter().collect();
            for (from, sender) in self.all.iter().enumerate() {
                let (Some(id), owed) = (sender.me, self.owed(HostId(from), to, together)) else { continue };
                let numbers = (self.said_before_ready(to, id).0 + 1..=owed.0).map(|seq| (id, Seq(seq)));
                lost.extend(numbers.filter(|message| !shown.contains(message)));
            }
        }
        lost
    }

    /// The number up to which `to` must have been shown the messages of `from`.
    fn owed(&self, from: HostId, to: HostId, together: &[HostId]) -> Seq {
        let sender = &self.all[from.0];
        let Some(id) = sender.me else { return Seq::default() };
        // A member that left in order has delivered to its own ring, which after a cut need not be this one.
        let in_order = self.fault_model.is_strict() && sender.ending == Some(Ending::Left { unsure: 0 });
        let survives = together.contains(&from) || in_order;
        if !survives {
            return Seq::default();
        }
        let earlier = self.by_id.get(&id).map_or(0, |(_, earlier)| *earlier);
        let all = Seq(sender.said.len().saturating_sub(earlier) as u64);
        if all > self.said_before_ready(to, id) { all } else { Seq::default() }
    }

    /// Checks [`Property::OneOrder`] among `together`, the members of one ring: what they have shown ends alike, since
    /// the last of them came in.
    ///
    /// # Errors
    /// The first two that differ.
    pub fn one_order(&self, now: Instant, together: &[HostId]) -> Result<(), Violation> {
        if !self.fault_model.is_strict() {
            return Ok(());
        }
        let Some((first, others)) = together.split_first() else { return Ok(()) };
        for other in others {
            let (a, b) = (&self.all[first.0].shown, &self.all[other.0].shown);
            let common = a.len().min(b.len());
            if a[a.len() - common..] != b[b.len() - common..] {
                let detail = format!(
                    "{} and {} end in different orders",
                    self.all[first.0].label, self.all[other.0].label
                );
                return Err(Violation::new(now, Property::OneOrder, detail));
            }
        }
        Ok(())
    }
}
