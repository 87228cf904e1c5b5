//! The terminal: a line editor below, lines above it.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write, stdin, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::Validator;
use rustyline::{Config, Editor, ExternalPrinter, Helper};

use crate::clean::{Clean, is_obeyed};
use crate::line::Line;
use crate::outlet::Outlet;

/// What ends the mode in which a terminal marks pasted text.
const BRACKETED_PASTE_OFF: &str = "\x1b[?2004l";

/// How long the line before a prompt may take to be written. One that takes longer waits for the editor, and
/// will not be in its way.
const LAST_LINE: Duration = Duration::from_millis(50);

/// Lines of history.
const HISTORY: usize = 1000;

/// The state that the terminal had before.
///
/// Reading a line blocks until somebody types, so a program that ends for another reason leaves the editor
/// where it is and restores the terminal itself.
pub(crate) struct Saved {
    before: Termios,
    editing: AtomicBool,
}

impl Saved {
    /// Restores the terminal if a line is being edited.
    pub(crate) fn restore(&self) {
        if self.editing.swap(false, Ordering::SeqCst) {
            // A terminal that is gone needs no restoring.
            let _ = tcsetattr(stdin(), OptionalActions::Drain, &self.before);
            let _ = write!(stdout(), "{BRACKETED_PASTE_OFF}\r\n").and_then(|()| stdout().flush());
        }
    }
}

/// Watches the line being edited.
///
/// The editor's printer writes by itself while no line is edited, so a line that it begins to write just when
/// the prompt appears would swallow the prompt. So output pauses from one line to the prompt of the next.
///
/// And pasted text may hold what a terminal would obey; it is shown without.
struct Watcher {
    output: Option<Outlet>,
}

impl Highlighter for Watcher {
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _default: bool) -> Cow<'b, str> {
        // From now on the printer hands lines to the editor.
        self.output.iter().for_each(Outlet::resume);
        prompt.into()
    }

    fn highlight<'l>(&self, line: &'l str, _pos: usize) -> Cow<'l, str> {
        // The editor counts no columns for these, so to leave them out moves nothing.
        if line.contains(is_obeyed) { line.replace(is_obeyed, "").into() } else { line.into() }
    }

    fn highlight_char(&self, line: &str, _pos: usize, _kind: CmdKind) -> bool {
        line.contains(is_obeyed)
    }
}

impl Completer for Watcher {
    type Candidate = String;
}

impl Hinter for Watcher {
    type Hint = String;
}

impl Validator for Watcher {}

impl Helper for Watcher {}

/// What came of editing a line.
pub(crate) enum Edited {
    /// This was typed or pasted.
    Line(String),
    /// Ctrl-C.
    Interrupted,
    /// Ctrl-D, or the terminal is gone.
    Eof,
}

/// A line editor.
pub(crate) struct Prompt {
    editor: Editor<Watcher, MemHistory>,
    saved: Arc<Saved>,
}

/// A terminal with a prompt.
pub(crate) struct Terminal {
    /// The line editor.
    pub(crate) prompt: Prompt,
    /// What restores the terminal.
    pub(crate) saved: Arc<Saved>,
    /// Writes lines above the prompt. Waits until the editor takes them.
    pub(crate) print: Box<dyn FnMut(String) -> io::Result<()> + Send>,
}

/// Opens the terminal. None if standard input and output are none, or one that cannot edit lines.
pub(crate) fn open() -> Option<Terminal> {
    if !stdin().is_terminal() || !stdout().is_terminal() {
        return None;
    }
    let before = tcgetattr(stdin()).ok()?;
    let config = Config::builder().max_history_size(HISTORY).ok()?.build();
    let mut editor = Editor::with_history(config.clone(), MemHistory::with_config(&config)).ok()?;
    editor.set_helper(Some(Watcher { output: None }));
    let mut printer = editor.create_external_printer().ok()?;
    let print = Box::new(move |lines: String| printer.print(lines).map_err(io::Error::other));
    let saved = Arc::new(Saved { before, editing: AtomicBool::new(false) });
    let prompt = Prompt { editor, saved: Arc::clone(&saved) };
    Some(Terminal { prompt, saved, print })
}

impl Prompt {
    /// Reads a line after `prompt`, above which goes what `output` writes. It can be had again with the arrow
    /// up.
    ///
    /// # Errors
    /// If the terminal cannot be read.
    pub(crate) fn read(&mut self, prompt: &Line, output: &Outlet) -> Result<Edited, String> {
        output.pause(LAST_LINE);
        if let Some(watcher) = self.editor.helper_mut() {
            watcher.output = Some(output.clone());
        }
        self.saved.editing.store(true, Ordering::SeqCst);
        let read = self.editor.readline(&prompt.render(false));
        self.saved.editing.store(false, Ordering::SeqCst);
        output.resume();
        match read {
            Ok(line) => {
                // A line that the history does not take is not in it.
                let _ = self.editor.add_history_entry(Clean::new(&line).as_str());
                Ok(Edited::Line(line))
            }
            Err(ReadlineError::Interrupted) => Ok(Edited::Interrupted),
            Err(ReadlineError::Eof) => Ok(Edited::Eof),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Empties the screen.
    pub(crate) fn clear(&mut self) {
        // A terminal that cannot be cleared stays as it is.
        let _ = self.editor.clear_screen();
    }
}
