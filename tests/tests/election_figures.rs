//! The messages of one election on a static ring are those of Chang and Roberts 1979: candidacies sent, the
//! announcement not counted. The ring has one member more, its leader, which dies; all logs are equal.

use std::error::Error;
use std::time::Duration;

use ringchat_sim::oracles::{FaultModel, Shape};
use ringchat_sim::{Death, Heal, HostId, Place, Quality, Rng, World};

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

/// The candidacies sent until `ring`, in this order, has a new leader.
fn messages(ring: &[Place], initiators: Initiators) -> Result<u64> {
    let mut world = World::new(1, STATIC, FaultModel::CrashOnly, false);
    world.set_times(Duration::from_secs(5), Duration::from_mins(1));
    let leader = gather(&mut world, ring)?;
    world.kill(leader, Death::Killed);
    if initiators == Initiators::All {
        world.run_for(NOTICED)?;
        hold_back(&mut world, ring);
        world.run_for(ALL_BEGUN + ONE_MORE * u32::try_from(ring.len())?)?;
        world.heal(Heal::Deliver);
    }
    if !world.run_until(LIMIT, PACE, |world| world.rings(Shape::OneRing).is_ok())? {
        return Err("the election does not end".into());
    }
    let epochs = world.counts().elects.len();
    assert!(epochs == usize::from(ring.len() > 1), "{epochs} epochs were fought for");
    Ok(world.counts().elects.values().sum())
}

/// The ring: the leader that will die, then `ring`.
fn gather(world: &mut World, ring: &[Place]) -> Result<HostId> {
    let leader = world.create(LEADER);
    let mut last = LEADER;
    for &place in ring {
        let host = world.join(place, &[last]);
        let ready = |world: &World| world.transcripts().of(host).ready.is_some();
        assert!(world.run_until(LIMIT, PACE, ready)?, "{place} does not get in");
        last = place;
    }
    assert!(world.run_until(LIMIT, PACE, |world| world.rings(Shape::OneRing).is_ok())?);
    world.run_for(Duration::from_secs(1))?;
    Ok(leader)
}

/// No candidacy arrives for now, but between those whom the dead leader stood between: they close the ring.
fn hold_back(world: &mut World, ring: &[Place]) {
    for (at, &from) in ring.iter().enumerate() {
        if let Some(&to) = ring.get(at + 1) {
            world.cut(from, to);
        }
    }
}

/// What it is to be if all begin: each token goes as far as the next greater id.
fn expected_of_all(ring: &[Place]) -> u64 {
    let n = ring.len();
    let distance = |at: usize| (1..n).find(|d| ring[(at + d) % n] > ring[at]).unwrap_or(n) as u64;
    (0..n).map(distance).sum()
}

/// What it is to be if the first begins: as far as the greatest, and once round.
fn expected_of_one(ring: &[Place]) -> u64 {
    let greatest = (0..ring.len()).max_by_key(|&at| ring[at]).unwrap_or(0);
    (ring.len() + greatest) as u64
}

fn random_ring(n: u32, chance: &mut Rng) -> Vec<Place> {
    let mut ring: Vec<Place> = (1..=n).collect();
    chance.shuffle(&mut ring);
    ring
}

#[test]
fn one_initiator_costs_the_way_to_the_greatest_and_one_round() -> Result<()> {
    let mut chance = Rng::new(1);
    for (n, rings) in [(3, 6), (4, 10), (5, 10), (8, 10), (10, 10), (100, 2)] {
        for _ in 0..rings {
            let ring = random_ring(n, &mut chance);
            assert_eq!(messages(&ring, Initiators::One)?, expected_of_one(&ring), "{ring:?}");
        }
    }
    Ok(())
}

#[test]
fn one_initiator_costs_at_most_2n_minus_1_and_at_least_n() -> Result<()> {
    for n in [3, 4, 5, 8, 10, 100] {
        let increasing: Vec<Place> = (1..=n).collect();
        assert_eq!(messages(&increasing, Initiators::One)?, u64::from(2 * n - 1));
        let decreasing: Vec<Place> = (1..=n).rev().collect();
        assert_eq!(messages(&decreasing, Initiators::One)?, u64::from(n));
    }
    Ok(())
}

#[test]
fn a_ring_of_one_elects_itself_without_a_message() -> Result<()> {
    assert_eq!(messages(&[1], Initiators::One)?, 0);
    Ok(())
}

#[test]
fn all_initiators_cost_2n_minus_1_at_best_and_the_triangle_number_at_worst() -> Result<()> {
    for n in [3, 4, 5, 8, 10, 100] {
        let increasing: Vec<Place> = (1..=n).collect();
        assert_eq!(messages(&increasing, Initiators::All)?, u64::from(2 * n - 1), "best of {n}");
        let decreasing: Vec<Place> = (1..=n).rev().collect();
        assert_eq!(messages(&decreasing, Initiators::All)?, u64::from(n * (n + 1) / 2), "worst of {n}");
    }
    Ok(())
}

#[test]
fn all_initiators_cost_n_times_the_harmonic_number_on_average() -> Result<()> {
    let mut chance = Rng::new(2);
    for (n, deviation, rings) in
        [(3, 0.5, 50), (4, 0.943, 50), (5, 1.412, 50), (8, 2.916, 50), (10, 3.963, 50), (100, 56.0, 4)]
    {
        let mut sum = 0;
        for _ in 0..rings {
            let ring = random_ring(n, &mut chance);
            let sent = messages(&ring, Initiators::All)?;
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
