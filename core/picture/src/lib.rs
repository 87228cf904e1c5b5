//! Pictures of a run: what happened, where it is drawn, and in which words.
//!
//! All is drawn from one [`MergedRun`], in three steps: `story` finds out what the run comes to, `layout` decides where
//! every mark stands, and a renderer writes the marks. The same run gives the same bytes.

#![no_std]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on is to panic"))]

extern crate alloc;

mod causes;
mod class;
mod clean;
mod columns;
mod election_words;
mod elections;
mod feed;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod hearsay;
mod json;
mod layout;
mod lines;
mod log_cells;
mod marks;
mod mermaid;
pub mod page;
mod palette;
mod report;
mod rows;
mod shiviz;
mod story;
mod svg;
mod text;
mod theory;
pub mod trace;
mod wanted;
mod words;
mod xml;

pub use class::Class;
pub use feed::Feed;
pub use report::{ElectionReport, RunReport, TheoryReport, report};
pub use wanted::{MAX_ROWS, Moment, Wanted, WantedError, classes_of};

use alloc::string::String;
use alloc::vec::Vec;

use thiserror::Error;

use self::story::Story;
use self::wanted::Window;
use crate::trace::MergedRun;
use crate::trace::run::What;

/// What a run can be turned into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A space-time diagram.
    Svg,
    /// A page that plays it in a browser, without a network.
    Html,
    /// Everything, for a page or for other tools.
    Json,
    /// A line an event.
    Text,
    /// The log that `ShiViz` reads.
    Shiviz,
    /// A sequence diagram.
    Mermaid,
}

/// The reason why there is no picture.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DrawError {
    /// What is asked for cannot be found.
    #[error(transparent)]
    Wanted(#[from] WantedError),
    /// There is nothing between the moments that are asked for.
    #[error("nothing happens between these moments; the whole run lasts {}", rows::seconds(*.0))]
    NoTime(u64),
    /// Nothing of what is asked for happens.
    #[error("nothing of these classes happens there; there is {0}")]
    Nothing(String),
    /// No trace tells of any message.
    #[error(
        "the traces tell of no message; perhaps a file was cut off near its beginning, or its member was alone: give those \
         of other members too"
    )]
    NoMessage,
}

/// A run in another form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// The form itself.
    pub content: String,
    /// What a user should be told of it.
    pub notes: Vec<String>,
}

/// Turns what is `wanted` of a run into another form.
///
/// # Errors
/// If there is nothing of that.
pub fn draw(run: &MergedRun, format: Format, wanted: &Wanted) -> Result<Drawn, DrawError> {
    let story = Story::new(run);
    let mut window = Window::new(&story, wanted)?;
    window.pages = format == Format::Svg;
    if matches!(format, Format::Text | Format::Shiviz) {
        // A list has no rows, and is whole.
        window.max = usize::MAX;
    }
    window.plays = matches!(format, Format::Html | Format::Json);
    if window.from >= window.to {
        return Err(DrawError::NoTime(story.end));
    }
    let layout = layout::layout(&story, &window);
    // A page grows, perhaps from a member that is alone.
    let grows = matches!(format, Format::Html | Format::Json) && wanted.classes.is_empty();
    if layout.rows.is_empty() && !grows {
        return Err(there_is(&story).map_or(DrawError::NoMessage, DrawError::Nothing));
    }
    let content = match format {
        Format::Svg => svg::svg(&story, &layout),
        Format::Html => page::page(&words::title(&story), &json::json(&story, &window, &layout)),
        Format::Json => json::json(&story, &window, &layout),
        Format::Text => text::text(&story, &window),
        Format::Shiviz => shiviz::shiviz(&story, &window),
        Format::Mermaid => mermaid::mermaid(&story, &window),
    };
    Ok(Drawn { content, notes: layout.notes })
}

/// The classes of messages that a run has, if it has messages.
fn there_is(story: &Story<'_>) -> Option<String> {
    let classes: alloc::collections::BTreeSet<Class> = story
        .events()
        .filter_map(|(_, event)| match &event.what {
            What::Sent { gist, .. } | What::Took { gist, .. } => Some(Class::of(gist.kind)),
            _ => None,
        })
        .collect();
    let mut asked: Vec<&str> = classes.iter().rev().map(|class| class.asked()).collect();
    asked.dedup();
    (!asked.is_empty()).then(|| wanted::list(asked.into_iter().map(Into::into)))
}
