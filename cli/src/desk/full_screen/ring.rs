//! The ring as this member sees it, shared between the screen that hears of it and the desk that draws it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ringchat_core::{Departure, ElectionPhase, Epoch, Instant, Member, NodeId, Notice, Report, Stamp};

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
    pub(crate) members: Vec<(NodeId, String)>,
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

/// A member that was lost a moment ago.
#[derive(Clone, Debug)]
struct LostMember {
    id: NodeId,
    name: String,
    /// The member behind which it was; `None` for the first one.
    behind: Option<NodeId>,
    /// When it goes; `None` until it was drawn.
    until: Option<Instant>,
}

/// A member as it is drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DrawnMember<'a> {
    pub(crate) id: NodeId,
    pub(crate) name: &'a str,
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
        self.members = members.into_iter().map(|member| (member.id, name(member))).collect();
        let members = &self.members;
        self.lost.retain(|lost| !members.iter().any(|(id, _)| *id == lost.id));
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
                (name(candidate), way.to_vec())
            }
            Notice::Leader { member, .. } => (name(member), vec![None]),
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
        let own = self.members.iter().position(|(id, _)| *id == me).unwrap_or(0);
        let (before, from) = self.members.split_at(own);
        let id = |member: Option<&(NodeId, String)>| member.map_or(me, |(id, _)| *id);
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
        let Some(at) = self.members.iter().position(|(other, _)| *other == id) else { return };
        let (id, name) = self.members.remove(at);
        self.leader = self.leader.filter(|leader| *leader != id);
        let before = at.checked_sub(1).and_then(|before| self.members.get(before));
        self.lost.push_front(LostMember { id, name, behind: before.map(|(id, _)| *id), until: None });
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
    pub(crate) fn drawn(&self) -> Vec<DrawnMember<'_>> {
        let drawn = |id: &NodeId, name, is_lost| DrawnMember { id: *id, name, is_lost };
        let mut all: Vec<_> = self.members.iter().map(|(id, name)| drawn(id, name, false)).collect();
        for LostMember { id, name, behind, .. } in &self.lost {
            let before = all.iter().position(|member| Some(member.id) == *behind);
            let at = match (behind, before) {
                (None, _) => 0,
                (_, Some(before)) => before + 1,
                (_, None) => all.len(),
            };
            all.insert(at, drawn(id, name, true));
        }
        all
    }

    /// `member` joined; where, is not known yet.
    pub(crate) fn add(&mut self, member: &Member) {
        self.remove(member.id);
        self.lost.retain(|lost| lost.id != member.id);
        self.members.push((member.id, name(member)));
        self.is_stale = true;
    }

    /// The member `id` has gone.
    pub(crate) fn remove(&mut self, id: NodeId) {
        self.members.retain(|(other, _)| *other != id);
    }

    /// `prev` and `next` are the members around this one. Who is known keeps its place: those in between are about to go, or a
    /// report is about to tell the order.
    fn close(&mut self, prev: &Member, next: &Member) {
        let Some(me) = self.me else { return };
        for (member, shift) in [(next, 1), (prev, 0)] {
            if self.name(member.id).is_none() {
                let own = self.members.iter().position(|(id, _)| *id == me).unwrap_or(0);
                self.members.insert(own + shift, (member.id, name(member)));
            }
        }
    }

    /// This member sent or passed on the candidacy of `best`.
    fn elect(&mut self, best: &Member, epoch: Epoch) {
        let steps = self.election.as_ref().map_or(0, |election| election.steps).saturating_add(1);
        (self.leader, self.epoch) = (None, epoch);
        self.election = Some(ElectionView { best: name(best), steps });
    }

    /// The member `id` leads.
    fn follow(&mut self, id: NodeId, epoch: Epoch) {
        (self.leader, self.epoch, self.election) = (Some(id), epoch, None);
    }

    /// The name of the member `id`.
    pub(crate) fn name(&self, id: NodeId) -> Option<&str> {
        self.members.iter().find(|(other, _)| *other == id).map(|(_, name)| name.as_str())
    }
}

fn name(member: &Member) -> String {
    Clean::new(member.name.as_str()).to_string()
}
