//! How many messages an election takes by theory: Chang and Roberts 1979, where a member that stops a worse token sends
//! its own instead.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Who began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    /// One member.
    One,
    /// All members, before any of them saw a token.
    All,
    /// Anything between, or a fault came in between.
    Other,
    /// Theory says nothing: the member was alone, or traces are missing.
    None,
}

impl Case {
    /// The name in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::All => "all",
            Self::Other => "other",
            Self::None => "none",
        }
    }
}

/// What theory says about one election.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Theory {
    pub(crate) case: Case,
    /// How many members the ring has.
    pub(crate) n: u64,
    /// How many hops it is from the member that began to the winner, if one began.
    pub(crate) hops: Option<u64>,
    /// How many messages it takes, if that is certain.
    pub(crate) exact: Option<u64>,
    /// The least.
    pub(crate) least: u64,
    /// The most.
    pub(crate) most: u64,
    /// The mean over all places of the ranks, with one digit after the point; empty if there is none.
    pub(crate) mean: String,
}

impl Theory {
    /// One member began, `hops` before the winner. Each hop up to the winner is one message, whichever token makes it,
    /// and then the winner's token goes all the way round.
    pub(crate) fn one(n: u64, hops: u64) -> Self {
        let exact = Some(n.saturating_add(hops));
        let most = n.saturating_mul(2).saturating_sub(1);
        let mean = tenths(n.saturating_mul(3).saturating_sub(1).saturating_mul(5));
        Self { case: Case::One, n, hops: Some(hops), exact, least: n, most, mean }
    }

    /// All began. `ranks` are those of the members in ring order, all different. Each token goes as far as the next
    /// greater member.
    pub(crate) fn all(ranks: &[u64]) -> Self {
        let n = ranks.len() as u64;
        let exact = (0..ranks.len()).map(|from| way(ranks, from)).sum();
        let most = n.saturating_mul(n.saturating_add(1)) / 2;
        let least = n.saturating_mul(2).saturating_sub(1);
        Self { case: Case::All, n, hops: None, exact: Some(exact), least, most, mean: n_times_harmonic(n) }
    }

    /// Nothing is known.
    pub(crate) fn none(n: u64) -> Self {
        Self { case: Case::None, n, hops: None, exact: None, least: 0, most: 0, mean: String::new() }
    }

    /// Only the bounds are known.
    pub(crate) fn other(n: u64) -> Self {
        let most = n.saturating_mul(n.saturating_add(1)) / 2;
        Self { case: Case::Other, n, hops: None, exact: None, least: n, most, mean: String::new() }
    }
}

/// How far the token of the member at `from` goes: to the next greater one, or all the way round.
fn way(ranks: &[u64], from: usize) -> u64 {
    let own = ranks.get(from);
    let others = ranks.iter().cycle().skip(from).skip(1).take(ranks.len());
    let lesser: Vec<_> = others.take_while(|&rank| Some(rank) < own).collect();
    (lesser.len() as u64).saturating_add(1)
}

/// n times the sum of 1/k, rounded to one digit after the point.
fn n_times_harmonic(n: u64) -> String {
    const SCALE: u64 = 1_000_000_000;
    // Each part is cut by less than one; with that added, what lies half-way is rounded up.
    let sum: u64 = (1..=n).map(|k| n.saturating_mul(SCALE) / k).fold(n, u64::saturating_add);
    tenths(sum.saturating_add(SCALE / 20) / (SCALE / 10))
}

fn tenths(n: u64) -> String {
    match (n / 10, n % 10) {
        (whole, 0) => format!("{whole}"),
        (whole, tenth) => format!("{whole}.{tenth}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::VecDeque;
    use alloc::vec;
    use ringchat_sim::Rng;

    /// Counts the messages of an election by playing it: whoever is in `starters` stands before it sees a token.
    fn play(ranks: &[u64], starters: &[usize]) -> u64 {
        let n = ranks.len();
        let mut best: Vec<Option<u64>> = vec![None; n];
        let mut tokens: VecDeque<(usize, u64)> = VecDeque::new();
        for &at in starters {
            best[at] = Some(ranks[at]);
            tokens.push_back(((at + 1) % n, ranks[at]));
        }
        let mut sent = tokens.len() as u64;
        while let Some((at, token)) = tokens.pop_front() {
            let next = if token == ranks[at] {
                return sent;
            } else if token > ranks[at] && best[at].is_none_or(|best| token > best) {
                Some(token)
            } else if token < ranks[at] && best[at].is_none() {
                Some(ranks[at])
            } else {
                None
            };
            if let Some(token) = next {
                best[at] = Some(token);
                tokens.push_back(((at + 1) % n, token));
                sent += 1;
            }
        }
        unreachable!("the greatest token comes back")
    }

    fn shuffled(n: u64, rng: &mut Rng) -> Vec<u64> {
        let mut ranks: Vec<u64> = (1..=n).collect();
        for at in (1..ranks.len()).rev() {
            ranks.swap(at, usize::try_from(rng.below(at as u64 + 1)).unwrap());
        }
        ranks
    }

    #[test]
    fn one_start_takes_as_many_messages_as_an_election_that_is_played() {
        let mut rng = Rng::new(1);
        for n in 3..=50u64 {
            for _ in 0..10 {
                let ranks = shuffled(n, &mut rng);
                let winner = ranks.iter().position(|&rank| rank == n).unwrap();
                let (mut least, mut most, mut total) = (u64::MAX, 0, 0);
                for start in 0..ranks.len() {
                    let hops = (winner + ranks.len() - start) % ranks.len();
                    let theory = Theory::one(n, hops as u64);
                    let played = play(&ranks, &[start]);
                    assert_eq!(theory.exact, Some(played), "{ranks:?} from {start}");
                    (least, most, total) = (least.min(played), most.max(played), total + played);
                }
                let theory = Theory::one(n, 0);
                assert_eq!((theory.least, theory.most), (least, most));
                assert_eq!(theory.mean, tenths(total * 10 / n), "each place of the start counts once");
            }
        }
    }

    #[test]
    fn all_starts_take_as_many_messages_as_an_election_that_is_played() {
        let mut rng = Rng::new(2);
        for n in 3..=50u64 {
            let all: Vec<usize> = (0..usize::try_from(n).unwrap()).collect();
            let up: Vec<u64> = (1..=n).collect();
            let down: Vec<u64> = (1..=n).rev().collect();
            for ranks in [up.clone(), down.clone(), shuffled(n, &mut rng), shuffled(n, &mut rng)] {
                assert_eq!(Theory::all(&ranks).exact, Some(play(&ranks, &all)), "{ranks:?}");
            }
            let theory = Theory::all(&up);
            assert_eq!(Theory::all(&up).exact, Some(theory.least));
            assert_eq!(Theory::all(&down).exact, Some(theory.most));
        }
    }

    #[test]
    fn the_mean_of_all_starts_is_that_over_all_orders() {
        for n in 3..=7u64 {
            let (mut total, mut orders) = (0, 0);
            permute(&mut (1..=n).collect::<Vec<_>>(), 0, &mut |ranks| {
                total += Theory::all(ranks).exact.unwrap();
                orders += 1;
            });
            let mean = tenths((total * 10 + orders / 2) / orders);
            assert_eq!(Theory::all(&(1..=n).collect::<Vec<_>>()).mean, mean, "{n}");
        }
    }

    fn permute(ranks: &mut Vec<u64>, from: usize, each: &mut impl FnMut(&[u64])) {
        if from == ranks.len() {
            return each(ranks);
        }
        for other in from..ranks.len() {
            ranks.swap(from, other);
            permute(ranks, from + 1, each);
            ranks.swap(from, other);
        }
    }
}
