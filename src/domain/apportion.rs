//! A fine is shared in proportion to the number of sites involved (second letter, 11.3), to the cent.
//!
//! The rule is that of the largest remainder: every unit gets its share rounded down to the cent; the
//! cents that are left go one each to the units with the largest remainders, and where those are equal to
//! the unit whose id comes first. So the shares add up exactly, a unit with more sites never pays less
//! than one with fewer, and the order in which the units are given does not matter.

use std::{collections::BTreeMap, fmt, str::FromStr};

/// An amount of money in hundredths of a yuan (分).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fen(pub u64);

/// What one unit pays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The unit.
    pub unit: String,
    /// How many of its sites are involved.
    pub sites: u64,
    /// What it pays.
    pub amount: Fen,
    /// Whether one of the cents that were left over is in it.
    pub rounded_up: bool,
}

/// Shares an amount by number of sites. Units come in the order of their ids; a unit without sites pays
/// nothing. `None` if no unit has a site: then there is nobody to share with.
pub fn apportion(amount: Fen, sites: &BTreeMap<String, u64>) -> Option<Vec<Share>> {
    let total: u128 = sites.values().map(|&count| u128::from(count)).sum();
    if total == 0 {
        return None;
    }
    let mut remainders = Vec::with_capacity(sites.len());
    let mut shares = Vec::with_capacity(sites.len());
    let mut left = amount.0;
    for (at, (unit, &count)) in sites.iter().enumerate() {
        let product = u128::from(amount.0) * u128::from(count);
        // At most the amount itself, since `count` is at most `total`.
        let floor = (product / total) as u64;
        left -= floor;
        remainders.push((product % total, at));
        shares.push(Share { unit: unit.clone(), sites: count, amount: Fen(floor), rounded_up: false });
    }
    // Largest first; the ids of equal ones in ascending order, which is that of `at`.
    remainders.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    // The remainders add up to `left` times `total`, so that fewer cents are left than units have one.
    for &(_, at) in remainders.iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
        if let Some(share) = shares.get_mut(at) {
            share.amount.0 += 1;
            share.rounded_up = true;
        }
    }
    Some(shares)
}

/// `50000.00`.
impl fmt::Display for Fen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

/// `50000`, `50000.5` or `50000.00`: yuan, with at most two digits behind the point.
impl FromStr for Fen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || format!("{text:?} is not an amount; write yuan and cents as 50000.00");
        let (yuan, cents) = text.split_once('.').unwrap_or((text, "00"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(yuan) || !digits(cents) || cents.len() > 2 {
            return Err(bad());
        }
        let cents = cents.parse::<u64>().map_err(|_| bad())? * if cents.len() == 1 { 10 } else { 1 };
        let yuan = yuan.parse::<u64>().map_err(|_| bad())?;
        yuan.checked_mul(100).and_then(|fen| fen.checked_add(cents)).map(Self).ok_or_else(bad)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn units() -> impl Strategy<Value = BTreeMap<String, u64>> {
        proptest::collection::btree_map("[a-d]{1,3}", prop_oneof![0_u64..20, Just(u64::MAX / 64)], 1..40)
    }

    proptest! {
        #[test]
        fn shares_add_up_and_lie_within_a_cent_of_the_exact_ones(amount in any::<u64>(), sites in units()) {
            let total: u128 = sites.values().map(|&count| u128::from(count)).sum();
            let Some(shares) = apportion(Fen(amount), &sites) else {
                prop_assert_eq!(total, 0);
                return Ok(());
            };
            prop_assert_eq!(shares.iter().map(|share| u128::from(share.amount.0)).sum::<u128>(), u128::from(amount));
            for share in &shares {
                let exact = u128::from(amount) * u128::from(share.sites);
                let paid = u128::from(share.amount.0) * total;
                prop_assert!(paid.abs_diff(exact) < total, "{:?}", share);
                prop_assert!(share.sites > 0 || share.amount == Fen(0));
            }
            for a in &shares {
                for b in &shares {
                    prop_assert!(a.sites <= b.sites || a.amount >= b.amount, "more sites, less to pay: {:?} {:?}", a, b);
                    if a.sites == b.sites && a.unit < b.unit {
                        prop_assert!(a.amount >= b.amount && a.amount.0 - b.amount.0 <= 1);
                    }
                }
            }
        }

        #[test]
        fn the_order_of_the_units_does_not_matter(
            amount in any::<u64>(),
            rows in proptest::collection::vec(("[a-d]{1,2}", 1_u64..9), 1..20).prop_shuffle(),
        ) {
            let count = |rows: &[(String, u64)]| {
                let mut sites = BTreeMap::<String, u64>::new();
                for (unit, count) in rows {
                    *sites.entry(unit.clone()).or_default() += count;
                }
                sites
            };
            let mut sorted = rows.clone();
            sorted.sort();
            prop_assert_eq!(apportion(Fen(amount), &count(&rows)), apportion(Fen(amount), &count(&sorted)));
        }

        #[test]
        fn amounts_are_read_as_they_are_written(fen in any::<u64>()) {
            prop_assert_eq!(Fen(fen).to_string().parse(), Ok(Fen(fen)));
        }
    }

    #[test]
    fn what_is_left_goes_to_the_largest_remainders_and_then_by_id() {
        let sites = |counts: &[(&str, u64)]| counts.iter().map(|&(unit, count)| (unit.to_owned(), count)).collect();
        let amounts = |amount, counts: &[(&str, u64)]| -> Vec<u64> {
            apportion(Fen(amount), &sites(counts)).unwrap().iter().map(|share| share.amount.0).collect()
        };
        assert_eq!(amounts(100, &[("a", 1), ("b", 1), ("c", 1)]), [34, 33, 33]);
        assert_eq!(amounts(5_000_000, &[("a", 3), ("b", 7), ("c", 1)]), [1_363_636, 3_181_818, 454_546]);
        assert_eq!(amounts(1, &[("z", 5), ("b", 1)]), [0, 1]);
        assert_eq!(apportion(Fen(100), &sites(&[("a", 0)])), None);
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for bad in ["", "-1", "1.234", "1.", ".5", "1,000", "¥5", "1e3", "99999999999999999999"] {
            assert!(bad.parse::<Fen>().is_err(), "{bad}");
        }
        assert_eq!("12.5".parse(), Ok(Fen(1250)));
        assert_eq!("12".parse(), Ok(Fen(1200)));
    }
}
