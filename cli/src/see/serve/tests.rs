//! Raw requests over real sockets: what is granted, and what is refused and counted.

use std::io::{Read as _, Write as _};
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use super::*;

const POLICY: &str = "default-src 'none'";

/// A server that repeats what it is asked.
fn server() -> Server {
    Server::start(0, page(), |question| format!("[{question}]")).unwrap()
}

fn page() -> Served {
    Served { html: "<p>the page</p>".to_owned(), policy: POLICY.to_owned() }
}

fn key(server: &Server) -> String {
    server.url().split_once("#k=").unwrap().1.to_owned()
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.addr).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

/// What comes back until the server closes.
fn rest(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

fn exchange(server: &Server, request: &str) -> String {
    let mut stream = connect(server);
    stream.write_all(request.as_bytes()).unwrap();
    rest(stream)
}

/// A request that is granted, with `{port}` and `{key}` in it.
const ASK: &str = concat!(
    "POST /ask HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\nSec-Fetch-Site: same-origin\r\n",
    "X-Ringchat-Key: {key}\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}"
);

const GET: &str = "GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n";

fn filled(server: &Server, request: &str) -> String {
    request.replace("{port}", &server.port().to_string()).replace("{key}", &key(server))
}

fn status(answer: &str) -> &str {
    answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).unwrap_or(answer)
}

#[test]
fn the_page_comes_with_headers_that_forbid_what_it_does_not_need() {
    let server = server();
    for host in ["127.0.0.1", "localhost"] {
        let answer = exchange(&server, &filled(&server, &GET.replace("127.0.0.1", host)));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert_eq!((status(head), body), ("200", "<p>the page</p>"));
        for line in [
            "Content-Type: text/html; charset=utf-8",
            "Content-Length: 15",
            "Content-Security-Policy: default-src 'none'",
            "X-Content-Type-Options: nosniff",
            "Referrer-Policy: no-referrer",
            "Cache-Control: no-store",
            "Cross-Origin-Opener-Policy: same-origin",
            "Cross-Origin-Resource-Policy: same-origin",
            "Connection: close",
        ] {
            assert!(head.lines().any(|found| found == line), "{line}: {head}");
        }
        assert!(!answer.contains(&key(&server)) && !head.contains("Access-Control"), "{head}");
    }
    assert_eq!(server.refused(), 0);
}

#[test]
fn a_question_of_the_page_is_answered() {
    let server = server();
    for ask in [
        ASK.to_owned(),
        ASK.replace("Sec-Fetch-Site: same-origin\r\n", ""),
        ASK.replace("Origin: http://127.0.0.1:{port}\r\n", ""),
        ASK.replace("127.0.0.1", "localhost"),
        ASK.replace("application/json", "Application/JSON; charset=utf-8"),
    ] {
        let answer = exchange(&server, &filled(&server, &ask));
        assert_eq!(status(&answer), "200", "{answer}");
        assert!(answer.ends_with("\r\n\r\n[{\"a\":1}]"), "{answer}");
    }
    assert_eq!(server.refused(), 0);
}

#[test]
fn the_body_may_come_later_and_in_pieces() {
    let server = server();
    let request = filled(&server, ASK);
    let mut stream = connect(&server);
    for piece in request.as_bytes().chunks(50) {
        stream.write_all(piece).unwrap();
        stream.flush().unwrap();
    }
    assert!(rest(stream).ends_with("[{\"a\":1}]"));
}

#[test]
fn each_wrong_thing_is_refused_and_counted() {
    let long = "x".repeat(head::MAX_HEAD);
    let many = "A: b\r\n".repeat(100);
    let with = |from: &str, to: &str| {
        assert!(ASK.contains(from), "{from}");
        ASK.replace(from, to)
    };
    let length = |to: &str| with("Content-Length: 7", to);
    let origin = "Origin: http://127.0.0.1:{port}";
    let cases = [
        ("403", with("Host: 127.0.0.1:{port}", "Host: evil.example:{port}")),
        ("403", with("Host: 127.0.0.1:{port}", "Host: 127.0.0.1")),
        ("403", with("Host: 127.0.0.1:{port}", "Host: 127.0.0.1:1")),
        ("403", with("Host: 127.0.0.1:{port}\r\n", "")),
        ("400", with("Host: 127.0.0.1:{port}", "Host: 127.0.0.1:{port}\r\nHost: evil.example")),
        ("403", GET.replace("127.0.0.1", "evil.example")),
        ("403", with(origin, "Origin: http://evil.example")),
        ("403", with(origin, "Origin: https://127.0.0.1:{port}")),
        ("403", with(origin, "Origin: http://localhost:{port}")),
        ("403", with(origin, "Origin: null")),
        ("403", with("same-origin", "cross-site")),
        ("403", with("same-origin", "same-site")),
        ("403", with("{key}", "0123456789abcdef0123456789abcdef")),
        ("403", with("X-Ringchat-Key: {key}\r\n", "")),
        ("400", with("{key}", "{key}\r\nX-Ringchat-Key: {key}")),
        ("404", with("/ask", "/other")),
        ("404", with("/ask", "/ask?")),
        ("404", GET.replace("GET / ", "GET /favicon.ico ")),
        ("405", with("POST", "GET")),
        ("405", with("POST", "OPTIONS")),
        ("405", GET.replace("GET", "HEAD")),
        ("405", GET.replace("GET", "POST")),
        ("411", length("X: y")),
        ("400", length("Content-Length: -7")),
        ("400", length("Content-Length: 7\r\nContent-Length: 8")),
        ("400", length("Transfer-Encoding: chunked")),
        ("400", length("Content-Length: 7\r\nTransfer-Encoding: chunked")),
        ("413", length("Content-Length: 65537")),
        ("413", length("Content-Length: 99999999999999999999999")),
        ("415", with("application/json", "text/plain")),
        ("415", with("Content-Type: application/json\r\n", "")),
        ("431", GET.replace("\r\n\r\n", &format!("\r\nX: {long}\r\n\r\n"))),
        ("431", GET.replace("\r\n\r\n", &format!("\r\n{many}\r\n"))),
        ("400", "\u{0}\u{1}\u{2}".to_owned()),
        ("400", "GET /\r\n\r\n".to_owned()),
    ];
    let server = server();
    for (n, (expected, request)) in (1..).zip(&cases) {
        let answer = exchange(&server, &filled(&server, request));
        assert_eq!(status(&answer), *expected, "{request:.200}");
        assert_eq!(server.refused(), n, "{request:.200}");
        assert!(answer.contains("frame") || answer.contains(POLICY), "{answer}");
    }
    let answer = exchange(&server, &filled(&server, &GET.replace("GET", "PUT")));
    assert!(answer.contains("\r\nAllow: GET\r\n"), "{answer}");
}

#[test]
fn a_body_that_is_no_text_and_a_request_that_breaks_off_are_refused() {
    let server = server();
    let mut request = filled(&server, ASK).into_bytes();
    *request.last_mut().unwrap() = 0xff;
    let mut stream = connect(&server);
    stream.write_all(&request).unwrap();
    assert_eq!(status(&rest(stream)), "400");
    for cut in [10, request.len() - 3] {
        let mut stream = connect(&server);
        stream.write_all(&request[..cut]).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(status(&rest(stream)), "400", "{cut}");
    }
    assert_eq!(server.refused(), 3);
}

#[test]
fn a_request_that_drips_in_is_cut_off_though_each_byte_comes_soon() {
    let server = server();
    let clock = Clock::start();
    let mut stream = connect(&server);
    let mut dripping = stream.try_clone().unwrap();
    let drip = thread::spawn(move || {
        for byte in GET.bytes().cycle().filter(u8::is_ascii_alphabetic) {
            if dripping.write_all(&[byte]).is_err() {
                return;
            }
            thread::park_timeout(Duration::from_millis(50));
        }
    });
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
    let took = Duration::from_micros(clock.now().0);
    assert!((Duration::from_secs(4)..Duration::from_secs(9)).contains(&took), "{took:?}");
    assert_eq!(server.refused(), 1);
    drop(stream);
    drip.join().unwrap();
}

#[test]
fn more_connections_than_a_browser_opens_are_refused_until_one_ends() {
    let server = server();
    let mut waiting: Vec<TcpStream> = (0..MAX_CONNECTIONS).map(|_| connect(&server)).collect();
    assert_eq!(status(&rest(connect(&server))), "503");
    assert_eq!(server.refused(), 1);
    drop(waiting.pop());
    let clock = Clock::start();
    loop {
        let mut stream = connect(&server);
        let sent = stream.write_all(filled(&server, GET).as_bytes());
        let mut answer = Vec::new();
        // One that is refused may be closed before it is read.
        if sent.is_ok() && stream.read_to_end(&mut answer).is_ok() && answer.starts_with(b"HTTP/1.1 200") {
            break;
        }
        assert!(clock.now().0 < 30_000_000, "no place is free");
    }
}

#[test]
fn questions_are_answered_one_after_the_other() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (inside, seen) = (Arc::clone(&now), Arc::clone(&most));
    let server = Server::start(0, page(), move |_| {
        seen.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        thread::park_timeout(Duration::from_millis(5));
        inside.fetch_sub(1, Ordering::SeqCst);
        "{}".to_owned()
    })
    .unwrap();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(status(&exchange(&server, &filled(&server, ASK))), "200"));
        }
    });
    assert_eq!(most.load(Ordering::SeqCst), 1);
}

#[test]
fn a_server_that_is_dropped_frees_its_port() {
    let server = server();
    let port = server.port();
    assert!(matches!(Server::start(port, page(), |_| String::new()), Err(ServeError::Port { .. })));
    drop(server);
    let clock = Clock::start();
    while let Err(error) = Server::start(port, page(), |_| String::new()) {
        assert!(clock.now().0 < 30_000_000, "{error}");
        thread::park_timeout(Duration::from_millis(5));
    }
}
