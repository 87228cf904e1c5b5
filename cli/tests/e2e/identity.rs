//! Who a member is: the same person at each start, or a key for one stay.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::{MemberIndex, ReceivedEvent, Runtimes, TestRoom, on_every_runtime};

on_every_runtime! {
    a_person_has_one_key_at_each_start_and_others_have_another
    two_processes_of_one_person_talk_in_one_room
    an_identity_that_others_can_read_ends_the_start_with_1
}

/// A home in which no file can be made.
const NOWHERE: &str = "/dev/null";

fn key(room: &TestRoom, who: MemberIndex) -> String {
    room.wait_for(who, 0, |event| match event {
        ReceivedEvent::Ready { key, me, .. } if me.key == *key => Some(key.clone()),
        _ => None,
    })
}

fn a_person_has_one_key_at_each_start_and_others_have_another(runtimes: Runtimes) {
    let mut room = TestRoom::new(runtimes);
    let alice = room.create();
    room.kill(&[alice]);
    let again = room.start(|options| options.home = Some("m0.home".to_owned()));
    let other = room.create();
    let file = room.dir().join("alice").display().to_string();
    let elsewhere = room.start(|options| options.extra = vec!["--id-file".to_owned(), file]);
    let keys = [alice, again, other, elsewhere].map(|who| key(&room, who));
    assert_eq!(keys[0], keys[1]);
    assert!(keys[0] != keys[2] && keys[0] != keys[3] && keys[2] != keys[3]);
    assert_eq!(keys[0].len(), 52);
}

fn two_processes_of_one_person_talk_in_one_room(runtimes: Runtimes) {
    let mut room = TestRoom::new(runtimes);
    let one = room.create();
    let contact = room.addr(one);
    let two =
        room.start(|options| (options.contacts, options.home) = (vec![contact], Some("m0.home".to_owned())));
    room.wait_ready(two);
    room.join(one);
    assert_eq!(key(&room, one), key(&room, two));
    room.talk(&room.everyone(), 10);
    room.check_survivors(&room.everyone());
    let warned = |who| {
        room.record(who, |record| {
            let others = record.events.iter().filter_map(|event| match event {
                ReceivedEvent::SameKey { member } => Some(member.addr.clone()),
                _ => None,
            });
            others.collect::<Vec<_>>()
        })
    };
    assert_eq!(
        [0, 1, 2].map(warned),
        [vec![room.addr(two)], vec![room.addr(one)], vec![]],
        "each is told once"
    );
}

fn an_identity_that_others_can_read_ends_the_start_with_1(runtimes: Runtimes) {
    let mut room = TestRoom::new(runtimes);
    let alice = room.create();
    room.kill(&[alice]);
    let file = room.dir().join("m0.home/ringchat/id");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let again = room.start(|options| options.home = Some("m0.home".to_owned()));
    assert_eq!(room.exit_code(again), Some(1));
    let wanted = format!(
        "id file {} can be read by others; chmod 600 it, or delete it for a new identity",
        file.display()
    );
    room.until_event(
        again,
        "it says why",
        |event| matches!(event, ReceivedEvent::Error { code, message, fatal: true } if code == "id_file" && *message == wanted),
    );
}

/// Runs `--show-id` under a shell that first runs `before`.
fn show_id(dir: &Path, before: &str, env: &[(&str, &Path)]) -> Output {
    let mut command = Command::new("sh");
    command.args([
        "-c",
        &format!("{before}; exec \"$@\""),
        "sh",
        env!("CARGO_BIN_EXE_ringchat"),
        "--show-id",
    ]);
    command.current_dir(dir).env("XDG_DATA_HOME", NOWHERE).envs(env.iter().copied());
    command.output().unwrap()
}

#[test]
fn the_own_key_is_printed_in_short_and_in_whole_and_stays() {
    let dir = tempfile::tempdir().unwrap();
    let shown = || {
        let output = show_id(dir.path(), ":", &[("XDG_DATA_HOME", dir.path())]);
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).unwrap()
    };
    let first = shown();
    let lines: Vec<&str> = first.lines().collect();
    assert_eq!(lines[0].strip_prefix("your key is ").map(str::len), Some(19), "{first}");
    assert_eq!(lines[1].strip_prefix("in full: ").map(str::len), Some(52), "{first}");
    assert_eq!(shown(), first);
}

#[test]
fn a_disk_that_takes_nothing_leaves_no_half_of_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let output = show_id(dir.path(), "trap '' XFSZ; ulimit -f 0", &[("XDG_DATA_HOME", dir.path())]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("cannot be made") && said.contains("--id-file"), "{said}");
    assert_eq!(fs::read_dir(dir.path().join("ringchat")).unwrap().count(), 0, "nothing is left");
    assert_eq!(show_id(dir.path(), ":", &[("XDG_DATA_HOME", dir.path())]).status.code(), Some(0));
}

#[test]
fn a_home_that_is_no_path_from_the_root_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let output = show_id(dir.path(), "unset XDG_DATA_HOME XDG_STATE_HOME", &[("HOME", Path::new("here"))]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("no home folder is known: HOME, or without it your account, names none"), "{said}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is put into the current folder");
}

#[test]
fn where_no_file_can_be_made_the_key_is_for_this_stay_and_the_program_says_so() {
    let mut room = TestRoom::new(Runtimes::Mixed);
    let keys = [0, 1].map(|who| {
        room.start(|options| options.env = vec![("XDG_DATA_HOME", NOWHERE.to_owned())]);
        room.until_event(who, "it says so", |event| {
            matches!(event, ReceivedEvent::Error { code, message, fatal: false }
                if code == "id_file" && message.contains("for this stay only"))
        });
        key(&room, who)
    });
    assert_ne!(keys[0], keys[1]);
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(show_id(dir.path(), ":", &[]).status.code(), Some(1));
}
