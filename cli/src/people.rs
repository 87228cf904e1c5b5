//! Who is who: what the keys of members tell, compared with what the user knows.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use ringchat_core::limits::MAX_TICKET_ADDRS;
use ringchat_core::secure::{Secret, ShortKey, Ticket};
use ringchat_core::{Member, Name, Report};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::trust::{Day, KnownFile, KnownKey, KnownProblem, Patience, TypedKey, may_have_secret};
use crate::wording;

/// Members of which the program remembers that it has judged them, at most.
const MAX_JUDGED: usize = 8192;

/// The user is warned of so many members that were only listed under a known name. A leader can invent a thousand of them;
/// each further one is warned of when it says something, which nobody can invent.
const MAX_LISTED: usize = 3;

/// Whether strangers can enter the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RoomPrivacy {
    /// Whoever reaches a member can.
    Open,
    /// Only those can that have the room's secret.
    Private,
}

/// What the user should know about the key of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Remark {
    /// The name is known, with another key.
    KeyChanged {
        /// The member with the name.
        member: Member,
        /// The key that is known under the name.
        known_key: [u8; 32],
        /// What is known of that key.
        known: KnownKey,
    },
    /// Another program with the user's own key is in the room.
    SameKey(Member),
    /// The room lists the key of the user's ticket, under this name.
    TicketListed(Member),
    /// The room lists nobody with the key of the user's ticket.
    TicketUnlisted([u8; 32]),
    /// What this member said is signed with the key of the user's ticket.
    OfTicket(Member),
    /// This member of a private room is heard for the first time.
    New(Member),
    /// A member passed on words that their author did not sign.
    Forged {
        /// The member that passed them on.
        by: Member,
        /// The member in whose name.
        author: Member,
    },
    /// A member signed two different texts with one number.
    Forked(Member),
}

/// What the user knows of a member's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// It is the user's own.
    Own,
    /// The user compared it with its holder, who was called so.
    Verified(Name),
    /// It was heard before: since this day, first under this name.
    Known(Day, Name),
    /// It is new.
    New,
}

/// Why there is no ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum NoTicket {
    /// The room is open.
    #[error("this room is open, so nobody needs a ticket; -l --private makes one that does")]
    Open,
}

/// Why no key was verified.
#[derive(Debug, Error)]
pub(crate) enum VerifyError {
    /// What was typed is no key.
    #[error("this is no key: one has 16 letters and digits, as k3f7-9qmz-x2c4-h8tw, or 52 in full")]
    NoKey,
    /// No member is called so.
    #[error("nobody here is called {}; /keys shows all members with their keys", unless_secret(.0))]
    Nobody(String),
    /// Several members are called so.
    #[error("several members are called {who}: {}; say which by the address or the key", candidates(members))]
    Ambiguous { who: String, members: Vec<Member> },
    /// The member has another key.
    #[error(
        "NOT the same: {} has the key {} here. If the key that you gave comes from {} in person, then this is somebody \
         else, or another machine", .0, ShortKey::new(.0.id.key()), .0.name
    )]
    Other(Box<Member>),
    /// The user verified too many keys.
    #[error("no place for another verified key; delete lines in the file of known keys")]
    Full,
}

impl VerifyError {
    /// The same for a program, which knows no commands for people.
    pub(crate) fn for_programs(&self) -> String {
        match self {
            Self::Nobody(who) => {
                format!("nobody here is called {}; the answer to keys has all members", unless_secret(who))
            }
            other => other.to_string(),
        }
    }
}

/// What was typed for the name of a member, unless it may be a ticket that went astray.
fn unless_secret(who: &str) -> &str {
    if may_have_secret(who) { "so" } else { who }
}

fn candidates(members: &[Member]) -> String {
    let each = |member: &Member| format!("{member} {}", ShortKey::new(member.id.key()));
    wording::list(&members.iter().map(each).collect::<Vec<_>>())
}

/// Who the user is, what opens the room, and which keys the user knows.
pub(crate) struct People {
    me: [u8; 32],
    /// This program, as it is in the room; `None` before it was let in.
    own: Option<Member>,
    /// The addresses of other programs with the user's key of which the user was told.
    told: BTreeSet<SocketAddr>,
    secret: Option<Secret>,
    /// The key of the ticket with which the user came.
    issuer: Option<[u8; 32]>,
    file: KnownFile,
    /// The members that were judged: the names under which they were, and whether these say too little.
    judged: BTreeMap<[u8; 32], (Name, bool)>,
    /// The members that the user was not warned of, though they are listed under a known name.
    unwarned: BTreeSet<[u8; 32]>,
    /// How many members were warned of that were only listed, by the key that is known under their name.
    listed: BTreeMap<[u8; 32], usize>,
    /// The members that were heard, with the names that they signed.
    heard: BTreeMap<[u8; 32], Name>,
}

impl People {
    /// The people of a user with the key `me`, in the room of `secret` if it is private, who came with a ticket of
    /// `issuer`.
    pub(crate) fn new(
        me: [u8; 32],
        secret: Option<Secret>,
        issuer: Option<[u8; 32]>,
        file: KnownFile,
    ) -> Self {
        Self {
            me,
            own: None,
            told: BTreeSet::new(),
            secret,
            issuer,
            file,
            judged: BTreeMap::new(),
            unwarned: BTreeSet::new(),
            listed: BTreeMap::new(),
            heard: BTreeMap::new(),
        }
    }

    /// Whether strangers can enter the room.
    pub(crate) fn privacy(&self) -> RoomPrivacy {
        if self.secret.is_some() { RoomPrivacy::Private } else { RoomPrivacy::Open }
    }

    /// Whether the user came with a ticket of the holder of `key`.
    pub(crate) fn is_of_ticket(&self, key: &[u8; 32]) -> bool {
        self.issuer.as_ref() == Some(key)
    }

    /// What the user should know about the `members` when the room is entered as `me`.
    pub(crate) fn entered<'a>(
        &mut self,
        me: &Member,
        members: impl IntoIterator<Item = &'a Member>,
    ) -> Vec<Remark> {
        let is_first = self.own.replace(me.clone()).is_none();
        let mut remarks = Vec::new();
        let mut listed = None;
        for member in members {
            listed = listed.or((self.issuer == Some(*member.id.key())).then_some(member));
            remarks.extend(self.met(member));
        }
        remarks.extend(self.issuer.filter(|_| is_first).map(|issuer| match listed {
            Some(member) => Remark::TicketListed(member.clone()),
            None => Remark::TicketUnlisted(issuer),
        }));
        remarks
    }

    /// What the user should know about `member`, of which nothing is proven yet. Nothing is kept of it: a leader can
    /// invent members.
    pub(crate) fn met(&mut self, member: &Member) -> Option<Remark> {
        let key = *member.id.key();
        if key == self.me {
            return self.met_own_key(member);
        }
        if self.judged.get(&key).is_some_and(|(name, _)| *name == member.name) {
            return None;
        }
        let judged = (member.name.clone(), self.is_doubtful(member));
        put(&mut self.judged, key, judged);
        let remark = self.key_changed(member);
        if let Some(Remark::KeyChanged { known_key, .. }) = &remark {
            let listed = self.listed.entry(*known_key).or_default();
            if *listed >= MAX_LISTED {
                if self.unwarned.len() < MAX_JUDGED {
                    self.unwarned.insert(key);
                }
                return None;
            }
            *listed = listed.saturating_add(1);
        }
        remark
    }

    /// The warning that `member` has a known name, and not the key that is known under the name.
    fn key_changed(&self, member: &Member) -> Option<Remark> {
        let key = *member.id.key();
        let known = self.file.keys();
        if known.get(&key).is_some_and(|own| own.name == member.name && own.is_verified) {
            return None;
        }
        let is_known = known.get(&key).is_some_and(|own| own.name == member.name);
        let same_name = known.alike(&key, &member.name).filter(|(_, other)| other.name == member.name);
        // A person may have several machines. But beside a verified key, no other passes for the same person.
        let others = same_name.filter(|(_, other)| other.is_verified || !is_known);
        let (known_key, known) = others.max_by_key(|(_, other)| (other.is_verified, other.last))?;
        Some(Remark::KeyChanged { member: member.clone(), known_key: *known_key, known: known.clone() })
    }

    /// What the user should know about `member`, which has the user's own key.
    fn met_own_key(&mut self, member: &Member) -> Option<Remark> {
        let me = self.own.as_ref()?;
        // An earlier life of this program may be listed for a moment, at the same address.
        let is_other = member.id != me.id && member.addr() != me.addr();
        if self.told.len() >= MAX_JUDGED {
            self.told.clear();
        }
        (is_other && self.told.insert(member.addr())).then(|| Remark::SameKey(member.clone()))
    }

    /// What the user should know about `author`, who signed a text. The key is known from now on.
    pub(crate) fn heard(&mut self, author: &Member) -> Vec<Remark> {
        let key = *author.id.key();
        if key == self.me || self.heard.get(&key) == Some(&author.name) {
            return Vec::new();
        }
        let is_first = !self.heard.contains_key(&key);
        put(&mut self.heard, key, author.name.clone());
        let mut remarks = Vec::from_iter(self.met(author));
        if self.unwarned.remove(&key) {
            remarks.extend(self.key_changed(author));
        }
        if is_first && self.is_of_ticket(&key) {
            remarks.push(Remark::OfTicket(author.clone()));
        } else if remarks.is_empty()
            && is_first
            && self.secret.is_some()
            && self.file.keys().get(&key).is_none()
            // Of such a member the user was warned.
            && self.key_changed(author).is_none()
        {
            remarks.push(Remark::New(author.clone()));
        }
        self.file.hear(key, &author.name, Day::today());
        remarks
    }

    /// Whether the name of `member` says too little: when the member was met, the key was known under another name, or the
    /// name looked like one that is known with another key.
    pub(crate) fn is_doubtful(&self, member: &Member) -> bool {
        let (key, keys) = (member.id.key(), self.file.keys());
        if *key == self.me {
            return false;
        }
        if let Some((_, is_doubtful)) = self.judged.get(key).filter(|(name, _)| *name == member.name) {
            return *is_doubtful;
        }
        match keys.get(key) {
            Some(own) if own.name != member.name => true,
            Some(own) if own.is_verified => false,
            _ => keys.alike(key, &member.name).next().is_some(),
        }
    }

    /// What the user knows of the key of `member`.
    pub(crate) fn mark(&self, member: &Member) -> Mark {
        let key = member.id.key();
        match self.file.keys().get(key) {
            _ if *key == self.me => Mark::Own,
            Some(known) if known.is_verified => Mark::Verified(known.name.clone()),
            Some(known) => Mark::Known(known.first, known.name.clone()),
            None => Mark::New,
        }
    }

    /// The key, and its name, that the user verified under a name that looks like that of `member`, whose key is neither
    /// verified nor the user's own.
    pub(crate) fn verified_instead(&self, member: &Member) -> Option<(&[u8; 32], &Name)> {
        if matches!(self.mark(member), Mark::Own | Mark::Verified(_)) {
            return None;
        }
        let alike = self.file.keys().alike(member.id.key(), &member.name);
        let (key, known) =
            alike.filter(|(_, known)| known.is_verified).max_by_key(|(_, known)| known.last)?;
        Some((key, &known.name))
    }

    /// A ticket for the room, with the addresses of the user and of the members after the user in the ring.
    ///
    /// # Errors
    /// If the room is open.
    pub(crate) fn ticket(&self, report: &Report) -> Result<Zeroizing<String>, NoTicket> {
        let secret = self.secret.clone().ok_or(NoTicket::Open)?;
        let others = report.members.after(report.me.id).filter(|id| *id != report.me.id);
        let others = others.filter_map(|id| report.members.find(id)).map(Member::addr);
        let addrs: Vec<_> = [report.me.addr()].into_iter().chain(others).take(MAX_TICKET_ADDRS).collect();
        // It has at least one address and not too many.
        Ticket::new(secret, self.me, &addrs).map(|ticket| ticket.reveal()).map_err(|_| NoTicket::Open)
    }

    /// Compares the key of the member that is called `who` with `typed`, and marks it as verified if it is the same.
    ///
    /// # Errors
    /// If it is another, or it is not clear who is meant.
    pub(crate) fn verify<'a>(
        &mut self,
        who: &str,
        typed: &str,
        report: &'a Report,
    ) -> Result<&'a Member, VerifyError> {
        let typed = TypedKey::new(typed).ok_or(VerifyError::NoKey)?;
        let member = find(who, &report.members)?;
        let key = member.id.key();
        if !typed.is(key) {
            return Err(VerifyError::Other(Box::new(member.clone())));
        }
        if *key != self.me && !self.file.verify(*key, &member.name, Day::today()) {
            return Err(VerifyError::Full);
        }
        self.judged.insert(*key, (member.name.clone(), false));
        Ok(member)
    }

    /// Whether a key that is verified now is known in later sessions.
    pub(crate) fn keeps_keys(&self) -> bool {
        self.file.is_kept()
    }

    /// Writes which keys became known.
    ///
    /// # Errors
    /// A problem that the user should know; each is told once.
    pub(crate) fn save_urgent(&mut self) -> Result<(), KnownProblem> {
        self.file.save_urgent()
    }

    /// Writes which keys became known, and when all known ones were heard last. Waits for other programs of the user.
    ///
    /// # Errors
    /// As [`People::save_urgent`].
    pub(crate) fn save(&mut self) -> Result<(), KnownProblem> {
        self.file.save(Patience::Waits)
    }
}

/// Remembers something of a member. Forgets all others when they are too many: then a remark may come twice.
fn put<T>(members: &mut BTreeMap<[u8; 32], T>, key: [u8; 32], of_member: T) {
    if members.len() >= MAX_JUDGED {
        members.clear();
    }
    members.insert(key, of_member);
}

/// The member that is called `who`: by its key, by its address, by its name, or by its name in another case.
///
/// # Errors
/// If nobody is, or several are that have different keys.
pub(crate) fn find<'a>(
    who: &str,
    members: impl IntoIterator<Item = &'a Member>,
) -> Result<&'a Member, VerifyError> {
    let members: Vec<&Member> = members.into_iter().collect();
    let typed = TypedKey::new(who);
    let ways: [&dyn Fn(&Member) -> bool; 5] = [
        &|member| typed.as_ref().is_some_and(|typed| typed.is(member.id.key())),
        &|member| member.addr().to_string() == who,
        &|member| member.to_string() == who,
        &|member| member.name.as_str() == who,
        &|member| member.name.as_str().to_lowercase() == who.to_lowercase(),
    ];
    for is_meant in ways {
        let found: Vec<&Member> = members.iter().copied().filter(|member| is_meant(member)).collect();
        match found.as_slice() {
            [] => {}
            // Several processes of one person share a key, and it does not matter which is meant.
            [first, others @ ..] if others.iter().all(|other| other.id.key() == first.id.key()) => {
                return Ok(first);
            }
            several => {
                let members = several.iter().copied().cloned().collect();
                return Err(VerifyError::Ambiguous { who: who.to_owned(), members });
            }
        }
    }
    Err(VerifyError::Nobody(who.to_owned()))
}

#[cfg(test)]
mod tests;
