//! The values that a liar puts into fields.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::num::NonZeroU64;

use ringchat_core::limits::MAX_ROSTER;
use ringchat_core::wire::ViewSpan;
use ringchat_core::{ConfigId, Epoch, Index, Member, Name, NodeId, Roster, View};

use super::{Insider, Lie};
use crate::network::SILENT_PORT;

/// How many of a thousand fields are altered of a message that is altered at all.
const FIELDS: u32 = 250;

/// The address of somebody who has nothing to do with the room. Half of them refuse, the others do not answer.
pub(super) fn third_party(which: u64) -> SocketAddr {
    let [.., a, b] = which.to_be_bytes();
    let port = if which & 1 == 0 { 4000 } else { SILENT_PORT };
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, a, b)), port)
}

impl Insider {
    /// Whether to alter a field.
    pub(super) fn alters(&mut self) -> bool {
        self.rng.chance(FIELDS)
    }

    pub(super) fn flag(&mut self) -> bool {
        self.rng.chance(500)
    }

    /// A number close to `value`, or far away.
    pub(super) fn near(&mut self, value: u64) -> u64 {
        match self.rng.below(10) {
            0 | 1 => value.saturating_add(1),
            2 => value.saturating_sub(1),
            3 => value.saturating_add(self.rng.below(40)),
            4 => value.saturating_sub(self.rng.below(40)),
            5 => value / 2,
            6 => self.rng.below(20),
            7 => value.saturating_add(u64::MAX >> self.rng.below(64)),
            8 => u64::MAX,
            _ => value,
        }
    }

    pub(super) fn index(&mut self) -> Index {
        let length = self.known.length.0;
        Index(self.near(length))
    }

    pub(super) fn epoch(&mut self) -> Epoch {
        let promised = self.known.promised.0;
        Epoch(self.near(promised))
    }

    pub(super) fn view(&mut self) -> View {
        match self.rng.below(4) {
            0 => self.known.view,
            1 => View { epoch: self.known.promised, leader: self.known.me.id },
            2 => View { epoch: self.known.promised.next(), leader: self.known.me.id },
            _ => View { epoch: self.epoch(), leader: self.id() },
        }
    }

    pub(super) fn cfg(&mut self) -> ConfigId {
        let n = self.known.cfg.n;
        match self.rng.below(4) {
            0 => self.known.cfg,
            1 => self.known.cfg.next(),
            2 => ConfigId::first(self.view()),
            _ => ConfigId { view: self.view(), n: self.near(n) },
        }
    }

    /// The id of a member, or of somebody that nobody is.
    pub(super) fn id(&mut self) -> NodeId {
        self.member().id
    }

    /// A member, perhaps under another address; or somebody that nobody is.
    pub(super) fn member(&mut self) -> Member {
        let roster: Vec<Member> = self.known.roster.iter().cloned().collect();
        let known = self.rng.pick(&roster).cloned().unwrap_or_else(|| self.known.me.clone());
        if !self.lies.contains(Lie::Inventions) {
            return known;
        }
        match self.rng.below(4) {
            0 => known,
            1 => Member::new(known.id, self.address(), known.name),
            2 => Member::new(self.nobody(), known.addr(), known.name),
            _ => self.invented(),
        }
    }

    fn invented(&mut self) -> Member {
        let name = Name::new("nobody").unwrap_or_else(|_| Name::clone(&self.known.me.name));
        Member::new(self.nobody(), self.address(), name)
    }

    fn address(&mut self) -> SocketAddr {
        third_party(self.rng.bits())
    }

    fn nobody(&mut self) -> NodeId {
        let key = self.rng.jitter();
        NodeId::new(key, NonZeroU64::new(self.rng.bits()).unwrap_or(NonZeroU64::MIN))
    }

    /// The members that it knows, or some of them, with others between; seldom as many as a room can have.
    pub(super) fn roster(&mut self) -> Roster {
        let mut members: Vec<Member> = self.known.roster.iter().cloned().collect();
        match self.rng.below(4) {
            0 => {}
            1 => self.rng.shuffle(&mut members),
            2 => members.retain(|_| self.rng.chance(700)),
            _ => {
                for member in self.some_members() {
                    members.insert(self.rng.index(members.len() + 1), member);
                }
            }
        }
        members.truncate(MAX_ROSTER);
        Roster::new(members).unwrap_or_else(|_| self.known.roster.clone())
    }

    /// A few members, seldom very many.
    pub(super) fn some_members(&mut self) -> Vec<Member> {
        let count = match self.rng.below(40) {
            0 if self.lies.contains(Lie::Inventions) => 1000,
            1 | 2 => self.rng.below(60),
            _ => self.rng.below(4),
        };
        (0..count).map(|_| if count > 60 { self.invented() } else { self.member() }).collect()
    }

    pub(super) fn history(&mut self, true_history: &[ViewSpan]) -> Vec<ViewSpan> {
        let mut history = true_history.to_vec();
        match self.rng.below(3) {
            0 => history.clear(),
            1 => history.push(ViewSpan { view: self.view(), end: self.index() }),
            _ => {
                for span in &mut history {
                    if self.rng.chance(FIELDS) {
                        *span = ViewSpan { view: self.view(), end: self.index() };
                    }
                }
            }
        }
        history
    }
}
