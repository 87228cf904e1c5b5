//! The ring as this member sees it, shared between the screen that hears of it and the desk that draws it.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ringchat_core::{Departure, ElectionPhase, Epoch, Instant, Member, NodeId, Notice, Report, Stamp};

use super::layout::with_ending;
use crate::apart::ending;
use crate::present::Looks;
use crate::sanitize::Clean;

/// The maximum number of steps of a token that wait to be drawn; older ones go.
const MAX_STEPS: usize = 8;

/// How long a member that was lost is still drawn.
const CROSSED: Duration = Duration::from_secs(2);

/// The maximum number of lost members that are drawn; the older ones go.
const MAX_LOST: usize = 8;

/// The ring. Cheap to clone; all clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedRing(Arc<Mutex<RingView>>);

impl SharedRing {
    /// The ring, for a moment.
    pub(crate) fn lock(&self) -> MutexGuard<'_, RingView> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What this member knows of the ring.
#[derive(Clone, Debug, Default)]
pub(crate) struct RingView {
    /// What the room is called on the network.
    pub(crate) room: Option<String>,
    /// This member.
    pub(crate) me: Option<NodeId>,
    /// All members in ring order, as far as it is known.
    pub(super) members: Vec<RingMember>,
    /// The leader, unless the ring elects one.
    pub(crate) leader: Option<NodeId>,
    /// The epoch of the leader, or that which the election opens.
    pub(crate) epoch: Epoch,
    /// The Lamport time.
    pub(crate) lamport: Stamp,
    /// The election that is under way.
    pub(crate) election: Option<ElectionView>,
    /// Where the token of the election is drawn, and how it moves on.
    pub(crate) token: Option<Token>,
    steps: VecDeque<Option<Token>>,
    /// Members that were lost a moment ago, the last one first.
    lost: VecDeque<LostMember>,
    /// Whether only a report of the node would tell the order and the epoch.
    pub(crate) is_stale: bool,
}

/// A member of the ring.
#[derive(Clone, Debug)]
pub(super) struct RingMember {
    id: NodeId,
    name: String,
    addr: SocketAddr,
    looks: Looks,
}

impl RingMember {
    fn of(member: &Member) -> Self {
        let name = Clean::new(member.name.as_str()).to_string();
        Self { id: member.id, name, addr: member.addr(), looks: Looks::of(&member.name) }
    }

    /// The name, at most as wide as names are drawn, with what tells it from the `others` whose names look the same.
    fn label(&self, others: impl Iterator<Item = SocketAddr> + Clone) -> String {
        let is_alone = others.clone().next().is_none();
        with_ending(&self.name, &if is_alone { String::new() } else { ending(self.addr, others) })
    }
}

/// A member that was lost a moment ago.
#[derive(Clone, Debug)]
struct LostMember {
    member: RingMember,
    /// The member behind which it was; `None` for the first one.
    behind: Option<NodeId>,
    /// When it goes; `None` until it was drawn.
    until: Option<Instant>,
}

/// A member as it is drawn.
#[derive(Clone, Debug)]
pub(crate) struct DrawnMember {
    pub(crate) id: NodeId,
    /// What it is called.
    pub(crate) label: String,
    /// Whether the member was lost a moment ago.
    pub(crate) is_lost: bool,
}

/// What this member saw of an election.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ElectionView {
    /// The name of the best candidate.
    pub(crate) best: String,
    /// How many steps of the election this member saw.
    pub(crate) steps: u64,
}

/// A token of an election, where this member last knew it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// The name of its candidate.
    pub(crate) candidate: String,
    /// The member that has it.
    pub(crate) at: NodeId,
}

impl RingView {
    /// The ring has exactly `members`, in ring order.
    pub(crate) fn call<'a>(&mut self, me: NodeId, members: impl IntoIterator<Item = &'a Member>) {
        (self.me, self.is_stale) = (Some(me), true);
        self.members = members.into_iter().map(RingMember::of).collect();
        let members = &self.members;
        self.lost.retain(|lost| !members.iter().any(|member| member.id == lost.member.id));
    }

    /// The ring is as `report` tells.
    pub(crate) fn report(&mut self, report: &Report) {
        self.call(report.me.id, &report.members);
        self.leader = report.leader.as_ref().map(|leader| leader.id);
        (self.epoch, self.lamport) = (report.epoch, report.lamport);
        self.is_stale = false;
    }

    /// Notes what `notice` tells of the ring at the Lamport time `lamport`.
    pub(crate) fn note(&mut self, lamport: Stamp, notice: &Notice) {
        self.lamport = lamport;
        self.follow_token(notice);
        match notice {
            Notice::Ring { prev, next, .. } => self.close(prev, next),
            Notice::Election { phase: ElectionPhase::Start, candidate, epoch } => {
                self.election = None;
                self.elect(candidate, *epoch);
            }
            Notice::Election { phase: ElectionPhase::Forward, candidate, epoch } => {
                self.elect(candidate, *epoch);
            }
            Notice::Election { phase: ElectionPhase::Swallow, .. } => {
                if let Some(election) = &mut self.election {
                    election.steps = election.steps.saturating_add(1);
                }
            }
            Notice::Leader { member, epoch } => self.follow(member.id, *epoch),
            // That election is of a ring that went on without this member.
            Notice::LeftBehind | Notice::NewLife { .. } => (self.leader, self.election) = (None, None),
            Notice::Ready { leader, .. } => self.follow(leader.id, self.epoch),
            Notice::Left { member, reason: Departure::Lost } => self.lose(member.id),
            _ => {}
        }
    }

    /// Notes the steps of a token that `notice` tells: it comes from the member before this one, and goes on or not.
    fn follow_token(&mut self, notice: &Notice) {
        let Some(me) = self.me else { return };
        let (prev, next) = self.neighbours(me);
        let (candidate, way) = match notice {
            Notice::Election { phase, candidate, .. } => {
                let way: &[Option<NodeId>] = match phase {
                    ElectionPhase::Start => &[Some(me), Some(next)],
                    ElectionPhase::Forward => &[Some(prev), Some(me), Some(next)],
                    ElectionPhase::Swallow => &[Some(prev), Some(me), None],
                    ElectionPhase::Won => &[Some(prev), Some(me)],
                    ElectionPhase::Elected => &[],
                };
                (self.called(candidate), way.to_vec())
            }
            Notice::Leader { member, .. } | Notice::Ready { leader: member, .. } => {
                (self.called(member), vec![None])
            }
            Notice::LeftBehind | Notice::NewLife { .. } => (String::new(), vec![None]),
            _ => return,
        };
        for at in way {
            self.steps.push_back(at.map(|at| Token { candidate: candidate.clone(), at }));
        }
        let surplus = self.steps.len().saturating_sub(MAX_STEPS);
        self.steps.drain(..surplus);
    }

    /// The members before and behind `me`; `me` itself if it is alone.
    fn neighbours(&self, me: NodeId) -> (NodeId, NodeId) {
        let own = self.place(me).unwrap_or(0);
        let (before, from) = self.members.split_at(own);
        let id = |member: Option<&RingMember>| member.map_or(me, |member| member.id);
        let next = from.get(1).or(before.first());
        (id(before.last().or(from.last())), id(next))
    }

    /// Whether the token has further steps.
    pub(crate) fn has_steps(&self) -> bool {
        !self.steps.is_empty()
    }

    /// Moves the token by a step.
    pub(crate) fn step(&mut self) {
        if let Some(token) = self.steps.pop_front() {
            self.token = token;
        }
    }

    /// Forgets what is drawn for a moment only: the token, and members that were lost.
    pub(crate) fn forget_moments(&mut self) {
        self.steps.clear();
        self.lost.clear();
        self.token = None;
    }

    /// The member `id` was lost: it stays in sight for a moment.
    fn lose(&mut self, id: NodeId) {
        let Some(at) = self.place(id) else { return };
        let member = self.members.remove(at);
        self.leader = self.leader.filter(|leader| *leader != id);
        let before = at.checked_sub(1).and_then(|before| self.members.get(before));
        self.lost.push_front(LostMember { member, behind: before.map(|before| before.id), until: None });
        self.lost.truncate(MAX_LOST);
    }

    /// When the next lost member goes. `None` if there is none.
    pub(crate) fn lost_until(&self) -> Option<Instant> {
        self.lost.iter().filter_map(|lost| lost.until).min()
    }

    /// Lets those lost members go whose moment is over. The moment of those lost since the last call begins `now`.
    pub(crate) fn let_go(&mut self, now: Instant) {
        self.lost.iter_mut().for_each(|lost| lost.until = lost.until.or(Some(now.after(CROSSED))));
        self.lost.retain(|lost| lost.until.is_some_and(|until| now < until));
    }

    /// The members as they are drawn: in ring order, and those that were lost where they stood.
    pub(crate) fn drawn(&self) -> Vec<DrawnMember> {
        let mut all: Vec<(&RingMember, bool)> = self.members.iter().map(|member| (member, false)).collect();
        for LostMember { member, behind, .. } in &self.lost {
            let before = all.iter().position(|(member, _)| Some(member.id) == *behind);
            let at = match (behind, before) {
                (None, _) => 0,
                (_, Some(before)) => before + 1,
                (_, None) => all.len(),
            };
            all.insert(at, (member, true));
        }
        let mut alike: BTreeMap<(usize, &str), Vec<(NodeId, SocketAddr)>> = BTreeMap::new();
        for (member, _) in &all {
            for form in member.looks.forms().into_iter().enumerate() {
                alike.entry(form).or_default().push((member.id, member.addr));
            }
        }
        let drawn = |(member, is_lost): &(&RingMember, bool)| {
            let forms = member.looks.forms().into_iter().enumerate();
            let like = forms.filter_map(|form| alike.get(&form)).flatten();
            let others = like.filter(|(id, _)| *id != member.id).map(|(_, addr)| *addr);
            DrawnMember { id: member.id, label: member.label(others), is_lost: *is_lost }
        };
        all.iter().map(drawn).collect()
    }

    /// `member` joined; where, is not known yet.
    pub(crate) fn add(&mut self, member: &Member) {
        self.remove(member.id);
        self.lost.retain(|lost| lost.member.id != member.id);
        self.members.push(RingMember::of(member));
        self.is_stale = true;
    }

    /// The member `id` has gone.
    pub(crate) fn remove(&mut self, id: NodeId) {
        self.members.retain(|other| other.id != id);
    }

    /// `prev` and `next` are the members around this one. A known member keeps its place: those in between are about to go,
    /// or a report is about to tell the order.
    fn close(&mut self, prev: &Member, next: &Member) {
        let Some(me) = self.me else { return };
        for (member, shift) in [(next, 1), (prev, 0)] {
            if self.place(member.id).is_none() {
                let own = self.place(me).unwrap_or(0);
                self.members.insert(own + shift, RingMember::of(member));
            }
        }
    }

    /// This member sent or passed on the candidacy of `best`.
    fn elect(&mut self, best: &Member, epoch: Epoch) {
        let steps = self.election.as_ref().map_or(0, |election| election.steps).saturating_add(1);
        (self.leader, self.epoch) = (None, epoch);
        self.election = Some(ElectionView { best: self.called(best), steps });
    }

    /// The member `id` leads.
    fn follow(&mut self, id: NodeId, epoch: Epoch) {
        (self.leader, self.epoch, self.election) = (Some(id), epoch, None);
    }

    /// What the leader is called. `None` if there is none, or nobody knows it.
    pub(crate) fn leader_label(&self) -> Option<String> {
        let leader = self.members.iter().find(|member| Some(member.id) == self.leader)?;
        Some(self.label(leader))
    }

    /// What `member` is called.
    fn called(&self, member: &Member) -> String {
        self.label(&RingMember::of(member))
    }

    fn label(&self, member: &RingMember) -> String {
        let others = self.members.iter().filter(|other| other.id != member.id);
        member.label(others.filter(|other| other.looks.could_be(&member.looks)).map(|other| other.addr))
    }

    /// The place of the member `id` in the ring.
    fn place(&self, id: NodeId) -> Option<usize> {
        self.members.iter().position(|member| member.id == id)
    }
}
