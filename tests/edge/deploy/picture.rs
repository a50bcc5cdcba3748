//! A dashboard as an SVG picture: its panels at their places, drawn from what Prometheus answers.
//! Not Grafana's own drawing, but the same queries, units, thresholds and layout.

use serde_json::Value;

const COLUMN: f64 = 50.0;
const ROW: f64 = 30.0;
const GAP: f64 = 4.0;
const PALETTE: [&str; 8] = ["#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#5794f2", "#b877d9", "#37872d"];
const HEAD: f64 = 24.0;

/// A series: its name, and values by second.
struct Series {
    name: String,
    points: Vec<(f64, f64)>,
}

/// Where a panel is drawn.
#[derive(Clone, Copy)]
struct Place {
    x: f64,
    y: f64,
    w: f64,
    h: f64,
}

/// The picture of a dashboard. `range` answers a query with the series of the time that is shown.
pub(super) fn draw(dashboard: &Value, range: &dyn Fn(&str) -> Vec<Value>) -> String {
    let panels = dashboard["panels"].as_array().unwrap();
    let bottom = panels.iter().map(|panel| grid(panel, "y") + grid(panel, "h")).fold(0.0, f64::max);
    let (width, height) = (24.0 * COLUMN, bottom * ROW + 36.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
         font-size=\"11\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"#111217\"/>\n\
         <text x=\"8\" y=\"23\" font-size=\"16\" fill=\"#d8d9da\">{}</text>\n",
        escaped(dashboard["title"].as_str().unwrap())
    );
    for panel in panels {
        let place = Place {
            x: grid(panel, "x") * COLUMN + GAP,
            y: grid(panel, "y") * ROW + 36.0,
            w: grid(panel, "w") * COLUMN - 2.0 * GAP,
            h: grid(panel, "h") * ROW - GAP,
        };
        let title = escaped(panel["title"].as_str().unwrap());
        if panel["type"] == "row" {
            svg += &label(place.x, place.y + 18.0, "#9fa7b3", 13, "start", &format!("▾ {title}"));
            continue;
        }
        svg += &format!(
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"2\" fill=\"#181b1f\" stroke=\"#2c3235\"/>\n",
            place.x, place.y, place.w, place.h
        );
        svg += &label(place.x + 8.0, place.y + 16.0, "#d8d9da", 12, "start", &title);
        let series = series_of(panel, range);
        svg += &match panel["type"].as_str().unwrap() {
            "timeseries" => lines(panel, &series, place),
            "bargauge" => bars(panel, &series, place),
            _ => figure(panel, &series, place),
        };
    }
    svg + "</svg>\n"
}

fn grid(panel: &Value, key: &str) -> f64 {
    panel["gridPos"][key].as_f64().unwrap()
}

fn series_of(panel: &Value, range: &dyn Fn(&str) -> Vec<Value>) -> Vec<Series> {
    let mut found = Vec::new();
    for target in panel["targets"].as_array().unwrap() {
        for series in range(target["expr"].as_str().unwrap()) {
            let mut name = target["legendFormat"].as_str().unwrap_or_default().to_owned();
            for (label, value) in series["metric"].as_object().unwrap() {
                name = name.replace(&format!("{{{{{label}}}}}"), value.as_str().unwrap());
            }
            let point = |pair: &Value| Some((pair[0].as_f64()?, pair[1].as_str()?.parse::<f64>().ok()?));
            let points = series["values"].as_array().unwrap().iter().filter_map(point);
            found.push(Series { name, points: points.filter(|(_, value)| value.is_finite()).collect() });
        }
    }
    found.retain(|series| !series.points.is_empty());
    found
}

/// A panel of lines, stacked where the panel says so.
fn lines(panel: &Value, series: &[Series], place: Place) -> String {
    let stacked = panel["fieldConfig"]["defaults"]["custom"]["stacking"]["mode"] == "normal";
    let unit = unit(panel);
    let (left, right) = (place.x + 56.0, place.x + place.w - 8.0);
    let (top, bottom) = (place.y + HEAD + 4.0, place.y + place.h - 30.0);
    let times = || series.iter().flat_map(|series| series.points.iter().map(|(time, _)| *time));
    let (first, last) = (times().fold(f64::MAX, f64::min), times().fold(f64::MIN, f64::max).max(first_second(series)));
    let mut below: Vec<(f64, f64)> = Vec::new();
    let mut drawn: Vec<Vec<(f64, f64)>> = Vec::new();
    for series in series {
        let height = |time: f64| below.iter().find(|(at, _)| (at - time).abs() < 0.5).map_or(0.0, |(_, value)| *value);
        let line: Vec<(f64, f64)> = match stacked {
            true => series.points.iter().map(|(time, value)| (*time, value + height(*time))).collect(),
            false => series.points.clone(),
        };
        below.clone_from(&line);
        drawn.push(line);
    }
    let values = || drawn.iter().flatten().map(|(_, value)| *value);
    let most = values().fold(0.0, f64::max).max(1e-9) * 1.1;
    let least = values().fold(0.0, f64::min);
    let at = |(time, value): (f64, f64)| {
        let x = left + (time - first) / (last - first).max(1.0) * (right - left);
        (x, bottom - (value - least) / (most - least) * (bottom - top))
    };
    let mut svg = String::new();
    for step in 0..=4 {
        let value = least + (most - least) * f64::from(step) / 4.0;
        let (_, y) = at((first, value));
        svg += &format!("<line x1=\"{left}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#2c3235\"/>\n");
        svg += &label(left - 4.0, y + 4.0, "#9fa7b3", 10, "end", &shown(value, unit));
    }
    for (index, line) in drawn.iter().enumerate() {
        let points: Vec<String> = line.iter().map(|point| at(*point)).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let colour = PALETTE[index % PALETTE.len()];
        svg += &format!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.2\"/>\n",
            points.join(" ")
        );
    }
    let mut x = place.x + 8.0;
    for (index, series) in series.iter().enumerate() {
        let width = 20.0 + 6.2 * series.name.chars().count() as f64;
        if x + width > right {
            svg += &label(x, place.y + place.h - 9.0, "#9fa7b3", 10, "start", &format!("+{}", drawn.len() - index));
            break;
        }
        let (y, colour) = (place.y + place.h - 15.0, PALETTE[index % PALETTE.len()]);
        svg += &format!("<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"10\" height=\"3\" fill=\"{colour}\"/>\n");
        svg += &label(x + 14.0, y + 6.0, "#9fa7b3", 10, "start", &escaped(&series.name));
        x += width;
    }
    svg
}

fn first_second(series: &[Series]) -> f64 {
    series.first().and_then(|series| series.points.first()).map_or(0.0, |(time, _)| *time)
}

/// One number, coloured by the thresholds.
fn figure(panel: &Value, series: &[Series], place: Place) -> String {
    let last = series.first().and_then(|series| series.points.last()).map(|(_, value)| *value);
    let (text, colour) = match last {
        Some(value) => (shown(value, unit(panel)), colour(panel, value)),
        None => ("–".to_owned(), "#9fa7b3"),
    };
    label(place.x + place.w / 2.0, place.y + place.h / 2.0 + 22.0, colour, 30, "middle", &text)
}

/// A bar a series.
fn bars(panel: &Value, series: &[Series], place: Place) -> String {
    let values: Vec<(&str, f64)> =
        series.iter().filter_map(|series| Some((&*series.name, series.points.last()?.1))).collect();
    let most = values.iter().map(|(_, value)| *value).fold(1e-9, f64::max);
    let height = ((place.h - HEAD - 10.0) / values.len().max(1) as f64).min(34.0);
    let mut svg = String::new();
    for (index, (name, value)) in values.iter().enumerate() {
        let y = place.y + HEAD + 6.0 + index as f64 * height;
        let width = (place.w - 220.0).max(10.0) * value / most;
        svg += &label(place.x + 126.0, y + height / 2.0 + 3.0, "#9fa7b3", 11, "end", &escaped(name));
        svg += &format!(
            "<rect x=\"{}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{:.1}\" fill=\"{}\"/>\n",
            place.x + 134.0,
            height - 4.0,
            colour(panel, *value)
        );
        svg +=
            &label(place.x + place.w - 10.0, y + height / 2.0 + 3.0, "#d8d9da", 11, "end", &shown(*value, unit(panel)));
    }
    svg
}

fn unit(panel: &Value) -> &str {
    panel["fieldConfig"]["defaults"]["unit"].as_str().unwrap()
}

/// The colour of the highest threshold that a value reaches.
fn colour(panel: &Value, value: f64) -> &'static str {
    let steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"].as_array().unwrap();
    let reached = steps.iter().rfind(|step| step["value"].as_f64().is_none_or(|from| value >= from));
    match reached.and_then(|step| step["color"].as_str()) {
        Some("red") => "#f2495c",
        Some("orange") => "#ff780a",
        _ => "#73bf69",
    }
}

/// A value with its unit, as short as a person wants it.
fn shown(value: f64, unit: &str) -> String {
    let scaled = |value: f64, base: f64, marks: &[&str], unit: &str| {
        let (mut value, mut mark) = (value, 0);
        while value.abs() >= base && mark + 1 < marks.len() {
            (value, mark) = (value / base, mark + 1);
        }
        format!("{}{}{unit}", short(value), marks[mark])
    };
    match unit {
        "percentunit" => format!("{}%", short(value * 100.0)),
        "bytes" => scaled(value, 1024.0, &[" B", " KiB", " MiB", " GiB"], ""),
        "Bps" => scaled(value, 1000.0, &[" B", " kB", " MB", " GB"], "/s"),
        "s" if value.abs() >= 86_400.0 => format!("{} d", short(value / 86_400.0)),
        "s" if value.abs() >= 3_600.0 => format!("{} h", short(value / 3_600.0)),
        "s" if value.abs() >= 1.0 || value == 0.0 => format!("{} s", short(value)),
        "s" if value.abs() >= 1e-3 => format!("{} ms", short(value * 1e3)),
        "s" => format!("{} µs", short(value * 1e6)),
        "reqps" | "cps" => scaled(value, 1000.0, &["", " k", " M"], "/s"),
        _ => scaled(value, 1000.0, &["", " k", " M", " G"], ""),
    }
}

fn short(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{value:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

fn label(x: f64, y: f64, colour: &str, size: u32, anchor: &str, text: &str) -> String {
    format!(
        "<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"{colour}\" font-size=\"{size}\" text-anchor=\"{anchor}\">{text}</text>\n"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
