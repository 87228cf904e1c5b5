//! A picture as SVG: one file, without script, link or font.

use alloc::format;
use alloc::string::String;
use core::fmt::Write as _;

use super::class::Class;
use super::election_words;
use super::marks::{HEAD, LEFT, Layout, Mark, MarkKind, RIGHT, Tip};
use super::palette;
use super::story::Story;
use super::words;
use super::xml::escape;

/// How high a line of the notes is.
const NOTE: i32 = 18;
/// How wide a letter of 10.5 pixels is, in tenths of a pixel.
const LETTER: i32 = 63;

/// Draws a picture.
pub(crate) fn svg(story: &Story<'_>, layout: &Layout) -> String {
    let notes = i32::try_from(layout.notes.len()).unwrap_or(0);
    let (width, height) = (layout.width, layout.height + notes * NOTE);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\"><title>{}</title><desc>{}</desc><style>{}</style>\
         <defs><pattern id=\"ha\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" \
         patternTransform=\"rotate(45)\"><path class=\"a freeze\" d=\"M0 0V6\" stroke-width=\"4\"/></pattern></defs>\
         <rect class=\"g\" width=\"{width}\" height=\"{height}\"/>\n",
        escape(&words::title(story)),
        escape(&election_words::description(story)),
        palette::style()
    );
    let mut pen = Pen { story, step: step(layout), out: &mut out };
    let of = |kind: MarkKind| layout.marks.iter().filter(move |mark| mark.kind == kind);
    of(MarkKind::Band).for_each(|mark| pen.band(mark));
    layout.ticks.iter().for_each(|tick| pen.time(tick.y, &tick.label));
    of(MarkKind::Lifeline).for_each(|mark| pen.lifeline(mark));
    of(MarkKind::Wait).for_each(|mark| pen.stroke(mark, "wt"));
    of(MarkKind::Reign).for_each(|mark| pen.stroke(mark, "re"));
    of(MarkKind::Wall).for_each(|mark| pen.stroke(mark, "wl"));
    of(MarkKind::Break).for_each(|mark| pen.pause(mark));
    for class in Class::MESSAGES {
        of(MarkKind::Arrow).filter(|mark| mark.class == Some(class)).for_each(|mark| pen.arrow(mark));
    }
    of(MarkKind::Dot).for_each(|mark| pen.dot(mark));
    layout.marks.iter().for_each(|mark| pen.sign(mark));
    of(MarkKind::Arrow).for_each(|mark| pen.pill(mark));
    heads(layout, &mut out);
    for (at, note) in (0..).zip(&layout.notes) {
        let y = layout.height + at * NOTE;
        let _ = writeln!(out, "<text class=\"m\" x=\"62\" y=\"{y}\">{}</text>", escape(note));
    }
    out.push_str("</svg>\n");
    out
}

/// How far columns are apart.
fn step(layout: &Layout) -> i32 {
    match layout.columns.as_slice() {
        [first, second, ..] => second.x - first.x,
        _ => 80,
    }
}

fn heads(layout: &Layout, out: &mut String) {
    let mut above = None;
    for head in &layout.heads {
        if above != Some(head.y) {
            above = Some(head.y);
            let (width, bottom) = (layout.width, head.y + HEAD);
            let _ = writeln!(
                out,
                "<rect class=\"g\" y=\"{}\" width=\"{width}\" height=\"{HEAD}\"/><path class=\"hr\" d=\"M0 {bottom}H{width}\"/>",
                head.y
            );
        }
        let (x, name, below) = (head.x, head.y + 24, head.y + 38);
        let class = if head.class == Some(Class::Lead) { "c nm ld" } else { "c nm" };
        let faint = if head.class == Some(Class::Dead) { " opacity=\".55\"" } else { "" };
        let _ = writeln!(
            out,
            "<g{faint}><text class=\"{class}\" x=\"{x}\" y=\"{name}\">{}</text>\
             <text class=\"c m\" x=\"{x}\" y=\"{below}\">{}</text></g>",
            escape(&head.name),
            escape(&head.below)
        );
    }
}

/// A number of tenths.
struct Tenths(i64);

impl core::fmt::Display for Tenths {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let n = self.0.unsigned_abs();
        match n % 10 {
            0 => write!(f, "{sign}{}", n / 10),
            tenth => write!(f, "{sign}{}.{tenth}", n / 10),
        }
    }
}

/// A point in tenths of a pixel.
#[derive(Clone, Copy)]
struct Point(i64, i64);

impl core::fmt::Display for Point {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} {}", Tenths(self.0), Tenths(self.1))
    }
}

/// An arrow's way.
struct Way {
    from: Point,
    to: Point,
    /// Its length in hundredths of a pixel; never zero.
    length: i64,
}

impl Way {
    fn of(mark: &Mark) -> Self {
        let [x1, y1, x2, y2] = [mark.x1, mark.y1, mark.x2, mark.y2].map(i64::from);
        let (dx, dy) = (x2 - x1, y2 - y1);
        let length = (dx * dx + dy * dy).unsigned_abs().saturating_mul(10_000).isqrt();
        let length = i64::try_from(length).unwrap_or(1).max(1);
        Self { from: Point(x1 * 10, y1 * 10), to: Point(x2 * 10, y2 * 10), length }
    }

    /// The point so many tenths of a pixel before the end, and so many to the side.
    fn before_end(&self, back: i64, aside: i64) -> Point {
        self.off(self.to, -back, aside)
    }

    /// The point so many tenths of a pixel after the start.
    fn after_start(&self, on: i64) -> Point {
        self.off(self.from, on, 0)
    }

    fn off(&self, point: Point, on: i64, aside: i64) -> Point {
        let (dx, dy) = (self.to.0 - self.from.0, self.to.1 - self.from.1);
        // Of tenths of a pixel, and of a length in hundredths.
        let along = |part: i64, by: i64| part * by * 10 / self.length;
        Point(point.0 + along(dx, on) - along(dy, aside), point.1 + along(dy, on) + along(dx, aside))
    }

    /// The point at so many hundredths of the way.
    fn part(&self, hundredths: i64) -> Point {
        let at = |a: i64, b: i64| a + (b - a) * hundredths / 100;
        Point(at(self.from.0, self.to.0), at(self.from.1, self.to.1))
    }
}

struct Pen<'a> {
    story: &'a Story<'a>,
    step: i32,
    out: &'a mut String,
}

impl Pen<'_> {
    fn write(&mut self, what: core::fmt::Arguments<'_>) {
        let _ = self.out.write_fmt(what);
    }

    fn tip(&self, mark: &Mark) -> String {
        let Some(e) = mark.event else { return String::new() };
        let said = words::said(self.story, e);
        let mut text = said.sentence();
        if !said.why.is_empty() {
            text.push(' ');
            text.push_str(&said.why);
        }
        if text.is_empty() { text } else { format!("<title>{}</title>", escape(&text)) }
    }

    fn band(&mut self, mark: &Mark) {
        let (x, y, width, height) = (mark.x1, mark.y1, mark.x2 - mark.x1, mark.y2 - mark.y1);
        let class = name(mark);
        self.write(format_args!(
            "<rect class=\"bd {class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"8\"/>"
        ));
        let letters = i32::try_from(mark.label.chars().count()).unwrap_or(i32::MAX);
        if letters.saturating_mul(LETTER) / 10 <= height - 20 {
            let label = escape(&mark.label);
            self.write(format_args!(
                "<text class=\"b t {class}\" transform=\"translate({} {}) rotate(90)\">{label}</text>",
                mark.x2 - RIGHT + 4,
                y + 12
            ));
        }
        self.out.push('\n');
    }

    fn time(&mut self, y: i32, label: &str) {
        self.write(format_args!(
            "<text class=\"m e\" x=\"52\" y=\"{}\">{}</text><path class=\"ll\" d=\"M56 {y}H62\"/>\n",
            y + 4,
            escape(label)
        ));
    }

    fn lifeline(&mut self, mark: &Mark) {
        let (x, y1, y2) = (mark.x1, mark.y1, mark.y2);
        let class = match mark.class {
            Some(Class::Dead) => "ll dd",
            Some(Class::Member) => "ll jo",
            Some(Class::Freeze) => {
                self.write(format_args!(
                    "<rect x=\"{}\" y=\"{y1}\" width=\"10\" height=\"{}\" fill=\"url(#ha)\"/>\n",
                    x - 5,
                    y2 - y1
                ));
                return;
            }
            _ => "ll",
        };
        self.write(format_args!("<path class=\"{class}\" d=\"M{x} {y1}V{y2}\"/>\n"));
    }

    fn stroke(&mut self, mark: &Mark, class: &str) {
        let (x, y1, y2) = (mark.x1, mark.y1, mark.y2);
        self.write(format_args!("<path class=\"{class} {}\" d=\"M{x} {y1}V{y2}\"/>\n", name(mark)));
    }

    fn pause(&mut self, mark: &Mark) {
        let (x, y, width) = (mark.x1, mark.y1, mark.x2 - mark.x1);
        let middle = i32::midpoint(mark.x1, mark.x2);
        let label = escape(&mark.label);
        self.write(format_args!(
            "<rect class=\"g\" x=\"{x}\" y=\"{}\" width=\"{width}\" height=\"18\"/>\
             <path class=\"hr bk\" d=\"M{x} {}h{width}M{x} {}h{width}\"/>\
             <text class=\"c m k\" x=\"{middle}\" y=\"{}\">{label}</text>\n",
            y - 9,
            y - 4,
            y + 4,
            y + 4
        ));
    }

    fn arrow(&mut self, mark: &Mark) {
        let way = Way::of(mark);
        let class = name(mark);
        let head = if matches!(mark.class, Some(Class::Chat | Class::Beat)) { 50 } else { 70 };
        let start = way.after_start(50);
        let tip = self.tip(mark);
        self.write(format_args!("<g>{tip}"));
        match mark.end {
            Tip::Head => {
                let (end, base) = (way.before_end(50, 0), way.before_end(50 + head - 10, 0));
                self.write(format_args!("<path class=\"a {class}\" d=\"M{start}L{base}\"/>"));
                self.head(&way, end, head, class);
            }
            Tip::Bar | Tip::Drop => {
                let end = way.before_end(140, 0);
                let (left, right) = (way.before_end(140, -80), way.before_end(140, 80));
                let bar = if mark.end == Tip::Bar { class } else { "chat" };
                self.write(format_args!(
                    "<path class=\"a {class}\" d=\"M{start}L{end}\"/><path class=\"br {bar}\" d=\"M{left}L{right}\"/>"
                ));
            }
            Tip::Cut => {
                let Point(x, y) = way.to;
                let (x, y) = (Tenths(x - 40), Tenths(y - 40));
                self.write(format_args!(
                    "<path class=\"a lo {class}\" d=\"M{start}L{}\"/><path class=\"s {class}\" d=\"M{x} {y}l8 8m0 -8l-8 8\"/>",
                    way.to
                ));
            }
            Tip::Fade => self.fading(&way, class, ["", "f2", "f3"]),
            Tip::Dawn => {
                self.fading(&way, class, ["f3", "f2", ""]);
                self.head(&way, way.before_end(50, 0), head, class);
            }
        }
        self.out.push_str("</g>\n");
    }

    fn head(&mut self, way: &Way, end: Point, length: i64, class: &str) {
        let back = 50 + length;
        let (left, right) = (way.before_end(back, -length / 2), way.before_end(back, length / 2));
        self.write(format_args!("<path class=\"h {class}\" d=\"M{end}L{left}L{right}Z\"/>"));
    }

    fn fading(&mut self, way: &Way, class: &str, steps: [&str; 3]) {
        for (at, step) in (0..).zip(steps) {
            let (from, to) = (way.part(15 + at * 25), way.part(40 + at * 25));
            self.write(format_args!("<path class=\"a {class} {step}\" d=\"M{from}L{to}\"/>"));
        }
    }

    /// The name of a candidate on its token.
    fn pill(&mut self, mark: &Mark) {
        if mark.label.is_empty() {
            return;
        }
        let letters = i64::try_from(mark.label.chars().count()).unwrap_or(1);
        let width = letters * i64::from(LETTER) + 140;
        let is_long = (mark.x2 - mark.x1).abs() >= 3 * self.step;
        let way = Way::of(mark);
        let (Point(x, y), side) = match mark.end {
            // Beside the end that nobody tells of.
            Tip::Fade => (way.part(100), mark.x2 - mark.x1),
            Tip::Dawn => (way.part(0), mark.x1 - mark.x2),
            _ => (way.part(if is_long { 62 } else { 50 }), 0),
        };
        let x = x + i64::from(side.signum()) * width / 2;
        if x - width / 2 < i64::from(LEFT) * 10 {
            return;
        }
        let (left, top, base) = (Tenths(x - width / 2), Tenths(y - 75), Tenths(y + 38));
        let (class, label, width, x) = (name(mark), escape(&mark.label), Tenths(width), Tenths(x));
        self.write(format_args!(
            "<rect class=\"p {class}\" x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"15\" rx=\"7.5\"/>\
             <text class=\"c b pt\" x=\"{x}\" y=\"{base}\">{label}</text>\n"
        ));
    }

    fn dot(&mut self, mark: &Mark) {
        let (x, y, side) = (mark.x1, mark.y1, mark.x2);
        let r = if matches!(mark.class, Some(Class::Chat | Class::Beat)) { "2.6" } else { "3.8" };
        let (class, tip) = (name(mark), self.tip(mark));
        self.write(format_args!(
            "<circle class=\"d {class} n\" cx=\"{x}\" cy=\"{y}\" r=\"{r}\">{tip}</circle>"
        ));
        if !mark.label.is_empty() {
            let anchor = if side < 0 { " e" } else { "" };
            self.write(format_args!(
                "<text class=\"n m{anchor}\" x=\"{}\" y=\"{}\">{}</text>",
                x + side * 9,
                Tenths(i64::from(y) * 10 + 35),
                mark.label
            ));
        }
        self.out.push('\n');
    }

    /// Everything that is a sign of its own.
    fn sign(&mut self, mark: &Mark) {
        let (x, y, class, tip) = (mark.x1, mark.y1, name(mark), self.tip(mark));
        match mark.kind {
            MarkKind::Won => self
                .write(format_args!("<circle class=\"wn\" cx=\"{x}\" cy=\"{y}\" r=\"8.5\">{tip}</circle>\n")),
            MarkKind::Cross => self.write(format_args!(
                "<path class=\"x {class}\" d=\"M{} {}l14 14m0 -14l-14 14\">{tip}</path>\n",
                x - 7,
                y - 7
            )),
            MarkKind::Down => {
                self.write(format_args!(
                    "<circle class=\"op {class}\" cx=\"{x}\" cy=\"{y}\" r=\"4.5\">{tip}</circle>\n"
                ));
            }
            MarkKind::Tick => {
                self.write(format_args!("<path class=\"s {class}\" d=\"M{} {y}h10\">{tip}</path>\n", x - 5));
            }
            MarkKind::Bar => {
                self.write(format_args!("<path class=\"x {class}\" d=\"M{} {y}h16\">{tip}</path>\n", x - 8));
            }
            MarkKind::Triangle => self.write(format_args!(
                "<path class=\"p {class}\" d=\"M{x} {}l6 10h-12Z\">{tip}</path>\n",
                y - 5
            )),
            MarkKind::Side => {
                let label = escape(&mark.label);
                self.write(format_args!(
                    "<text class=\"c b t {class}\" x=\"{}\" y=\"{y}\">{label}</text>\n",
                    x + 14
                ));
            }
            _ => {}
        }
    }
}

fn name(mark: &Mark) -> &'static str {
    mark.class.map_or("", Class::name)
}
