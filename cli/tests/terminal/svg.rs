//! Draws the screen of a terminal as SVG: text in cells, for light and for dark ground.

use std::fmt::Write as _;

use vt100::{Cell, Color, Screen};

/// The size of a cell.
const WIDTH: f64 = 8.4;
const HEIGHT: f64 = 18.0;

/// How far the baseline of a text is below the top of its cell.
const BASELINE: f64 = 13.0;

/// The space around the screen.
const EDGE: f64 = 14.0;

/// Runs of so many blanks are no text.
const GAP: &str = "   ";

const STYLE: &str = "\
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,\"DejaVu Sans Mono\",monospace;white-space:pre;fill:var(--ink)}\
:root{--ink:#1c2430;--ground:#fcfcfd;--hair:#d5d9e0}\
@media(prefers-color-scheme:dark){:root{--ink:#e4e8ee;--ground:#11151b;--hair:#343c48}}\
path{fill:none;stroke:var(--ink)}.frame{fill:var(--ground);stroke:var(--hair)}.bar,.cursor{fill:var(--ink)}\
.bar+text,.i{fill:var(--ground)}.d{opacity:.6}.b{font-weight:700}.cursor{opacity:.75}";

/// The colours that every terminal has, as most show them on either ground.
const USUAL: [&str; 8] =
    ["#7a8494", "#d03a3a", "#3c8f40", "#a97908", "#3d74d6", "#b8399f", "#16879a", "#8a94a4"];

/// Draws `screen`, of which `title` and `about` tell those who do not see it.
pub(crate) fn svg(screen: &Screen, title: &str, about: &str) -> String {
    let (rows, columns): (u16, u16) = (screen.size().0.into(), screen.size().1.into());
    let (width, height) = (f64::from(columns) * WIDTH + 2.0 * EDGE, f64::from(rows) * HEIGHT + 2.0 * EDGE);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\"><title>{}</title><desc>{}</desc><style>{STYLE}</style>\n\
         <rect class=\"frame\" x=\".5\" y=\".5\" width=\"{}\" height=\"{}\" rx=\"9\"/>\n",
        escape(title),
        escape(about),
        width - 1.0,
        height - 1.0
    );
    for row in 0..rows {
        let mut pen = Pen { screen, row, out: &mut out };
        pen.lines(columns);
        pen.texts(columns);
    }
    let (row, column) = screen.cursor_position();
    let (x, y) = corner(row, column);
    let _ = writeln!(
        out,
        "<rect class=\"cursor\" x=\"{x:.1}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>\n</svg>"
    );
    out
}

/// The left upper corner of a cell.
fn corner(row: u16, column: u16) -> (f64, f64) {
    (EDGE + f64::from(column) * WIDTH, EDGE + f64::from(row) * HEIGHT)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The attributes of a cell.
fn style(cell: &Cell) -> String {
    let classes: Vec<&str> = [(cell.dim(), "d"), (cell.bold(), "b"), (cell.inverse(), "i")]
        .into_iter()
        .filter_map(|(has, class)| has.then_some(class))
        .collect();
    let class = if classes.is_empty() { String::new() } else { format!(" class=\"{}\"", classes.join(" ")) };
    class + &colour(cell.fgcolor()).map_or_else(String::new, |colour| format!(" style=\"fill:{colour}\""))
}

/// A colour as in a style sheet. `None` for that of usual text.
fn colour(colour: Color) -> Option<String> {
    let hex = |[r, g, b]: [u8; 3]| format!("#{r:02x}{g:02x}{b:02x}");
    match colour {
        Color::Default => None,
        Color::Idx(usual @ 0..16) => Some(USUAL[usize::from(usual % 8)].to_owned()),
        Color::Idx(grey @ 232..) => Some(hex([8 + 10 * (grey - 232); 3])),
        Color::Idx(cube) => {
            let level = |part: u8| if part == 0 { 0 } else { 55 + 40 * part };
            let cube = cube - 16;
            Some(hex([cube / 36, cube / 6 % 6, cube % 6].map(level)))
        }
        Color::Rgb(r, g, b) => Some(hex([r, g, b])),
    }
}

/// The path that draws a sign that joins those around it. `None` for other signs.
fn path(sign: &str, (x, y): (f64, f64)) -> Option<String> {
    let (right, bottom) = (x + WIDTH, y + HEIGHT);
    let (middle, centre) = (x + WIDTH / 2.0, y + HEIGHT / 2.0);
    Some(match sign {
        "│" => format!("M{middle:.1} {y}V{bottom}"),
        "─" => format!("M{x:.1} {centre}H{right:.1}"),
        "┌" => format!("M{middle:.1} {bottom}V{centre}H{right:.1}"),
        "└" => format!("M{middle:.1} {y}V{centre}H{right:.1}"),
        _ => return None,
    })
}

/// Draws one row.
struct Pen<'a> {
    screen: &'a Screen,
    row: u16,
    out: &'a mut String,
}

impl Pen<'_> {
    fn cell(&self, column: u16) -> &Cell {
        self.screen.cell(self.row, column).expect("a cell of the screen")
    }

    /// The signs that join those around them.
    fn lines(&mut self, columns: u16) {
        for dim in [false, true] {
            let drawn = (0..columns).filter(|column| self.cell(*column).dim() == dim);
            let paths =
                drawn.filter_map(|column| path(self.cell(column).contents(), corner(self.row, column)));
            let path: String = paths.collect();
            if !path.is_empty() {
                let class = if dim { " class=\"d\"" } else { "" };
                let _ = writeln!(self.out, "<path{class} d=\"{path}\"/>");
            }
        }
    }

    /// The texts, each of one style.
    fn texts(&mut self, columns: u16) {
        let mut column = 0;
        while column < columns {
            let look = style(self.cell(column));
            let is_of_run = |next: &u16| style(self.cell(*next)) == look;
            let end = (column..columns).find(|next| !is_of_run(next)).unwrap_or(columns);
            self.run(column..end, &look);
            column = end;
        }
    }

    fn run(&mut self, columns: std::ops::Range<u16>, look: &str) {
        let (x, y) = corner(self.row, columns.start);
        if self.cell(columns.start).inverse() {
            let width = f64::from(columns.end - columns.start) * WIDTH;
            let _ = writeln!(
                self.out,
                "<rect class=\"bar\" x=\"{x:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"{HEIGHT}\"/>"
            );
        }
        let sign = |column: u16| match self.cell(column).contents() {
            "" => " ",
            sign if path(sign, (0.0, 0.0)).is_some() => " ",
            sign => sign,
        };
        // All signs of the picture have one column.
        let text: String = columns.clone().map(sign).collect();
        let mut at = columns.start;
        for part in text.split_inclusive(GAP) {
            let begin = part.chars().take_while(|sign| *sign == ' ').count();
            let shown = part.trim();
            let count = shown.chars().count();
            if count > 0 {
                let (x, y) = corner(self.row, at + u16::try_from(begin).unwrap());
                let length = f64::from(u16::try_from(count).unwrap()) * WIDTH;
                let _ = writeln!(
                    self.out,
                    "<text{look} x=\"{x:.1}\" y=\"{}\" textLength=\"{length:.1}\" lengthAdjust=\"spacingAndGlyphs\">{}</text>",
                    y + BASELINE,
                    escape(shown)
                );
            }
            at += u16::try_from(part.chars().count()).unwrap();
        }
    }
}
