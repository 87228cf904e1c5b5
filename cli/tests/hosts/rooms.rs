//! Rooms that are announced on the network: found, listed, taken back; and what strangers announce.

use std::env;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, UdpSocket};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::network::{ADDRESSES, HostNetwork};
use super::support::{MemberIndex, ReceivedEvent, Runtimes, TestRoom};

/// The variable with the address from which a stranger announces.
const STRANGER: &str = "RINGCHAT_TEST_STRANGER";

/// What the stranger prints once it holds the port of announcements.
const BOUND: &str = "the stranger is there";

#[test]
fn a_room_is_found_by_its_name_and_goes_on_to_be_found_after_its_creator_has_gone() {
    let Some(network) = network(3) else { return };
    network.add_other_network(0);
    let mut room = TestRoom::new(Runtimes::Threads);
    let alice = enter(&mut room, &network, 0, &["-l", "--room", "staff"]);
    wait_announced(&room, alice);
    assert!(room.addr(alice).starts_with(ADDRESSES[0]), "no other network: {}", room.addr(alice));
    for name in ["staff", "Staff"] {
        let (exit, told) = ringchat(&network, 2, &["-l", "--room", name, "-n", "x", "--no-log"]);
        assert_eq!(exit, 2, "{told}");
        let exists =
            format!("a room \"staff\" is at {}; join it with ringchat --room staff", room.addr(alice));
        assert!(told.contains(&exists), "{told}");
    }
    let (exit, told) = ringchat(&network, 2, &["--room", "lab", "-n", "x", "--join-timeout", "1.6"]);
    assert_eq!(exit, 3, "{told}");
    assert!(told.contains("no room \"lab\" on this network (rooms there: staff)"), "{told}");

    let bob = enter(&mut room, &network, 1, &["--room", "STAFF"]);
    wait_announced(&room, bob);
    let (exit, told) = ringchat(&network, 2, &["rooms", "--for", "1.5"]);
    let mut both = [room.addr(alice), room.addr(bob)];
    both.sort();
    assert_eq!((exit, told), (0, format!("staff   {}\n", both.join("  "))));
    room.process(alice).end_input();
    room.until_event(bob, "Alice leaves", |event| matches!(event, ReceivedEvent::Left { .. }));
    let (exit, told) = ringchat(&network, 2, &["rooms", "--for", "1.5", "--json"]);
    assert_eq!(exit, 0);
    assert!(told.contains(&format!("\"addrs\":[\"{}\"]", room.addr(bob))), "taken back: {told}");
    room.process(bob).end_input();
    room.exit_code(bob);
    assert_eq!(ringchat(&network, 2, &["rooms", "--for", "1.5"]).0, 3);
}

#[test]
fn two_that_create_a_room_of_one_name_at_the_same_moment_are_told_once() {
    let Some(network) = network(2) else { return };
    let mut rooms = [TestRoom::new(Runtimes::Threads), TestRoom::new(Runtimes::AsyncStd)];
    let both = [0, 1].map(|host| start(&mut rooms[host], &network, host, &["-l", "--room", "lab"]));
    rooms.iter_mut().zip(both).for_each(|(room, who)| room.wait_ready(who));
    for (one, other) in [(0, 1), (1, 0)] {
        let addr = rooms[other].addr(both[other]);
        let is_told = |event: &ReceivedEvent| match event {
            ReceivedEvent::Error { code, message, fatal: false } => {
                code == "room_ambiguous" && message.ends_with(&format!("ringchat --room lab {addr}"))
            }
            _ => false,
        };
        rooms[one].until_event(both[one], "that there is another room", is_told);
    }
    // A member looks once a second, and has looked again by now.
    let (exit, told) = ringchat(&network, 0, &["rooms"]);
    assert_eq!((exit, told.lines().count()), (0, 2), "{told}");
    for (room, who) in rooms.iter().zip(both) {
        let is_told = |event: &&ReceivedEvent| matches!(event, ReceivedEvent::Error { .. });
        assert_eq!(room.record(who, |record| record.events.iter().filter(is_told).count()), 1);
    }
}

#[test]
fn where_the_only_network_is_one_of_containers_no_room_is_announced_there() {
    let Some(network) = network(1) else { return };
    network.add_other_network(0);
    network.take_address(0);
    for args in [&["-l", "--room", "staff", "-n", "x", "--no-log"][..], &["rooms"]] {
        let (exit, told) = ringchat(&network, 0, args);
        assert_eq!(exit, 5, "{told}");
        assert!(told.contains("no network but those of its containers"), "{told}");
        assert!(told.contains("-a: 172.17.0.1"), "{told}");
    }
}

#[test]
fn a_private_room_is_found_by_whoever_has_its_secret_and_its_name_is_not_announced() {
    let Some(network) = network(3) else { return };
    let mut room = TestRoom::new(Runtimes::AsyncStd);
    let secret = room.dir().join("secret").display().to_string();
    let alice = enter(&mut room, &network, 0, &["-l", "--room", "staff", "--secret-file", &secret]);
    wait_announced(&room, alice);
    let (exit, told) = ringchat(&network, 2, &["rooms", "--for", "1.5"]);
    assert!(exit == 0 && told.starts_with("(private ") && !told.contains("staff"), "{told}");
    let (exit, told) = ringchat(&network, 2, &["--room", "staff", "-n", "x", "--join-timeout", "1.6"]);
    assert_eq!(exit, 3, "{told}");
    let bob = enter(&mut room, &network, 1, &["--room", "anything", "--secret-file", &secret]);
    room.settle(&[alice, bob]);
    assert_eq!(room.leader(&[alice, bob]), alice);
}

#[test]
fn what_strangers_announce_is_shown_as_text_or_not_at_all() {
    let Some(network) = network(2) else { return };
    let mut stranger = strange_announcements(&network, 0);
    let (exit, told) = ringchat(&network, 1, &["rooms", "--for", "2"]);
    assert_eq!((exit, told), (0, format!("staff   {0}:7001\nstaff   {0}:7002\n", ADDRESSES[0])));
    let (exit, told) = ringchat(&network, 1, &["--room", "staff", "-n", "x", "--no-log"]);
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    assert_eq!(exit, 2, "{told}");
    assert!(told.contains(&format!("{0}:7001, {0}:7002", ADDRESSES[0])), "{told}");
}

#[test]
fn where_nothing_can_be_announced_the_room_goes_on_without() {
    let Some(network) = network(1) else { return };
    let mut stranger = strange_announcements(&network, 0);
    let mut room = TestRoom::new(Runtimes::Threads);
    let alice = enter(&mut room, &network, 0, &["-l", "--room", "staff"]);
    room.until_event(
        alice,
        "that it is not announced",
        |event| matches!(event, ReceivedEvent::Error { code, fatal: false, .. } if code == "announce"),
    );
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    room.talk(&[alice], 1);
    room.check_delivered(&[alice], &[alice]);
}

/// `None` if this machine cannot have a network of so many hosts.
fn network(hosts: usize) -> Option<HostNetwork> {
    match HostNetwork::new(hosts) {
        Ok(network) => {
            (0..hosts).for_each(|host| network.route_all(host));
            Some(network)
        }
        Err(why) => {
            println!("SKIPPED: this test needs root and network namespaces ({why})");
            None
        }
    }
}

/// Starts a member on a host, with these arguments and no address, and waits until it is in the room.
fn enter(room: &mut TestRoom, network: &HostNetwork, host: usize, args: &[&str]) -> MemberIndex {
    let who = start(room, network, host, args);
    room.wait_ready(who);
    who
}

fn start(room: &mut TestRoom, network: &HostNetwork, host: usize, args: &[&str]) -> MemberIndex {
    room.start(|options| {
        options.address = "";
        options.namespace = Some(network.host(host));
        options.extra = args.iter().map(|&arg| arg.to_owned()).collect();
    })
}

fn wait_announced(room: &TestRoom, who: MemberIndex) {
    room.until_event(who, "the announcement", |event| matches!(event, ReceivedEvent::Announced {}));
}

/// The exit code of the program on a host, and what it told.
fn ringchat(network: &HostNetwork, host: usize, args: &[&str]) -> (i32, String) {
    let home = tempfile::tempdir().unwrap();
    let mut command = on_host(network, host, env!("CARGO_BIN_EXE_ringchat"));
    command.args(args).env("XDG_DATA_HOME", home.path()).env("XDG_STATE_HOME", home.path());
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code().unwrap(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

fn on_host(network: &HostNetwork, host: usize, program: &str) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", &network.host(host), program]);
    command
}

/// A stranger on a host, who announces without end, and from now on lets no other program of that host announce.
fn strange_announcements(network: &HostNetwork, host: usize) -> Child {
    let this = env::current_exe().unwrap();
    let mut command = on_host(network, host, this.to_str().unwrap());
    command.args(["--ignored", "--exact", "--nocapture", "rooms::announce_strange_rooms"]);
    let mut stranger = command.env(STRANGER, ADDRESSES[host]).stdout(Stdio::piped()).spawn().unwrap();
    let told = BufReader::new(stranger.stdout.take().unwrap()).lines();
    assert!(told.map_while(Result::ok).any(|line| line.ends_with(BOUND)), "the stranger has ended");
    stranger
}

/// What [`strange_announcements`] runs on a host.
#[test]
#[ignore = "run by another test"]
fn announce_strange_rooms() {
    let Ok(ip) = env::var(STRANGER) else { return };
    let ip: Ipv4Addr = ip.parse().unwrap();
    let socket = UdpSocket::bind((ip, 5353)).unwrap();
    println!("{BOUND}");
    let texts: [&[&[u8]]; 10] = [
        &[b"v=1", b"id=3f9c21ab", b"room=staff"],
        &[b"v=1", b"id=3f9c21ac", b"room=staff"],
        // This one is called as if it were of another room.
        &[b"v=1", b"id=3f9c21ff", b"room=staff"],
        &[b"v=1", b"id=3f9c21ad", b"room=\x1b[2J\x1b]0;x\x07"],
        &[b"v=1", b"id=3f9c21ae", "room=staff\u{202e}".as_bytes()],
        &[b"v=1", b"id=3f9c21af", b"room=\xff\xfe"],
        &[b"v=1", b"id=../../etc", b"room=lab"],
        &[b"v=2", b"id=3f9c21ba", b"room=lab"],
        &[b"v=1", b"id=3f9c21bb"],
        &[&[b'x'; 255]],
    ];
    let end = Instant::now() + Duration::from_mins(1);
    while Instant::now() < end {
        for (port, text) in (7001..).zip(texts) {
            let id = text.iter().find_map(|text| text.strip_prefix(b"id=")).unwrap_or_default();
            let id = String::from_utf8_lossy(id).replace("ff", "ee");
            let message = announcement(&format!("{id} x{port}"), ip, port, text);
            socket.send_to(&message, "224.0.0.251:5353").unwrap();
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// A message of multicast DNS that announces a room.
fn announcement(instance: &str, ip: Ipv4Addr, port: u16, texts: &[&[u8]]) -> Vec<u8> {
    let service = name(&["_ringchat", "_tcp", "local"]);
    let (full, host) = ([labeled(instance.as_bytes()), service.clone()].concat(), name(&[instance, "local"]));
    let text: Vec<u8> = texts.iter().flat_map(|text| labeled(text)).collect();
    let target = [&[0, 0, 0, 0], port.to_be_bytes().as_slice(), &host].concat();
    let header = [0, 0, 0x84, 0, 0, 0, 0, 4, 0, 0, 0, 0].to_vec();
    let records = [
        record(&service, 12, 1, &full),
        record(&full, 33, 0x8001, &target),
        record(&full, 16, 0x8001, &text),
        record(&host, 1, 0x8001, &ip.octets()),
    ];
    [header, records.concat()].concat()
}

fn record(name: &[u8], kind: u16, class: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap();
    let fields = [kind.to_be_bytes(), class.to_be_bytes(), [0, 0], [0, 120], length.to_be_bytes()];
    [name, fields.as_flattened(), data].concat()
}

fn name(labels: &[&str]) -> Vec<u8> {
    let labels = labels.iter().flat_map(|label| labeled(label.as_bytes()));
    labels.chain([0]).collect()
}

fn labeled(text: &[u8]) -> Vec<u8> {
    [&[u8::try_from(text.len()).unwrap()], text].concat()
}
