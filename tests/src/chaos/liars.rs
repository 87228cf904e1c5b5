//! Liars of a random run: one that was honest, and others that come in under false addresses.

use ringchat_sim::{Death, FalseAddress, HostId, Lie, Lies};

use super::{Chaos, Undo};

/// How many liars live at one time, at most.
const MOST: usize = 4;

impl Chaos {
    /// A member lies from now on: often the leader, or one that is about to come in.
    pub(super) fn corrupt_one(&mut self, lies: Lies) {
        if self.rng.chance(300) {
            self.join();
        }
        let leader = self.steady().into_iter().find(|host| self.world.node(*host).is_leader());
        let newest = self.world.alive().last().copied();
        let other = self.rng.pick(&self.steady()).copied();
        if let Some(liar) = [leader, newest, other][self.rng.index(3)] {
            self.world.corrupt(liar, lies);
        }
    }

    /// A liar reads nothing for a while, and other liars come or go.
    pub(super) fn lie(&mut self) {
        let Some(lies) = self.faults.lies else { return };
        let Some(liar) = self.rng.pick(&self.liars()).copied() else { return };
        if lies.contains(Lie::Deafness) && self.rng.chance(500) {
            self.world.slow(liar, Some(1));
            self.later(100, 4000, Undo::Fast(liar));
        }
        if lies.contains(Lie::FalseAddresses) {
            self.come_falsely(lies);
        }
    }

    /// A liar comes in under a false address, or one goes: now and then, and whenever there are many.
    fn come_falsely(&mut self, lies: Lies) {
        let liars = self.liars();
        if liars.len() >= MOST || self.rng.chance(300) {
            if let Some(liar) = self.rng.pick(&liars).copied().filter(|_| liars.len() > 1) {
                self.world.kill(liar, Death::Killed);
            }
            return;
        }
        let others: Vec<_> = self.honest().into_iter().map(|host| self.world.place(host)).collect();
        let (contact, claimed) = (self.rng.pick(&others).copied(), self.rng.pick(&others).copied());
        let (Some(contact), Some(claimed), Some(place)) = (contact, claimed, self.free_places.pop()) else {
            return;
        };
        let third_party = FalseAddress::ThirdParty(self.rng.bits());
        let at = if self.rng.chance(500) { third_party } else { FalseAddress::OfPlace(claimed) };
        self.world.join_falsely(place, &[contact], at, lies);
    }

    /// All liars die.
    pub(super) fn liars_go(&mut self) {
        for liar in self.liars() {
            self.world.kill(liar, Death::Killed);
        }
    }

    fn liars(&self) -> Vec<HostId> {
        self.world.alive().into_iter().filter(|host| self.world.is_liar(*host)).collect()
    }

    fn honest(&self) -> Vec<HostId> {
        self.world.alive().into_iter().filter(|host| !self.world.is_liar(*host)).collect()
    }
}
