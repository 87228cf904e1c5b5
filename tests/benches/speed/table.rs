//! The table that is printed in the end.

use crate::measured::{Measure, Measured, Series, Target};
use crate::system::System;

/// Prints all that was measured: every measure of every system, then the medians side by side.
pub(crate) fn print(measured: &Measured) {
    print_rows(measured);
    print_medians(measured, &System::COMPARED, |system| system == System::Hub);
    print_medians(measured, &System::RUNTIMES, |system| System::RUNTIMES.contains(&system));
    print_medians(measured, &[System::Simulated], |system| system == System::Simulated);
}

/// Prints a table of the medians of `systems`, a row a measure, as far as one of those `wanted` was measured and none
/// of an earlier table.
fn print_medians(measured: &Measured, systems: &[System], wanted: impl Fn(System) -> bool) {
    let rows = measured.measures.iter().map(|(measure, _)| measure).filter(|measure| {
        let elsewhere = is_compared(measured, measure) && !systems.contains(&System::Hub);
        let has = |system: &System| wanted(*system) && measured.series(measure, *system).is_some();
        !elsewhere && systems.iter().any(has)
    });
    let rows: Vec<&Measure> = rows.collect();
    if rows.is_empty() {
        return;
    }
    let names: Vec<&str> = systems.iter().map(|system| system.name()).collect();
    println!("\n| | n | {} |", names.join(" | "));
    println!("|---|--:|{}", "--:|".repeat(systems.len()));
    for measure in rows {
        let Measure { workload, what, n, unit } = measure;
        let cell = |system: &System| {
            let median = measured.series(measure, *system).and_then(Series::median);
            median.map_or("-".to_owned(), |median| format!("{median:.2}"))
        };
        let cells: Vec<String> = systems.iter().map(cell).collect();
        println!("| {workload}: {what} ({}) | {n} | {} |", unit.name(), cells.join(" | "));
    }
}

fn print_rows(measured: &Measured) {
    println!(
        "| {:<8} | {:<26} | {:>4} | {:<15} | {:>4} | {:>12} | {:>21} | {:>8} | {:<40} |",
        "workload", "what", "n", "system", "runs", "median", "least to most", "of hub", "to reach"
    );
    println!("|{}|", ["-"; 9].map(|dash| dash.repeat(3)).join("|"));
    for (measure, targets) in &measured.measures {
        for system in System::COMPARED.into_iter().chain([System::Simulated]) {
            if let Some(series) = measured.series(measure, system) {
                print_row(measured, measure, targets, system, series);
            } else if let Some(why) =
                measured.lack(measure, system).filter(|_| is_compared(measured, measure))
            {
                let Measure { workload, what, n, .. } = measure;
                println!("| {workload:<8} | {what:<26} | {n:>4} | {system:<15} |    0 | {why} | | | |");
            }
        }
    }
}

/// Whether a measure is one of several systems, and not of ringchat alone.
fn is_compared(measured: &Measured, measure: &Measure) -> bool {
    measured.series(measure, System::Hub).is_some()
}

fn print_row(measured: &Measured, measure: &Measure, targets: &[Target], system: System, series: &Series) {
    let Measure { workload, what, n, unit } = measure;
    let (Some(median), Some((least, most))) = (series.median(), series.spread()) else { return };
    let hub = measured.series(measure, System::Hub).and_then(|hub| series.ratio(hub));
    let hub = hub.map_or(String::new(), |ratio| format!("{ratio:.3}"));
    let verdicts: Vec<String> = if System::RUNTIMES.contains(&system) || system == System::Simulated {
        targets.iter().map(|target| verdict(measured, measure, series, *target)).collect()
    } else {
        Vec::new()
    };
    println!(
        "| {workload:<8} | {what:<26} | {n:>4} | {system:<15} | {:>4} | {median:>8.2} {:<3} | {least:>9.2} to {most:>8.2} | {hub:>8} | {:<40} |",
        series.0.len(),
        unit.name(),
        verdicts.join(", "),
    );
}

/// What was to be reached, and whether it was.
fn verdict(measured: &Measured, measure: &Measure, series: &Series, target: Target) -> String {
    let against = |system| measured.series(measure, system).and_then(|other| series.ratio(other));
    let (bound, than, value) = match target {
        Target::AtLeast(times, system) | Target::AtMost(times, system) => {
            (times, Some(system), against(system))
        }
        Target::Limit(limit) => (limit, None, series.median()),
    };
    let least = matches!(target, Target::AtLeast(..));
    let reached = match value {
        None => "not measured",
        Some(value) if (least && value >= bound) || (!least && value <= bound) => "yes",
        Some(_) => "NO",
    };
    let sign = if least { ">=" } else { "<=" };
    match than {
        Some(system) => {
            let ratio = value.map_or(String::new(), |ratio| format!(" ({ratio:.2})"));
            format!("{sign} {bound} {system}{ratio}: {reached}")
        }
        None => format!("{sign} {bound}: {reached}"),
    }
}
