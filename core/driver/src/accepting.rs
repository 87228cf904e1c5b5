//! What a runtime does with the results of accepting.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::descriptors;
use crate::transport::{Job, JobQueue};

/// How long to wait when no connection can be accepted: at first, and at most. It doubles with each failure in a row.
const PAUSES: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(100)];

/// Turns the results of accepting into jobs. Of the series of failures the first, the second, the fourth, the eighth and
/// so on are logged.
pub struct Accepting<S> {
    jobs: JobQueue<S>,
    /// How many failures there were since a connection was accepted.
    failures: u32,
    /// How many series of failures there were.
    series: u64,
}

impl<S> Accepting<S> {
    /// With no failure yet. `jobs` gets a [`Job::Crowded`] for want of descriptors.
    pub fn new(jobs: JobQueue<S>) -> Self {
        Self { jobs, failures: 0, series: 0 }
    }

    /// The job to put after a result of accepting. For want of descriptors a stranger goes at once, so that others can
    /// come.
    ///
    /// # Errors
    /// If no connection was accepted: how long to wait before the next attempt.
    pub fn job(&mut self, accepted: io::Result<(S, SocketAddr)>) -> Result<Job<S>, Duration> {
        match accepted {
            Ok((socket, remote)) => {
                self.failures = 0;
                Ok(Job::Accepted(socket, remote))
            }
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn failed(&mut self, error: &io::Error) -> Duration {
        if self.failures == 0 {
            self.series = self.series.saturating_add(1);
            // A stranger that opens and closes connections can cause one series after the other.
            if self.series.is_power_of_two() {
                log::warn!(
                    "cannot accept a connection: {error} (series of failures so far: {})",
                    self.series
                );
            }
        }
        if descriptors::is_lack(error) {
            // Where it is refused, the next failure puts it again.
            let _ = self.jobs.put(Job::Crowded);
        }
        let [first, most] = PAUSES;
        let pause = first.saturating_mul(2_u32.saturating_pow(self.failures)).min(most);
        self.failures = self.failures.saturating_add(1);
        pause
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use rustix::io::Errno;

    use super::*;
    use crate::fake::addr;
    use crate::host::lock;
    use crate::refused::Refused;
    use crate::scheduler::TurnOwner;
    use crate::transport::Jobs;

    /// Keeps what is put.
    #[derive(Default)]
    struct Kept(Mutex<Vec<Job<u8>>>);

    impl Jobs<u8> for Kept {
        fn put(&self, job: Job<u8>) -> Result<TurnOwner, Refused<Job<u8>>> {
            lock(&self.0).push(job);
            Ok(TurnOwner::Other)
        }
    }

    #[test]
    fn a_lack_of_descriptors_lets_a_stranger_go_and_the_next_attempt_comes_soon() {
        let jobs = Arc::new(Kept::default());
        let mut accepting = Accepting::new(jobs.clone());
        let mut pause = |errno: Errno| accepting.job(Err(errno.into())).unwrap_err().as_millis();
        assert_eq!([Errno::MFILE, Errno::NFILE, Errno::CONNABORTED].map(&mut pause), [5, 10, 20]);
        assert!(matches!(lock(&jobs.0)[..], [Job::Crowded, Job::Crowded]));
        assert_eq!([Errno::MFILE; 40].map(&mut pause)[2..], [100; 38]);
        assert!(matches!(accepting.job(Ok((7, addr()))), Ok(Job::Accepted(7, _))));
        assert_eq!(accepting.job(Err(Errno::MFILE.into())).unwrap_err().as_millis(), 5);
    }
}
