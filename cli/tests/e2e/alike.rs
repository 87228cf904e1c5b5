//! What happens to real processes happens in a simulated room too, as `ringchat trace` tells it of both.
//!
//! Times differ, and which members notice a death first. Which of equal logs wins is decided by a hash of ids, which differ
//! too. All else is equal.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use crate::sim::ringchat;
use crate::support::{MemberIndex, Runtimes, TestRoom, on_every_runtime};
use crate::trace::{end_trace, file_of, leave, traced};

on_every_runtime! {
    a_killed_leader
    a_killed_member_that_does_not_lead
    one_that_leaves_and_one_that_comes
}

const MEMBERS: usize = 5;

/// The rings that each member was in, one after the other, each from its least name on.
type Rings = BTreeMap<String, Vec<Vec<String>>>;

/// What the traces of a run tell, without what may differ.
#[derive(Debug, PartialEq, Eq)]
struct Tale {
    rings: Rings,
    /// Who came in, left and was lost, in the order of each member's log.
    logs: BTreeMap<String, Vec<String>>,
    died: Vec<String>,
    elections: Vec<Election>,
    /// Whether those that live follow the winner of the last election, or the founder if there was none.
    follow: BTreeMap<String, bool>,
}

/// What is the same in both elections.
#[derive(Debug, PartialEq, Eq)]
struct Election {
    epoch: u64,
    members: BTreeSet<String>,
    /// How many messages the announcement took.
    announced: u64,
    all_follow: bool,
}

fn a_killed_leader(runtimes: Runtimes) {
    let mut room = traced(MEMBERS, runtimes, &[]);
    assert_eq!(room.leader(&room.everyone()), 0);
    room.kill(&[0]);
    let survivors = room.all_but(&[0]);
    let real = tale_of(&mut room, &survivors);
    let simulated = simulated("at 1s crash leader\nuntil converged within 5s\n");
    assert_eq!(real, simulated);
    let [election] = &real.elections[..] else { panic!("{real:?}") };
    assert_eq!((real.died, election.announced, election.members.len()), (vec!["m0".to_owned()], 3, 4));
    assert!(election.all_follow);
}

fn a_killed_member_that_does_not_lead(runtimes: Runtimes) {
    let mut room = traced(MEMBERS, runtimes, &[]);
    room.kill(&[2]);
    let survivors = room.all_but(&[2]);
    let real = tale_of(&mut room, &survivors);
    let simulated = simulated("at 1s crash m2\nuntil converged within 5s\n");
    assert_eq!(real, simulated);
    assert_eq!((real.died, real.elections), (vec!["m2".to_owned()], vec![]));
}

fn one_that_leaves_and_one_that_comes(runtimes: Runtimes) {
    let mut room = traced(MEMBERS, runtimes, &[]);
    leave(&mut room, &[2]);
    let survivors = room.all_but(&[2]);
    room.settle(&survivors);
    let contact = room.addr(0);
    let newcomer = room.start(|launch| {
        launch.contacts = vec![contact];
        launch.extra = vec!["--trace".to_owned(), file_of(MEMBERS)];
    });
    room.wait_ready(newcomer);
    let members = room.all_but(&[2]);
    let real = tale_of(&mut room, &members);
    let simulated = simulated(
        "at 1s leave m2\nuntil converged within 5s\nat 1s join 6 via m0\nuntil converged within 5s\n",
    );
    assert_eq!(real, simulated);
    assert_eq!((real.died, real.elections), (vec![], vec![]));
}

/// What a room tells that is settled, and of which `members` are left.
fn tale_of(room: &mut TestRoom, members: &[MemberIndex]) -> Tale {
    room.settle(members);
    for &who in members {
        end_trace(room, who);
    }
    let files = room.everyone().into_iter().map(|who| room.dir().join(file_of(who)).display().to_string());
    Tale::of(&files.collect::<Vec<_>>())
}

/// What a simulated room tells in which `deeds` happen.
fn simulated(deeds: &str) -> Tale {
    let folder = tempfile::tempdir().unwrap();
    let traces = folder.path().join("traces").display().to_string();
    let names = (0..=MEMBERS).map(|who| format!("name {} m{who}\n", who + 1));
    let script = format!("ring 1 2 3 4 5 seed 3 delay 2ms\n{}{deeds}", names.collect::<String>());
    let played = ringchat(&["sim", "--script", "-", "--trace", &traces], &script);
    assert!(played.status.success(), "{}", String::from_utf8_lossy(&played.stderr));
    assert!(fs::read_dir(&traces).unwrap().count() >= MEMBERS);
    Tale::of(&[traces])
}

impl Tale {
    fn of(files: &[String]) -> Self {
        let mut words = vec!["trace", "--to", "json"];
        words.extend(files.iter().map(String::as_str));
        let drawn = ringchat(&words, "");
        assert!(drawn.status.success(), "{}", String::from_utf8_lossy(&drawn.stderr));
        let page = Page(serde_json::from_slice(&drawn.stdout).unwrap());
        let died: Vec<String> = page.list("faults").iter().map(|fault| page.name(&fault["m"])).collect();
        let crosses = page.list("marks").iter().filter(|mark| mark["kind"] == "cross");
        assert_eq!(crosses.count(), died.len(), "each death is drawn once");
        let elections: Vec<Election> = page.list("elections").iter().map(|it| page.election(it)).collect();
        let (rings, follow) = page.states();
        Self { rings, logs: page.logs(), died, elections, follow }
    }
}

/// The JSON of `ringchat trace`.
struct Page(Value);

impl Page {
    fn list(&self, of: &str) -> &[Value] {
        self.0[of].as_array().unwrap()
    }

    fn name(&self, m: &Value) -> String {
        let m = usize::try_from(m.as_u64().unwrap()).unwrap();
        self.0["members"][m]["name"].as_str().unwrap().to_owned()
    }

    fn names(&self, members: &Value) -> Vec<String> {
        members.as_array().unwrap().iter().map(|m| self.name(m)).collect()
    }

    /// A ring from its least name on.
    fn ring(&self, members: &Value) -> Vec<String> {
        let mut ring = self.names(members);
        if let Some(least) = (0..ring.len()).min_by_key(|&at| &ring[at]) {
            ring.rotate_left(least);
        }
        ring
    }

    /// The rings of each member, and whether those that live follow whoever won last.
    fn states(&self) -> (Rings, BTreeMap<String, bool>) {
        let mut rings = Rings::new();
        let mut leaders: BTreeMap<String, String> = BTreeMap::new();
        for change in self.list("changes") {
            let who = self.name(&change["m"]);
            if change["ring"].is_array() {
                rings.entry(who.clone()).or_default().push(self.ring(&change["ring"]));
            }
            if let Some(0..) = change["leader"].as_i64() {
                leaders.insert(who.clone(), self.name(&change["leader"]));
            }
            if change["mode"] == "dead" {
                leaders.remove(&who);
            }
        }
        let won = self.list("elections").last().map(|last| self.name(&last["winner"]));
        let leader = won.unwrap_or_else(|| "m0".to_owned());
        (rings, leaders.into_iter().map(|(who, its)| (who, its == leader)).collect())
    }

    /// Who came and went, as each member's log has it.
    fn logs(&self) -> BTreeMap<String, Vec<String>> {
        let mut log: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for event in self.list("events").iter().filter(|event| event["what"] == "note") {
            let words = event["words"].as_str().unwrap();
            if [" came in", " left", " was lost"].iter().any(|end| words.ends_with(end)) {
                log.entry(self.name(&event["m"])).or_default().push(words.to_owned());
            }
        }
        log
    }

    /// Checks that an election took as many messages as theory says, and that the highest rank has won.
    fn election(&self, election: &Value) -> Election {
        let (theory, messages) = (&election["theory"], election["messages"].as_u64().unwrap());
        let bounds = theory["least"].as_u64().unwrap()..=theory["most"].as_u64().unwrap();
        assert!(bounds.contains(&messages), "{election}");
        let exact = theory["exact"].as_u64();
        assert_eq!(exact.unwrap_or(messages), messages, "{election}");
        let ranks = election["ranks"].as_array().unwrap();
        let highest = ranks.iter().max_by_key(|of| of[1].as_u64().unwrap()).unwrap();
        assert_eq!(highest[0], election["winner"], "the highest rank wins: {election}");
        let members = self.names(&election["members"]).into_iter().collect();
        Election {
            epoch: election["epoch"].as_u64().unwrap(),
            members,
            announced: election["announced"].as_u64().unwrap(),
            all_follow: election["followed"].is_u64(),
        }
    }
}
