//! The known word that somebody probably meant.

/// The word of `known` with the least edit distance to `word`, if it is near enough to be what
/// was meant: at most a third of the longer word's letters differ (two for short words).
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    known
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|&(distance, candidate)| {
            distance <= (word.chars().count().max(candidate.len()) / 3).max(2) && distance < candidate.len()
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// Optimal string alignment distance: insertions, deletions, substitutions, and swaps of two
/// neighbours count one each. Words beyond 64 letters count as infinitely far.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().take(65).collect();
    let right: Vec<char> = right.chars().take(65).collect();
    if left.len() > 64 || right.len() > 64 {
        return usize::MAX;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (row, &from) in left.iter().enumerate() {
        let mut line = vec![row + 1];
        for (column, &to) in right.iter().enumerate() {
            let mut best = (above[column] + usize::from(from != to)).min(above[column + 1] + 1).min(line[column] + 1);
            if row > 0 && column > 0 && from == right[column - 1] && left[row - 1] == to {
                best = best.min(before[column - 1] + 1);
            }
            line.push(best);
        }
        before = std::mem::replace(&mut above, line);
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{distance, nearest};

    #[test]
    fn slips_of_the_finger_find_their_word() {
        let known = ["hold", "hold_time", "max_decoded", "max_ratio", "tail_flush"];
        for (slip, meant) in [
            ("hodl", Some("hold")),
            ("holdtime", Some("hold_time")),
            ("max-ratio", Some("max_ratio")),
            ("tailflush", Some("tail_flush")),
            ("banana", None),
            ("", None),
        ] {
            assert_eq!(nearest(slip, known), meant, "{slip}");
        }
    }

    proptest! {
        #[test]
        fn it_is_a_distance(a in ".{0,12}", b in ".{0,12}") {
            prop_assert_eq!(distance(&a, &b), distance(&b, &a));
            prop_assert_eq!(distance(&a, &b) == 0, a == b);
            prop_assert!(distance(&a, &b) <= a.chars().count().max(b.chars().count()));
        }
    }
}
