//! What a node is doing, and every change of it.
//!
//! ```text
//! Founding ------------------------------> Leading
//! Joining --- welcomed ---> Syncing --- installed ---> Following
//! Following, Leading, Syncing --- the leader is lost ---> Electing
//! Electing --- won ---> Leading
//! Electing, Leading --- another leads ---> Syncing
//! Electing --- the others know a newer ring ---> Joining
//! ```

use alloc::vec::Vec;

use super::Node;
use super::election::Election;
use super::follow_ups::FollowUp;
use super::joining::Joining;
use super::leadership::Leadership;
use super::recovery::Syncing;
use super::rules::Rule;
use super::timers::Timer;
use crate::action::{CloseMode, ElectionPhase, Ending, Notice};
use crate::ids::{NodeId, RoomId};
use crate::limits::MAX_PLACES;
use crate::numbers::{Epoch, Index};
use crate::roster::{ConfigId, Roster, View};
use crate::wire::{Body, Change, Elected, Proven, Run};

/// What a node is doing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Role {
    /// It creates a room with its first tick.
    Founding(RoomId),
    /// It wants in, or back in.
    Joining(Joining),
    /// It is a member and appends what its leader sends.
    Following {
        /// Whether the leader is lost and an election has not begun yet.
        leader_lost: bool,
    },
    /// It writes the log.
    Leading(Leadership),
    /// It takes part in an election and appends nothing.
    Electing {
        election: Election,
        /// What is known of the way in, if the node only watches the election.
        joining: Option<Joining>,
    },
    /// It knows a new leader and waits for that leader's log.
    Syncing {
        syncing: Syncing,
        /// Whether the leader is lost and an election has not begun yet.
        leader_lost: bool,
        /// What is known of the way in, until the node is a member.
        joining: Option<Joining>,
    },
    /// It has left, or failed to come in.
    Ended,
}

impl Role {
    /// What is known of the way in, while the node is not a member, or not of the newest ring: it may take part in an
    /// election, or wait for a log, meanwhile.
    pub(super) fn joining(&self) -> Option<&Joining> {
        match self {
            Self::Joining(joining) => Some(joining),
            Self::Electing { joining, .. } | Self::Syncing { joining, .. } => joining.as_ref(),
            Self::Founding(_) | Self::Following { .. } | Self::Leading(_) | Self::Ended => None,
        }
    }

    pub(super) fn joining_mut(&mut self) -> Option<&mut Joining> {
        match self {
            Self::Joining(joining) => Some(joining),
            Self::Electing { joining, .. } | Self::Syncing { joining, .. } => joining.as_mut(),
            Self::Founding(_) | Self::Following { .. } | Self::Leading(_) | Self::Ended => None,
        }
    }

    fn into_joining(self) -> Option<Joining> {
        match self {
            Self::Joining(joining) => Some(joining),
            Self::Electing { joining, .. } | Self::Syncing { joining, .. } => joining,
            Self::Founding(_) | Self::Following { .. } | Self::Leading(_) | Self::Ended => None,
        }
    }

    pub(super) fn leadership(&self) -> Option<&Leadership> {
        if let Self::Leading(leadership) = self { Some(leadership) } else { None }
    }

    pub(super) fn leadership_mut(&mut self) -> Option<&mut Leadership> {
        if let Self::Leading(leadership) = self { Some(leadership) } else { None }
    }

    pub(super) fn election(&self) -> Option<&Election> {
        if let Self::Electing { election, .. } = self { Some(election) } else { None }
    }

    pub(super) fn election_mut(&mut self) -> Option<&mut Election> {
        if let Self::Electing { election, .. } = self { Some(election) } else { None }
    }

    pub(super) fn syncing(&self) -> Option<&Syncing> {
        if let Self::Syncing { syncing, .. } = self { Some(syncing) } else { None }
    }

    pub(super) fn syncing_mut(&mut self) -> Option<&mut Syncing> {
        if let Self::Syncing { syncing, .. } = self { Some(syncing) } else { None }
    }

    pub(super) fn is_joining(&self) -> bool {
        matches!(self, Self::Founding(_) | Self::Joining(_))
    }

    pub(super) fn is_following(&self) -> bool {
        matches!(self, Self::Following { .. })
    }

    pub(super) fn is_electing(&self) -> bool {
        matches!(self, Self::Electing { .. })
    }

    /// Whether the node's leader, or the one that it waits for, is lost, and an election has not begun yet.
    pub(super) fn leader_is_lost(&self) -> bool {
        match self {
            Self::Following { leader_lost } | Self::Syncing { leader_lost, .. } => *leader_lost,
            _ => false,
        }
    }

    /// Notes whether the leader is lost. Returns whether that is news.
    pub(super) fn set_leader_lost(&mut self, lost: bool) -> bool {
        match self {
            Self::Following { leader_lost } | Self::Syncing { leader_lost, .. } => {
                core::mem::replace(leader_lost, lost) != lost
            }
            _ => false,
        }
    }
}

impl Node {
    /// Whether the node is a member with a leader, and takes part in no election.
    pub fn is_normal(&self) -> bool {
        matches!(self.role, Role::Following { .. } | Role::Leading(_))
    }

    /// Whether the node has ended.
    pub fn has_ended(&self) -> bool {
        matches!(self.role, Role::Ended)
    }

    /// Whether the node leads.
    pub(super) fn leads(&self) -> bool {
        matches!(self.role, Role::Leading(_))
    }

    /// The view that the node is in, or waits to be in, if it has a leader or waits for one.
    pub(super) fn awaited_view(&self) -> Option<View> {
        match &self.role {
            Role::Following { .. } | Role::Leading(_) => Some(self.membership.view()),
            Role::Syncing { syncing, .. } => Some(syncing.view()),
            Role::Founding(_) | Role::Joining(_) | Role::Electing { .. } | Role::Ended => None,
        }
    }

    /// The node's leader, or the one that it waits for.
    pub(super) fn leader(&self) -> Option<NodeId> {
        self.awaited_view().map(|view| view.leader)
    }

    /// Leaves the role: what belongs to it ends. Returns what is known of the way in.
    fn leave_role(&mut self) -> Option<Joining> {
        self.give_up_merge();
        let timers: &[Timer] = match self.role {
            Role::Following { .. } => &[Timer::Initiate],
            Role::Leading(_) => &[Timer::Admission, Timer::Removal, Timer::Slow, Timer::Probe],
            Role::Electing { .. } => &[Timer::Election],
            Role::Syncing { .. } => &[Timer::Election, Timer::Initiate],
            Role::Founding(_) | Role::Joining(_) | Role::Ended => &[],
        };
        for timer in timers {
            self.timers.clear(*timer);
        }
        // Members that sent what was put off send it to the next leader.
        self.doubt.end();
        self.follow_ups.leave_role();
        core::mem::replace(&mut self.role, Role::Ended).into_joining()
    }

    /// Stops appending and sequencing in older views, and takes part in the election of `epoch`.
    pub(super) fn freeze(&mut self, epoch: Epoch) {
        self.membership.promise(epoch);
        let election = self.new_election();
        let joining = self.leave_role();
        self.role = Role::Electing { election, joining };
        self.arm_election();
        // It may be the turn of other members to be left out.
        self.note(FollowUp::SeekNext);
    }

    /// Follows the leader that `elected` announces: it is elected, or has let this node in.
    pub(super) fn follow(&mut self, elected: Elected) {
        if self.leaves_now() {
            return self.end(Ending::Left { unsure: 0 });
        }
        let View { epoch, leader } = elected.cfg.view;
        self.drop_attempts();
        let is_elected = epoch == self.membership.promised();
        let election = self.role.election().filter(|_| is_elected);
        let claimed = election.and_then(|it| it.length_told_by(leader, epoch)).unwrap_or_default();
        self.membership.follow(epoch);
        let (cfg, roster) = (elected.cfg, elected.roster.clone());
        let joining = self.leave_role();
        self.role = Role::Syncing { syncing: Syncing::new(elected, claimed), leader_lost: false, joining };
        self.arm_election();
        self.follow_ring(cfg, &roster);
        self.tell_election(ElectionPhase::Elected, leader);
        self.note(FollowUp::Announce);
        self.note(FollowUp::Sync);
    }

    /// The link to the leader stands anew: what was under way on the old one may be lost.
    pub(super) fn leader_linked(&mut self) {
        if self.role.set_leader_lost(false) {
            self.timers.clear(Timer::Initiate);
        }
        if self.role.is_following() {
            let syncing = Syncing::new(self.announcement(), Index::default());
            self.leave_role();
            self.role = Role::Syncing { syncing, leader_lost: false, joining: None };
            self.arm_election();
        }
        self.note(FollowUp::Sync);
    }

    /// The leader's log is installed.
    pub(super) fn become_follower(&mut self) {
        self.leave_role();
        self.role = Role::Following { leader_lost: false };
        self.on_settled();
    }

    /// Leads in `view`: opens its epoch with `roster`, and sequences what waits.
    pub(super) fn become_leader(&mut self, view: View, roster: Roster) {
        self.membership.lead(view);
        let unplaced = self.begin_log_anew(view.epoch);
        let others: Vec<NodeId> = roster.ids().filter(|id| *id != self.me.id).collect();
        let leadership = Leadership::new(&others, self.replica.log().len(), self.timers.now());
        self.leave_role();
        self.role = Role::Leading(leadership);
        self.arm_probe();
        let cfg = ConfigId::first(view);
        let lost = self.membership.roster().iter().filter(|member| !roster.contains(member.id));
        let lost = lost.cloned().collect();
        self.sequence(Body::Membership { cfg, change: Change::Opened { roster, lost }.into() });
        for said in unplaced {
            self.sequence_said(said, false);
        }
        let was_ready = self.membership.is_ready();
        self.on_settled();
        if was_ready {
            self.tell_leader();
        }
        self.sequence_own();
    }

    /// Begins the log anew, if this node cannot go on with it in `epoch` for long. Returns what has no place then.
    fn begin_log_anew(&mut self, epoch: Epoch) -> Vec<Proven<Run>> {
        let log = self.replica.log();
        let has_too_many = log.len() > Index(MAX_PLACES) && self.enforces(Rule::BoundedPlaces);
        if !has_too_many && log.epoch() <= epoch {
            return Vec::new();
        }
        let unplaced = self.replica.begin_log_anew();
        self.own.end_within(self.replica.log().len());
        unplaced
    }

    /// There is a leader again, perhaps this node.
    fn on_settled(&mut self) {
        self.timers.clear(Timer::Join);
        self.timers.clear(Timer::JoinLimit);
        self.forgive();
        self.reach.strangers.note_leader();
        self.reach.caught_up();
        if self.enforces(Rule::RetrySkipped) {
            // Those in the roster have followed this leader as well.
            self.reach.forget_failed_dials();
        }
        if !self.membership.is_ready() && self.membership.has_me() {
            self.tell_ready();
        }
        self.drain_again();
    }

    /// Joins again, if this node wants in: the election that it only watched, or the wait for a leader's log, has not
    /// brought it in. Returns whether it does.
    pub(super) fn join_again(&mut self) -> bool {
        if self.role.joining().is_none() {
            return false;
        }
        if let Some(joining) = self.leave_role() {
            self.role = Role::Joining(joining);
            self.ask_next();
        }
        true
    }

    /// Wants back in. The user is told why.
    pub(super) fn rejoin(&mut self, joining: Joining, why: Notice) {
        self.leave_role();
        self.role = Role::Joining(joining);
        self.membership.set_ready(false);
        self.effects.notify(why);
        self.timers.arm(Timer::Join, core::time::Duration::ZERO);
    }

    /// Ends the node's life.
    pub(super) fn end(&mut self, ending: Ending) {
        // A node that never was a member has sent nothing that has to arrive.
        let mode = if let Ending::Left { .. } = ending { CloseMode::Flush } else { CloseMode::Abort };
        self.effects.notify(Notice::Ended(ending));
        self.effects.halt(mode);
        self.leave_role();
    }
}
