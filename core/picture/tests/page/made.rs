//! Runs made up for the page: as many members and events as a test wants, a leader crashes ever again.

use serde_json::{Value, json};

/// A run under construction.
pub(crate) struct Made {
    run: Value,
    clocks: Vec<u64>,
    /// The column of each member.
    places: Vec<usize>,
    alive: Vec<usize>,
    leader: usize,
    epoch: u64,
    t: u64,
    y: usize,
    /// Where the dot of each event stands.
    spots: Vec<(usize, usize)>,
}

fn name(m: usize) -> String {
    format!("m{m:02}")
}

/// A run of so many members, with at least so many events.
pub(crate) fn run(members: usize, events: usize) -> Value {
    let mut made = Made::new(members);
    while made.events() < events {
        for _ in 0..4 {
            made.talk();
        }
        if made.alive.len() > 4 {
            made.crash();
        }
    }
    made.finish()
}

impl Made {
    fn new(members: usize) -> Self {
        // Any order but that of the ranks.
        let ring: Vec<usize> = (0..members).map(|i| i * 7 % members).collect();
        let described: Vec<Value> = (0..members)
            .map(|m| json!({ "name": name(m), "addr": "", "id": "", "rank": m + 1, "column": 0, "file": true }))
            .collect();
        let columns: Vec<Value> = (0..)
            .zip(&ring)
            .map(|(i, m)| json!({ "x": 96 + 40 * i, "label": name(*m), "members": [m] }))
            .collect();
        let logs: Vec<Value> = (0..members).map(|m| json!({ "m": m, "cells": [] })).collect();
        let run = json!({ "title": "made up", "zero": 0, "end": 0, "agree": null, "seen_by": null, "notes": [],
            "members": described, "columns": columns, "width": 40 * members + 172, "height": 0, "ring0": ring,
            "rows": [], "ticks": [], "marks": [], "events": [], "changes": [], "flights": [], "reigns": [],
            "elections": [], "faults": [], "partitions": [], "logs": logs });
        let leader = members - 1;
        let places = (0..members).map(|m| ring.iter().position(|&other| other == m).unwrap()).collect();
        let mut made = Self {
            run,
            clocks: vec![1; members],
            places,
            alive: ring,
            leader,
            epoch: 1,
            t: 1_000,
            y: 74,
            spots: Vec::new(),
        };
        let start = made.event(leader, "state", "start", "member", "");
        for m in 0..members {
            let role = if m == leader { "leading" } else { "normal" };
            made.change(start, m, &json!({ "mode": role, "leader": leader, "epoch": 1 }));
        }
        made.close_ring(start);
        made
    }

    fn list(&mut self, name: &str) -> &mut Vec<Value> {
        self.run[name].as_array_mut().unwrap()
    }

    fn events(&mut self) -> usize {
        self.list("events").len()
    }

    fn event(&mut self, m: usize, what: &str, kind: &str, class: &str, words: &str) -> usize {
        self.clocks[m] += 1;
        self.y += 21;
        let (clock, epoch, at) = (self.clocks[m], self.epoch.to_string(), self.events());
        let say = if words.is_empty() {
            json!([])
        } else {
            json!([[name(m), "name"], [format!(": {words}."), class]])
        };
        let spot = (96 + 40 * self.places[m], self.y);
        let row = json!({ "y": self.y, "t": self.t });
        let event = json!({ "t": self.t, "row": at, "m": m, "lc": clock, "class": class, "what": what, "k": kind,
            "words": words, "say": say, "why": "", "cause": null, "effects": [], "fields": [["epoch", epoch]] });
        let dot = json!({ "row": at, "kind": "dot", "x1": spot.0, "y1": spot.1, "x2": 1, "y2": spot.1, "class": class,
            "label": clock.to_string(), "event": at, "end": "head" });
        self.spots.push(spot);
        for (list, item) in [("rows", row), ("events", event), ("marks", dot)] {
            self.list(list).push(item);
        }
        at
    }

    fn change(&mut self, e: usize, m: usize, what: &Value) {
        let mut change = json!({ "e": e, "m": m });
        change.as_object_mut().unwrap().extend(what.as_object().unwrap().clone());
        self.list("changes").push(change);
    }

    fn close_ring(&mut self, e: usize) {
        let ring = self.alive.clone();
        for (i, &m) in ring.iter().enumerate() {
            let (next, prev) = (ring[(i + 1) % ring.len()], ring[(i + ring.len() - 1) % ring.len()]);
            self.change(e, m, &json!({ "next": next, "prev": prev, "ring": ring }));
        }
    }

    /// A message that arrives two milliseconds later. Returns its receipt.
    fn message(
        &mut self,
        sent: usize,
        from: usize,
        to: usize,
        class: &str,
        about: Option<usize>,
        words: &str,
    ) -> usize {
        let (t1, kind) = (self.t, self.run["events"][sent]["k"].as_str().unwrap().to_string());
        self.t += 2_000;
        let taken = self.event(to, "recv", &kind, class, words);
        self.list("events")[taken]["cause"] = sent.into();
        let flight = json!({ "from": from, "to": to, "class": class, "k": kind, "s": sent, "r": taken, "t1": t1, "t2": self.t,
            "about": about, "path": [], "fate": "arrived" });
        self.list("flights").push(flight);
        let [(x1, y1), (x2, y2)] = [self.spots[sent], self.spots[taken]];
        let arrow = json!({ "row": sent, "kind": "arrow", "x1": x1, "y1": y1, "x2": x2, "y2": y2,
            "class": class, "label": about.map_or(String::new(), name), "event": sent, "end": "head" });
        self.list("marks").push(arrow);
        taken
    }

    fn talk(&mut self) {
        self.t += 30_000;
        let leader = self.leader;
        let sent = self.event(leader, "send", "Deliver", "chat", "says a text");
        for m in self.alive.clone() {
            if m != leader {
                let taken = self.message(sent, leader, m, "chat", None, "shows a text");
                self.run["logs"][m]["cells"].as_array_mut().unwrap().push(
                    json!({ "e": taken, "index": sent, "kind": "chat", "label": "x", "stable": taken, "gone": null }));
            }
        }
    }

    /// The leader crashes; the next member stands for the best one, so that there is one round.
    fn crash(&mut self) {
        let died = self.leader;
        self.t += 20_000;
        let (e, t) = (self.event(died, "fault", "crash", "dead", "is killed"), self.t);
        self.change(e, died, &json!({ "mode": "dead" }));
        self.list("faults").push(json!({ "t": t, "e": e, "kind": "crash", "m": died, "words": "is killed" }));
        self.alive.retain(|&m| m != died);
        self.epoch += 1;
        self.t += 20_000;
        let winner = *self.alive.iter().max().unwrap();
        let ring = self.alive.clone();
        let at = ring.iter().position(|&m| m == winner).unwrap();
        let first = self.event(winner, "send", "Elect", "elect", "stands");
        self.change(first, winner, &json!({ "mode": "electing", "leader": -1 }));
        let (t1, mut sent, mut won) = (self.t, first, first);
        for i in 0..ring.len() {
            let [from, to] = [at + i, at + i + 1].map(|place| ring[place % ring.len()]);
            won = self.message(sent, from, to, "elect", Some(winner), "passes the token on");
            if to != winner {
                self.change(won, to, &json!({ "mode": "electing", "leader": -1 }));
                sent = self.event(to, "send", "Elect", "elect", "");
                self.list("events")[sent]["cause"] = won.into();
            }
        }
        self.leader = winner;
        self.close_ring(won);
        for &m in &ring {
            let mode = if m == winner { "leading" } else { "normal" };
            let epoch = self.epoch;
            self.change(won, m, &json!({ "mode": mode, "leader": winner, "epoch": epoch }));
        }
        let n = ring.len();
        let election = json!({ "epoch": self.epoch, "t1": t1, "t2": self.t, "first": first, "won": won, "winner": winner, "starters": [winner],
            "messages": n, "announced": n, "theory": { "case": "one", "n": n, "hops": 0, "exact": n, "least": n, "most": 2 * n - 1, "mean": "7" } });
        self.list("elections").push(election);
        let reign = json!({ "t1": t1, "t2": self.t, "kind": "election", "m": null, "epoch": self.epoch });
        self.list("reigns").push(reign);
    }

    fn finish(mut self) -> Value {
        self.run["end"] = self.t.into();
        self.run["height"] = (self.y + 60).into();
        self.run["zero"] = self.run["faults"][0]["t"].clone();
        self.run
    }
}
