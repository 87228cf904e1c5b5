//! What users and faults do in a random run.

use std::time::Duration;

use ringchat_core::{Config, Text};

use super::mix::Kind;
use super::{Chaos, Undo};
use ringchat_sim::oracles::{Violation, only_needed_links};
use ringchat_sim::{Death, HostId, Quality, Tampering};
use ringchat_sim::{Life, Place};

impl Chaos {
    /// Lets something happen, by the weights of the run.
    pub(super) fn act(&mut self) -> Result<(), Violation> {
        let weights = self.faults.weights();
        let mut draw = self.rng.below(weights.iter().map(|(weight, _)| u64::from(*weight)).sum());
        for (weight, kind) in weights {
            if draw < u64::from(weight) {
                return self.do_one(kind);
            }
            draw -= u64::from(weight);
        }
        Ok(())
    }

    fn do_one(&mut self, kind: Kind) -> Result<(), Violation> {
        if kind.removes() && self.rng.chance(500) {
            self.rush()?;
        }
        match kind {
            Kind::Say => return self.say(),
            Kind::Leave => {
                if let Some(host) = self.dispensable() {
                    return self.world.leave(host);
                }
            }
            Kind::Join => self.join(),
            Kind::Kill => self.kill(),
            Kind::PowerOff => self.power_off(),
            Kind::Restart => self.restart(),
            Kind::Sleep => self.sleep(),
            Kind::UnlinkedSleep => self.sleep_unlinked(),
            Kind::Lie => self.lie(),
            Kind::Cut => self.cut(),
            Kind::Partition => {
                self.partition();
                self.later(100, 5000, Undo::Heal);
            }
            Kind::BadDials => {
                let (refusals, time_outs) = if self.rng.chance(500) { (400, 0) } else { (0, 400) };
                self.world.set_quality(Quality { refusals, time_outs, ..self.quality });
                self.later(100, 2000, Undo::GoodDials);
            }
            _ => self.trouble(kind),
        }
        Ok(())
    }

    /// Impairs one process, mostly for a while.
    fn trouble(&mut self, kind: Kind) {
        let Some(host) = self.rng.pick(&self.world.alive()).copied() else { return };
        match kind {
            Kind::BreakLink if self.outsider && self.rng.chance(700) => self.attack(host),
            Kind::BreakLink => self.break_link(host),
            Kind::HalfOpen => self.world.half_open(host, self.rng.index(1 << 16)),
            Kind::Freeze => {
                self.world.freeze(host);
                self.later(20, 4000, Undo::Thaw(host));
            }
            Kind::Jump => {
                let forward = self.rng.chance(700);
                let by = i64::try_from(self.rng.below(3_000_000)).unwrap_or(0);
                self.world.jump(host, if forward { by } else { -by / 10 });
            }
            Kind::Late => {
                let lateness = self.rng.between(Duration::ZERO, Duration::from_millis(1500));
                self.world.make_late(host, lateness);
                self.later(500, 4000, Undo::Punctual(host));
            }
            Kind::Slow => {
                self.world.slow(host, Some(1 + self.rng.below(200_000)));
                self.later(500, 4000, Undo::Fast(host));
            }
            Kind::ShortQueues => {
                self.world.bound_queues(host, self.rng.index(200_000));
                self.later(500, 4000, Undo::LongQueues(host));
            }
            _ => {}
        }
    }

    /// Breaks a connection. A live member counts as dead once three dials to it in a row connect and break. So where promises
    /// are strict, each dial that follows a break has the time to succeed.
    fn break_link(&mut self, host: HostId) {
        let (which, now) = (self.rng.index(1 << 16), self.world.now());
        let is_soon = self.broken.is_some_and(|at| now.since(at) < Config::DETECT / 2);
        if !is_soon || !self.faults.fault_model().is_strict() {
            self.broken = Some(now);
            self.world.break_link(host, which);
        }
    }

    fn say(&mut self) -> Result<(), Violation> {
        let Some(host) = self.rng.pick(&self.world.alive()).copied() else { return Ok(()) };
        let burst = if self.rng.chance(100) { 1 + self.rng.below(30) } else { 1 };
        // The kernel of a stopped process may not have taken all of a long text yet, and that rest may be lost.
        let long = self.faults.sleep == 0 && self.rng.chance(10);
        let texts: Vec<Text> = (0..burst).map(|_| self.text(host, long)).collect();
        self.world.say_all(host, &texts)
    }

    /// Some members talk at one instant, so that the next action happens while their messages are under way.
    fn rush(&mut self) -> Result<(), Violation> {
        for _ in 0..=self.rng.below(4) {
            self.say()?;
        }
        let pause = self.rng.between(Duration::ZERO, self.quality.most * 2);
        self.wait(pause)
    }

    pub(super) fn text(&mut self, host: HostId, long: bool) -> Text {
        self.sayings += 1;
        let filling = if long { self.rng.index(16_000) } else { 0 };
        let text = format!("{} says {} {}", self.world.label(host), self.sayings, "x".repeat(filling));
        // The longest text is well below the limit.
        Text::new(&text).unwrap_or_else(|error| unreachable!("{error}"))
    }

    pub(super) fn join(&mut self) {
        let Some(contact) = self.rng.pick(&self.world.alive()).copied() else { return };
        let mut contacts = vec![self.world.place(contact)];
        contacts.extend(self.steady().first().map(|&host| self.world.place(host)));
        if let Some(place) = self.free_places.pop() {
            self.world.join(place, &contacts);
        }
    }

    /// Somebody without the secret attacks the links of a process.
    fn attack(&mut self, host: HostId) {
        if let Some(how) = self.rng.pick(&Tampering::ALL).copied() {
            self.world.tamper(host, self.rng.index(1 << 16), how);
        }
        if self.rng.chance(300) {
            self.world.intrude(host, self.rng.index(64));
        }
    }

    fn kill(&mut self) {
        let most = if self.rng.chance(300) { 1 + self.steady().len() / 2 } else { 1 };
        for _ in 0..most {
            if let Some(host) = self.dispensable() {
                self.world.kill(host, Death::Killed);
            }
        }
    }

    /// A machine loses power. Some machines start again after a while.
    fn power_off(&mut self) {
        let Some(host) = self.dispensable() else { return };
        let place = self.world.place(host);
        self.world.kill(host, Death::PowerOff);
        if self.rng.chance(300) {
            self.later(0, 5000, Undo::Reboot(place));
        }
    }

    fn restart(&mut self) {
        let Some(host) = self.dispensable() else { return };
        self.world.kill(host, Death::Killed);
        self.come_back(self.world.place(host));
    }

    /// A process starts at the place of an earlier one.
    pub(super) fn come_back(&mut self, place: Place) {
        let contacts: Vec<Place> = self.steady().iter().map(|&host| self.world.place(host)).collect();
        self.world.join(place, &contacts);
    }

    fn sleep(&mut self) {
        if let Some(host) = self.sleeper() {
            self.put_to_sleep(host);
        }
    }

    fn put_to_sleep(&mut self, host: HostId) {
        self.world.sleep(host);
        self.later(20, 6000, Undo::Thaw(host));
    }

    /// A connection of a member breaks just before it sleeps. Nothing is lost with that connection: a leader has shown what it
    /// sends, and the others could not know of it.
    fn sleep_unlinked(&mut self) {
        let Some(host) = self.sleeper().filter(|_| self.world.has_silent_links()) else { return };
        self.break_link(host);
        self.put_to_sleep(host);
    }

    /// The member that is to sleep, if the room is well: all others follow one leader, on links that stand, and nobody is about
    /// to hear of another. Mostly it is the leader itself.
    fn sleeper(&mut self) -> Option<HostId> {
        let all = self.world.alive();
        let follows = |host: &HostId| {
            let (node, first) = (self.world.node(*host), self.world.node(all[0]));
            self.world.life(*host) == Life::Running
                && node.is_normal()
                && node.view() == first.view()
                && node.roster().len() == all.len()
                && only_needed_links(node).is_ok()
                && !node.greets()
        };
        if !self.world.has_settled_links() || !all.iter().all(follows) {
            return None;
        }
        let leader = all.iter().find(|&&host| self.world.node(host).is_leader()).copied();
        if self.rng.chance(300) { self.rng.pick(&all).copied() } else { leader }
    }

    /// One direction between two processes is cut.
    fn cut(&mut self) {
        let mut hosts = self.world.alive();
        self.rng.shuffle(&mut hosts);
        if let [from, to, ..] = hosts[..] {
            self.world.cut(self.world.place(from), self.world.place(to));
            self.later(100, 5000, Undo::Heal);
        }
    }

    /// The network falls into two sides or more.
    pub(super) fn partition(&mut self) {
        let mut places: Vec<Place> = self.world.alive().iter().map(|&host| self.world.place(host)).collect();
        self.rng.shuffle(&mut places);
        for _ in 0..if self.rng.chance(700) { 1 } else { 1 + self.rng.below(3) } {
            let rest = places.split_off(self.rng.index(places.len()) + usize::from(places.len() > 1));
            if !places.is_empty() {
                self.world.partition(&places);
            }
            places = rest;
        }
    }

    /// The members that run and do not leave.
    pub(super) fn steady(&self) -> Vec<HostId> {
        let steady = |host: &HostId| self.world.life(*host) == Life::Running && !self.world.is_leaving(*host);
        self.world.members().into_iter().filter(steady).collect()
    }

    /// A member that may go, because another one stays. Often it is the leader.
    pub(super) fn dispensable(&mut self) -> Option<HostId> {
        let steady = self.steady();
        let leader = steady.iter().find(|&&host| self.world.node(host).is_leader()).copied();
        if steady.len() < 2 {
            None
        } else if self.rng.chance(300) && leader.is_some() {
            leader
        } else {
            self.rng.pick(&steady).copied()
        }
    }
}
