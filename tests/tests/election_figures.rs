//! The messages of one election on a static ring are those of Chang and Roberts 1979: candidacies sent, the
//! announcement not counted. The ring has one member more, its leader, which dies; all logs are equal.

use std::error::Error;
use std::time::Duration;

use ringchat_core::wire::{CandidateRank, Standing};
use ringchat_core::{Epoch, Index, NodeId};
use ringchat_sim::oracles::{FaultModel, Shape};
use ringchat_sim::{Death, Heal, HostId, Place, Quality, World};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const DELAY: Duration = Duration::from_millis(1);
const STATIC: Quality = Quality { least: DELAY, most: DELAY, pieces: 0, refusals: 0, time_outs: 0 };

/// The crash is being noticed, and no candidacy is on its way yet.
const NOTICED: Duration = Duration::from_millis(2);
/// When every member of a ring of none has begun an election by itself, having heard of none; and for each more.
const ALL_BEGUN: Duration = Duration::from_millis(320);
const ONE_MORE: Duration = Duration::from_millis(2);
const LIMIT: Duration = Duration::from_mins(1);
const PACE: Duration = Duration::from_millis(10);

/// Where the leader runs that will die.
const LEADER: Place = 1000;

#[derive(Clone, Copy, PartialEq)]
enum Initiators {
    /// The member after the dead leader.
    One,
    /// All, before any hears of another's candidacy.
    All,
}

/// How the members of a ring stand when their leader has died, in ring order.
type Ranks = Vec<Standing>;

/// The candidacies sent until `n` members of a ring have a new leader, and how the members stand. The ring is in the order
/// of `gather`.
fn messages(seed: u64, n: u32, initiators: Initiators, order: Order) -> Result<(u64, Ranks)> {
    let mut world = World::new(seed, STATIC, FaultModel::CrashOnly, false);
    world.set_times(Duration::from_secs(5), Duration::from_mins(1));
    let (leader, ring) = gather(&mut world, n, order)?;
    let ranks = ring
        .iter()
        .map(|place| standing(&world, leader, id_at(&world, *place), world.node(leader).log_len()))
        .collect();
    world.kill(leader, Death::Killed);
    if initiators == Initiators::All {
        world.run_for(NOTICED)?;
        hold_back(&mut world, &ring);
        world.run_for(ALL_BEGUN + ONE_MORE * u32::try_from(ring.len())?)?;
        world.heal(Heal::Deliver);
    }
    if !world.run_until(LIMIT, PACE, |world| world.rings(Shape::OneRing).is_ok())? {
        return Err("the election does not end".into());
    }
    let epochs = world.counts().elects.len();
    assert!(epochs == usize::from(ring.len() > 1), "{epochs} epochs were fought for");
    Ok((world.counts().elects.values().sum(), ranks))
}

/// The leader that will die, and the ring after it: each member comes in after all that stand before it in `order`, as it
/// will be when the leader dies.
fn gather(world: &mut World, n: u32, order: Order) -> Result<(HostId, Vec<Place>)> {
    let leader = world.create(LEADER);
    world.run_for(PACE)?;
    let (mut ring, mut ranks) = (Vec::new(), Vec::new());
    let end = world.node(leader).log_len().plus(n.into());
    for place in 1..=n {
        let rank = standing(world, leader, world.next_id(place), end);
        let at = ranks.partition_point(|other| order(other, &rank));
        let contact = at.checked_sub(1).map_or(LEADER, |before: usize| ring[before]);
        let host = world.join(place, &[contact]);
        let ready = |world: &World| world.transcripts().of(host).ready.is_some();
        assert!(world.run_until(LIMIT, PACE, ready)?, "{place} does not get in");
        ring.insert(at, place);
        ranks.insert(at, rank);
    }
    assert!(world.run_until(LIMIT, PACE, |world| world.rings(Shape::OneRing).is_ok())?);
    assert_eq!(world.node(leader).log_len(), end, "each came in by an entry of its own");
    world.run_for(Duration::from_secs(1))?;
    Ok((leader, ring))
}

fn id_at(world: &World, place: Place) -> NodeId {
    let host = world.at(place).unwrap_or_else(|| unreachable!("{place} has started"));
    world.node(host).me().id
}

/// How a process stands in the room of the leader, with a log of that length, of the first epoch.
fn standing(world: &World, leader: HostId, id: NodeId, length: Index) -> Standing {
    CandidateRank { epoch: Epoch(1), length, id }.standing(world.node(leader).room())
}

/// No candidacy arrives for now, but between those whom the dead leader stood between: they close the ring.
fn hold_back(world: &mut World, ring: &[Place]) {
    for (at, &from) in ring.iter().enumerate() {
        if let Some(&to) = ring.get(at + 1) {
            world.cut(from, to);
        }
    }
}

/// What it is to be if all begin: each token goes as far as the next that stands higher.
fn expected_of_all(ring: &[Standing]) -> u64 {
    let n = ring.len();
    let distance = |at: usize| (1..n).find(|d| ring[(at + d) % n] > ring[at]).unwrap_or(n) as u64;
    (0..n).map(distance).sum()
}

/// What it is to be if the first begins: as far as the greatest, and once round.
fn expected_of_one(ring: &[Standing]) -> u64 {
    let greatest = (0..ring.len()).max_by_key(|&at| ring[at]).unwrap_or(0);
    (ring.len() + greatest) as u64
}

/// Whether the first of two members comes before the second in the ring.
type Order = fn(&Standing, &Standing) -> bool;

const INCREASING: Order = |one, other| one < other;
const DECREASING: Order = |one, other| one > other;
/// As they come in, whatever their hashes are.
const ANY: Order = |_, _| true;

#[test]
fn one_initiator_costs_the_way_to_the_greatest_and_one_round() -> Result<()> {
    for (n, rings) in [(3, 6), (4, 10), (5, 10), (8, 10), (10, 10), (100, 2)] {
        for seed in 0..rings {
            let (sent, ring) = messages(seed, n, Initiators::One, ANY)?;
            assert_eq!(sent, expected_of_one(&ring), "{ring:?}");
        }
    }
    Ok(())
}

#[test]
fn one_initiator_costs_at_most_2n_minus_1_and_at_least_n() -> Result<()> {
    for n in [3, 4, 5, 8, 10, 100] {
        assert_eq!(messages(1, n, Initiators::One, INCREASING)?.0, u64::from(2 * n - 1));
        assert_eq!(messages(1, n, Initiators::One, DECREASING)?.0, u64::from(n));
    }
    Ok(())
}

#[test]
fn a_ring_of_one_elects_itself_without_a_message() -> Result<()> {
    assert_eq!(messages(1, 1, Initiators::One, ANY)?.0, 0);
    Ok(())
}

#[test]
fn all_initiators_cost_2n_minus_1_at_best_and_the_triangle_number_at_worst() -> Result<()> {
    for n in [3, 4, 5, 8, 10, 100] {
        assert_eq!(messages(1, n, Initiators::All, INCREASING)?.0, u64::from(2 * n - 1), "best of {n}");
        let worst = messages(1, n, Initiators::All, DECREASING)?.0;
        assert_eq!(worst, u64::from(n * (n + 1) / 2), "worst of {n}");
    }
    Ok(())
}

#[test]
fn all_initiators_cost_n_times_the_harmonic_number_on_average() -> Result<()> {
    for (n, deviation, rings) in
        [(3, 0.5, 50), (4, 0.943, 50), (5, 1.412, 50), (8, 2.916, 50), (10, 3.963, 50), (100, 56.0, 4)]
    {
        let mut sum = 0;
        for seed in 0_u32..rings {
            let (sent, ring) = messages(u64::from(seed), n, Initiators::All, ANY)?;
            assert_eq!(sent, expected_of_all(&ring), "{ring:?}");
            sum += u32::try_from(sent)?;
        }
        let mean = f64::from(sum) / f64::from(rings);
        let harmonic: f64 = (1..=n).map(|k| 1.0 / f64::from(k)).sum();
        let bound = 4.0 * deviation / f64::from(rings).sqrt();
        let expected = f64::from(n) * harmonic;
        assert!((mean - expected).abs() <= bound, "the mean of {n} is {mean}, not {expected} +- {bound}");
    }
    Ok(())
}
