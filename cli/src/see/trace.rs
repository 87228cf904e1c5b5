//! `ringchat trace`: what the traces of a room tell, as a picture or in another form.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use argh::{ArgsInfo, FromArgs};
use ringchat_picture::trace::{MergedRun, ReadError, TraceReader, anonymous};
use ringchat_picture::{DrawError, Drawn, Format, MAX_ROWS, Moment, Wanted, WantedError, classes_of, draw};
use thiserror::Error;

use super::USAGE;
use crate::line::Line;

/// A trace has no longer line: a ring of all members that a room can have, or all texts of a message.
const LONGEST_LINE: u64 = 8 << 20;

/// Of the chat and the signs of life in larger files, as much is read as if they had so many bytes together.
const LARGE: u64 = 64 << 20;

/// Draw what the members of a room did, from the files that --trace wrote: who was elected and why, how the ring closed,
/// and every message between them.
#[derive(ArgsInfo, FromArgs, Clone, Debug, PartialEq, Eq)]
#[argh(
    help_triggers("--help", "-h"),
    example = "A picture:    {command_name} eve.ndjson bob.ndjson -o run.svg",
    example = "Of a crash:   {command_name} traces/ --from crash -o crash.svg",
    example = "In words:     {command_name} traces/ --only election",
    note = "A folder stands for the files in it whose names end with .ndjson. A moment is 1.2s, 800ms, crash, crash+50ms \
            or \"epoch 2\".",
    error_code(1, "a file is no trace, or nothing of what is asked for is in it"),
    error_code(2, "usage, or traces of more than one room")
)]
pub(super) struct TraceFlags {
    /// the form of the result (what the name of the output ends with; text)
    #[argh(option, arg_name = "svg|html|json|text|shiviz|mermaid")]
    to: Option<String>,

    /// where the result goes (standard output)
    #[argh(option, short = 'o', arg_name = "file")]
    out: Option<String>,

    /// which messages, separated by commas: election, repair, membership, catchup, chat, beats (all but beats)
    #[argh(option, arg_name = "classes")]
    only: Option<String>,

    /// the moment at which the picture begins
    #[argh(option, arg_name = "moment")]
    from: Option<String>,

    /// the moment at which it ends
    #[argh(option, arg_name = "moment")]
    to_time: Option<String>,

    /// members with columns of their own, separated by commas; the others share one
    #[argh(option, arg_name = "names")]
    members: Option<String>,

    /// the beginning of the id of the room, if the files are of several
    #[argh(option, arg_name = "id")]
    room: Option<String>,

    /// call the members a, b, c, and show neither addresses nor texts
    #[argh(switch)]
    anonymous: bool,

    /// a row for each of the events or turns (events, and turns if there are many)
    #[argh(option, arg_name = "events|turns")]
    detail: Option<String>,

    /// the most rows (10000)
    #[argh(option, arg_name = "rows")]
    max: Option<String>,

    /// files that --trace wrote, or folders of them
    #[argh(positional, arg_name = "file|folder")]
    files: Vec<String>,
}

/// Why there is no result.
#[derive(Debug, Error)]
enum TraceCommandError {
    #[error("{0} (ringchat trace --help tells more)")]
    Usage(String),
    #[error(transparent)]
    Wanted(#[from] WantedError),
    #[error("{path}: {why}")]
    File { path: String, why: io::Error },
    #[error("{0} holds no file whose name ends with .ndjson")]
    EmptyFolder(String),
    #[error("{path}:{line}: longer than any line of a trace")]
    LongLine { path: String, line: u64 },
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Draw(DrawError),
}

impl From<DrawError> for TraceCommandError {
    fn from(error: DrawError) -> Self {
        match error {
            DrawError::Wanted(error) => Self::Wanted(error),
            other @ (DrawError::Nothing(_) | DrawError::NoMessage | DrawError::NoTime(_)) => {
                Self::Draw(other)
            }
        }
    }
}

impl TraceCommandError {
    fn exit(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(USAGE),
            Self::Wanted(error) if error.is_usage() => ExitCode::from(USAGE),
            Self::Read(error) if error.is_usage() => ExitCode::from(USAGE),
            _ => ExitCode::FAILURE,
        }
    }
}

/// Does what the words after `ringchat trace` ask for.
pub(super) fn run(args: &[String]) -> ExitCode {
    let flags: TraceFlags = match crate::parse("ringchat trace", args) {
        Ok(flags) => flags,
        Err(code) => return code,
    };
    match flags.result() {
        Ok((drawn, out)) => {
            for note in &drawn.notes {
                Line::complaint(note).to_stderr();
            }
            write(&drawn.content, out.as_deref())
        }
        Err(error) => {
            Line::complaint(&error.to_string()).to_stderr();
            error.exit()
        }
    }
}

fn write(content: &str, out: Option<&Path>) -> ExitCode {
    let Some(path) = out else { return crate::print(content) };
    match fs::write(path, content) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => crate::failure(&format!("{} cannot be written ({error})", path.display())),
    }
}

fn usage(what: &str) -> TraceCommandError {
    TraceCommandError::Usage(what.to_owned())
}

impl TraceFlags {
    fn result(&self) -> Result<(Drawn, Option<PathBuf>), TraceCommandError> {
        let (wanted, format) = (self.wanted()?, self.format()?);
        if self.files.is_empty() {
            return Err(usage("no file is given; name the files that --trace wrote, or their folder"));
        }
        let files = self.files.iter().map(|file| files_at(file)).collect::<Result<Vec<_>, _>>()?.concat();
        let out = self.out.as_ref().map(PathBuf::from);
        if out.as_ref().is_some_and(|out| files.iter().any(|file| is_same(file, out))) {
            return Err(usage("the output would overwrite one of the traces; choose another name with -o"));
        }
        let run = self.read(&files)?;
        Ok((draw(&run, format, &wanted)?, out))
    }

    fn read(&self, files: &[PathBuf]) -> Result<MergedRun, TraceCommandError> {
        let bytes: u64 =
            files.iter().filter_map(|file| fs::metadata(file).ok()).map(|found| found.len()).sum();
        let one_in = NonZeroU64::new(bytes.div_ceil(LARGE)).unwrap_or(NonZeroU64::MIN);
        let mut reader = TraceReader::sampling(one_in);
        for file in files {
            read_file(&mut reader, file)?;
        }
        let mut run = reader.finish(self.room.as_deref())?;
        if self.anonymous {
            anonymous(&mut run);
        }
        Ok(run)
    }

    fn format(&self) -> Result<Format, TraceCommandError> {
        let name = match (&self.to, &self.out) {
            (Some(name), _) => name.as_str(),
            (None, None) => "text",
            (None, Some(out)) => match Path::new(out).extension().and_then(|ending| ending.to_str()) {
                Some("svg") => "svg",
                Some("html") => "html",
                Some("json") => "json",
                Some("txt") => "text",
                Some("log") => "shiviz",
                Some("mmd") => "mermaid",
                _ => {
                    return Err(usage(
                        "the name of the output does not tell its format; choose one with --to",
                    ));
                }
            },
        };
        Ok(match name {
            "svg" => Format::Svg,
            "html" => Format::Html,
            "json" => Format::Json,
            "text" => Format::Text,
            "shiviz" => Format::Shiviz,
            "mermaid" => Format::Mermaid,
            other => {
                return Err(usage(&format!(
                    "--to must be svg, html, json, text, shiviz or mermaid, not {other:?}"
                )));
            }
        })
    }

    fn wanted(&self) -> Result<Wanted, TraceCommandError> {
        let mut classes = BTreeSet::new();
        for word in self.only.iter().flat_map(|only| only.split(',')) {
            classes.extend(classes_of(word.trim())?);
        }
        let moment = |text: &Option<String>| text.as_deref().map(Moment::parse).transpose();
        let turns = match self.detail.as_deref() {
            None => None,
            Some("events") => Some(false),
            Some("turns") => Some(true),
            Some(other) => return Err(usage(&format!("--detail must be events or turns, not {other:?}"))),
        };
        let max = match &self.max {
            None => MAX_ROWS,
            Some(max) => max
                .parse()
                .ok()
                .filter(|max| (1..=1_000_000).contains(max))
                .ok_or_else(|| usage(&format!("--max must be a number from 1 to 1000000, not {max:?}")))?,
        };
        let members =
            self.members.iter().flat_map(|names| names.split(',')).map(|name| name.trim().to_owned());
        let (from, to) = (moment(&self.from)?, moment(&self.to_time)?);
        Ok(Wanted { classes, from, to, members: members.collect(), turns, max })
    }
}

/// The file, or the traces in the folder.
fn files_at(path: &str) -> Result<Vec<PathBuf>, TraceCommandError> {
    let failed = |why| TraceCommandError::File { path: path.to_owned(), why };
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(vec![path.into()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if file.extension().is_some_and(|ending| ending == "ndjson") {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() { Err(TraceCommandError::EmptyFolder(path.to_owned())) } else { Ok(files) }
}

fn is_same(a: &Path, b: &Path) -> bool {
    fs::canonicalize(a).ok().zip(fs::canonicalize(b).ok()).is_some_and(|(a, b)| a == b)
}

fn read_file(reader: &mut TraceReader, path: &Path) -> Result<(), TraceCommandError> {
    let name = path.display().to_string();
    let failed = |why| TraceCommandError::File { path: name.clone(), why };
    let mut input = BufReader::new(File::open(path).map_err(failed)?);
    let mut file = reader.file(&name);
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        let read = input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut bytes).map_err(failed)?;
        if read == 0 {
            break;
        }
        if bytes.last() != Some(&b'\n') && u64::try_from(read).is_ok_and(|read| read == LONGEST_LINE) {
            return Err(TraceCommandError::LongLine { path: name, line });
        }
        file.line(&bytes)?;
    }
    Ok(file.end()?)
}

#[cfg(test)]
mod tests {
    use ringchat_picture::Class;

    use super::*;

    fn flags(line: &str) -> TraceFlags {
        TraceFlags::from_args(&["ringchat", "trace"], &line.split_whitespace().collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn the_name_of_the_output_tells_its_format_unless_another_is_asked_for() {
        for (line, format) in [
            ("a.ndjson", Format::Text),
            ("a -o b.svg", Format::Svg),
            ("a -o b.html", Format::Html),
            ("a -o b.json", Format::Json),
            ("a -o b.txt --to mermaid", Format::Mermaid),
            ("a -o b.log", Format::Shiviz),
        ] {
            assert_eq!(flags(line).format().unwrap(), format, "{line}");
        }
        for line in ["a -o b", "a -o b.pdf", "a --to pdf"] {
            assert!(matches!(flags(line).format(), Err(TraceCommandError::Usage(_))), "{line}");
        }
    }

    #[test]
    fn what_is_wanted_is_checked_before_a_file_is_read() {
        for line in ["x --only gossip", "x --from soon", "x --detail all", "x --max 0", "x --max many"] {
            let error = flags(line).result().unwrap_err();
            assert_eq!(error.exit(), ExitCode::from(USAGE), "{line}: {error}");
        }
        let wanted =
            flags("x --only election,chat --from crash+50ms --members eve,bob --detail turns").wanted();
        let wanted = wanted.unwrap();
        assert!(wanted.classes.contains(&Class::Lead) && !wanted.classes.contains(&Class::Repair));
        assert_eq!((wanted.from, wanted.turns), (Some(Moment::Crash(50_000)), Some(true)));
        assert_eq!(wanted.members, ["eve", "bob"]);
    }

    #[test]
    fn a_file_that_is_no_trace_is_named_with_the_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.ndjson");
        fs::write(&path, "hello\nyou\n").unwrap();
        let error = flags(path.to_str().unwrap()).result().unwrap_err();
        assert!(
            error.to_string().starts_with(&format!("{}:1: no trace of ringchat", path.display())),
            "{error}"
        );
        let error = flags(&format!("{} -o {}", path.display(), path.display())).result().unwrap_err();
        assert!(error.to_string().contains("--to"), "{error}");
        let error =
            flags(&format!("{} --to svg -o {}", path.display(), path.display())).result().unwrap_err();
        assert!(error.to_string().contains("overwrite"), "{error}");
        fs::remove_file(&path).unwrap();
        let error = flags(folder.path().to_str().unwrap()).result().unwrap_err();
        assert!(matches!(error, TraceCommandError::EmptyFolder(_)), "{error}");
    }
}
