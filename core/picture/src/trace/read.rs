//! Files of traces become one run. Whatever is wrong with them is said so that a person can put it right.

use alloc::borrow::ToOwned as _;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::cell::RefCell;
use core::num::NonZeroU64;

use ringchat_core::RoomId;
use ringchat_core::trace::MessageKind;
use ringchat_trace::{LifeLines, MessageClass, TraceError, TraceHeader, TraceRecord, VERSION};
use thiserror::Error;

use super::gather::{BadLine, LifeReader};
use super::merge::{MergeError, merge};
use super::run::{Cast, Diary, MergedRun, OneLife, Tidings, What};

/// What is wrong with traces.
#[derive(Debug, Error)]
pub enum ReadError {
    /// A line is none of a trace.
    #[error("{file}:{line}: {problem}")]
    Line {
        /// The file.
        file: String,
        /// The number of the line, from 1.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// A file has nothing.
    #[error("{0} holds no trace: it is empty")]
    Empty(String),
    /// Two files tell different things of one life.
    #[error("{first} and {second} tell different things of one life of {name}; give one of them")]
    Differ {
        /// One file.
        first: String,
        /// The other.
        second: String,
        /// The member.
        name: String,
    },
    /// The files are of several rooms.
    #[error("{count} rooms: {rooms}; choose one with --room {first}")]
    Rooms {
        /// How many.
        count: usize,
        /// The beginning of the id of each, and who is in it.
        rooms: String,
        /// The beginning of the id of the first.
        first: String,
    },
    /// No file is of the room that is asked for.
    #[error("no trace of room {asked}; there is {rooms}")]
    NoRoom {
        /// The room asked for.
        asked: String,
        /// What there is.
        rooms: String,
    },
    /// The traces cannot all be true.
    #[error(transparent)]
    Merge(#[from] MergeError),
}

impl ReadError {
    /// Whether the user has to ask for something else, whatever the files are.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Rooms { .. })
    }
}

/// Reads traces.
#[derive(Debug)]
pub struct TraceReader {
    cast: Cast,
    lives: Vec<(LifeReader, String)>,
    /// Of chat and signs of life, one message in so many is kept.
    one_in: NonZeroU64,
}

/// Reads one file, line by line.
#[derive(Debug)]
pub struct FileReader<'a> {
    reader: &'a mut TraceReader,
    file: String,
    line: u64,
    /// A last line that has no end and is none of a trace.
    torn: Option<ReadError>,
}

impl Default for TraceReader {
    fn default() -> Self {
        Self::sampling(NonZeroU64::MIN)
    }
}

impl TraceReader {
    /// A reader that keeps one in so many of the messages that come in floods: chat and signs of life. It keeps the receipts
    /// of those that it keeps. This saves time and memory.
    pub fn sampling(one_in: NonZeroU64) -> Self {
        Self { cast: Cast::default(), lives: Vec::new(), one_in }
    }

    /// Begins a file of that name.
    pub fn file(&mut self, name: &str) -> FileReader<'_> {
        FileReader { reader: self, file: name.into(), line: 0, torn: None }
    }

    /// Takes whole files.
    ///
    /// # Errors
    /// The first line that is none of a trace.
    pub fn bytes(&mut self, name: &str, bytes: &[u8]) -> Result<(), ReadError> {
        let mut file = self.file(name);
        bytes.split_inclusive(|&byte| byte == b'\n').try_for_each(|line| file.line(line))?;
        file.end()
    }

    /// Takes a life that was simulated.
    ///
    /// # Errors
    /// If its lines contradict each other.
    pub fn life(&mut self, life: &LifeLines) -> Result<(), ReadError> {
        let mut file = self.file(&life.header.name);
        file.record(&TraceRecord::Header(life.header.clone()))?;
        life.lines.iter().try_for_each(|line| file.record(&TraceRecord::Line(line.clone())))
    }

    /// The run of the room whose id begins with `room`; none if all are of one room.
    ///
    /// # Errors
    /// If the traces are not of one room, or cannot all be true.
    pub fn finish(self, room: Option<&str>) -> Result<MergedRun, ReadError> {
        let Self { cast, lives, one_in } = self;
        let lives = once(&cast, lives)?;
        let room = choose(&cast, &lives, room)?;
        let of_room = |life: &LifeReader| life.room.is_none() || life.room == room;
        let kept: Vec<LifeReader> = lives.into_iter().map(|(life, _)| life).filter(of_room).collect();
        let simulated = !kept.is_empty() && kept.iter().all(|life| life.simulated);
        let mut diaries: Vec<Diary> = kept.into_iter().map(LifeReader::into_diary).collect();
        if simulated {
            on_one_clock(&mut diaries);
        }
        let lives = renumber(cast.into_lives(), &mut diaries);
        diaries.sort_by_key(|diary| (diary.m, diary.wall));
        Ok(MergedRun { one_in: one_in.get(), ..merge(room, lives, diaries, simulated)? })
    }
}

impl FileReader<'_> {
    /// Takes a line, with its end if it has one.
    ///
    /// # Errors
    /// If it is none of a trace, unless it is the last and torn.
    pub fn line(&mut self, line: &[u8]) -> Result<(), ReadError> {
        self.line = self.line.saturating_add(1);
        if let Some(error) = self.torn.take() {
            return Err(error);
        }
        let is_whole = line.ends_with(b"\n");
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        let (one_in, mut left_out) = (self.reader.one_in, None);
        let is_kept = |kind, stamp| {
            let is_kept = is_in_sample(kind, stamp, one_in);
            left_out = Some(kind).filter(|_| !is_kept);
            is_kept
        };
        match TraceRecord::read_if(line, is_kept) {
            Ok(Some(record)) => self.record(&record),
            Ok(None) => self.leave_out(left_out),
            Err(error) => {
                let error = self.explain(&error);
                if is_whole {
                    return Err(error);
                }
                // A member that was killed may have written half a line.
                self.torn = Some(error);
                Ok(())
            }
        }
    }

    /// The file is over.
    ///
    /// # Errors
    /// If it holds no life.
    pub fn end(self) -> Result<(), ReadError> {
        let Self { reader, file, line, torn } = self;
        let is_there = reader.lives.iter().any(|(_, of)| *of == file);
        match (is_there, torn) {
            (true, _) => Ok(()),
            (false, Some(error)) => Err(error),
            (false, None) if line == 0 => Err(ReadError::Empty(file)),
            (false, None) => Err(ReadError::Line { file, line: 1, problem: "it holds no trace".into() }),
        }
    }

    fn record(&mut self, record: &TraceRecord) -> Result<(), ReadError> {
        let TraceReader { cast, lives, .. } = &mut *self.reader;
        let line = match record {
            TraceRecord::Header(header) => {
                let header: &TraceHeader = header;
                lives.push((LifeReader::new(cast, header), self.file.clone()));
                return Ok(());
            }
            TraceRecord::Line(line) => line,
        };
        let Some(current) = current(lives, &self.file) else { return Err(self.headless()) };
        current.take(cast, line).map_err(|bad| {
            self.problem(match bad {
                BadLine::Number(number) => {
                    return self
                        .problem(&format!("member {number} is mentioned before a line introduces it"));
                }
                BadLine::Order => {
                    "it does not follow the line before: lines are missing, doubled or out of order"
                }
                BadLine::TooGreat => "it holds a number that is too great for a trace",
            })
        })
    }

    /// A message is not in the sample.
    fn leave_out(&mut self, kind: Option<MessageKind>) -> Result<(), ReadError> {
        let current = current(&mut self.reader.lives, &self.file).zip(kind);
        let Some((current, kind)) = current else { return Err(self.headless()) };
        current.leave_out(kind);
        Ok(())
    }

    fn headless(&self) -> ReadError {
        self.problem(
            "a trace begins with the line {\"ringchat_trace\":1,…}; the beginning of this file is missing",
        )
    }

    fn problem(&self, problem: &str) -> ReadError {
        ReadError::Line { file: self.file.clone(), line: self.line, problem: problem.into() }
    }

    fn explain(&self, error: &TraceError) -> ReadError {
        match error {
            TraceError::Json(_) if self.line == 1 => {
                self.problem("no trace of ringchat; a trace begins with {\"ringchat_trace\":1,…}")
            }
            TraceError::Json(error) => {
                // The place that it names is one in the line.
                let error = error.to_string();
                let what = error.rsplit_once(" at line ").map_or(&*error, |(what, _)| what);
                self.problem(&format!("not a line of a trace: {what}"))
            }
            TraceError::Version(version) => self.problem(&format!(
                "written in version {version} of the format, and this program reads version {VERSION}; use the program \
                 that wrote it"
            )),
            TraceError::Event(name) => self.problem(&format!("{name:?} is no event that this program knows")),
        }
    }
}

/// The life that the file is at.
fn current<'a>(lives: &'a mut [(LifeReader, String)], file: &str) -> Option<&'a mut LifeReader> {
    lives.last_mut().filter(|(_, of)| of == file).map(|(life, _)| life)
}

/// Whether a message is kept, which its sender and all its receivers decide alike. Stamps have patterns, such as every
/// second one, so they are mixed.
fn is_in_sample(kind: MessageKind, stamp: u64, one_in: NonZeroU64) -> bool {
    let mixed = stamp.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    !MessageClass::of(kind).is_thinned() || mixed.is_multiple_of(one_in.get())
}

/// Each life once: of two files that tell the same, the one that tells more.
fn once(cast: &Cast, lives: Vec<(LifeReader, String)>) -> Result<Vec<(LifeReader, String)>, ReadError> {
    let mut kept: BTreeMap<(usize, u64), (LifeReader, String)> = BTreeMap::new();
    for (life, file) in lives {
        let key = (life.diary.m, life.diary.wall);
        let Some((other, first)) = kept.get_mut(&key) else {
            kept.insert(key, (life, file));
            continue;
        };
        let same = life.diary.events.iter().zip(&other.diary.events).all(|(a, b)| a == b);
        if !same {
            let name = cast.lives().get(key.0).map_or_else(String::new, |life| life.name.clone());
            let (first, second) = if *first <= file { (first.clone(), file) } else { (file, first.clone()) };
            return Err(ReadError::Differ { first, second, name });
        }
        if life.diary.events.len() > other.diary.events.len() {
            (*other, *first) = (life, file);
        }
    }
    Ok(kept.into_values().collect())
}

/// The room that is asked for.
fn choose(
    cast: &Cast,
    lives: &[(LifeReader, String)],
    asked: Option<&str>,
) -> Result<Option<RoomId>, ReadError> {
    let mut rooms: BTreeMap<RoomId, BTreeSet<String>> = BTreeMap::new();
    for (life, _) in lives {
        let name = cast.lives().get(life.diary.m).map_or_else(String::new, |life| life.name.clone());
        if let Some(room) = life.room {
            rooms.entry(room).or_default().insert(name);
        }
    }
    let short = |room: &RoomId| format!("{room:?}").chars().take(8).collect::<String>();
    let list = || {
        let each = rooms.iter().map(|(room, names)| {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            format!("{} ({})", short(room), names.join(", "))
        });
        each.collect::<Vec<_>>().join(", ")
    };
    let fits = |room: &&RoomId| asked.is_none_or(|asked| format!("{room:?}").starts_with(asked));
    let fitting: Vec<RoomId> = rooms.keys().filter(fits).copied().collect();
    match (fitting.as_slice(), asked) {
        ([one], _) => Ok(Some(*one)),
        ([], None) => Ok(None),
        ([], Some(asked)) => Err(ReadError::NoRoom { asked: asked.to_owned(), rooms: list() }),
        ([first, ..], _) => {
            Err(ReadError::Rooms { count: fitting.len(), rooms: list(), first: short(first) })
        }
    }
}

/// The clock of a simulation is the wall clock of all its members.
fn on_one_clock(diaries: &mut [Diary]) {
    let zero = diaries.iter().map(|diary| diary.wall).min().unwrap_or(0);
    for diary in diaries {
        let later = diary.wall.saturating_sub(zero);
        diary.began = later;
        diary.events.iter_mut().for_each(|event| event.t = event.t.saturating_add(later));
    }
}

/// Leaves out lives that nobody mentions, and orders the others: those with a trace first, then by id.
fn renumber(lives: Vec<OneLife>, diaries: &mut [Diary]) -> Vec<OneLife> {
    let told: BTreeSet<usize> = diaries.iter().map(|diary| diary.m).collect();
    let used = RefCell::new(told.clone());
    for event in diaries.iter_mut().flat_map(|diary| &mut diary.events) {
        event.what.renumber(&|m| {
            used.borrow_mut().insert(m);
            m
        });
    }
    let used = used.into_inner();
    let mut kept: Vec<(usize, OneLife)> =
        lives.into_iter().enumerate().filter(|(m, _)| used.contains(m)).collect();
    for (m, life) in &mut kept {
        life.has_trace = told.contains(m);
    }
    kept.sort_by_key(|(_, life)| (!life.has_trace, life.id));
    let places: BTreeMap<usize, usize> = kept.iter().enumerate().map(|(new, (old, _))| (*old, new)).collect();
    let new = |old: usize| places.get(&old).copied().unwrap_or(0);
    for diary in diaries.iter_mut() {
        diary.m = new(diary.m);
        for event in &mut diary.events {
            event.m = diary.m;
            event.what.renumber(&new);
        }
    }
    kept.into_iter().map(|(_, life)| life).collect()
}

/// Takes names, addresses and texts out of a run.
pub fn anonymous(run: &mut MergedRun) {
    for (at, life) in run.lives.iter_mut().enumerate() {
        life.name = letters(at);
        life.addr = String::new();
    }
    run.anonymous = true;
    for event in &mut run.events {
        if let What::Told(Tidings::Chat { text, .. }) = &mut event.what {
            *text = None;
        }
    }
}

/// a, b, … z, a1, b1, …
fn letters(at: usize) -> String {
    let letter = u8::try_from(at % 26).ok().and_then(|n| b'a'.checked_add(n)).map_or('?', char::from);
    match at / 26 {
        0 => letter.to_string(),
        round => format!("{letter}{round}"),
    }
}
