//! Bars, as an SVG that a page can hold as it is: one line for the opening tag, no empty line.

use std::fmt::Write as _;

use super::record::{Results, target};

const BAR: f64 = 15.0;
const GROUP_GAP: f64 = 26.0;
const LEFT: f64 = 44.0;
const TOP: f64 = 64.0;
const HEIGHT: f64 = 240.0;
const COLOURS: [&str; 4] = ["#b7d3ea", "#74a9cf", "#2b7bba", "#08488a"];

/// Zhamen's speed by Hyperscan's for each text and number of phrases.
pub fn ratios(results: &Results, date: &str) -> String {
    let counts = results.counts();
    let texts: Vec<&str> = results
        .texts()
        .into_iter()
        .filter(|text| counts.iter().any(|count| results.ratio(*count, text, "zhamen").is_some()))
        .collect();
    let values = || counts.iter().flat_map(|count| texts.iter().map(|text| (*count, *text)));
    let highest = values()
        .flat_map(|(count, text)| [results.ratio(count, text, "zhamen"), target(text, count)])
        .flatten()
        .fold(1.0, f64::max);
    let top = (highest * 2.0 + 0.2).ceil() / 2.0;
    let y = |ratio: f64| TOP + HEIGHT * (1.0 - ratio / top);
    let group = counts.len() as f64 * BAR + GROUP_GAP;
    let width = LEFT + texts.len() as f64 * group + 12.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {:.0}\" width=\"{width:.0}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"{LEFT}\" y=\"20\" font-size=\"14\" font-weight=\"bold\">Zhamen by Hyperscan: speed on one core, {date}</text>\n\
         <text x=\"{LEFT}\" y=\"36\" fill=\"#555\">Zhamen decodes, reads markup and folds; Hyperscan matches raw bytes. \
         Dashes: the targets.</text>\n",
        TOP + HEIGHT + 40.0
    );
    for (number, (count, colour)) in counts.iter().zip(COLOURS).enumerate() {
        let x = LEFT + number as f64 * 130.0;
        let _ = writeln!(
            out,
            "<rect x=\"{x}\" y=\"44\" width=\"10\" height=\"10\" fill=\"{colour}\"/>\
             <text x=\"{}\" y=\"53\">{} phrases</text>",
            x + 15.0,
            grouped(*count)
        );
    }
    for step in 0..=(top * 2.0) as usize {
        let ratio = step as f64 / 2.0;
        let colour = if step == 2 { "#333" } else { "#ddd" };
        let _ = writeln!(
            out,
            "<line x1=\"{LEFT}\" x2=\"{width:.0}\" y1=\"{0:.1}\" y2=\"{0:.1}\" stroke=\"{colour}\"/>\
             <text x=\"{1}\" y=\"{2:.1}\" text-anchor=\"end\">{ratio:.1}</text>",
            y(ratio),
            LEFT - 6.0,
            y(ratio) + 4.0
        );
    }
    for (number, text) in texts.iter().enumerate() {
        let left = LEFT + GROUP_GAP / 2.0 + number as f64 * group;
        for (bar, (count, colour)) in counts.iter().zip(COLOURS).enumerate() {
            let x = left + bar as f64 * BAR;
            if let Some(ratio) = results.ratio(*count, text, "zhamen") {
                let _ = writeln!(
                    out,
                    "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{colour}\">\
                     <title>{text}, {} phrases: {ratio:.2}</title></rect>",
                    y(ratio),
                    BAR - 2.0,
                    HEIGHT * ratio / top,
                    grouped(*count)
                );
            }
            if let Some(target) = target(text, *count) {
                let _ = writeln!(
                    out,
                    "<line x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{2:.1}\" y2=\"{2:.1}\" stroke=\"#c33\" stroke-width=\"2\"/>",
                    x - 1.0,
                    x + BAR - 1.0,
                    y(target)
                );
            }
        }
        let middle = left + counts.len() as f64 * BAR / 2.0;
        let _ = writeln!(
            out,
            "<text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{text}</text>",
            TOP + HEIGHT + 18.0
        );
    }
    out.push_str("</svg>\n");
    out
}

fn grouped(number: usize) -> String {
    if number < 1000 { number.to_string() } else { format!("{},{:03}", number / 1000, number % 1000) }
}
