//! What a node tells, as lines. Members get numbers at their first mention.

use alloc::borrow::ToOwned as _;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::net::SocketAddr;

use ringchat_core::trace::{Sketch, State, Traced};
use ringchat_core::{Ending, Instant, Member, NodeId, Notice, Origin, RoomId, Roster, Stamp, TextRun};

use crate::event::{
    DialLine, DownLine, DropLine, EndLine, FailLine, FaultLine, FullLine, MissedLine, NoteLine, ReceivedLine,
    RoomLine, SentLine, Sketched, StateLine, SumLine, TraceEvent, UpLine, WhoLine,
};
use crate::line::{TraceHeader, TraceLine, TraceRecord, VERSION};
use crate::step::{Flood, Step};
use crate::words;

/// Makes the lines of one member's trace. What is told before the first life begins is left out, and so is what people say
/// unless texts are traced.
#[derive(Clone, Debug)]
pub struct Scribe {
    texts: bool,
    sim: bool,
    life: Option<LifeScribe>,
}

/// The lines of one life.
#[derive(Clone, Debug)]
struct LifeScribe {
    texts: bool,
    /// The time from which the others count.
    began: Instant,
    lines: u64,
    room: RoomId,
    members: BTreeMap<NodeId, Known>,
    /// The time and the Lamport time of what is being told.
    now: (Instant, Stamp),
}

/// A member that has a number.
#[derive(Clone, Debug)]
struct Known {
    number: u32,
    /// What it was said to be called, and where to listen.
    told: Option<(String, SocketAddr)>,
}

impl Scribe {
    /// For a member whose texts are traced or not, and that is simulated or not.
    pub fn new(texts: bool, sim: bool) -> Self {
        Self { texts, sim, life: None }
    }

    /// Appends the lines that tell of a step, which happened at `at`.
    pub fn tell(&mut self, at: Instant, lamport: Stamp, step: &Step, out: &mut Vec<TraceRecord>) {
        if let Step::Life { me, detect, wall } = step {
            self.life = Some(LifeScribe::new(self.texts, at, me));
            out.push(TraceRecord::Header(TraceHeader {
                ringchat_trace: VERSION,
                me: 0,
                id: me.id,
                name: me.name.to_string(),
                addr: me.addr(),
                wall: *wall,
                detect_ms: u64::try_from(detect.as_millis()).unwrap_or(u64::MAX),
                texts: self.texts,
                sim: self.sim,
            }));
        } else if let Some(life) = &mut self.life {
            life.now = (at, lamport);
            life.tell(step, out);
        }
    }

    /// The last lines are not written after all, so those that follow take their numbers.
    pub fn take_back(&mut self, lines: u64) {
        if let Some(life) = &mut self.life {
            life.lines = life.lines.saturating_sub(lines);
        }
    }
}

impl LifeScribe {
    fn new(texts: bool, began: Instant, me: &Member) -> Self {
        let known = Known { number: 0, told: Some((me.name.to_string(), me.addr())) };
        let members = [(me.id, known)].into();
        Self { texts, began, lines: 0, room: RoomId::UNKNOWN, members, now: (began, Stamp::default()) }
    }

    fn push(&mut self, event: TraceEvent, out: &mut Vec<TraceRecord>) {
        let (at, lamport) = self.now;
        let line = TraceLine { i: self.lines, t: self.time(at), lc: lamport.0, event };
        self.lines = self.lines.saturating_add(1);
        out.push(TraceRecord::Line(line));
    }

    /// Microseconds since the life began.
    fn time(&self, at: Instant) -> u64 {
        at.0.saturating_sub(self.began.0)
    }

    /// The number of a member of which the id is known.
    fn number(&mut self, id: NodeId, out: &mut Vec<TraceRecord>) -> u32 {
        if let Some(known) = self.members.get(&id) {
            return known.number;
        }
        let number = self.next_number();
        self.members.insert(id, Known { number, told: None });
        self.push(TraceEvent::Who(WhoLine { m: number, id, name: None, addr: None }), out);
        number
    }

    fn next_number(&self) -> u32 {
        u32::try_from(self.members.len()).unwrap_or(u32::MAX)
    }

    /// The number of a member, whose name and address are told if they are news.
    fn member(&mut self, member: &Member, out: &mut Vec<TraceRecord>) -> u32 {
        if member.addr().port() == 0 {
            // A stand-in for a member of which only the id is known.
            return self.number(member.id, out);
        }
        let (name, addr) = (member.name.as_str(), member.addr());
        let known = self.members.get(&member.id);
        let told = known.and_then(|known| known.told.as_ref());
        let number = known.map_or_else(|| self.next_number(), |known| known.number);
        if told.is_none_or(|(told, at)| told != name || *at != addr) {
            self.members.insert(member.id, Known { number, told: Some((name.to_owned(), addr)) });
            let (name, addr) = (Some(name.to_owned()), Some(addr));
            self.push(TraceEvent::Who(WhoLine { m: number, id: member.id, name, addr }), out);
        }
        number
    }

    fn numbers(&mut self, ids: &[NodeId], out: &mut Vec<TraceRecord>) -> Vec<u32> {
        ids.iter().map(|id| self.number(*id, out)).collect()
    }

    fn ring(&mut self, roster: &Roster, out: &mut Vec<TraceRecord>) -> Vec<u32> {
        roster.iter().map(|member| self.member(member, out)).collect()
    }

    fn tell(&mut self, step: &Step, out: &mut Vec<TraceRecord>) {
        let event = match step {
            Step::Life { .. } => return,
            Step::Traced(traced) => match self.traced(traced, out) {
                Some(event) => event,
                None => return,
            },
            Step::Told(notice) => match self.notice(notice, out) {
                Some(event) => event,
                None => return,
            },
            Step::Shown { first, from, texts, replayed, said } => TraceEvent::Note(NoteLine::Chat {
                first: first.0,
                from: self.member(from, out),
                texts: *texts,
                replayed: *replayed,
                said: said.as_ref().filter(|_| self.texts).map(lines).unwrap_or_default(),
            }),
            Step::Flood(flood) => self.flood(flood, out),
            Step::Missed(n) => TraceEvent::Missed(MissedLine { n: *n }),
            Step::Full(of) => TraceEvent::Full(FullLine { of: *of }),
            Step::Fault { kind, whom, sides } => {
                let sides = sides.iter().map(|side| self.numbers(side, out)).collect();
                let m = whom.map(|whom| self.number(whom, out));
                TraceEvent::Fault(FaultLine { kind: *kind, m, sides })
            }
            Step::Off => TraceEvent::End(EndLine { why: "off".to_owned(), unsure: 0 }),
        };
        self.push(event, out);
    }

    fn traced(&mut self, traced: &Traced, out: &mut Vec<TraceRecord>) -> Option<TraceEvent> {
        Some(match traced {
            Traced::Took { link, from, stamp, counted, sketch } => {
                let (from, what) = (self.number(*from, out), self.sketched(sketch, out));
                TraceEvent::Recv(ReceivedLine { what, l: link.0, from, st: stamp.0, counted: *counted })
            }
            Traced::Sent { to, sketch, .. } => {
                let to = to.iter().map(|(link, peer)| (link.0, self.number(*peer, out))).collect();
                TraceEvent::Send(SentLine { what: self.sketched(sketch, out), to })
            }
            Traced::Dropped { from, kind, why } => {
                TraceEvent::Drop(DropLine { from: self.number(*from, out), k: *kind, why: *why })
            }
            Traced::Dialed { dial, addr, whom, why } => {
                let m = whom.map(|whom| self.number(whom, out));
                TraceEvent::Dial(DialLine { d: dial.0, addr: *addr, m, why: *why })
            }
            Traced::Failed { dial, reason } => {
                TraceEvent::Fail(FailLine { d: dial.0, why: words::dial_failure(*reason).to_owned() })
            }
            Traced::Up { link, origin, remote, peer } => {
                let dial = if let Origin::Dialed(dial) = origin { Some(dial.0) } else { None };
                TraceEvent::Up(UpLine { l: link.0, dial, m: self.number(*peer, out), remote: *remote })
            }
            Traced::Down { link, peer, reason } => {
                let why = words::down(*reason).to_owned();
                TraceEvent::Down(DownLine { l: link.0, m: self.number(*peer, out), why })
            }
            Traced::State(state) => TraceEvent::State(self.state(state, out)),
            // A life begins with its header.
            _ => return None,
        })
    }

    fn sketched(&mut self, sketch: &Sketch, out: &mut Vec<TraceRecord>) -> Sketched {
        Sketched {
            k: sketch.kind,
            epoch: sketch.epoch.map(|epoch| epoch.0),
            about: sketch.about.map(|about| self.number(about, out)),
            key: sketch.key.map(|(epoch, length)| (epoch.0, length.0)),
            path: self.numbers(&sketch.path, out),
            first: sketch.from.map(|from| from.0),
            end: sketch.to.map(|to| to.0),
            texts: sketch.texts,
            bytes: sketch.bytes,
            word: sketch.word.map(str::to_owned),
            said: sketch.said.iter().filter(|_| self.texts).flat_map(lines).collect(),
        }
    }

    fn state(&mut self, state: &State, out: &mut Vec<TraceRecord>) -> StateLine {
        if state.room != self.room {
            self.room = state.room;
            self.push(TraceEvent::Room(RoomLine { room: state.room }), out);
        }
        // The names in the roster come first, so that all that is mentioned has one.
        let ring = state.roster.as_ref().map(|roster| self.ring(roster, out));
        let mut number = |id: Option<NodeId>| id.map(|id| self.number(id, out));
        StateLine {
            mode: state.mode,
            promised: state.promised.0,
            view: state.view.map(|view| view.epoch.0).zip(number(state.view.map(|view| view.leader))),
            leader: number(state.leader),
            next: number(state.next),
            prev: number(state.prev),
            cfg: (state.cfg.view.epoch.0, self.number(state.cfg.view.leader, out), state.cfg.n),
            log: state.log.0,
            stable: state.stable.0,
            waiting: state.waiting,
            ring,
        }
    }

    fn flood(&mut self, flood: &Flood, out: &mut Vec<TraceRecord>) -> TraceEvent {
        TraceEvent::Sum(SumLine {
            dir: flood.direction,
            k: flood.kind,
            l: flood.link.map(|link| link.0),
            m: self.number(flood.peer, out),
            n: flood.count,
            texts: flood.texts,
            bytes: flood.bytes,
            st: flood.stamps.map(|(first, last)| (first.0, last.0)),
            since: self.time(flood.since),
        })
    }

    fn notice(&mut self, notice: &Notice, out: &mut Vec<TraceRecord>) -> Option<TraceEvent> {
        if let Notice::Ended(ending) = notice {
            return Some(TraceEvent::End(end(ending)));
        }
        Some(TraceEvent::Note(match notice {
            Notice::Ready { leader, members, .. } => {
                NoteLine::Ready { ring: self.ring(members, out), leader: self.member(leader, out) }
            }
            Notice::Held { seq } => NoteLine::Held { seq: seq.0 },
            Notice::Gap { from, count } => NoteLine::Gap { from: self.member(from, out), count: *count },
            Notice::Swallowed { first, count, .. } => NoteLine::Swallowed { first: first.0, count: *count },
            Notice::Joined { member } => NoteLine::Joined { m: self.member(member, out) },
            Notice::Left { member, reason } => {
                NoteLine::Left { m: self.member(member, out), why: (*reason).into() }
            }
            Notice::Ring { prev, next, reason } => {
                let (prev, next) = (self.member(prev, out), self.member(next, out));
                NoteLine::Ring { prev, next, why: words::ring(*reason).to_owned() }
            }
            Notice::Election { phase, candidate, epoch } => {
                let (phase, cand) = (phase.name().to_owned(), self.member(candidate, out));
                NoteLine::Election { phase, cand, epoch: epoch.0 }
            }
            Notice::NotYet { contact, failure, .. } => {
                NoteLine::NotYet { addr: *contact, why: words::join_failure(*failure).to_owned() }
            }
            Notice::Leader { member, epoch } => {
                NoteLine::Leader { m: self.member(member, out), epoch: epoch.0 }
            }
            Notice::LeftBehind => NoteLine::LeftBehind,
            Notice::NewLife { .. } => NoteLine::NewLife,
            Notice::CutOff => NoteLine::CutOff,
            Notice::TooManyToMerge => NoteLine::TooManyToMerge,
            Notice::Forked { author } => NoteLine::Forked { m: self.member(author, out) },
            Notice::Forged { by, author } => {
                NoteLine::Forged { m: self.member(by, out), author: self.member(author, out) }
            }
            Notice::Fault { remote, reason } => {
                NoteLine::Fault { remote: *remote, why: words::fault(*reason).to_owned() }
            }
            // Chat has a step of its own, and the rest is no step of the room.
            _ => return None,
        }))
    }
}

fn lines(texts: &TextRun) -> Vec<String> {
    texts.iter().map(str::to_owned).collect()
}

fn end(ending: &Ending) -> EndLine {
    let (why, unsure) = match ending {
        Ending::Left { unsure } => ("left", *unsure),
        Ending::JoinFailed { .. } => ("join_failed", 0),
        Ending::RoomFull => ("refused", 0),
        _ => ("other", 0),
    };
    EndLine { why: why.to_owned(), unsure }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use core::num::NonZeroU64;
    use core::time::Duration;

    use ringchat_core::trace::{MessageKind, Mode};
    use ringchat_core::wire::Message;
    use ringchat_core::{ConfigId, Epoch, Index, LinkId, Name, View};

    use super::*;

    fn member(number: u8) -> Member {
        let id = NodeId::sham([number; 32], NonZeroU64::MIN);
        Member::new(id, ([10, 0, 0, number], 5000).into(), Name::new("m").unwrap())
    }

    fn life(number: u8) -> Step {
        Step::Life { me: member(number).into(), detect: Duration::from_secs(1), wall: 77 }
    }

    fn took(from: u8) -> Step {
        let sketch = Sketch::of(&Message::Suspect { id: member(9).id });
        let from = member(from).id;
        Step::Traced(Traced::Took { link: LinkId(1), from, stamp: Stamp(5), counted: true, sketch }.into())
    }

    fn state(roster: Option<Roster>) -> Step {
        let view = View { epoch: Epoch(1), leader: member(2).id };
        let state = State {
            mode: Mode::Following,
            room: RoomId([7; 16]),
            promised: Epoch(1),
            view: Some(view),
            cfg: ConfigId::first(view),
            leader: Some(member(2).id),
            next: Some(member(2).id),
            prev: Some(member(2).id),
            log: Index(3),
            stable: Index(2),
            waiting: 0,
            roster,
        };
        Step::Traced(Traced::State(state).into())
    }

    /// What is written of the steps, each a microsecond after the one before.
    fn tell(steps: &[Step]) -> Vec<TraceRecord> {
        let (mut scribe, mut out) = (Scribe::new(false, true), Vec::new());
        for (at, step) in (100..).zip(steps) {
            scribe.tell(Instant(at), Stamp(at), step, &mut out);
        }
        out
    }

    fn events(steps: &[Step]) -> Vec<TraceEvent> {
        let event = |record| if let TraceRecord::Line(line) = record { Some(line.event) } else { None };
        tell(steps).into_iter().filter_map(event).collect()
    }

    #[test]
    fn nothing_is_written_before_a_life_begins_and_a_new_one_counts_anew() {
        let all = tell(&[took(2), life(1), took(2), life(3), took(2)]);
        let [
            TraceRecord::Header(first),
            TraceRecord::Line(who),
            TraceRecord::Line(_),
            TraceRecord::Line(recv),
            TraceRecord::Header(second),
            TraceRecord::Line(again),
            ..,
        ] = &all[..]
        else {
            panic!("{all:?}")
        };
        assert_eq!((first.id, first.wall, first.detect_ms, first.sim), (member(1).id, 77, 1000, true));
        assert_eq!((who.i, who.t, who.lc, recv.i, recv.t), (0, 1, 102, 2, 1));
        assert_eq!((second.id, again.i, again.t), (member(3).id, 0, 1));
    }

    #[test]
    fn a_member_has_its_number_before_it_is_mentioned_and_its_name_when_that_is_known() {
        let roster = Roster::new(vec![member(1), member(2)]).unwrap();
        let all = events(&[life(1), took(2), took(2), state(Some(roster)), took(9)]);
        let who = |m, number, named: bool| {
            let Member { id, name, .. } = member(number);
            let (name, addr) = (named.then(|| name.to_string()), named.then(|| member(number).addr()));
            TraceEvent::Who(WhoLine { m, id, name, addr })
        };
        assert_eq!(all[..2], [who(1, 2, false), who(2, 9, false)]);
        assert!(matches!(&all[2..4], [TraceEvent::Recv(_), TraceEvent::Recv(_)]));
        assert_eq!(all[4], TraceEvent::Room(RoomLine { room: RoomId([7; 16]) }));
        assert_eq!(all[5], who(1, 2, true));
        let TraceEvent::State(state) = &all[6] else { panic!("{all:?}") };
        assert_eq!((&state.ring, state.leader, state.cfg), (&Some(vec![0, 1]), Some(1), (1, 1, 0)));
        let TraceEvent::Recv(recv) = &all[7] else { panic!("{all:?}") };
        assert_eq!((recv.from, recv.what.k, recv.what.about), (2, MessageKind::Suspect, Some(2)));
    }

    #[test]
    fn the_room_is_told_once() {
        let all = events(&[life(1), state(None), state(None)]);
        let rooms = all.iter().filter(|event| matches!(event, TraceEvent::Room(_))).count();
        assert_eq!(rooms, 1, "{all:?}");
    }

    #[test]
    fn a_member_of_which_only_the_id_is_known_has_no_name() {
        let unknown = Member::new(member(4).id, ([0, 0, 0, 0], 0).into(), Name::new("m").unwrap());
        let joined = Step::Told(Notice::Joined { member: unknown.into() }.into());
        let all = events(&[life(1), joined]);
        let who = WhoLine { m: 1, id: member(4).id, name: None, addr: None };
        assert_eq!(all, [TraceEvent::Who(who), TraceEvent::Note(NoteLine::Joined { m: 1 })]);
    }

    #[test]
    fn how_a_life_ends_is_told() {
        let ended = |ending| Step::Told(Notice::Ended(ending).into());
        let why = |step| match &events(&[life(1), step])[..] {
            [TraceEvent::End(end)] => (end.why.clone(), end.unsure),
            other => panic!("{other:?}"),
        };
        assert_eq!(why(ended(Ending::Left { unsure: 2 })), ("left".to_owned(), 2));
        assert_eq!(why(ended(Ending::RoomFull)), ("refused".to_owned(), 0));
        assert_eq!(why(ended(Ending::JoinFailed { tried: vec![] })), ("join_failed".to_owned(), 0));
        assert_eq!(why(Step::Off), ("off".to_owned(), 0));
    }
}
