//! A small seeded generator whose stream never changes: `SplitMix64` (Steele, Lea and Flood 2014, "Fast
//! Splittable Pseudorandom Number Generators", figure 12). For jitter, not for secrets.

use core::time::Duration;

/// The generator.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        let (words, _) = seed.as_chunks::<8>();
        Self(words.iter().fold(0, |state, word| Self(state ^ u64::from_le_bytes(*word)).next()))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// `duration`, and up to half as much again.
    pub(crate) fn jittered(&mut self, duration: Duration) -> Duration {
        let half = u64::try_from(duration.as_micros() / 2).unwrap_or(u64::MAX);
        let extra = self.next().checked_rem(half).unwrap_or(0);
        duration.saturating_add(Duration::from_micros(extra))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_published_one() {
        let mut rng = Rng(1_234_567);
        assert_eq!([rng.next(), rng.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn jitter_adds_at_most_half() {
        let mut rng = Rng::new([7; 32]);
        let base = Duration::from_millis(100);
        for _ in 0..1000 {
            let jittered = rng.jittered(base);
            assert!(jittered >= base && jittered <= base * 3 / 2);
        }
    }
}
