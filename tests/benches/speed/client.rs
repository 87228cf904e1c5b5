//! A client of a server: the bare hub or one of the peers.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::agent::{Ear, Voice, answer};
use crate::clock;
use crate::control::{Answer, Start};
use crate::dialect::{self, Came, Dialect};

/// Bytes that are gathered before they are written.
const GATHERED: usize = 64 * 1024;
/// Bytes read at once.
const READ: usize = 64 * 1024;
/// How long a server may take to say that it is there still.
const PATIENCE: Duration = Duration::from_secs(30);

/// The writing side of a connection, for the speaker and for the answers of the reader.
type Writer = Arc<Mutex<TcpStream>>;

struct Speaker {
    dialect: Box<dyn Dialect>,
    writer: Writer,
    gathered: Vec<u8>,
    /// Texts since the server was asked whether it keeps up.
    unasked: usize,
    synced: Receiver<()>,
}

/// Connects. What comes is heard on a thread of its own.
pub(super) fn open(start: &Start, ear: &Arc<Ear>) -> Result<Box<dyn Voice>> {
    let contact = start.contact.context("a client needs the address of a server")?;
    let mut dialect = dialect::of(start.system)?;
    let stream = TcpStream::connect(contact)?;
    stream.set_nodelay(true)?;
    let mut greeting = Vec::new();
    dialect.greet(start.me, start.listens, &mut greeting);
    (&stream).write_all(&greeting)?;
    let (sync, synced) = mpsc::channel();
    let writer = Arc::new(Mutex::new(stream.try_clone()?));
    let speaker = Speaker {
        dialect: dialect::of(start.system)?,
        writer: Arc::clone(&writer),
        gathered: Vec::new(),
        unasked: 0,
        synced,
    };
    let mut reader = Reader { dialect, writer, ear: Arc::clone(ear), sync };
    std::thread::spawn(move || {
        let end = reader.run(stream).err().map_or("its end".to_owned(), |error| format!("{error:#}"));
        // If this cannot be told, nobody is there to be told.
        let _ = answer(&Answer::Failed(format!("the connection has come to {end}")));
    });
    Ok(Box::new(speaker))
}

fn lock(writer: &Writer) -> MutexGuard<'_, TcpStream> {
    writer.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Voice for Speaker {
    fn say(&mut self, text: &str, more: bool) -> Result<()> {
        self.dialect.say(text.as_bytes(), &mut self.gathered);
        self.unasked += 1;
        let ask = self.dialect.asks_after().is_some_and(|limit| self.unasked >= limit);
        if ask {
            self.dialect.ask(&mut self.gathered);
        }
        if ask || !more || self.gathered.len() >= GATHERED {
            lock(&self.writer).write_all(&self.gathered)?;
            self.gathered.clear();
        }
        if ask {
            self.synced.recv_timeout(PATIENCE).context("the server does not answer")?;
            self.unasked = 0;
        }
        Ok(())
    }
}

struct Reader {
    dialect: Box<dyn Dialect>,
    writer: Writer,
    ear: Arc<Ear>,
    sync: Sender<()>,
}

impl Reader {
    fn run(&mut self, mut stream: TcpStream) -> Result<()> {
        let mut buffer = vec![0; READ];
        let mut end = 0;
        loop {
            if end == buffer.len() {
                bail!("too much of the server's bytes makes no sense");
            }
            let read = stream.read(&mut buffer[end..])?;
            if read == 0 {
                return Ok(());
            }
            end += read;
            let taken = self.take(&buffer[..end])?;
            buffer.copy_within(taken..end, 0);
            end -= taken;
        }
    }

    /// Takes all that is whole. Tells how many bytes that was.
    fn take(&mut self, bytes: &[u8]) -> Result<usize> {
        let mut taken = 0;
        let mut texts = Vec::new();
        while let Some((used, came)) = self.dialect.next(&bytes[taken..]) {
            taken += used;
            match came {
                Came::Text(text) => texts.push(text),
                Came::Ready => {
                    answer(&Answer::Joined { addr: None, at: clock::now() })?;
                    answer(&Answer::Gathered)?;
                }
                Came::Reply(reply) => lock(&self.writer).write_all(&reply)?,
                Came::Synced => drop(self.sync.send(())),
                Came::Refusal(why) => bail!("a refusal: {why}"),
                Came::Nothing => {}
            }
        }
        self.ear.hear(texts)?;
        Ok(taken)
    }
}
