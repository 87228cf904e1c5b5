//! What one event costs a room at rest: the time until all agree, in one-way delays, and the messages of each kind. The
//! formulas are those of docs/protocol.md, "What it costs".
//!
//! Whole exchanges can fail, and a room still heals by a slower way. These tests notice.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use ringchat_core::NodeId;
use ringchat_sim::oracles::{FaultModel, Shape};
use ringchat_sim::{Death, Heal, HostId, Place, Quality, World};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const DELAY: Duration = Duration::from_millis(10);
/// Each packet takes one delay.
const STEADY: Quality = Quality { least: DELAY, most: DELAY, pieces: 0, refusals: 0, time_outs: 0 };
/// A packet takes one delay at most.
const VARIED: Quality = Quality { least: Duration::from_millis(1), ..STEADY };
/// So long that no silence is noticed in a story about something else.
const DETECT: Duration = Duration::from_secs(5);
const LIMIT: Duration = Duration::from_mins(1);
const PACE: Duration = Duration::from_millis(1);
/// After all agree, acknowledgements and farewells are still under way.
const AFTERWARDS: Duration = Duration::from_millis(500);

/// Members before the event. Rings of less are linked all to all, and so faster.
const SIZES: [u32; 4] = [4, 5, 8, 13];
const SEEDS: u64 = 4;

/// A broken connection is seen one delay later.
const RESET: u32 = 1;
/// A dial to a dead process is refused, or one message is answered.
const ROUND_TRIP: u32 = 2;
/// TCP connects, and both ends prove who they are.
const OPEN: u32 = 2 * ROUND_TRIP;
/// Then they greet each other.
const LINK: u32 = OPEN + ROUND_TRIP;
/// The leader is asked, an entry goes to the insiders and comes back, and the newcomer is welcomed.
const ADMISSION: u32 = OPEN + 1 + ROUND_TRIP + 1;
/// Removals that follow the first wait so long, to share an entry.
const SHARED_ENTRY: Duration = Duration::from_millis(100);
/// A member is given up that was silent for `detect`, and does not answer for half of it. Each is looked at ten times in `detect`.
const GIVEN_UP: Duration = DETECT.saturating_mul(17).checked_div(10).expect("ten is not zero");
/// A process that was refused asks again after this.
const RETRY: Duration = Duration::from_millis(100);
/// A leader looks for a lost member so often, and up to half as seldom again.
const LOOKED_FOR: Duration = Duration::from_millis(7500);

/// A room at rest, and what has happened in it.
struct Room {
    world: World,
    /// Members before the event.
    n: u32,
    before: BTreeMap<&'static str, u64>,
}

impl Room {
    /// The leader is at place 1, and the others follow in ring order.
    fn at_rest(seed: u64, n: u32, quality: Quality) -> Result<Self> {
        let mut world = World::new(seed, quality, FaultModel::Any, false);
        world.set_times(DETECT, LIMIT);
        world.create(1);
        for place in 2..=n {
            let host = world.join(place, &[place - 1]);
            assert!(world.run_until(LIMIT, PACE, |world| world.transcripts().of(host).ready.is_some())?);
        }
        let mut room = Self { world, n, before: BTreeMap::new() };
        room.settle()?;
        room.world.run_for(DETECT + DETECT / 2)?;
        room.before = room.world.counts().sent.clone();
        Ok(room)
    }

    fn at(&self, place: Place) -> HostId {
        self.world.at(place).unwrap_or_else(|| unreachable!("{place} has started"))
    }

    fn kill(&mut self, place: Place, death: Death) {
        self.world.kill(self.at(place), death);
    }

    /// A process stops for a while.
    fn stall(&mut self, place: Place, time: Duration) -> Result<()> {
        let host = self.at(place);
        self.world.freeze(host);
        self.world.run_for(time)?;
        Ok(self.world.thaw(host)?)
    }

    fn cut_in_two(&mut self, time: Duration) -> Result<()> {
        let side: Vec<Place> = (1..=self.n / 2).collect();
        self.world.partition(&side);
        self.world.run_for(time)?;
        self.world.heal(Heal::Reset);
        Ok(())
    }

    /// The connection between two places breaks.
    fn break_link(&mut self, one: Place, other: Place) -> Result<()> {
        let id = self.world.node(self.at(other)).me().id;
        let nth = self.world.node(self.at(one)).linked().position(|linked| linked == id);
        self.world.break_link(self.at(one), nth.ok_or("no link")?);
        Ok(())
    }

    fn leave(&mut self, place: Place) -> Result<()> {
        Ok(self.world.leave(self.at(place))?)
    }

    /// Runs until all agree. Returns how long it takes.
    fn settle(&mut self) -> Result<Duration> {
        let start = self.world.now();
        // Before that nobody knows of the event.
        self.world.run_for(DELAY)?;
        assert!(self.world.run_until(LIMIT, PACE, all_agree)?, "{:?}", self.world.rings(Shape::OneRing));
        Ok(self.world.now().since(start))
    }

    /// The messages since the room was at rest, but for signs of life.
    fn messages(&self) -> Vec<(&'static str, u64)> {
        let sent = self.world.counts().sent.iter();
        let new = sent.map(|(kind, count)| (*kind, count - self.before.get(kind).unwrap_or(&0)));
        new.filter(|(kind, count)| *count > 0 && !matches!(*kind, "Ping" | "Pong")).collect()
    }

    /// How far the leader is behind the first member after place 1 that lives.
    fn distance(&self) -> Result<u32> {
        let ring = self.world.rings(Shape::OneRing)?.concat();
        let node = self.world.node(ring[0]);
        let at = ring.iter().position(|host| self.world.node(*host).me().id == node.view().leader);
        Ok(u32::try_from(at.ok_or("no leader")?)?)
    }
}

/// Whether all follow one leader in one ring, and each has the links that it needs.
fn all_agree(world: &World) -> bool {
    let is_linked = |host: &HostId| {
        let node = world.node(*host);
        let linked: Vec<NodeId> = node.linked().collect();
        let needs = [Some(node.view().leader), node.next(), node.prev()];
        needs.into_iter().flatten().all(|id| id == node.me().id || linked.contains(&id))
    };
    world.rings(Shape::OneRing).is_ok() && world.alive().iter().all(is_linked)
}

/// Something that happens to a room, and what that costs.
struct Story {
    name: &'static str,
    event: fn(&mut Room) -> Result<()>,
    /// How many messages follow each other until all agree, in a room of so many members before; if there is an election, with
    /// the winner so far behind the member that starts it.
    delays: fn(u32, u32) -> u32,
    /// How long members wait beside that.
    waits: Duration,
    /// The messages of each kind, by name. None if they depend on the moment of the event; then the delays are a bound.
    messages: Option<fn(u64, u64) -> Vec<Messages>>,
}

type Messages = (&'static str, u64);

/// From the start of an election on until all follow the winner. The token goes once round the `m` members and up to the
/// winner, but first the gap has to be closed that the leader has left. The news goes round up to the last member that has no
/// link to the winner, which links, shows its log and gets its install.
fn election(m: u32, d: u32, gap: u32) -> u32 {
    let token = gap.max(m - 1) + 1 + d;
    let last_linked = m - 1 + ROUND_TRIP;
    let last_unlinked = if m > 3 { m - 2 + LINK + ROUND_TRIP } else { 0 };
    token + last_linked.max(last_unlinked)
}

/// The messages of an election among `m`, with `more` entries for each: the candidacies of Chang and Roberts, the news, the logs,
/// and greetings between those that had no link.
fn election_messages(m: u64, d: u64, more: u64) -> Vec<Messages> {
    let (others, greetings) = (m - 1, 2 * (m - 2));
    let entries = others + more;
    vec![
        ("Ack", entries),
        ("Deliver", entries),
        ("Elect", m + d),
        ("Elected", others),
        ("Hello", greetings),
        ("Install", others),
        ("Sync", others),
    ]
}

/// The messages of an entry for `n` other members.
fn entry(n: u64) -> Vec<Messages> {
    vec![("Ack", n), ("Deliver", n)]
}

fn and(messages: Vec<Messages>, more: &[Messages]) -> Vec<Messages> {
    let mut all = [messages, more.to_vec()].concat();
    all.sort_unstable();
    all
}

const STORIES: &[Story] = &[
    Story {
        name: "a member crashes",
        event: |room| {
            room.kill(room.n - 1, Death::Killed);
            Ok(())
        },
        delays: |_, _| RESET + ROUND_TRIP + LINK,
        waits: Duration::ZERO,
        messages: Some(|n, _| and(entry(n - 2), &[("Hello", 2), ("Suspect", 2)])),
    },
    Story {
        name: "the member after the leader crashes",
        event: |room| {
            room.kill(2, Death::Killed);
            Ok(())
        },
        delays: |_, _| RESET + ROUND_TRIP + 1,
        waits: Duration::ZERO,
        messages: Some(|n, _| and(entry(n - 2), &[("Hello", 1), ("Suspect", 1)])),
    },
    Story {
        name: "two neighbours crash",
        event: |room| {
            room.kill(2, Death::Killed);
            room.kill(3, Death::Killed);
            Ok(())
        },
        delays: |_, _| RESET + ROUND_TRIP + 1,
        waits: SHARED_ENTRY,
        messages: Some(|n, _| and(entry(2 * (n - 3)), &[("Hello", 1), ("Suspect", 1)])),
    },
    Story {
        name: "the leader crashes",
        event: |room| {
            room.kill(1, Death::Killed);
            Ok(())
        },
        delays: |n, d| RESET + ROUND_TRIP + election(n - 1, d, LINK),
        waits: Duration::ZERO,
        messages: Some(|n, d| election_messages(n - 1, d, 0)),
    },
    Story {
        name: "somebody joins through the leader",
        event: |room| {
            room.world.join(room.n + 1, &[1]);
            Ok(())
        },
        delays: |_, _| ADMISSION + LINK,
        waits: Duration::ZERO,
        messages: Some(|n, _| {
            and(entry(n), &[("Elected", 1), ("Hello", 4), ("Install", 1), ("Join", 1), ("Sync", 1)])
        }),
    },
    Story {
        name: "somebody joins through a member",
        event: |room| {
            room.world.join(room.n + 1, &[2]);
            Ok(())
        },
        delays: |_, _| OPEN + ROUND_TRIP + ADMISSION + LINK,
        waits: Duration::ZERO,
        messages: Some(|n, _| {
            and(
                entry(n),
                &[("Elected", 1), ("Hello", 5), ("Install", 1), ("Join", 2), ("JoinVia", 1), ("Sync", 1)],
            )
        }),
    },
    Story {
        name: "a member leaves",
        event: |room| room.leave(room.n - 1),
        delays: |_, _| ROUND_TRIP + LINK,
        waits: Duration::ZERO,
        messages: Some(|n, _| {
            and(entry(n - 1), &[("Draining", 1), ("Hello", 2), ("Leave", 1), ("NotMember", 1)])
        }),
    },
    Story {
        name: "the leader leaves",
        event: |room| room.leave(1),
        delays: |n, d| 1 + election(n - 1, d, LINK),
        waits: Duration::ZERO,
        messages: Some(|n, d| and(election_messages(n - 1, d, n - 1), &[("Goodbye", n - 1)])),
    },
    Story {
        name: "a link between neighbours breaks",
        event: |room| room.break_link(2, 3),
        delays: |_, _| RESET + LINK,
        waits: Duration::ZERO,
        messages: Some(|_, _| vec![("Hello", 3)]),
    },
    Story {
        name: "a link to the leader breaks",
        event: |room| room.break_link(1, 3),
        delays: |_, _| RESET + LINK + ROUND_TRIP,
        waits: Duration::ZERO,
        messages: Some(|_, _| vec![("Ack", 1), ("Hello", 3), ("Install", 1), ("Sync", 1)]),
    },
    Story {
        name: "the leader stalls for a moment",
        event: |room| room.stall(1, DETECT / 10),
        delays: |_, _| 1,
        waits: Duration::ZERO,
        messages: Some(|_, _| vec![]),
    },
    Story {
        name: "the leader stalls for as long as a dial to it takes",
        event: |room| room.stall(1, DETECT / 2),
        delays: |_, _| 1,
        waits: Duration::ZERO,
        messages: Some(|n, _| vec![("Promise", n - 1), ("WantPromise", n - 1)]),
    },
    Story {
        name: "a member loses power",
        event: |room| {
            room.kill(room.n - 1, Death::PowerOff);
            Ok(())
        },
        delays: |_, _| LINK + 1,
        waits: GIVEN_UP,
        messages: None,
    },
    Story {
        name: "the leader loses power",
        event: |room| {
            room.kill(1, Death::PowerOff);
            Ok(())
        },
        delays: |n, d| election(n - 1, d, LINK),
        waits: GIVEN_UP,
        messages: None,
    },
    Story {
        name: "a member comes back that had stopped",
        event: |room| room.stall(room.n - 1, DETECT * 3),
        delays: |_, _| LINK + ADMISSION + ROUND_TRIP + LINK,
        waits: PACE,
        messages: None,
    },
    Story {
        name: "a leader comes back that had stopped",
        event: |room| room.stall(1, DETECT * 3),
        delays: |_, _| LINK + ADMISSION + ROUND_TRIP + LINK,
        waits: RETRY,
        messages: None,
    },
    Story {
        name: "a ring heals that was cut in two",
        event: |room| room.cut_in_two(DETECT * 4),
        delays: |_, _| 2 * OPEN + ADMISSION + 2 * LINK,
        waits: LOOKED_FOR,
        messages: None,
    },
];

/// The room after a story, and how long it took.
fn told(story: &Story, seed: u64, n: u32, quality: Quality) -> Result<(Room, Duration)> {
    let mut room = Room::at_rest(seed, n, quality)?;
    (story.event)(&mut room)?;
    let took = room.settle()?;
    room.world.run_for(AFTERWARDS)?;
    Ok((room, took))
}

#[test]
fn an_event_costs_the_messages_that_it_needs_and_the_time_that_they_take() -> Result<()> {
    for story in STORIES {
        for (n, seed) in SIZES.into_iter().flat_map(|n| (0..SEEDS).map(move |seed| (n, seed))) {
            let (room, took) = told(story, seed, n, STEADY)?;
            let d = room.distance()?;
            let (what, expected) =
                (format!("{} of {n}", story.name), DELAY * (story.delays)(n, d) + story.waits);
            if let Some(messages) = story.messages {
                assert_eq!(took, expected, "{what}");
                assert_eq!(room.messages(), messages(n.into(), d.into()), "{what}");
            } else {
                assert!(took <= expected, "{what} takes {took:?}, not {expected:?}");
            }
        }
    }
    Ok(())
}

#[test]
fn it_costs_no_more_time_if_some_messages_are_faster_than_others() -> Result<()> {
    for story in STORIES {
        for (n, seed) in SIZES.into_iter().flat_map(|n| (0..SEEDS).map(move |seed| (n, seed))) {
            let (room, took) = told(story, seed, n, VARIED)?;
            let most = DELAY * (story.delays)(n, room.distance()?) + story.waits;
            assert!(took <= most, "{} of {n}, seed {seed}, takes {took:?}, not {most:?}", story.name);
        }
    }
    Ok(())
}
