//! What was measured, and what is to be reached.

use std::collections::BTreeMap;

use crate::system::System;

/// One measure: of which workload, in a room of how many.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Measure {
    /// The workload, as it is called on the command line.
    pub(crate) workload: &'static str,
    /// What of it.
    pub(crate) what: &'static str,
    /// Receivers, or members.
    pub(crate) n: u16,
    /// The unit of the values.
    pub(crate) unit: Unit,
}

/// The unit of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unit {
    /// Thousands of deliveries a second; more is better.
    ThousandPerSecond,
    /// Milliseconds.
    Millis,
    /// Microseconds.
    Micros,
    /// Bytes.
    Bytes,
    /// Kibibytes.
    Kibibytes,
    /// Mebibytes.
    Mebibytes,
    /// Percent of one core.
    Percent,
    /// A number of something.
    Count,
}

impl Unit {
    /// How it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ThousandPerSecond => "k/s",
            Self::Millis => "ms",
            Self::Micros => "us",
            Self::Bytes => "B",
            Self::Kibibytes => "KiB",
            Self::Mebibytes => "MiB",
            Self::Percent => "%",
            Self::Count => "n",
        }
    }
}

/// The values of one measure and system, in the order of the runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series(pub(crate) Vec<f64>);

impl Series {
    /// The middle one.
    pub(crate) fn median(&self) -> Option<f64> {
        quantile(&self.0, 50)
    }

    /// The least and the greatest.
    pub(crate) fn spread(&self) -> Option<(f64, f64)> {
        Some((quantile(&self.0, 0)?, quantile(&self.0, 100)?))
    }

    /// The median of what it is run by run in terms of another, which was measured beside it.
    pub(crate) fn ratio(&self, other: &Self) -> Option<f64> {
        let ratios: Vec<f64> = self.0.iter().zip(&other.0).map(|(mine, theirs)| mine / theirs).collect();
        quantile(&ratios, 50)
    }
}

/// The value below which `percent` of all lie.
pub(crate) fn quantile(values: &[f64], percent: usize) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().saturating_sub(1) * percent / 100).copied()
}

/// What is to be reached by ringchat.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// At least so many times what the other system reaches.
    AtLeast(f64, System),
    /// At most so many times what the other system takes.
    AtMost(f64, System),
    /// At most so much.
    Limit(f64),
}

/// All that was measured.
#[derive(Default)]
pub(crate) struct Measured {
    /// In the order in which the measures began.
    pub(crate) measures: Vec<(Measure, Vec<Target>)>,
    /// The values.
    pub(crate) series: BTreeMap<(Measure, System), Series>,
    /// Systems that are not there, and why.
    pub(crate) absent: BTreeMap<System, String>,
    /// What peers did not manage, by workload and size: what went wrong. It is not tried again.
    pub(crate) unmanaged: BTreeMap<(&'static str, u16, System), String>,
    /// What went wrong with ringchat or the hub.
    pub(crate) problems: Vec<String>,
}

impl Measured {
    /// Adds the value of one run.
    pub(crate) fn add(&mut self, measure: &Measure, targets: &[Target], system: System, value: f64) {
        if self.measures.iter().all(|(known, _)| known != measure) {
            self.measures.push((measure.clone(), targets.to_vec()));
        }
        self.series.entry((measure.clone(), system)).or_default().0.push(value);
    }

    /// The values of a measure.
    pub(crate) fn series(&self, measure: &Measure, system: System) -> Option<&Series> {
        self.series.get(&(measure.clone(), system))
    }

    /// Why a system has no values of a measure; none if it was not to have any.
    pub(crate) fn lack(&self, measure: &Measure, system: System) -> Option<&str> {
        if self.unmanaged.contains_key(&(measure.workload, measure.n, system)) {
            return Some("not managed");
        }
        self.absent.get(&system).map(String::as_str)
    }
}

/// As a floating point number.
#[allow(clippy::cast_precision_loss, reason = "what is measured is far below 2^52")]
pub(crate) fn float(number: u64) -> f64 {
    number as f64
}

/// Nanoseconds as milliseconds.
pub(crate) fn millis(nanos: u64) -> f64 {
    float(nanos) / 1e6
}
