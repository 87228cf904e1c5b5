//! How many dialers are answered.

use core::time::Duration;

use crate::limits::{ANSWERS_A_SECOND, ANSWERS_AT_ONCE};
use crate::time::Instant;

/// How long it takes until one more may be answered.
const EACH: Duration = Duration::from_micros(1_000_000 / ANSWERS_A_SECOND as u64);

/// Lets so many dialers at once be answered, and then so many a second. An answer costs a good part of a millisecond, and
/// whoever knows the secret can ask for it.
#[derive(Debug)]
pub struct AnswerGate {
    /// The time that was not used for answers yet.
    saved: Duration,
    at: Instant,
}

impl AnswerGate {
    /// A gate that nobody has passed.
    pub fn new(now: Instant) -> Self {
        Self { saved: EACH.saturating_mul(ANSWERS_AT_ONCE), at: now }
    }

    /// Whether one more may be answered `now`; then it counts.
    pub fn pass(&mut self, now: Instant) -> bool {
        let most = EACH.saturating_mul(ANSWERS_AT_ONCE);
        self.saved = self.saved.saturating_add(now.since(self.at)).min(most);
        self.at = self.at.max(now);
        let rest = self.saved.checked_sub(EACH);
        self.saved = rest.unwrap_or(self.saved);
        rest.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Instant = Instant(5_000_000);

    fn passed(gate: &mut AnswerGate, now: Instant) -> u32 {
        (0..2 * ANSWERS_AT_ONCE).map(|_| u32::from(gate.pass(now))).sum()
    }

    #[test]
    fn so_many_at_once_and_then_so_many_a_second() {
        let mut gate = AnswerGate::new(START);
        assert_eq!(passed(&mut gate, START), ANSWERS_AT_ONCE);
        let later = START.after(Duration::from_secs(1));
        assert_eq!(passed(&mut gate, later), ANSWERS_A_SECOND);
        assert_eq!(passed(&mut gate, START), 0, "a clock that runs backwards gives nothing");
        assert_eq!(passed(&mut gate, later), 0);
        assert_eq!(passed(&mut gate, later.after(Duration::from_hours(1))), ANSWERS_AT_ONCE);
    }
}
