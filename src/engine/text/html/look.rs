//! What a list of CSS declarations does to the text of an element: hides it, or shows it.

use crate::engine::text::{css, scan::find_any};

/// Properties that hide, as bits: what is declared, in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Look {
    /// Declared so that the text cannot be seen.
    pub(super) hides: u16,
    /// Declared so that it can.
    pub(super) shows: u16,
    /// Those of `hides` that no later declaration undoes (`!important`).
    pub(super) important: u16,
    /// Those of `hides` that only work on boxes, not on inline elements.
    pub(super) of_boxes: u16,
    /// Its text is displayed in one direction, whatever the characters are.
    pub(super) overrides: bool,
    /// That direction is from right to left.
    pub(super) from_right: bool,
}

/// Properties whose value descendants inherit.
pub(super) const INHERITED: u16 = VISIBILITY | FONT_SIZE | COLOR;
const VISIBILITY: u16 = 1;
const FONT_SIZE: u16 = 1 << 1;
const COLOR: u16 = 1 << 2;
const DISPLAY: u16 = 1 << 3;
const OPACITY: u16 = 1 << 4;
const SIZE: u16 = 1 << 5;
const PLACE: u16 = 1 << 6;
const CLIP: u16 = 1 << 7;
const INDENT: u16 = 1 << 8;
const TRANSFORM: u16 = 1 << 9;
const CONTENT: u16 = 1 << 10;

/// Lengths beyond this are off any screen, in pixels.
const OFF_SCREEN: f32 = -900.0;
/// Nobody reads what is smaller, in pixels.
const TOO_SMALL: f32 = 1.01;
const EM: f32 = 16.0;

impl Look {
    /// Whether it says nothing.
    pub(super) fn is_empty(self) -> bool {
        self.hides | self.shows == 0 && !self.overrides && !self.from_right
    }

    /// Whether it says that the element is displayed, whatever its attributes say.
    pub(super) fn displays(self) -> bool {
        self.shows & DISPLAY != 0
    }

    /// This look and then another one: what comes later counts.
    pub(super) fn then(self, later: Self) -> Self {
        let kept = self.hides & !(later.shows & !self.important);
        Self {
            hides: kept | later.hides,
            shows: self.shows & !later.hides | later.shows,
            important: self.important | later.important,
            of_boxes: self.of_boxes & kept & !later.hides | later.of_boxes,
            overrides: self.overrides | later.overrides,
            from_right: self.from_right | later.from_right,
        }
    }
}

/// Reads declarations, as in a style attribute.
pub(super) fn look(declarations: &str) -> Look {
    let plain = css::plain(declarations);
    let mut facts = Facts::default();
    let mut look = Look::default();
    let mut rest = &*plain;
    while !rest.is_empty() {
        let end = declaration_end(rest.as_bytes());
        let declaration = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or("");
        let Some(colon) = declaration.bytes().position(|byte| byte == b':') else { continue };
        let (name, value) = (declaration[..colon].trim_ascii(), &declaration[colon + 1..]);
        if !may_matter(name.as_bytes()) {
            continue;
        }
        let (value, important) = match value.bytes().position(|byte| byte == b'!') {
            Some(mark) => (value[..mark].trim_ascii(), value[mark + 1..].trim_ascii() == "important"),
            None => (value.trim_ascii(), false),
        };
        let before = look;
        facts.declare(name, value, &mut look);
        // Within one list the important one wins, wherever it stands.
        let undone = before.important & !look.hides;
        look.hides |= undone;
        look.shows &= !undone;
        if important {
            look.important |= look.hides & !before.hides;
        }
    }
    facts.conclude(look)
}

/// Index of the semicolon that ends the first declaration; the length, if there is none.
fn declaration_end(text: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0_u32);
    loop {
        at += find_any(&text[at..], [b';', b'"', b'\'', b'(', b')']);
        match text.get(at) {
            None => return at,
            Some(b';') if depth == 0 => return at,
            Some(b'(') => depth += 1,
            Some(b')') => depth = depth.saturating_sub(1),
            Some(&quote @ (b'"' | b'\'')) => {
                at += 1 + find_any(&text[at + 1..], [quote]);
                if at >= text.len() {
                    return text.len();
                }
            }
            Some(_) => {}
        }
        at += 1;
    }
}

/// The properties that [`Facts::declare`] knows; animations aside.
const PROPERTIES: [&str; 37] = [
    "display",
    "visibility",
    "content-visibility",
    "opacity",
    "filter",
    "font-size",
    "font",
    "color",
    "-webkit-text-fill-color",
    "background",
    "background-color",
    "background-clip",
    "-webkit-background-clip",
    "text-shadow",
    "position",
    "float",
    "width",
    "height",
    "max-width",
    "max-height",
    "overflow",
    "overflow-x",
    "overflow-y",
    "left",
    "top",
    "right",
    "bottom",
    "margin",
    "margin-left",
    "margin-top",
    "text-indent",
    "clip",
    "clip-path",
    "transform",
    "animation",
    "direction",
    "unicode-bidi",
];

/// For each first letter, how long such a property's name may be, as bits.
static LENGTHS: [u32; 128] = {
    let mut lengths = [0; 128];
    let mut at = 0;
    while at < PROPERTIES.len() {
        let name = PROPERTIES[at].as_bytes();
        lengths[name[0] as usize] |= 1 << name.len();
        at += 1;
    }
    lengths
};

/// Whether a property may be one of those that hide or show; most are none of them.
#[inline]
fn may_matter(name: &[u8]) -> bool {
    match name {
        [] => false,
        // Animations have many properties.
        [b'a' | b'-', ..] => true,
        [first, ..] => {
            name.len() < 32 && LENGTHS.get(usize::from(*first)).is_some_and(|lengths| lengths >> name.len() & 1 != 0)
        }
    }
}

/// What single declarations say that only counts together.
#[derive(Default)]
struct Facts {
    is_box: bool,
    out_of_flow: bool,
    relative: bool,
    no_size: bool,
    cut: bool,
    away: bool,
    clipped: bool,
    moves: bool,
    background_text: bool,
    color: Option<Color>,
    background: Option<Color>,
}

/// A colour as it is written, in one way of several; enough to see that two are the same.
type Color = [u8; 6];

impl Facts {
    fn declare(&mut self, name: &str, value: &str, look: &mut Look) {
        let mut set = |bit: u16, hides: bool| {
            look.hides = look.hides & !bit | if hides { bit } else { 0 };
            look.shows = look.shows & !bit | if hides { 0 } else { bit };
        };
        match name {
            "display" => {
                set(DISPLAY, value == "none");
                self.is_box = !matches!(value, "inline" | "contents" | "none");
            }
            "visibility" => set(VISIBILITY, matches!(value, "hidden" | "collapse")),
            "content-visibility" => set(CONTENT, value == "hidden"),
            "opacity" => set(OPACITY, number(value).is_some_and(|(value, _)| value <= 0.02)),
            "filter" => set(OPACITY, function(value, "opacity").is_some_and(zero)),
            "font-size" if !relative(value) || too_small(value) => set(FONT_SIZE, too_small(value)),
            "font" => {
                let size = value.split_ascii_whitespace().find(|word| {
                    word.starts_with(|c: char| c.is_ascii_digit() || c == '.')
                        && !matches!(*word, "100" | "200" | "300" | "400" | "500" | "600" | "700" | "800" | "900")
                });
                let size = size.map(|size| size.split('/').next().unwrap_or(size));
                set(FONT_SIZE, size.is_some_and(too_small));
            }
            "color" | "-webkit-text-fill-color" if value != "inherit" => {
                set(COLOR, transparent(value));
                self.color = color(value);
            }
            "background" | "background-color" => self.background = color(value),
            "background-clip" | "-webkit-background-clip" => self.background_text |= value == "text",
            "text-shadow" => self.background_text |= value != "none",
            "position" => {
                self.out_of_flow = matches!(value, "absolute" | "fixed");
                self.relative = self.out_of_flow || matches!(value, "relative" | "sticky");
            }
            "float" => self.is_box |= matches!(value, "left" | "right"),
            "width" | "height" | "max-width" | "max-height" => {
                let none = length(value).is_some_and(|value| value <= TOO_SMALL);
                self.no_size = none || self.no_size && !name.starts_with("max");
            }
            "overflow" | "overflow-x" | "overflow-y" => {
                self.cut = value.split_ascii_whitespace().any(|word| matches!(word, "hidden" | "clip"));
            }
            "left" | "top" | "right" | "bottom" => self.away |= off_screen(value),
            "margin-left" | "margin-top" | "margin" => {
                let away = value.split_ascii_whitespace().any(off_screen);
                set(PLACE, away);
                look.of_boxes = look.of_boxes & !PLACE | if away { PLACE } else { 0 };
            }
            "text-indent" => {
                let away = off_screen(value);
                set(INDENT, away);
                look.of_boxes = look.of_boxes & !INDENT | if away { INDENT } else { 0 };
            }
            "clip" => self.clipped = function(value, "rect").is_some_and(nothing_left),
            "clip-path" => {
                let inset =
                    function(value, "inset").and_then(number).is_some_and(|(value, unit)| unit == "%" && value >= 50.0);
                set(CLIP, inset || function(value, "circle").is_some_and(zero));
            }
            "transform" => {
                let scaled =
                    ["scale", "scalex", "scaley", "scale3d"].iter().any(|name| function(value, name).is_some_and(zero));
                let moved = ["translate", "translatex", "translatey", "translate3d"].iter().any(|name| {
                    function(value, name)
                        .is_some_and(|arguments| arguments.split(',').any(|one| off_screen(one.trim())))
                });
                set(TRANSFORM, scaled || moved);
                look.of_boxes = look.of_boxes & !TRANSFORM | look.hides & TRANSFORM;
            }
            "direction" => look.from_right = value == "rtl",
            "unicode-bidi" => look.overrides = matches!(value, "bidi-override" | "isolate-override"),
            _ if name.starts_with("animation") || name.starts_with("-webkit-animation") => {
                self.moves |= value != "none"
            }
            _ => {}
        }
    }

    fn conclude(self, mut look: Look) -> Look {
        if self.no_size && self.cut {
            look.hides |= SIZE;
            look.of_boxes |= SIZE;
        }
        if self.away && self.relative {
            look.hides |= PLACE;
        }
        if self.clipped && self.out_of_flow {
            look.hides |= CLIP;
        }
        if self.is_box || self.out_of_flow {
            look.of_boxes = 0;
        }
        if self.color.is_some() && self.color == self.background {
            look.hides |= COLOR;
            look.shows &= !COLOR;
        }
        // Letters cut out of a background are seen, and so is what an animation brings in.
        if self.background_text {
            look.hides &= !COLOR;
        }
        if self.moves {
            look.hides &= DISPLAY;
        }
        look
    }
}

/// The number that a value begins with, and its unit.
fn number(value: &str) -> Option<(f32, &str)> {
    let value = value.trim();
    let end = value.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+'))).unwrap_or(value.len());
    let number = value[..end].parse().ok()?;
    let unit = value[end..].split(|c: char| !(c.is_ascii_alphabetic() || c == '%')).next().unwrap_or("");
    Some((number, unit))
}

/// A length in pixels; `None` if it is none.
fn length(value: &str) -> Option<f32> {
    let (number, unit) = number(value)?;
    let factor = match unit {
        "" if number == 0.0 => 1.0,
        "px" => 1.0,
        "pt" => 4.0 / 3.0,
        "em" | "rem" | "ex" | "ch" | "ic" | "pc" => EM,
        "%" | "vw" | "vh" | "vmin" | "vmax" => 10.0,
        "cm" | "in" => 40.0,
        "mm" => 4.0,
        _ => return None,
    };
    Some(number * factor)
}

fn too_small(size: &str) -> bool {
    length(size).is_some_and(|value| (0.0..=TOO_SMALL).contains(&value))
}

/// A size that nothing is made of, if nothing is what the parent has.
fn relative(size: &str) -> bool {
    number(size).is_some_and(|(_, unit)| matches!(unit, "em" | "%" | "ex" | "ch" | "ic"))
        || matches!(size, "inherit" | "smaller" | "larger" | "unset")
}

fn off_screen(value: &str) -> bool {
    length(value).is_some_and(|value| value <= OFF_SCREEN)
}

/// What stands in the brackets of a function.
fn function<'v>(value: &'v str, name: &str) -> Option<&'v str> {
    if !value.as_bytes().contains(&b'(') {
        return None;
    }
    let mut rest = value;
    while let Some(at) = rest.find(name) {
        let (front, behind) = (&rest[..at], &rest[at + name.len()..]);
        if let Some(arguments) = behind.strip_prefix('(')
            && !front.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '-')
        {
            return arguments.split(')').next();
        }
        rest = behind;
    }
    None
}

fn zero(arguments: &str) -> bool {
    arguments.split(',').any(|one| number(one).is_some_and(|(value, _)| value.abs() <= 0.02))
}

/// Whether a `rect()` leaves nothing: all its edges are zero or one.
fn nothing_left(arguments: &str) -> bool {
    let mut edges = arguments.split([',', ' ']).filter(|edge| !edge.is_empty());
    edges.all(|edge| length(edge).is_some_and(|value| value.abs() <= TOO_SMALL))
}

fn color(value: &str) -> Option<Color> {
    let word = value.split_ascii_whitespace().next()?;
    let digits = match word {
        "white" => "ffffff",
        "black" => "000000",
        "red" => "ff0000",
        _ => word.strip_prefix('#')?,
    };
    match *digits.as_bytes() {
        [r, g, b] => Some([r, r, g, g, b, b]),
        [a, b, c, d, e, f] => Some([a, b, c, d, e, f]),
        _ => None,
    }
}

fn transparent(color: &str) -> bool {
    if let Some(digits) = color.strip_prefix('#') {
        return digits.len() == 4 && digits.ends_with('0') || digits.len() == 8 && digits.ends_with("00");
    }
    let alpha = ["rgba", "hsla", "rgb", "hsl"].iter().find_map(|name| function(color, name)).and_then(|arguments| {
        let mut parts = arguments.split([',', '/', ' ']).filter(|part| !part.is_empty());
        parts.clone().nth(3).and(parts.next_back())
    });
    color == "transparent" || alpha.is_some_and(|alpha| number(alpha).is_some_and(|(value, _)| value <= 0.02))
}

#[cfg(test)]
mod tests {
    use super::look;

    #[test]
    fn what_cannot_be_seen_is_told_from_what_can() {
        for hidden in [
            "display:none",
            "color:red; DISPLAY : None !important",
            "d\\69splay:none",
            "display/**/:none",
            "display:none!important;display:block",
            "visibility:hidden",
            "font-size:0",
            "font-size: 0.5px",
            "font:0/0 a",
            "opacity:0",
            "opacity:0.0",
            "filter:opacity(0%)",
            "width:0;height:0;overflow:hidden",
            "text-indent:-9999px",
            "position:absolute;left:-9999px",
            "position:fixed;top:-100em",
            "margin-left:-9999px",
            "color:transparent",
            "color:rgba(0,0,0,0)",
            "color:#0000",
            "color:#fff;background:white url(x)",
            "position:absolute;clip:rect(0 0 0 0)",
            "clip-path:inset(50%)",
            "transform:scale(0)",
            "transform:translateX(-9999px)",
            "content-visibility:hidden",
        ] {
            assert_ne!(look(hidden).hides, 0, "{hidden}");
        }
        for shown in [
            "",
            "display:block",
            "display:none;display:block",
            "visibility:visible",
            "font-size:12px",
            "font:bold 12px/0 a",
            "opacity:.9",
            "width:0;height:0",
            "overflow:hidden;height:100px",
            "left:-9999px",
            "text-indent:-2em",
            "color:#000",
            "color:#ff0000",
            "color:rgb(0,0,0)",
            "color:transparent;-webkit-background-clip:text",
            "opacity:0;animation:show 1s",
            "position:absolute;clip:rect(0,100px,100px,0)",
            "background:url(\"x;display:none\")",
            "transform:translate(0, 10px)",
        ] {
            assert_eq!(look(shown).hides, 0, "{shown}");
        }
    }

    #[test]
    fn what_comes_later_counts() {
        let hides = |first, later| look(first).then(look(later)).hides != 0;
        assert!(!hides("display:none", "display:inline"));
        assert!(hides("display:none", "color:red"));
        assert!(hides("display:none!important", "display:inline"));
        assert!(hides("display:none;visibility:hidden", "display:inline"));
    }
}
