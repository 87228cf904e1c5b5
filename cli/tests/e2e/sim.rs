//! Simulated rooms: true reports, the same each time, and exit codes to grade with.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// What `ringchat` prints and how it ends.
pub(crate) fn ringchat(args: &[&str], input: &str) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_ringchat"));
    program.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = program.spawn().unwrap();
    // A program that reads no input may have ended.
    let _ = process.stdin.take().unwrap().write_all(input.as_bytes());
    process.wait_with_output().unwrap()
}

fn sim(args: &[&str], input: &str) -> (Option<i32>, String, String) {
    let output = ringchat(&[&["sim"], args].concat(), input);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Six members, and the leader is killed.
const CRASH: &[&str] = &[
    "--ring",
    "6,2,4,1,3,5",
    "--seed",
    "7",
    "--delay",
    "9ms",
    "--say",
    "bob@1s:hi",
    "--kill",
    "leader@2s",
    "--say",
    "ada@2.5s:still here",
];

#[test]
fn the_report_of_a_killed_leader_counts_what_theory_says() {
    let (code, report, errors) = sim(CRASH, "");
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{report}");
    assert!(report.starts_with(
        "6 members in ring order: fay* bob dan ada cyd eve (* leads); seed 7, links up to 9ms\n"
    ));
    assert!(report.contains("+0.000 s  fay, the leader, is killed\n"), "{report}");
    assert!(report.contains("All 5 members show the same 2 messages; nothing is lost.\n"), "{report}");
    assert!(report.trim_end().ends_with("all kept."), "{report}");

    let json: Value = serde_json::from_str(&sim(&[CRASH, &["--json"]].concat(), "").1).unwrap();
    let [election] = &json["elections"].as_array().unwrap()[..] else { panic!("{json}") };
    let (messages, theory) = (election["messages"].as_u64().unwrap(), &election["theory"]);
    assert_eq!(json["election_messages"].as_u64(), Some(messages), "the simulator's own count");
    assert_eq!((theory["case"].as_str(), theory["members"].as_u64()), (Some("one"), Some(5)));
    assert_eq!(5 + theory["hops"].as_u64().unwrap(), messages, "n + d");
    let words = format!("hops to the winner: n + d = {messages}; 5 to 9, mean 7)");
    assert!(report.contains(&format!("leads: {messages} election messages")), "{report}");
    assert!(report.replace("1 hop ", "1 hops ").contains(&words), "{report}");
    assert_eq!((json["lost"].as_u64(), &json["failure"]), (Some(0), &Value::Null));
}

#[test]
fn the_same_command_and_its_script_give_the_same_bytes() {
    let (_, report, _) = sim(CRASH, "");
    assert_eq!(sim(CRASH, "").1, report);
    let (code, script, _) = sim(&[CRASH, &["--print-script"]].concat(), "");
    assert_eq!(code, Some(0));
    assert!(script.starts_with("ring 6 2 4 1 3 5 seed 7 delay 9ms\nname 1 ada\n"), "{script}");
    assert!(
        script.contains("\nat 2s crash leader\nat 2.5s say ada still here\nuntil converged within 27500ms\n")
    );
    assert_eq!(sim(&["--script", "-"], &script), (Some(0), report, String::new()));
    assert_eq!(sim(&["--script", "-", "--print-script"], &script).1, script);
}

#[test]
fn no_command_repeats_a_ticket_and_each_points_to_its_own_help() {
    let ticket = format!("ringchat:aeaacaqdaqcqmbyibefawdanby{}", "hqobyha4dqoby".repeat(6));
    for command in ["lab", "sim", "trace", "rooms", "completions"] {
        for args in [vec![command, &ticket], vec![command, "--script", &ticket]] {
            let output = ringchat(&args, "");
            let told = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{args:?}: {told}");
            assert!(
                !told.contains(&ticket[9..20]) && told.contains("a ticket on the command line"),
                "{told}"
            );
            assert!(told.contains(&format!("(ringchat {command} --help tells more)")), "{told}");
        }
        let [long, short] = ["--help", "-h"].map(|help| ringchat(&[command, help], ""));
        assert_eq!((short.status.code(), &short.stdout), (Some(0), &long.stdout), "{command}");
        assert!(short.stdout.starts_with(format!("Usage: ringchat {command}").as_bytes()));
    }
}

#[test]
fn an_expectation_that_fails_ends_with_1_and_is_named_with_its_line() {
    let (_, script, _) = sim(&[CRASH, &["--print-script"]].concat(), "");
    let line = script.lines().count() + 2;
    let good = format!("{script}expect lost 0\nexpect election-messages 400\n");
    let (code, report, errors) = sim(&["--script", "-"], &good);
    assert_eq!(code, Some(1), "{errors}");
    let named = format!(
        "ringchat: line {line}, \"expect election-messages 400\", does not hold: the election of epoch 2 took "
    );
    assert!(errors.starts_with(&named), "{errors}");
    assert!(report.contains(" leads: "), "what happened is told all the same: {report}");
    let json: Value = serde_json::from_str(&sim(&["--script", "-", "--json"], &good).1).unwrap();
    assert_eq!(json["failure"]["line"].as_u64(), u64::try_from(line).ok());
}

#[test]
fn a_script_that_waits_for_nothing_goes_on_until_all_is_well() {
    let (code, report, errors) = sim(&["--script", "-"], "nodes 4 seed 3\nat 1s crash leader\n");
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert!(report.contains("All 3 members show the same 0 messages"), "{report}");
}

#[test]
fn what_a_script_expects_at_its_end_comes_after_the_waiting() {
    let script = "nodes 6 seed 7\n\nat 2s crash leader\n# grades itself\nexpect election-messages worst\n";
    let (code, report, errors) = sim(&["--script", "-"], script);
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{report}");
    let printed = sim(&["--script", "-", "--print-script"], script).1;
    let end = "until converged within 28000ms\nuntil time within 1s\nexpect election-messages worst\n";
    assert!(printed.ends_with(end), "{printed}");
    assert_eq!(sim(&["--script", "-"], &printed).1, report);

    let script = "nodes 3\nat 1s say ada hi\nexpect rings 1\nexpect lost 3\n";
    let (code, _, errors) = sim(&["--script", "-"], script);
    assert_eq!(code, Some(1));
    assert!(errors.starts_with("ringchat: line 4, \"expect lost 3\", does not hold"), "{errors}");
    let json: Value = serde_json::from_str(&sim(&["--script", "-", "--json"], script).1).unwrap();
    assert_eq!(json["failure"]["line"].as_u64(), Some(4), "as the file counts");

    let script = "nodes 3\nat 29s freeze-for-ever leader\nexpect rings 1\n";
    let (code, _, errors) = sim(&["--script", "-"], script);
    let wait = "ringchat: what the script waits for after line 2, \"until converged within 1000ms\", does not hold: ";
    assert_eq!((code, errors.starts_with(wait)), (Some(1), true), "{errors}");
}

#[test]
fn what_could_not_be_done_is_told_in_one_line() {
    let kills = ["--kill", "leader@3s", "--kill", "leader@3.001s"];
    let args = [&["--kill", "ada@1s", "--say", "ada@2s:hi"], &kills[..]].concat();
    let (code, report, errors) = sim(&args, "");
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    let told = "\nNot done: \"at 2s say ada hi\" (ada is dead), \"at 3.001s crash leader\" (dan is dead).\n";
    assert!(report.contains(told), "{report}");
    let json: Value = serde_json::from_str(&sim(&[&args[..], &["--json"]].concat(), "").1).unwrap();
    assert_eq!(json["undone"][0]["why"].as_str(), Some("ada is dead"));
}

#[test]
fn errors_of_options_tell_what_to_do() {
    for (args, told) in [
        (["--join", "3@1s"], "--join lets a new member join, and cyd is there already"),
        (["--cut", "ada>ada@1s"], "--cut takes two members"),
        (["--partition", "ada|ada@1s"], "--partition puts ada on one side only"),
        (["--partition", "1,2,3,4,5@1s"], "--partition leaves nobody on the other side"),
        (
            ["--delay", "1.5ms"],
            "--delay: \"1.5ms\" is not a time; write it as 1.5s, or in whole milliseconds",
        ),
        (["--detect-ms", "9"], "--detect-ms must be a number of milliseconds, 10 to"),
        (["--seed", "x"], "--seed must be a whole number"),
        (
            ["--kill", "zed@1s"],
            "--kill: \"zed\" is nobody; write ada, bob and so on, or 1, 2, 3, or leader, next",
        ),
        (["--kill", "9@1s"], "--kill: nobody is at the place of \"9\"; let more begin with --nodes, or"),
    ] {
        let (code, _, errors) = sim(&args, "");
        assert_eq!(code, Some(2), "{args:?}: {errors}");
        assert!(errors.contains(told) && errors.ends_with("(ringchat sim --help tells more)\n"), "{errors}");
    }
    let (code, _, errors) = sim(&["--delay", "10s"], "");
    assert_eq!(code, Some(1));
    let told = "ringchat: the first ring does not gather, over links of up to 10s: bob does not get in; make the delay smaller\n";
    assert_eq!(errors, told);
    let (code, _, errors) = sim(&["--say", &format!("bob@1s:{}", "x".repeat(20_000))], "");
    assert!(code == Some(2) && errors.contains("16384 bytes") && errors.len() < 200, "{errors}");
    assert_eq!(sim(&["--kill", "cyd@1s", "--join", "3@5s"], "").0, Some(0), "nobody is there any more");
}

#[test]
fn each_deed_happens() {
    let (code, report, errors) = sim(
        &[
            "--nodes",
            "5",
            "--seed",
            "4",
            "--for",
            "60s",
            "--join",
            "6@500ms",
            "--join",
            "gus@600ms:leader",
            "--leave",
            "fay@2s",
            "--flood",
            "others@2.5s:20",
            "--freeze",
            "leader@4s..8s",
            "--restart",
            "bob@15s",
            "--power-off",
            "gus@20s",
            "--partition",
            "ada,bob|cyd@25s..29s",
            "--cut",
            "ada>bob@40s..41s",
        ],
        "",
    );
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{report}");
    for line in [
        "fay starts",
        "gus starts",
        "fay has left",
        "is stopped",
        "goes on",
        "The room is split",
        "A way is cut",
        "All can reach each other again",
        "bob starts",
        "gus loses power",
    ] {
        assert!(report.contains(line), "{line}: {report}");
    }
}

#[test]
fn sides_that_stay_apart_are_rings_of_their_own() {
    let (code, report, errors) =
        sim(&["--nodes", "4", "--for", "8s", "--partition", "ada,bob|cyd,dan@1s", "--say", "bob@5s:hi"], "");
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{report}");
    assert!(
        report.contains("2 rings: ada shows 1, bob shows 1 | ") && report.contains("dan shows 0"),
        "{report}"
    );
}

#[test]
fn what_cannot_be_asked_for_ends_with_2() {
    for args in [
        &["--nodes", "0"][..],
        &["--nodes", "5", "--ring", "1,2"],
        &["--ring", "1,1"],
        &["--kill", "leader"],
        &["--kill", "zed@2s"],
        &["--kill", "9@2s"],
        &["--kill", "leader@soon"],
        &["--kill", "leader@40s"],
        &["--say", "1@2s"],
        &["--say", "1@2s:a\nat 1s crash 1"],
        &["--seed", "7\nname"],
        &["--freeze", "1@3s..2s"],
        &["--cut", "1>2@1s..4s", "--cut", "2>3@2s..5s"],
        &["--freeze", "leader@1s..3s", "--freeze", "2@2s..4s"],
        &["--script", "-", "--kill", "leader@2s"],
        &["--script", "/nowhere/at/all"],
        &["--shout"],
    ] {
        let (code, report, errors) = sim(args, "");
        assert_eq!((code, report.as_str()), (Some(2), ""), "{args:?}: {errors}");
        assert!(errors.starts_with("ringchat: ") && errors.len() > 20, "{args:?}: {errors}");
    }
    let (code, _, errors) = sim(&["--script", "-"], "nodes 3\nat 1s dance 2\n");
    assert_eq!(code, Some(2));
    assert!(
        errors.starts_with("ringchat: standard input, line 2: ") && errors.contains("at 1s dance 2"),
        "{errors}"
    );
}

#[test]
fn pictures_and_traces_of_the_run_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (svg, html, traces) = (path("run.svg"), path("run.html"), path("traces"));
    let outputs = ["--svg", &svg, "--html", &html, "--trace", &traces];
    let args = [CRASH, &outputs].concat();
    let (code, report, errors) = sim(&args, "");
    assert_eq!(code, Some(0), "{errors}");
    assert!(fs::read_to_string(&svg).unwrap().starts_with("<svg"));
    assert!(fs::read_to_string(&html).unwrap().contains("<script"));
    for name in ["ada", "bob", "cyd", "dan", "eve", "fay"] {
        assert!(Path::new(&traces).join(format!("{name}.ndjson")).exists(), "{name}");
    }

    for (wanted, code) in [
        (["--members", "zed"], 1),
        (["--from", "epoch 9"], 1),
        (["--room", "ff"], 1),
        (["--only", "gossip"], 2),
        (["--from", "soon"], 2),
    ] {
        let refused = ringchat(&[&["trace", &traces], &wanted[..]].concat(), "");
        assert_eq!(refused.status.code(), Some(code), "{wanted:?}");
    }
    let ada = fs::read(Path::new(&traces).join("ada.ndjson")).unwrap();
    let torn = path("torn.ndjson");
    fs::write(&torn, &ada[..600]).unwrap();
    let refused = ringchat(&["trace", &torn], "");
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(
        refused.status.code() == Some(1) && told.contains("the traces tell of no message; perhaps"),
        "{told}"
    );

    let drawn = ringchat(&["trace", &traces, "--only", "election"], "");
    let drawn = String::from_utf8(drawn.stdout).unwrap();
    let told = report.lines().find_map(|line| line.split_once(" leads: ")).unwrap().1;
    let messages = told.split_once(" of the announcement").unwrap().0;
    assert!(
        drawn.contains(&format!("after {messages} of the announcement (theory: one start")),
        "{told}: {drawn}"
    );
    let svg_again = ringchat(&["trace", &traces, "--to", "svg"], "");
    assert_eq!(svg_again.stdout, fs::read(&svg).unwrap(), "the same run, the same picture");

    let (code, _, errors) = sim(&args, "");
    assert_eq!(code, Some(2), "traces are never mixed");
    assert!(errors.contains("holds traces already"), "{errors}");
}

#[test]
fn the_script_in_the_documentation_does_what_it_expects() {
    let text = include_str!("../../../docs/pictures.md");
    let scripts = text.split("```").filter(|block| block.contains("\nexpect "));
    let played: Vec<_> = scripts.map(|script| sim(&["--script", "-"], script)).collect();
    assert!(!played.is_empty() && played.iter().all(|(code, ..)| *code == Some(0)), "{played:?}");
}
