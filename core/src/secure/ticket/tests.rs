use alloc::borrow::ToOwned;
use alloc::format;
use alloc::vec;

use proptest::collection;
use proptest::prelude::*;

use super::*;

fn secret() -> Secret {
    Secret::new(core::array::from_fn(|at| u8::try_from(at).unwrap()))
}

fn addrs(addrs: &[&str]) -> Vec<SocketAddr> {
    addrs.iter().map(|addr| addr.parse().unwrap()).collect()
}

fn ticket() -> Ticket {
    Ticket::new(secret(), [7; 32], &addrs(&["10.0.0.1:5000", "[2001:db8::1]:65535"])).unwrap()
}

/// The contents of [`ticket()`].
fn contents() -> Vec<u8> {
    open(&ticket().reveal()).unwrap().to_vec()
}

/// The addresses of a ticket with the secret 00 01 .. 0f and the issuer 07 07 .. 07, and the ticket. Computed with
/// Python's package `blake3` 1.0.11 and `base64.b32encode`.
const VECTORS: [(&[&str], &str); 3] = [
    (
        &["10.0.0.1:5000"],
        "ringchat:aeaacaqdaqcqmbyibefawdanbyhqobyha4dqobyha4dqobyha4dqobyha4dqoby\
         ha4dqobyha4dqobybaqfaaaabcoeeh2vney",
    ),
    (
        &["10.0.0.1:5000", "[2001:db8::1]:65535"],
        "ringchat:aeaacaqdaqcqmbyibefawdanbyhqobyha4dqobyha4dqobyha4dqobyha4dqoby\
         ha4dqobyha4dqobycaqfaaaabcoeamiabbw4aaaaaaaaaaaaaaaaaaap777deoxzq",
    ),
    (
        &[
            "192.0.2.1:4001",
            "192.0.2.2:4002",
            "192.0.2.3:4003",
            "192.0.2.4:4004",
            "192.0.2.5:4005",
            "192.0.2.6:4006",
            "192.0.2.7:4007",
            "192.0.2.8:4008",
        ],
        "ringchat:aeaacaqdaqcqmbyibefawdanbyhqobyha4dqobyha4dqobyha4dqobyha4dqoby\
         ha4dqobyha4dqobyiataaaaqbb6qqjqaaaiba7iqeyaaaeaypumcmaaacaqh2ibgaaabakd5\
         fataaaaqgb6tajqaaaidq7jyeyaaaecapvbaaoh7f",
    ),
];

#[test]
fn tickets_are_those_of_another_implementation() {
    for (places, text) in VECTORS {
        let ticket = Ticket::new(secret(), [7; 32], &addrs(places)).unwrap();
        assert_eq!(*ticket.reveal(), text);
        assert_eq!(text.parse(), Ok(ticket));
    }
}

#[test]
fn a_ticket_is_read_in_any_case() {
    assert_eq!(ticket().reveal().to_uppercase().parse(), Ok(ticket()));
}

#[test]
fn the_longest_ticket_is_read_and_a_longer_text_is_refused_unread() {
    let most = Ticket::new(secret(), [7; 32], &vec!["[::1]:9".parse().unwrap(); MAX_TICKET_ADDRS]).unwrap();
    let text = most.reveal();
    assert_eq!(text.len(), PREFIX.len() + MAX_LETTERS);
    assert_eq!(text.parse(), Ok(most));
    assert_eq!(format!("{}a", *text).parse::<Ticket>(), Err(TicketError::TooLong));
}

#[test]
fn a_ticket_has_one_to_eight_addresses() {
    let with = |count| Ticket::new(secret(), [7; 32], &vec!["10.0.0.1:1".parse().unwrap(); count]);
    assert_eq!((with(0), with(9)), (Err(TicketError::Addresses), Err(TicketError::Addresses)));
    let mut contents = contents();
    contents.truncate(49);
    contents.push(0);
    assert_eq!(seal(&contents).parse::<Ticket>(), Err(TicketError::Addresses));
    *contents.last_mut().unwrap() = 9;
    contents.extend([4, 10, 0, 0, 1, 0, 1].repeat(9));
    assert_eq!(seal(&contents).parse::<Ticket>(), Err(TicketError::Addresses));
}

#[test]
fn each_way_to_be_no_ticket_has_an_error_of_its_own() {
    let text = ticket().reveal();
    let parse = |text: &str| text.parse::<Ticket>().unwrap_err();
    for other in ["", "ringchat", "ringchäxyz", "http://a", &text[1..], &format!(" {}", *text)] {
        assert_eq!(parse(other), TicketError::NoTicket, "{other:?}");
    }
    assert_eq!(parse(&format!("{}\n", *text)), TicketError::Character { at: text.len() });
    assert_eq!(parse(&text.replacen(":a", ":1", 1)), TicketError::Character { at: PREFIX.len() });
    for cut in [PREFIX.len(), PREFIX.len() + 4, PREFIX.len() + 8, text.len() - 1, text.len() - 8] {
        assert_eq!(parse(&text[..cut]), TicketError::Damaged, "{cut} bytes");
    }
    assert_eq!(parse(&seal(&[])), TicketError::Contents);
    assert_eq!(parse(&seal(&[2, 7, 7])), TicketError::Version { theirs: 2 });
    let mut kind = contents();
    kind[50] = 5;
    for other in [&contents()[..contents().len() - 1], &[contents().as_slice(), &[0]].concat(), &kind] {
        assert_eq!(parse(&seal(other)), TicketError::Contents);
    }
}

#[test]
fn bits_after_the_last_byte_are_zero() {
    let text = Ticket::new(secret(), [7; 32], &addrs(&["10.0.0.1:5000"])).unwrap().reveal();
    let bits = (text.len() - PREFIX.len()) * 5 % 8;
    assert!((1..5).contains(&bits), "the ticket of this test has {bits} bits after its last byte");
    let last = u8::try_from(text.chars().last().unwrap()).unwrap();
    let altered = format!("{}{}", &text[..text.len() - 1], char::from(last + 1));
    assert_eq!(altered.parse::<Ticket>(), Err(TicketError::Damaged));
}

#[test]
fn nothing_shows_the_secret_of_a_ticket() {
    let shown = format!("{:?}", ticket());
    assert_eq!(
        shown,
        "Ticket { secret: Secret(..), issuer: iqeb-pwmc-jdvp-hppd, addrs: [10.0.0.1:5000, [2001:db8::1]:65535] }"
    );
    let text = ticket().reveal();
    for cut in PREFIX.len()..text.len() {
        let error = text[..cut].parse::<Ticket>().unwrap_err();
        for part in text.as_bytes()[PREFIX.len()..].chunks_exact(8) {
            assert!(!format!("{error} {error:?}").contains(str::from_utf8(part).unwrap()));
        }
    }
}

fn any_ticket() -> impl Strategy<Value = Ticket> {
    let addrs = collection::vec(any::<SocketAddr>(), 1..=MAX_TICKET_ADDRS);
    (any::<[u8; 16]>(), any::<[u8; 32]>(), addrs)
        .prop_map(|(secret, issuer, addrs)| Ticket::new(Secret::new(secret), issuer, &addrs).unwrap())
}

proptest! {
    #[test]
    fn every_ticket_comes_back_as_it_went_in(ticket in any_ticket()) {
        prop_assert_eq!(ticket.reveal().parse(), Ok(ticket));
    }

    #[test]
    fn one_changed_letter_is_noticed(ticket in any_ticket(), at: prop::sample::Index, letter in "[a-z2-7]") {
        let text = ticket.reveal();
        let at = PREFIX.len() + at.index(text.len() - PREFIX.len());
        let mut altered = text.as_str().to_owned();
        altered.replace_range(at..=at, &letter);
        let same = altered == *text;
        prop_assert_eq!(altered.parse(), if same { Ok(ticket) } else { Err(TicketError::Damaged) });
    }
}
