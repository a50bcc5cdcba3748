//! Sizes and durations as people write them: `"64KiB"`, `"300ms"`, `"10m"`.

use std::time::Duration;

/// Reads a size in bytes: a whole number and one of `B`, `KiB`, `MiB`, `GiB`, `TiB` (1024 each),
/// `kB`, `MB`, `GB`, `TB` (1000 each); no unit is bytes.
pub(super) fn size(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u64); 10] = [
        ("", 1),
        ("B", 1),
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("TiB", 1 << 40),
        ("kB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
    ];
    scaled(text, &UNITS).ok_or_else(|| format!("{text:?} is not a size; write it as \"64KiB\", \"16MiB\" or in bytes"))
}

/// Reads a duration: a whole number and one of `ms`, `s`, `m`, `h`, `d`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
    scaled(text, &UNITS)
        .map(Duration::from_millis)
        .ok_or_else(|| format!("{text:?} is not a duration; write it as \"300ms\", \"5s\", \"10m\", \"1h\" or \"1d\""))
}

/// A duration in the shortest form that [`duration`] reads back.
pub(super) fn show_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")]
        .into_iter()
        .find(|&(unit, _)| millis > 0 && millis.is_multiple_of(unit))
        .map_or_else(|| format!("{millis}ms"), |(unit, name)| format!("{}{name}", millis / unit))
}

/// A size in the shortest form that [`size`] reads back.
pub(super) fn show_size(bytes: u64) -> String {
    [(1_u64 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
        .into_iter()
        .find(|&(unit, _)| bytes > 0 && bytes.is_multiple_of(unit))
        .map_or_else(|| bytes.to_string(), |(unit, name)| format!("{}{name}", bytes / unit))
}

fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim_start();
    let &(_, factor) = units.iter().find(|&&(name, _)| name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{duration, show_duration, show_size, size};

    #[test]
    fn sizes() {
        for (text, bytes) in
            [("0", 0), ("17", 17), ("17B", 17), ("64KiB", 65_536), ("16 MiB", 16 << 20), ("2GB", 2_000_000_000)]
        {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for bad in ["", "KiB", "64kib", "1.5MiB", "-1", "99999999TiB", "64 Ki B", "６４KiB"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn durations() {
        for (text, millis) in [("300ms", 300), ("5s", 5_000), ("10m", 600_000), ("1h", 3_600_000), ("1d", 86_400_000)] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for bad in ["", "5", "s", "5 minutes", "1.5s", "-1s", "99999999999999999d"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(number in any::<u64>(), millis in 0..u64::MAX / 4, text in ".{0,20}") {
            prop_assert_eq!(size(&show_size(number)), Ok(number));
            let shown = Duration::from_millis(millis);
            prop_assert_eq!(duration(&show_duration(shown)), Ok(shown));
            let _ = (size(&text), duration(&text));
        }
    }
}
