//! Private rooms: secrets, tickets, and where neither may be seen.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ringchat_core::secure::{Secret, Ticket};
use rustix::process::Signal;

use crate::support::{LaunchOptions, MemberIndex, ReceivedEvent, Runtimes, TestRoom, on_every_runtime};

on_every_runtime! {
    a_ticket_is_all_that_a_newcomer_needs
    a_secret_file_makes_the_same_room_again
    a_secret_file_lets_in_through_a_contact
    secrets_are_in_no_argument_variable_log_or_output
    an_open_room_has_no_ticket
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

/// Starts a member that creates a room with these options, and waits until it leads.
fn create(room: &mut TestRoom, options: &[&str]) -> MemberIndex {
    let who = room.start(|launch| launch.extra = words(options));
    room.wait_ready(who);
    who
}

/// The ticket that `who` shows.
fn ticket(room: &mut TestRoom, who: MemberIndex) -> String {
    let from = room.record(who, |record| record.events.len());
    room.command(who, "ticket");
    room.wait_for(who, from, |event| match event {
        ReceivedEvent::Ticket { ticket } => Some(ticket.clone()),
        _ => None,
    })
}

/// A file with this ticket, for its owner only.
fn ticket_file(room: &TestRoom, ticket: &str) -> PathBuf {
    let path = room.dir().join("ticket");
    fs::write(&path, ticket).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

fn with_ticket(options: &mut LaunchOptions, file: &Path) {
    options.extra = vec!["--ticket-file".to_owned(), file.display().to_string()];
}

fn a_ticket_is_all_that_a_newcomer_needs(runtimes: Runtimes) {
    let mut room = TestRoom::new(runtimes);
    create(&mut room, &["--private"]);
    for _ in 0..2 {
        let from = room.everyone().len() - 1;
        let shown = ticket(&mut room, from);
        let file = ticket_file(&room, &shown);
        let newcomer = room.start(|options| with_ticket(options, &file));
        room.wait_ready(newcomer);
    }
    room.settle(&room.everyone());
    room.talk(&room.everyone(), 10);
    room.check_survivors(&room.everyone());
    for who in room.everyone() {
        let privacy = room.wait_for(who, 0, |event| match event {
            ReceivedEvent::Ready { privacy, .. } => Some(privacy.clone()),
            _ => None,
        });
        assert_eq!(privacy, "private");
        assert!(!room.stderr(who).contains("open room"));
    }
    let shown: Ticket = ticket(&mut room, 2).parse().unwrap();
    assert_eq!(shown.addrs().len(), 3, "all members can be joined through");
}

fn a_secret_file_makes_the_same_room_again(runtimes: Runtimes) {
    let mut room = TestRoom::new(runtimes);
    let secret = room.dir().join("secret").display().to_string();
    let first = create(&mut room, &["--private", "--secret-file", &secret]);
    assert_eq!(fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
    let old = ticket(&mut room, first);
    let port = room.addr(first).parse::<std::net::SocketAddr>().unwrap().port();
    room.kill(&[first]);
    let again =
        room.start(|options| (options.port, options.extra) = (port, words(&["--secret-file", &secret])));
    room.wait_ready(again);
    let file = ticket_file(&room, &old);
    let newcomer = room.start(|options| with_ticket(options, &file));
    room.wait_ready(newcomer);
    let tickets = [old, ticket(&mut room, again), ticket(&mut room, newcomer)];
    let secrets = tickets.map(|ticket| ticket.parse::<Ticket>().unwrap().secret().clone());
    assert!(secrets[0] == secrets[1] && secrets[0] == secrets[2], "the room has one secret");
}

fn a_secret_file_lets_in_through_a_contact(runtimes: Runtimes) {
    let mut room = TestRoom::new(runtimes);
    let secret = room.dir().join("secret").display().to_string();
    let missing = room.start(|options| {
        options.contacts = vec!["127.0.0.1:1".to_owned()];
        options.extra = words(&["--secret-file", &secret]);
    });
    assert_eq!(room.exit_code(missing), Some(1), "a newcomer makes no secret");
    let leader = create(&mut room, &["--secret-file", &secret]);
    let contact = room.addr(leader);
    let newcomer = room.start(|options| {
        (options.contacts, options.extra) = (vec![contact], words(&["--secret-file", &secret]));
    });
    room.wait_ready(newcomer);
    room.settle(&[leader, newcomer]);
}

/// How the secret of a ticket, and the private key in an identity file, may be written.
fn forms(ticket: &str, id_file: &Path) -> Vec<String> {
    let secret = ticket.parse::<Ticket>().unwrap().secret().clone();
    let hex = format!("{:032x}", u128::from_be_bytes(*secret.bytes()));
    let contents = fs::read_to_string(id_file).unwrap();
    let seed = contents.lines().find_map(|line| line.strip_prefix("seed ")).unwrap().to_owned();
    // The letters after the version, which are those of the secret.
    let letters = ticket["ringchat:aa".len()..][..24].to_owned();
    vec![letters.to_uppercase(), letters, hex, format!("{:?}", secret.bytes()), seed]
}

fn secrets_are_in_no_argument_variable_log_or_output(runtimes: Runtimes) {
    let mut room = TestRoom::new(runtimes);
    let leader = room.start(|options| {
        options.extra = words(&["--private", "-v", "--trace", "m0.ndjson", "--trace-text"]);
        options.env = vec![("RUST_LOG", "trace".to_owned())];
    });
    room.wait_ready(leader);
    let shown = ticket(&mut room, leader);
    let file = ticket_file(&room, &shown);
    let newcomer = room.start(|options| {
        with_ticket(options, &file);
        options.extra.extend(words(&["-v", "--trace", "m1.ndjson", "--trace-text"]));
        options.env = vec![("RUST_LOG", "trace".to_owned())];
    });
    room.wait_ready(newcomer);
    room.settle(&[leader, newcomer]);
    room.talk(&[leader, newcomer], 5);
    room.check_survivors(&[leader, newcomer]);
    for who in [leader, newcomer] {
        let of_system = ["cmdline", "comm"].map(|name| room.process(who).proc_file(name)).concat();
        let variables = room.process(who).variables();
        assert!(variables.as_ref().is_none_or(|read| read.contains("RUST_LOG=trace")), "all are there");
        let all = of_system + &variables.unwrap_or_default() + &what_is_left(&mut room, who);
        let id_file = room.dir().join(format!("m{who}.home/ringchat/id"));
        for form in forms(&shown, &id_file) {
            assert!(!all.contains(&form), "{form} of m{who} came out");
        }
    }
}

/// All that `who` wrote until it left, but for its identity and the answer to `ticket`.
fn what_is_left(room: &mut TestRoom, who: MemberIndex) -> String {
    room.process(who).end_input();
    assert_eq!(room.exit_code(who), Some(0));
    let port = room.addr(who).rsplit_once(':').unwrap().1.to_owned();
    let log = fs::read_to_string(room.dir().join(format!("chat_{port}.log"))).unwrap();
    assert!(log.contains("in the ring as"), "{log}");
    let is_answer = |line: &&String| line.starts_with(r#"{"event":"ticket""#);
    let output: String =
        room.record(who, |record| record.lines().iter().filter(|line| !is_answer(line)).cloned().collect());
    let known = fs::read_to_string(room.dir().join(format!("m{who}.home/ringchat/known"))).unwrap();
    let trace = fs::read_to_string(room.dir().join(format!("m{who}.ndjson"))).unwrap();
    assert!(trace.contains("says"), "{trace}");
    [log, output, room.stderr(who), known, trace].concat()
}

#[test]
fn no_core_is_dumped() {
    let mut room = TestRoom::of(1, Runtimes::Threads);
    let limits = room.process(0).proc_file("limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let numbers: Vec<&str> = core.split_whitespace().skip(4).take(2).collect();
    assert_eq!(numbers, ["0", "0"]);
}

fn an_open_room_has_no_ticket(runtimes: Runtimes) {
    let mut room = TestRoom::new(runtimes);
    let leader = room.create();
    room.command(leader, "ticket");
    room.until_event(
        leader,
        "it says so",
        |event| matches!(event, ReceivedEvent::Error { code, fatal: false, .. } if code == "no_ticket"),
    );
    assert!(room.stderr(leader).contains("open room: encrypted, but whoever reaches"));
    let meant = create(&mut room, &["--open"]);
    assert!(room.stderr(meant).ends_with("can come in ///\n"), "{}", room.stderr(meant));
}

#[test]
fn what_contradicts_itself_or_gives_a_secret_away_ends_with_2() {
    let text = format!("ringchat:aeaacaqd{}", "aqcqmbyibefawdan".repeat(6));
    let secret = "aqcqmbyibefawdanaqcqmbyiba";
    let mut room = TestRoom::new(Runtimes::Threads);
    let as_argument = "a ticket on the command line can be read by others on this machine";
    let cases: [(&[&str], &str); 10] = [
        (&["--private", "--open"], "leave one of them out"),
        (&["--ticket-file", "f", "-l"], "--ticket-file joins a room"),
        (&["--ticket"], "use --ticket-file FILE"),
        (&["--ticket-file", "/nowhere"], "cannot be read"),
        (&["--ticket", &text], as_argument),
        (&["-n", &text], as_argument),
        (&[&format!("--ticket={text}")], as_argument),
        (&["--ticket-file", &text], as_argument),
        (&["--secret-file", secret], "options take the name of its file"),
        (&[&format!("--secret-file={secret}"), "--show-id"], "options take the name of its file"),
    ];
    for (options, wanted) in cases {
        let who = room.start(|launch| launch.extra = words(options));
        assert_eq!(room.exit_code(who), Some(2), "{options:?}");
        let said = room.stderr(who);
        assert!(said.contains(wanted), "{options:?}: {said}");
        assert!(!said.contains(&text[10..30]) && !said.contains(secret), "{options:?}: {said}");
    }
}

#[test]
fn a_variable_with_a_ticket_or_a_secret_is_refused() {
    let mut room = TestRoom::new(Runtimes::Threads);
    let ticket = format!("ringchat:{}", "aeaacaqd".repeat(12));
    let secret = "aeaacaqdaeaacaqdaeaacaqdaq".to_owned();
    let cases: [(&'static str, &String, &[&str]); 6] = [
        ("RINGCHAT_TICKET", &ticket, &[]),
        ("RINGCHAT_TICKET_FILE", &ticket, &[]),
        ("RINGCHAT_ID_FILE", &ticket, &[]),
        ("RINGCHAT_ID_FILE", &ticket, &["--show-id"]),
        ("RINGCHAT_PORT", &ticket, &[]),
        ("RINGCHAT_SECRET_FILE", &secret, &[]),
    ];
    for (name, value, extra) in cases {
        let who = room.start(|launch| {
            launch.env = vec![(name, value.clone())];
            launch.extra = words(extra);
        });
        assert_eq!(room.exit_code(who), Some(2), "{name}");
        let said = room.stderr(who);
        assert!(said.contains(&format!("{name} holds a secret")) && !said.contains("aeaacaqd"), "{said}");
    }
}

#[test]
fn a_command_with_a_secret_in_it_is_not_repeated() {
    let mut room = TestRoom::new(Runtimes::Threads);
    let leader = create(&mut room, &["--private"]);
    let ticket = ticket(&mut room, leader);
    for (count, secret) in ["aeaacaqdaeaacaqdaeaacaqdaq", &ticket].into_iter().enumerate() {
        room.command(leader, secret);
        room.until(&format!("m0 complains {count}"), |records| {
            let complaints = |event: &&ReceivedEvent| {
                matches!(event, ReceivedEvent::Error { code, message, .. }
                if code == "bad_command" && !message.contains(secret))
            };
            records[leader].events.iter().filter(complaints).count() > count
        });
    }
}

#[test]
fn a_join_that_is_not_answered_says_that_the_room_may_be_private() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let contact = silent.local_addr().unwrap().to_string();
    let mut room = TestRoom::new(Runtimes::Threads);
    let who = room.start(|options| {
        options.contacts = vec![contact.clone()];
        options.extra = words(&["--join-timeout", "3"]);
    });
    assert_eq!(room.exit_code(who), Some(3));
    let wanted = format!(
        "could not join the room ({contact}: connects, but does not answer); it may be private: ask a member for its \
         ticket. Or it speaks another version"
    );
    room.until_event(
        who,
        "it says why",
        |event| matches!(event, ReceivedEvent::Error { message, fatal: true, .. } if *message == wanted),
    );
}

/// The links keep strangers out, so this holds once they are encrypted.
#[test]
fn nobody_comes_in_without_the_secret_of_the_room_and_no_ticket_opens_another_room() {
    let mut room = TestRoom::new(Runtimes::Mixed);
    let private = create(&mut room, &["--private"]);
    let open = room.create();
    let addrs = [private, open].map(|who| room.addr(who));
    let other_secret = Secret::new([5; Secret::BYTES]);
    for (addr, has_ticket) in [(&addrs[0], false), (&addrs[0], true), (&addrs[1], true)] {
        let ticket = Ticket::new(other_secret.clone(), [7; 32], &[addr.parse().unwrap()]).unwrap();
        let file = ticket_file(&room, &ticket.reveal());
        let stranger = room.start(|options| {
            if has_ticket {
                with_ticket(options, &file);
            } else {
                options.contacts = vec![addr.clone()];
            }
            options.extra.extend(words(&["--join-timeout", "2"]));
        });
        assert_eq!(room.exit_code(stranger), Some(3), "{addr}, with a ticket: {has_ticket}");
        let hint = if has_ticket { "the ticket may be old" } else { "it may be private: ask" };
        room.until_event(
            stranger,
            "it is told what may be wrong",
            |event| matches!(event, ReceivedEvent::Error { message, fatal: true, .. } if message.contains(hint)),
        );
    }
    for who in [private, open] {
        assert!(
            !room.record(who, |record| record.any(|event| matches!(event, ReceivedEvent::Joined { .. })))
        );
    }
}

/// A ticket that was copied with a slip is refused before anything is sent.
#[test]
fn a_damaged_ticket_is_refused_and_not_shown() {
    let mut room = TestRoom::new(Runtimes::Threads);
    let leader = create(&mut room, &["--private"]);
    let shown = ticket(&mut room, leader);
    let last = if shown.ends_with('a') { 'b' } else { 'a' };
    let damaged = format!("{}{last}", &shown[..shown.len() - 1]);
    let file = ticket_file(&room, &damaged);
    let who = room.start(|options| with_ticket(options, &file));
    assert_eq!(room.exit_code(who), Some(2));
    assert!(!room.stderr(who).contains(&shown[12..24]), "{}", room.stderr(who));
    room.signal(&[leader], Signal::KILL);
}
