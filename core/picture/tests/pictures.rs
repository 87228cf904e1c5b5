//! What is drawn of simulated rooms is true, whole, and the same each time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on is to panic")]

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroU64;
use std::path::PathBuf;

use ringchat_picture::trace::{MergedRun, ReadError, TraceReader};
use ringchat_picture::{Class, Format, Moment, Wanted, classes_of, draw};
use ringchat_sim::scenario::play_lives;
use ringchat_sim::{Counts, Rng};
use ringchat_trace::{DownLine, LifeLines, TraceEvent, TraceRecord};
use serde_json::Value;

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The scenarios, each with its name.
fn scenarios() -> Vec<(String, String)> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder("../../tests/scenarios")).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 40, "only {} scenarios are found", files.len());
    let name = |file: &PathBuf| file.file_stem().unwrap().to_str().unwrap().to_owned();
    files.into_iter().map(|file| (name(&file), fs::read_to_string(&file).unwrap())).collect()
}

fn lives_of(text: &str) -> (Vec<LifeLines>, Counts) {
    let (result, lives, counts) = play_lives(text);
    result.unwrap();
    (lives, counts)
}

fn run_of(lives: &[LifeLines]) -> MergedRun {
    let mut reader = TraceReader::default();
    for life in lives {
        reader.life(life).unwrap();
    }
    reader.finish(None).unwrap()
}

/// Each life as a file.
fn files_of(lives: &[LifeLines]) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for (n, life) in lives.iter().enumerate() {
        let mut bytes = Vec::new();
        TraceRecord::Header(life.header.clone()).write(&mut bytes);
        for line in &life.lines {
            TraceRecord::Line(line.clone()).write(&mut bytes);
        }
        files.push((format!("{n}.ndjson"), bytes));
    }
    files
}

fn read(files: &[(String, Vec<u8>)]) -> Result<MergedRun, ReadError> {
    read_with(TraceReader::default(), files)
}

fn read_with(mut reader: TraceReader, files: &[(String, Vec<u8>)]) -> Result<MergedRun, ReadError> {
    for (name, bytes) in files {
        reader.bytes(name, bytes)?;
    }
    reader.finish(None)
}

/// All classes of messages.
fn everything() -> Wanted {
    Wanted { classes: Class::MESSAGES.into_iter().collect(), max: usize::MAX, ..Wanted::default() }
}

fn json(run: &MergedRun, wanted: &Wanted) -> Value {
    serde_json::from_str(&draw(run, Format::Json, wanted).unwrap().content).unwrap()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number"))
}

const CRASH: &str = "ring 6 2 4 1 3 5 seed 7 delay 9ms\nat 100ms say 2 hi\nat 600ms crash leader\n\
                     until converged within 5s\nat 300ms say 1 still here\nuntil time within 500ms\n";

#[test]
fn what_is_drawn_of_every_scenario_is_ordered_whole_and_counted() {
    let mut exact = 0;
    for (name, text) in scenarios() {
        let (lives, counts) = lives_of(&text);
        let page = json(&run_of(&lives), &everything());
        causes_come_before_effects(&name, &page);
        arrows_never_go_up(&name, &page);
        no_end_is_unseen(&name, &page);
        exact += figures_are_those_of_the_simulator(&name, &page, &counts);
    }
    assert!(exact > 10, "only {exact} elections are as in theory");
}

fn causes_come_before_effects(name: &str, page: &Value) {
    let events = page["events"].as_array().unwrap();
    let mut clocks: BTreeMap<u64, u64> = BTreeMap::new();
    let mut last = 0;
    for (e, event) in events.iter().enumerate() {
        let (t, m, lc) = (number(&event["t"]), number(&event["m"]), number(&event["lc"]));
        assert!(t >= last, "{name}: time goes back at {e}");
        last = t;
        let before = clocks.insert(m, lc).unwrap_or(0);
        assert!(lc >= before, "{name}: a clock goes back at {e}: {event}");
        if let Some(cause) = event["cause"].as_u64() {
            let sent = &events[usize::try_from(cause).unwrap()];
            assert!(cause < e as u64, "{name}: {e} comes before its cause");
            assert_eq!((&sent["what"], &sent["k"]), (&Value::from("send"), &event["k"]), "{name}");
        }
    }
}

fn arrows_never_go_up(name: &str, page: &Value) {
    let marks = page["marks"].as_array().unwrap();
    let arrows: Vec<&Value> = marks.iter().filter(|mark| mark["kind"] == "arrow").collect();
    assert!(arrows.len() > 10, "{name}");
    for arrow in arrows {
        assert!(arrow["y2"].as_i64() > arrow["y1"].as_i64(), "{name}: {arrow}");
    }
    let rows: Vec<u64> = marks.iter().map(|mark| number(&mark["row"])).collect();
    assert!(rows.is_sorted(), "{name}: marks are appended");
}

fn no_end_is_unseen(name: &str, page: &Value) {
    let fates: Vec<&Value> =
        page["flights"].as_array().unwrap().iter().map(|flight| &flight["fate"]).collect();
    assert!(fates.len() > 10 && fates.iter().all(|fate| *fate != "unseen"), "{name}");
}

/// Returns how many elections took exactly as many messages as theory says.
fn figures_are_those_of_the_simulator(name: &str, page: &Value, counts: &Counts) -> u32 {
    let mut exact = 0;
    let mut stated: BTreeMap<u64, u64> = BTreeMap::new();
    for election in page["elections"].as_array().unwrap() {
        let messages = number(&election["messages"]);
        *stated.entry(number(&election["epoch"])).or_default() += messages;
        if let Some(by_theory) = election["theory"]["exact"].as_u64() {
            assert_eq!(by_theory, messages, "{name}: {election}");
            exact += 1;
        }
    }
    stated.retain(|_, messages| *messages > 0);
    let counted: BTreeMap<u64, u64> = counts.elects.iter().map(|(epoch, count)| (epoch.0, *count)).collect();
    assert_eq!(stated, counted, "{name}");
    exact
}

#[test]
fn a_sample_of_a_flood_has_whole_pairs_and_all_else() {
    let said: Vec<String> = (1..40).map(|n| format!("at {}ms say all {n}\n", n * 20)).collect();
    let said = said.concat();
    let crash = "at 1s crash leader\nuntil converged within 5s\nat 0s say all bye\nuntil time within 1s\n";
    let files = files_of(&lives_of(&format!("nodes 5 seed 3\n{said}{crash}")).0);
    let whole = json(&read(&files).unwrap(), &everything());
    let reader = TraceReader::sampling(NonZeroU64::new(10).unwrap());
    let sample = json(&read_with(reader, &files).unwrap(), &everything());

    let flights = |page: &Value, is_flood: bool, fate: &str| {
        let all = page["flights"].as_array().unwrap().iter();
        let class = |flight: &Value| ["chat", "beat"].contains(&flight["class"].as_str().unwrap());
        all.filter(|flight| class(flight) == is_flood && flight["fate"] == fate).count()
    };
    for fate in ["arrived", "lost", "open"] {
        assert_eq!(flights(&sample, false, fate), flights(&whole, false, fate), "{fate}");
    }
    let (few, many) = (flights(&sample, true, "arrived"), flights(&whole, true, "arrived"));
    assert!((many / 20..many / 5).contains(&few), "{few} of {many}");
    assert_eq!(flights(&sample, true, "unseen"), 0, "a message is kept at both ends");
    for figure in ["messages", "announced", "theory", "ranks", "members"] {
        let of = |page: &Value| page["elections"].as_array().unwrap()[0][figure].clone();
        assert_eq!(of(&sample), of(&whole), "{figure}");
    }
    let last = |page: &Value, what: &str| -> BTreeMap<u64, u64> {
        let changes = page["changes"].as_array().unwrap().iter();
        changes.filter_map(|change| Some((number(&change["m"]), change[what].as_u64()?))).collect()
    };
    assert_eq!((last(&sample, "log"), last(&sample, "epoch")), (last(&whole, "log"), last(&whole, "epoch")));
    assert_eq!(
        sample["notes"],
        Value::from(vec!["of chat and signs of life one message in 10 is read: the traces are large",])
    );
}

#[test]
fn the_order_of_files_and_lives_given_twice_change_nothing() {
    let (lives, _) = lives_of(CRASH);
    let files = files_of(&lives);
    let whole = json(&run_of(&lives), &everything());
    let mut rng = Rng::new(5);
    for _ in 0..5 {
        let mut shuffled = files.clone();
        rng.shuffle(&mut shuffled);
        shuffled.push(("copy".into(), shuffled[0].1.clone()));
        assert_eq!(json(&read(&shuffled).unwrap(), &everything()), whole);
    }
}

#[test]
fn files_cut_anywhere_are_read_up_to_there_or_explained() {
    let (lives, _) = lives_of(CRASH);
    let files = files_of(&lives);
    let mut rng = Rng::new(6);
    let (mut read_up_to_there, mut explained) = (0, 0);
    for n in 0..100 {
        let mut cut = files.clone();
        let which = rng.index(cut.len());
        let at = rng.index(cut[which].1.len());
        cut[which].1.truncate(at);
        match read(&cut) {
            Ok(run) => {
                read_up_to_there += 1;
                let format = if n % 4 == 0 { Format::Json } else { Format::Svg };
                let _ = draw(&run, format, &Wanted::default()).unwrap();
            }
            Err(error) => {
                explained += 1;
                assert!(at < 400, "cut at {at}: {error}");
            }
        }
    }
    assert!(read_up_to_there > 75, "{read_up_to_there} read, {explained} explained");
}

#[test]
fn a_member_without_a_file_is_drawn_as_such() {
    let (lives, _) = lives_of(CRASH);
    let mut files = files_of(&lives);
    files.remove(2);
    let run = read(&files).unwrap();
    let page = json(&run, &everything());
    let without: Vec<&Value> =
        page["members"].as_array().unwrap().iter().filter(|member| member["file"] == false).collect();
    assert_eq!(without.len(), 1);
    assert_eq!(without[0]["name"], "m4");
    assert_eq!(page["notes"], serde_json::json!(["no trace of m4"]));
    let fates = page["flights"].as_array().unwrap();
    let unseen = fates.iter().filter(|flight| flight["fate"] == "unseen").count();
    assert!(unseen > 10 && unseen < fates.len(), "{unseen}");
}

#[test]
fn bytes_changed_anywhere_never_stop_the_program() {
    let (lives, _) = lives_of(CRASH);
    let files = files_of(&lives);
    let mut rng = Rng::new(7);
    for _ in 0..150 {
        let mut broken = files.clone();
        for _ in 0..=rng.index(3) {
            let which = rng.index(broken.len());
            let at = rng.index(broken[which].1.len());
            broken[which].1[at] = b"0123456789{}[],:\"\n -"[rng.index(20)];
        }
        if let Ok(run) = read(&broken) {
            for format in [Format::Svg, Format::Json, Format::Text, Format::Shiviz, Format::Mermaid] {
                let _ = draw(&run, format, &Wanted::default());
            }
        }
    }
}

/// A scenario, what is shown of it, and the name of its golden files.
struct Golden {
    name: &'static str,
    scenario: &'static str,
    from: &'static str,
    only: &'static [&'static str],
}

const GOLDEN: [Golden; 4] = [
    Golden { name: "crash", scenario: CRASH, from: "crash", only: &[] },
    Golden {
        name: "most_messages",
        scenario: "ring 6 2 4 1 3 5 seed 7 delay 9ms\nat 100ms say 2 hi\nat 200ms say 4 hello\nat 600ms crash leader\n\
                   until converged within 5s\n",
        from: "crash",
        only: &["election"],
    },
    Golden {
        name: "two_die",
        scenario: "nodes 6 seed 10\nat 1s crash leader opposite\nuntil converged within 10s\n",
        from: "crash",
        only: &["election", "repair", "membership"],
    },
    Golden {
        name: "split_and_merge",
        scenario: "nodes 5 seed 39\nat 1s partition 4 5\nat 3.5s say 1 on this side\nat 3.5s say 4 on that side\n\
                   until time within 4s\nat 0s heal reset\nuntil converged within 20s\n",
        from: "crash",
        only: &["election", "repair", "membership"],
    },
];

/// To write them anew: `RINGCHAT_BLESS=1 cargo test -p ringchat-picture --test pictures`.
#[test]
fn pictures_are_the_same_byte_for_byte() {
    let bless = std::env::var_os("RINGCHAT_BLESS").is_some();
    for golden in &GOLDEN {
        let (lives, _) = lives_of(golden.scenario);
        let run = run_of(&lives);
        let classes = golden.only.iter().flat_map(|word| classes_of(word).unwrap()).copied().collect();
        let from = Some(Moment::parse(golden.from).unwrap());
        let wanted = Wanted { classes, from, ..Wanted::default() };
        for (format, ending) in [
            (Format::Svg, "svg"),
            (Format::Text, "txt"),
            (Format::Shiviz, "shiviz"),
            (Format::Mermaid, "mmd"),
        ] {
            let drawn = draw(&run, format, &wanted).unwrap().content;
            let file = folder("tests/golden").join(format!("{}.{ending}", golden.name));
            if bless {
                fs::write(&file, &drawn).unwrap();
            }
            let before = fs::read_to_string(&file).unwrap_or_default();
            assert!(drawn == before, "{} differs from what is drawn now", file.display());
            assert!(ending != "mmd" || drawn.len() < 50_000, "Mermaid takes no more than 50,000 characters");
        }
    }
}

/// What is told of files that cannot be drawn.
fn told(files: &[(String, Vec<u8>)]) -> String {
    read(files).unwrap_err().to_string()
}

#[test]
fn whatever_is_wrong_with_files_is_told_with_its_place() {
    let (lives, _) = lives_of(CRASH);
    let files = files_of(&lives);
    let one = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut changed = vec![files[1].clone()];
        change(&mut changed[0].1);
        changed
    };
    let split =
        |bytes: &[u8]| bytes.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>();
    assert_eq!(told(&one(&|bytes| bytes.clear())), "1.ndjson holds no trace: it is empty");
    let foreign = told(&one(&|bytes| *bytes = b"hello\n".to_vec()));
    assert!(foreign.starts_with("1.ndjson:1: no trace of ringchat"), "{foreign}");
    let headless = told(&one(&|bytes| *bytes = split(bytes)[1..].concat()));
    assert!(headless.starts_with("1.ndjson:1: a trace begins with"), "{headless}");
    let newer = told(&one(&|bytes| bytes.splice(18..19, *b"7").for_each(drop)));
    assert!(newer.contains("version 7"), "{newer}");
    let bad = told(&one(&|bytes| {
        let mut all = split(bytes);
        all[4] = b"{\"i\":3}\n".to_vec();
        *bytes = all.concat();
    }));
    assert!(bad.starts_with("1.ndjson:5: not a line of a trace: missing field"), "{bad}");
    let swapped = told(&one(&|bytes| {
        let mut all = split(bytes);
        all.swap(8, 9);
        *bytes = all.concat();
    }));
    assert!(swapped.starts_with("1.ndjson:10: it does not follow the line before"), "{swapped}");
    let mut differ = files.clone();
    differ.push((
        "copy".into(),
        String::from_utf8(files[1].1.clone()).unwrap().replace("\"Hello\"", "\"Roster\"").into(),
    ));
    let differ = told(&differ);
    assert_eq!(differ, "1.ndjson and copy tell different things of one life of m2; give one of them");
}

#[test]
fn a_torn_last_line_is_left_out_in_silence() {
    let (lives, _) = lives_of(CRASH);
    let mut files = files_of(&lives);
    files[1].1.extend(b"{\"i\":99999,\"t\":99");
    assert_eq!(json(&read(&files).unwrap(), &everything()), json(&run_of(&lives), &everything()));
}

#[test]
fn traces_of_two_rooms_are_not_mixed() {
    let (lives, _) = lives_of(CRASH);
    let (others, _) = lives_of("nodes 3 seed 4\nat 300ms crash leader\nuntil converged within 5s\n");
    let mut files = files_of(&lives);
    files.extend(files_of(&others).into_iter().map(|(name, bytes)| (format!("other {name}"), bytes)));
    let error = read(&files).unwrap_err();
    assert!(error.is_usage() && error.to_string().starts_with("2 rooms: "), "{error}");
    let room = error.to_string().rsplit(' ').next().unwrap().to_owned();
    let mut reader = TraceReader::default();
    for (name, bytes) in &files {
        reader.bytes(name, bytes).unwrap();
    }
    let chosen = json(&reader.finish(Some(&room)).unwrap(), &everything());
    let members = chosen["members"].as_array().unwrap().len();
    assert!(members == 6 || members == 3, "{members}");
    let mut reader = TraceReader::default();
    for (name, bytes) in &files {
        reader.bytes(name, bytes).unwrap();
    }
    assert!(reader.finish(Some("zz")).unwrap_err().to_string().starts_with("no trace of room zz; there is "));
}

/// The traces of real machines: each has a clock of its own, and nobody tells of deaths.
fn real(lives: &[LifeLines], ahead: &[u64]) -> Vec<(String, Vec<u8>)> {
    let mut lives = lives.to_vec();
    for (life, ahead) in lives.iter_mut().zip(ahead) {
        life.header.sim = false;
        life.header.wall += 1_000_000_000 + ahead;
        life.lines.retain(|line| !matches!(line.event, TraceEvent::Fault(_)));
    }
    files_of(&lives)
}

#[test]
fn clocks_that_differ_by_hours_are_set_right_and_a_death_is_found() {
    let (lives, counts) = lives_of(CRASH);
    let hour = 3_600_000_000;
    let files = real(&lives, &[0, hour, 5, 7 * hour, 40_000, 300]);
    let page = json(&read(&files).unwrap(), &everything());
    let agree = number(&page["agree"]);
    assert!(agree > 0 && agree < 40_000, "{agree} µs");
    assert!(number(&page["end"]) < 20_000_000, "the run is as long as before, and not hours");
    let faults = page["faults"].as_array().unwrap();
    assert_eq!(
        (faults.len(), &faults[0]["kind"], &faults[0]["words"]),
        (1, &"died".into(), &"m6 died".into())
    );
    causes_come_before_effects("real", &page);
    arrows_never_go_up("real", &page);
    no_end_is_unseen("real", &page);
    assert_eq!(figures_are_those_of_the_simulator("real", &page, &counts), 1);
}

/// The life of the member of that name.
fn life_of<'a>(lives: &'a mut [LifeLines], name: &str) -> &'a mut LifeLines {
    lives.iter_mut().find(|life| life.header.name == name).unwrap()
}

/// Lets the last line of a life tell that its link to a member, named by its number, broke at `t`. What it tells later goes.
fn break_link(diary: &mut LifeLines, m: u32, t: u64) {
    diary.lines.retain(|line| line.t <= t);
    let mut line = diary.lines.last().unwrap().clone();
    line.i += 1;
    line.event = TraceEvent::Down(DownLine { l: 99, m, why: "eof".into() });
    diary.lines.push(line);
}

#[test]
fn a_member_that_tells_something_later_is_not_dead_by_a_link_that_broke() {
    let (mut lives, _) =
        lives_of("nodes 4 seed 1\nat 1s say 1 hi\nat 4s say 1 there\nuntil time within 6s\n");
    let (life, mut known) = (life_of(&mut lives, "m2"), None);
    for line in &life.lines {
        if let TraceEvent::Who(who) = &line.event {
            known = known.or(Some(who.m).filter(|_| who.name.as_ref().is_some_and(|name| name != "m2")));
        }
    }
    break_link(life, known.unwrap(), 2_000_000);
    let page = json(&read(&real(&lives, &[0; 4])).unwrap(), &everything());
    let dead = page["faults"].as_array().unwrap().iter().map(|fault| fault["words"].as_str().unwrap());
    assert_eq!(dead.collect::<Vec<_>>(), Vec::<&str>::new());
}

#[test]
fn a_death_that_nobody_saw_counts_from_the_first_that_noticed() {
    let (lives, _) = lives_of(&CRASH.replace("crash", "power-off"));
    let page = json(&read(&real(&lives, &[0; 6])).unwrap(), &everything());
    let events = page["events"].as_array().unwrap();
    let dead = page["faults"][0]["m"].clone();
    let heard = events.iter().rfind(|event| event["m"] == dead && event["what"] != "fault").unwrap();
    let of_it = |event: &&Value| event["t"].as_u64() > heard["t"].as_u64() && event["m"] != dead;
    let mut later = events.iter().filter(of_it);
    let noticed = later.find(|event| event["fields"].to_string().contains("[\"why\"")).unwrap();
    assert_eq!(number(&page["faults"][0]["t"]), number(&noticed["t"]) - 1);
    assert_eq!(page["zero"], page["faults"][0]["t"]);
    assert!(number(&page["zero"]) > number(&heard["t"]) + 100_000);
    let title = page["title"].as_str().unwrap();
    assert!(title.starts_with("m6 (the leader) died, last heard "), "{title}");
}

#[test]
fn one_trace_tells_what_its_member_knows() {
    let (lives, _) = lives_of(CRASH);
    for name in ["m2", "m3", "m4"] {
        let files = real(&lives, &[0; 6]);
        let of = lives.iter().position(|life| life.header.name == name).unwrap();
        let page = json(&read(&files[of..=of]).unwrap(), &everything());
        assert_eq!(page["title"], "m6 (the leader) was lost · 6 members");
        let leader = page["faults"][0]["m"].clone();
        assert_eq!((page["faults"].as_array().unwrap().len(), &page["faults"][0]["t"]), (1, &page["zero"]));
        let election = &page["elections"][0];
        assert_eq!(election["theory"]["case"], "none");
        let about = election["about"].as_str().unwrap();
        assert!(
            about.contains(&format!(" messages seen by {name}, ")) && !about.contains("theory"),
            "{about}"
        );
        let reigns: Vec<(&str, &Value)> = page["reigns"]
            .as_array()
            .unwrap()
            .iter()
            .map(|reign| (reign["kind"].as_str().unwrap(), &reign["m"]))
            .collect();
        let winner = election["winner"].clone();
        let none = Value::Null;
        assert_eq!(
            reigns,
            [("leader", &leader), ("none", &none), ("election", &none), ("leader", &winner)],
            "{name}"
        );
    }
}

#[test]
fn a_member_that_is_alone_is_drawn() {
    let (lives, _) = lives_of("nodes 1 seed 1\nuntil time within 1s\n");
    let page = json(&read(&real(&lives, &[0])).unwrap(), &Wanted::default());
    assert_eq!((&page["rows"], &page["columns"][0]["label"]), (&serde_json::json!([]), &"m1".into()));
    assert_eq!(page["reigns"][0]["kind"], "leader");
}

#[test]
fn a_room_that_gathers_holds_no_election() {
    let (lives, _) = lives_of("nodes 4 seed 1\nat 1s crash 4\nuntil converged within 5s\n");
    for one_by_one in [false, true] {
        let files = if one_by_one { real(&lives[1..2], &[0]) } else { real(&lives, &[0; 4]) };
        let page = json(&read(&files).unwrap(), &Wanted::default());
        assert!(page["elections"].as_array().unwrap().is_empty());
        let reigns = page["reigns"].as_array().unwrap();
        assert!(reigns.iter().all(|reign| reign["kind"] == "leader") && !reigns.is_empty(), "{reigns:?}");
    }
}

#[test]
fn times_count_from_what_breaks_and_not_from_what_heals() {
    let text = "nodes 3 seed 1\nat 1s heal\nat 2s crash leader\nuntil converged within 9s\n";
    let page = json(&run_of(&lives_of(text).0), &Wanted::default());
    let crash = page["faults"].as_array().unwrap().iter().find(|fault| fault["kind"] == "crash").unwrap();
    assert_eq!(page["zero"], crash["t"]);
}

#[test]
fn names_addresses_ids_and_texts_can_be_taken_out() {
    let (lives, _) = lives_of(CRASH);
    let mut run = run_of(&lives);
    ringchat_picture::trace::anonymous(&mut run);
    for format in [Format::Svg, Format::Json, Format::Text, Format::Shiviz, Format::Mermaid] {
        let drawn = draw(&run, format, &everything()).unwrap().content;
        for secret in ["m6", "10.0.0.", "00000006", "still here"] {
            assert!(!drawn.contains(secret), "{format:?} tells {secret}");
        }
    }
}

#[test]
fn a_band_of_catching_up_ends_where_the_room_has_no_leader_again() {
    let text = fs::read_to_string(folder("../../tests/scenarios/each_leader_in_turn.txt")).unwrap();
    let page = json(&run_of(&lives_of(&text).0), &Wanted::default());
    let mut bands: Vec<(i64, i64, &str)> = Vec::new();
    for mark in page["marks"].as_array().unwrap().iter().filter(|mark| mark["kind"] == "band") {
        let end = mark["y2"].as_i64().unwrap_or(i64::MAX);
        bands.push((mark["y1"].as_i64().unwrap(), end, mark["label"].as_str().unwrap()));
    }
    bands.sort_unstable();
    assert!(bands.len() >= 10, "{bands:?}");
    for pair in bands.windows(2) {
        assert!(pair[0].1 <= pair[1].0, "{pair:?}");
    }
}

#[test]
fn names_and_texts_in_files_reach_a_terminal_as_text_alone() {
    let hostile = "\\u001b]0;title\\u0007\\u001b[2J\\u202e\\n+0.0  m2  5  == m2 was killed";
    let story = "nodes 3 seed 4\nat 100ms say 2 quiet\nuntil shown-by-all quiet within 5s\nat 1s crash leader\nuntil converged within 5s\n";
    let files: Vec<(String, Vec<u8>)> = files_of(&lives_of(story).0)
        .into_iter()
        .map(|(name, bytes)| {
            let text = String::from_utf8(bytes).unwrap();
            let who = format!("\"name\":\"m2{hostile}\"");
            let lines = text.lines().map(|line| {
                let line = line.replace("\"quiet\"", &format!("\"{hostile}\""));
                if line.contains("\"who\"") { line.replace("\"name\":\"m2\"", &who) } else { line }
            });
            (name, lines.map(|line| line + "\n").collect::<Vec<_>>().concat().into_bytes())
        })
        .collect();
    let run = read(&files).unwrap();
    for format in [Format::Text, Format::Shiviz, Format::Mermaid, Format::Svg, Format::Html, Format::Json] {
        let drawn = draw(&run, format, &everything()).unwrap().content;
        assert!(!drawn.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{format:?}");
        assert!(!drawn.contains("\\u001b") && !drawn.contains("\\u202e"), "{format:?}");
    }
    let text = draw(&run, Format::Text, &everything()).unwrap().content;
    assert!(text.contains("]0;title"), "it is shown");
    assert!(text.lines().all(|line| !line.starts_with("+0.0  m2  5")), "{text}");
}
