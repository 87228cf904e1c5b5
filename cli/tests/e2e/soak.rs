//! All kinds of events at random for a while. Run by
//! `cargo test -p ringchat --test e2e -- --ignored --nocapture soak`. `SOAK_SEED` repeats a run, `SOAK_STEPS` sets its
//! length.

use std::env;

use fastrand::Rng;
use rustix::process::Signal;

use crate::support::{MemberIndex, Runtimes, TestRoom};

/// The bounds of the number of members.
const FEWEST: usize = 2;
const MOST: usize = 8;

#[test]
#[ignore = "runs for a minute"]
fn soak() {
    let number = |name: &str| env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = number("SOAK_SEED").unwrap_or_else(|| fastrand::u64(..1_000_000));
    let steps = number("SOAK_STEPS").unwrap_or(60);
    println!("SOAK_SEED={seed}");
    let mut soak =
        Soak { rng: Rng::with_seed(seed), room: TestRoom::of(4, Runtimes::Mixed), members: (0..4).collect() };
    for step in 0..steps {
        let before = soak.members.clone();
        println!("{step}: {before:?} {}", soak.step());
    }
}

struct Soak {
    rng: Rng,
    room: TestRoom,
    members: Vec<MemberIndex>,
}

impl Soak {
    /// Does a few things at once and asserts that all properties hold. Returns a description of what it did.
    fn step(&mut self) -> String {
        let mut done = Vec::new();
        let mut newcomers = Vec::new();
        let lines = self.rng.usize(..30);
        self.room.talk(&self.members.clone(), lines);
        for _ in 0..=self.rng.usize(..3) {
            match self.rng.u8(..4) {
                0 | 1 if self.members.len() + newcomers.len() < MOST => {
                    let contact = self.pick();
                    newcomers.push((self.room.begin_join(contact), contact));
                    done.push(format!("join through {contact}"));
                }
                2 if self.members.len() > FEWEST => {
                    let killed = self.take();
                    self.room.kill(&[killed]);
                    done.push(format!("kill {killed}"));
                }
                3 if self.members.len() > FEWEST => {
                    let leaving = self.take();
                    self.room.command(leaving, "quit");
                    done.push(format!("{leaving} leaves"));
                }
                _ if self.rng.u8(..3) == 0 && self.members.len() > 2 => {
                    let frozen = self.pick();
                    self.freeze_until_noticed(frozen);
                    done.push(format!("{frozen} freezes until it is noticed"));
                }
                _ => {
                    let frozen = self.pick();
                    self.room.signal(&[frozen], Signal::STOP);
                    self.room.talk(&self.members.clone(), 5);
                    self.room.signal(&[frozen], Signal::CONT);
                    done.push(format!("{frozen} freezes for a moment"));
                }
            }
        }
        self.admit(newcomers);
        let lines = self.rng.usize(1..30);
        self.room.talk(&self.members.clone(), lines);
        self.room.settle(&self.members);
        self.room.check_delivered(&self.members, &self.members);
        done.join(", ")
    }

    fn freeze_until_noticed(&mut self, frozen: MemberIndex) {
        let id = self.room.record(frozen, |record| record.id().map(ToOwned::to_owned)).unwrap();
        let others: Vec<MemberIndex> = self.members.iter().copied().filter(|&who| who != frozen).collect();
        self.room.signal(&[frozen], Signal::STOP);
        self.room.talk(&self.members.clone(), 5);
        self.room.until("the others notice", |records| {
            others.iter().all(|&who| !records[who].members.contains(&id))
        });
        self.room.talk(&self.members.clone(), 5);
        self.room.signal(&[frozen], Signal::CONT);
    }

    /// Waits for the newcomers. A newcomer whose only contact is gone may or may not join, and is killed.
    fn admit(&mut self, newcomers: Vec<(MemberIndex, MemberIndex)>) {
        for (newcomer, contact) in newcomers {
            if self.members.contains(&contact) {
                self.room.wait_ready(newcomer);
                self.members.push(newcomer);
            } else {
                self.room.kill(&[newcomer]);
            }
        }
    }

    fn pick(&mut self) -> MemberIndex {
        self.members[self.rng.usize(..self.members.len())]
    }

    fn take(&mut self) -> MemberIndex {
        self.members.swap_remove(self.rng.usize(..self.members.len()))
    }
}
