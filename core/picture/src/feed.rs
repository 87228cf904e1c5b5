//! A run that grows or takes another turn, for a page that holds an earlier drawing of it.
//!
//! Everything is drawn anew each time. What is handed out is only the part that the page lacks: each list from its first
//! item that differs, and the single values that differ.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::trace::MergedRun;
use crate::{DrawError, Format, Wanted, draw};

/// The list in which every member has a list of its own.
const LOGS: &str = "logs";

/// A list too, but one value: the ring at the start.
const RING: &str = "ring0";

/// The last drawing of a run, and what is new in it.
#[derive(Debug, Default)]
pub struct Feed {
    version: u64,
    values: BTreeMap<String, Value>,
    lists: BTreeMap<String, List>,
    /// By member.
    logs: Vec<List>,
}

#[derive(Debug, Default)]
struct Value {
    text: Box<str>,
    is_new: bool,
}

#[derive(Debug, Default)]
struct List {
    items: Vec<Box<str>>,
    /// So many first items are those of the drawing before.
    same: usize,
    is_new: bool,
}

#[derive(Deserialize)]
struct Log<'a> {
    m: usize,
    #[serde(borrow)]
    cells: Vec<&'a RawValue>,
}

impl Feed {
    /// Draws a run, which may be the last one grown, or another one. The version grows if anything differs.
    ///
    /// # Errors
    /// If there is nothing of what is wanted; then the last drawing stays.
    pub fn draw(&mut self, run: &MergedRun, wanted: &Wanted) -> Result<(), DrawError> {
        let text = draw(run, Format::Json, wanted)?.content;
        let Ok(fields) = serde_json::from_str::<BTreeMap<String, &RawValue>>(&text) else { return Ok(()) };
        if self.is_drawn(&fields) {
            return Ok(());
        }
        self.version = self.version.saturating_add(1);
        for (name, field) in fields {
            if name == LOGS {
                self.draw_logs(field);
            } else if let Some(items) = items(&name, field) {
                self.lists.entry(name).or_default().draw(&items);
            } else {
                self.values.entry(name).or_default().draw(field.get());
            }
        }
        Ok(())
    }

    /// The number of the drawing; 0 before the first.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// What a page lacks that has the drawing `have`, as the JSON object that it appends: nothing if it has the newest,
    /// the difference if it has the one before, else everything.
    ///
    /// `from` tells how many items of a list stay before the new ones are appended; a log has its own `from`. Single
    /// values replace those of the page.
    pub fn since(&self, have: u64) -> String {
        if have == self.version {
            return "{}".into();
        }
        let whole = have == 0 || have.checked_add(1) != Some(self.version);
        let lists = self.lists.iter().filter(|(_, list)| whole || list.is_new);
        let (mut from, mut fields) = (Vec::new(), Vec::new());
        for (name, list) in lists {
            let (same, items) = list.since(whole);
            from.push(format!("\"{name}\":{same}"));
            fields.push(format!("\"{name}\":[{items}]"));
        }
        let values = self.values.iter().filter(|(_, value)| whole || value.is_new);
        fields.extend(values.map(|(name, value)| format!("\"{name}\":{}", value.text)));
        let logs = self.logs.iter().enumerate().filter(|(_, log)| whole || log.is_new);
        let log = |(m, log): (usize, &List)| {
            let (same, cells) = log.since(whole);
            format!("{{\"m\":{m},\"from\":{same},\"cells\":[{cells}]}}")
        };
        fields.push(format!("\"logs\":[{}]", logs.map(log).collect::<Vec<String>>().join(",")));
        fields.push(format!("\"from\":{{{}}}", from.join(",")));
        format!("{{{}}}", fields.join(","))
    }

    /// Whether that is the last drawing.
    fn is_drawn(&self, fields: &BTreeMap<String, &RawValue>) -> bool {
        self.version > 0
            && fields.iter().all(|(name, field)| {
                if name == LOGS {
                    let logs = logs(field);
                    logs.len() == self.logs.len()
                        && logs.iter().zip(&self.logs).all(|(log, old)| old.is(&log.cells))
                } else if let Some(items) = items(name, field) {
                    self.lists.get(name).is_some_and(|old| old.is(&items))
                } else {
                    self.values.get(name).is_some_and(|old| *old.text == *field.get())
                }
            })
    }

    fn draw_logs(&mut self, field: &RawValue) {
        let mut cells: BTreeMap<usize, Vec<&RawValue>> =
            logs(field).into_iter().map(|log| (log.m, log.cells)).collect();
        let members = cells.last_key_value().map_or(0, |(m, _)| m.saturating_add(1));
        // A member that this run lacks has an empty log: so a page forgets what it held.
        let both = members.max(self.logs.len());
        self.logs.resize_with(both, List::default);
        for (m, log) in self.logs.iter_mut().enumerate() {
            log.draw(&cells.remove(&m).unwrap_or_default());
        }
    }
}

impl Value {
    fn draw(&mut self, text: &str) {
        self.is_new = *self.text != *text;
        if self.is_new {
            self.text = text.into();
        }
    }
}

impl List {
    fn same(&self, items: &[&RawValue]) -> usize {
        self.items.iter().zip(items).take_while(|(old, new)| ***old == *new.get()).count()
    }

    fn is(&self, items: &[&RawValue]) -> bool {
        self.items.len() == items.len() && self.same(items) == items.len()
    }

    fn draw(&mut self, items: &[&RawValue]) {
        self.same = self.same(items);
        self.is_new = self.same < self.items.len().max(items.len());
        self.items.truncate(self.same);
        self.items.extend(items.iter().skip(self.same).map(|item| Box::from(item.get())));
    }

    /// How many items a page keeps, and those after them.
    fn since(&self, whole: bool) -> (usize, String) {
        let same = if whole { 0 } else { self.same };
        (same, self.items.get(same..).unwrap_or_default().join(","))
    }
}

/// The items of a list that grows.
fn items<'a>(name: &str, field: &'a RawValue) -> Option<Vec<&'a RawValue>> {
    if name == RING { None } else { serde_json::from_str(field.get()).ok() }
}

fn logs(field: &RawValue) -> Vec<Log<'_>> {
    serde_json::from_str(field.get()).unwrap_or_default()
}
