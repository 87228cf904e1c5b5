//! The colours, on light and on dark ground.

use alloc::format;
use alloc::string::String;
use core::fmt::Write as _;

/// A colour by its name: on light ground, on dark ground.
type Colour = (&'static str, &'static str, &'static str);

const COLOURS: [Colour; 17] = [
    ("ink", "#18202b", "#e8ecf2"),
    ("muted", "#566173", "#9aa6b6"),
    ("ground", "#ffffff", "#161b22"),
    ("hair", "#e4e6ea", "#262d37"),
    ("line", "#b9c1cc", "#4a5563"),
    ("gold", "#e3a008", "#f0b429"),
    ("goldtext", "#7d5600", "#f5c453"),
    ("elect", "#5a3fd0", "#a594ff"),
    ("lead", "#8f6200", "#f0b429"),
    ("repair", "#c24a00", "#ff9a4d"),
    ("catchup", "#0a7570", "#4fd1c5"),
    ("member", "#2b7a2f", "#7fd483"),
    ("merge", "#b0307a", "#f58bc4"),
    ("dead", "#c4262e", "#ff6b6b"),
    ("freeze", "#2f6fb5", "#7db7f5"),
    ("chat", "#8b95a4", "#7d8898"),
    ("beat", "#8b95a4", "#7d8898"),
];

/// The classes of messages and bands, each with a colour of that name.
const CLASSES: [&str; 10] =
    ["elect", "lead", "repair", "catchup", "member", "merge", "dead", "freeze", "chat", "beat"];

/// What has a colour, but for the classes.
const RULES: &str = "text{fill:$ink}.m{fill:$muted}.g{fill:$ground}.n,.k{stroke:$ground}.hr{stroke:$hair}\
                     .ll{stroke:$line}.re,.wn{stroke:$gold}.pt{fill:$ground}.ld{fill:$goldtext}.op{fill:$ground}";

/// The style sheet of an SVG.
pub(crate) fn style() -> String {
    format!(
        "{SHAPES}{}@media(prefers-color-scheme:dark){{{}}}",
        colours(|(_, light, _)| light),
        colours(|(_, _, dark)| dark)
    )
}

/// What does not depend on the ground.
const SHAPES: &str = "\
text{font-family:Inter,\"Segoe UI\",system-ui,\"DejaVu Sans\",sans-serif;font-size:10.5px;font-variant-numeric:tabular-nums}\
.c{text-anchor:middle}.e{text-anchor:end}.nm{font-size:13.5px;font-weight:650}.b{font-weight:600}\
.n{font-size:9.5px;paint-order:stroke;stroke-width:3px;stroke-linejoin:round}.k{paint-order:stroke;stroke-width:8px}\
path,line{fill:none}.ll{stroke-width:1.5px}.dd{stroke-dasharray:2 6;opacity:.7}.jo{stroke-dasharray:2 4}\
.re{stroke-width:6px;stroke-linecap:round}.wt{stroke-width:3px;opacity:.55}.wn{fill:none;stroke-width:2.5px}\
.d{stroke-width:1.2px}.x{stroke-width:3.2px;stroke-linecap:round}.op{stroke-width:2px}.bd{opacity:.07;stroke:none}\
.wl{stroke-width:4px;stroke-dasharray:8 4;opacity:.6}.s{stroke-width:1.5px}.bk{stroke-dasharray:3 4}\
.a.elect{stroke-width:2.2px}.a.lead{stroke-width:2px;stroke-dasharray:7 3}.a.repair{stroke-width:1.7px}\
.a.member{stroke-width:1.7px;stroke-dasharray:1 3;stroke-linecap:round}.a.catchup{stroke-width:1.3px;stroke-dasharray:2 2.5}\
.a.chat{stroke-width:1px}.a.beat{stroke-width:.7px}.a.lo{stroke-dasharray:4 3}.br{stroke-width:4.5px}\
.f2{opacity:.6}.f3{opacity:.25}.h{stroke:none}";

fn colours(shade: impl Fn(Colour) -> &'static str) -> String {
    let mut rules = String::from(RULES);
    for class in CLASSES {
        let _ = write!(
            rules,
            ".a.{class},.x.{class},.s.{class},.br.{class},.wt.{class},.op.{class},.wl.{class}{{stroke:${class}}}\
             .h.{class},.d.{class},.bd.{class},.t.{class},.p.{class}{{fill:${class}}}"
        );
    }
    // The longest names first, since some begin with another.
    let mut colours = COLOURS;
    colours.sort_by_key(|(name, ..)| core::cmp::Reverse(name.len()));
    colours.into_iter().fold(rules, |rules, colour| rules.replace(&format!("${}", colour.0), shade(colour)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The relative luminance of a colour in millionths.
    fn luminance(colour: &str) -> f64 {
        let part = |at: usize| {
            let part = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if part <= 0.040_45 { part / 12.92 } else { libm_pow((part + 0.055) / 1.055) }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    }

    /// x to the power of 2.4: the fifth root of x to the power of 12, by Newton.
    fn libm_pow(x: f64) -> f64 {
        let twelfth = (0..12).fold(1.0, |power, _| power * x);
        (0..200).fold(x, |root, _| {
            root - (root * root * root * root * root - twelfth) / (5.0 * root * root * root * root)
        })
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_and_marks_can_be_told_from_both_grounds() {
        let [.., ground_light, ground_dark] = {
            let (_, light, dark) = COLOURS[2];
            [light, dark]
        };
        assert!((contrast("#000000", "#ffffff") - 21.0).abs() < 0.01);
        for (name, light, dark) in COLOURS {
            let least = match name {
                "ground" | "hair" | "line" => continue,
                // The line of a leader has an edge of its own on light ground by its width.
                "gold" => 2.2,
                "chat" | "beat" => 3.0,
                _ => 4.5,
            };
            let (on_light, on_dark) = (contrast(light, ground_light), contrast(dark, ground_dark));
            assert!(on_light >= least && on_dark >= least, "{name}: {on_light} {on_dark}");
        }
    }

    #[test]
    fn every_colour_of_the_style_is_known() {
        let style = style();
        assert!(!style.contains('$'), "{style}");
        assert!(style.contains(".a.elect,") && style.contains("#a594ff"), "{style}");
    }
}
