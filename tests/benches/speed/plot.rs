//! The pictures: deliveries a second by the number of receivers, and times until a room works again.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;

use crate::measured::{Measured, Series};
use crate::system::System;

const SIZE: (u32, u32) = (760, 440);
const FONT: (&str, u32) = ("sans-serif", 15);
const TITLE: (&str, u32) = ("sans-serif", 20);
const MARGIN: u32 = 16;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Draws `throughput.svg` and `failover.svg` in `folder`, each if it was measured.
pub(crate) fn draw(measured: &Measured, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let lines = throughput(measured);
    if !lines.is_empty() {
        let path = folder.join("throughput.svg");
        let area = SVGBackend::new(&path, SIZE).into_drawing_area();
        draw_throughput(&area, &lines).map_err(|error| anyhow!("{}: {error}", path.display()))?;
    }
    let bars = failover(measured);
    if !bars.is_empty() {
        let path = folder.join("failover.svg");
        let area = SVGBackend::new(&path, SIZE).into_drawing_area();
        draw_failover(&area, &bars).map_err(|error| anyhow!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// The points of a system: the size of the room, and thousands of deliveries a second.
type Line = (System, Vec<(u16, f64)>);

fn throughput(measured: &Measured) -> Vec<Line> {
    let of = |system| {
        let points = measured.measures.iter().filter_map(|(measure, _)| {
            let wanted = measure.workload == "T" && measure.what == "deliveries";
            let series = measured.series(measure, system).filter(|_| wanted)?;
            Some((measure.n, series.median()?))
        });
        (system, points.collect::<Vec<_>>())
    };
    System::COMPARED.into_iter().map(of).filter(|(_, points)| !points.is_empty()).collect()
}

fn draw_throughput(area: &Area<'_>, lines: &[Line]) -> Result<(), DrawError> {
    area.fill(&WHITE)?;
    let sizes: BTreeSet<u16> = lines.iter().flat_map(|(_, points)| points.iter().map(|(n, _)| *n)).collect();
    let sizes: Vec<u16> = sizes.into_iter().collect();
    let place =
        |n: u16| sizes.iter().position(|size| *size == n).map_or(SegmentValue::Last, SegmentValue::CenterOf);
    let values = || lines.iter().flat_map(|(_, points)| points.iter().map(|(_, value)| *value));
    let (least, most) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
    let mut chart = ChartBuilder::on(area)
        .caption("Deliveries a second, one sender (thousands)", TITLE)
        .margin(MARGIN)
        .x_label_area_size(45)
        .y_label_area_size(70)
        // One place more, for the legend.
        .build_cartesian_2d((0..sizes.len()).into_segmented(), (least / 2.0..most * 2.0).log_scale())?;
    let size = |at: &SegmentValue<usize>| match at {
        SegmentValue::CenterOf(at) => sizes.get(*at).map_or(String::new(), u16::to_string),
        SegmentValue::Exact(_) | SegmentValue::Last => String::new(),
    };
    let mut mesh = chart.configure_mesh();
    mesh.x_desc("receivers").x_label_formatter(&size).y_label_formatter(&whole).label_style(FONT);
    mesh.light_line_style(TRANSPARENT).draw()?;
    for (system, points) in lines {
        let style = color(*system).stroke_width(if system.is_ringchat() { 4 } else { 2 });
        let line = LineSeries::new(points.iter().map(|(n, value)| (place(*n), *value)), style).point_size(3);
        let label = chart.draw_series(line)?;
        label.label(system.name()).legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], style));
    }
    let mut labels = chart.configure_series_labels();
    labels.position(SeriesLabelPosition::MiddleRight).label_font(FONT).border_style(BLACK);
    labels.background_style(WHITE).draw()?;
    area.present()
}

/// What happened, to which system, and how long it took.
type Bar<'a> = (String, System, &'a Series);

fn failover(measured: &Measured) -> Vec<Bar<'_>> {
    let mut bars = Vec::new();
    for (measure, _) in &measured.measures {
        let times = ["leader killed", "half killed at once", "leader stopped, 200 ms", "leader stopped"];
        if times.contains(&measure.what) {
            let of = |system| Some((measure.what.to_owned(), system, measured.series(measure, system)?));
            bars.extend(System::RUNTIMES.into_iter().filter_map(of));
        }
    }
    bars
}

fn draw_failover(area: &Area<'_>, bars: &[Bar<'_>]) -> Result<(), DrawError> {
    area.fill(&WHITE)?;
    let most = bars.iter().filter_map(|(.., series)| series.spread()).map(|(_, most)| most);
    let most = most.fold(100.0, f64::max) * 2.0;
    let rows = bars.len();
    let name = |row: &usize| {
        bars.get(rows - 1 - row).map_or(String::new(), |(what, system, _)| format!("{what}, {system}"))
    };
    let mut chart = ChartBuilder::on(area)
        .caption("Until every survivor shows new texts (ms: each run, and the median)", TITLE)
        .margin(MARGIN)
        .x_label_area_size(45)
        .y_label_area_size(230)
        .build_cartesian_2d((1.0..most).log_scale(), (0..rows - 1).into_segmented())?;
    let label = |value: &SegmentValue<usize>| match value {
        SegmentValue::Exact(row) | SegmentValue::CenterOf(row) => name(row),
        SegmentValue::Last => String::new(),
    };
    let mut mesh = chart.configure_mesh();
    mesh.x_label_formatter(&whole).y_labels(rows).y_label_formatter(&label).label_style(FONT);
    mesh.disable_y_mesh().light_line_style(TRANSPARENT).draw()?;
    for (at, (_, system, series)) in bars.iter().enumerate() {
        let place = |time| (time, SegmentValue::CenterOf(rows - 1 - at));
        let color = color(*system);
        let runs = series.0.iter().map(|time| Circle::new(place(*time), 3, color.mix(0.5).filled()));
        chart.draw_series(runs)?;
        let median = series.median().map(|time| Cross::new(place(time), 7, BLACK.stroke_width(2)));
        chart.draw_series(median)?;
    }
    area.present()
}

type DrawError = DrawingAreaErrorKind<<SVGBackend<'static> as DrawingBackend>::ErrorType>;

/// ringchat in warm colours, what it is compared with in others.
fn color(system: System) -> RGBColor {
    match system {
        System::Hub => BLACK,
        System::Threads => RGBColor(200, 30, 30),
        System::AsyncStd => RGBColor(235, 130, 20),
        System::ThreadsQueue => RGBColor(230, 130, 130),
        System::AsyncStdQueue => RGBColor(245, 190, 130),
        System::Pipes => RGBColor(200, 160, 120),
        System::PipesTraced => RGBColor(160, 120, 80),
        System::Redis => RGBColor(40, 90, 180),
        System::Nats => RGBColor(20, 140, 90),
        System::Mosquitto => RGBColor(130, 70, 160),
        System::Ngircd | System::Simulated => RGBColor(120, 130, 140),
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "this is how plotters calls it")]
fn whole(value: &f64) -> String {
    format!("{value:.0}")
}
