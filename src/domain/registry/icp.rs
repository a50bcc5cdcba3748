//! Filing numbers: what they look like, and what people make of them (domain.md section 5).

/// The short names of provinces with which numbers begin.
pub(super) const PROVINCES: &str = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川蜀贵黔云滇藏陕甘陇青宁新";

/// A filing number in its one form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IcpNumber {
    /// For example `蜀ICP备12345678号-1`.
    pub text: String,
    /// It was written otherwise: with spaces, full-width or traditional characters, in small letters,
    /// without 号.
    pub repaired: bool,
}

/// Brings a filing number into its one form and checks its syntax: the number of a subject
/// (`蜀ICP备12345678号`), of a website (`蜀ICP备12345678号-1`), or a licence (`京ICP证110507号`,
/// `浙B2-20080101`). The error says what is wrong with it.
pub fn normalise_icp(text: &str) -> Result<IcpNumber, &'static str> {
    let unified: String = text.chars().filter_map(unify).collect();
    let number = read_filing(&unified).or_else(|| read_licence(&unified)).or_else(|| read_telecom(&unified));
    match number {
        Some(Ok(number)) => Ok(IcpNumber { repaired: number != text, text: number }),
        Some(Err(what)) => Err(what),
        None => Err("this is not a filing number"),
    }
}

/// One character for all the ways to write it; none for white space and invisible characters.
pub(super) fn unify(c: char) -> Option<char> {
    let c = match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{2500}' | '\u{fe58}' | '\u{fe63}' => '-',
        '備' => '备',
        '號' => '号',
        '證' => '证',
        '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => return None,
        _ if c.is_whitespace() => return None,
        _ => c,
    };
    Some(c.to_ascii_uppercase())
}

/// `蜀ICP备12345678号-1`.
fn read_filing(text: &str) -> Option<Result<String, &'static str>> {
    let (province, rest) = split_province(text)?;
    let rest = rest.strip_prefix("ICP备")?;
    let (digits, rest) = split_digits(rest);
    if !matches!(digits.len(), 8 | 10) {
        return Some(Err("a filing number has 8 or 10 digits"));
    }
    Some(read_site_suffix(rest).map(|suffix| format!("{province}ICP备{digits}号{suffix}")))
}

/// `京ICP证110507号`: the licence of a commercial site. Older ones have six digits, later ones more.
fn read_licence(text: &str) -> Option<Result<String, &'static str>> {
    let (province, rest) = split_province(text)?;
    let rest = rest.strip_prefix("ICP证")?;
    let (digits, rest) = split_digits(rest);
    if !(4..=10).contains(&digits.len()) {
        return Some(Err("a licence number has 4 to 10 digits"));
    }
    Some(read_site_suffix(rest).map(|suffix| format!("{province}ICP证{digits}号{suffix}")))
}

/// `浙B2-20080101`, `合字B2-20210001`, `A2.B1.B2-20090001`: a licence for telecommunication services,
/// of a province, of several, or of the whole country.
fn read_telecom(text: &str) -> Option<Result<String, &'static str>> {
    let (issuer, rest) = match (text.strip_prefix("合字"), split_province(text)) {
        (Some(rest), _) => ("合字", rest),
        (None, Some((province, rest))) => (province, rest),
        (None, None) => ("", text),
    };
    let (classes, rest) = rest.split_once('-')?;
    if !classes.split('.').all(|class| matches!(class, "A1" | "A2" | "B1" | "B2")) {
        return None;
    }
    let (digits, rest) = split_digits(rest);
    if digits.len() != 8 {
        return Some(Err("a telecommunications licence has a year and 4 digits behind its class"));
    }
    Some(read_site_suffix(rest).map(|suffix| format!("{issuer}{classes}-{digits}{suffix}")))
}

/// What follows the digits: an optional 号, an optional `-N`. Gives the latter.
fn read_site_suffix(text: &str) -> Result<&str, &'static str> {
    let suffix = text.strip_prefix('号').unwrap_or(text);
    if suffix.is_empty() {
        return Ok("");
    }
    let (digits, rest) = suffix.strip_prefix('-').map(split_digits).ok_or("only -N may follow a filing number")?;
    match (digits.len(), rest) {
        (1..=5, "") => Ok(suffix),
        (1..=5, "A") => Err("-NA is the filing of an app, not of a website"),
        (1..=5, "X") => Err("-NX is the filing of a mini-program, not of a website"),
        (1..=5, "K") => Err("-NK is the filing of a quick app, not of a website"),
        _ => Err("only -N may follow a filing number, with 1 to 5 digits"),
    }
}

fn split_province(text: &str) -> Option<(&str, &str)> {
    let first = text.chars().next().filter(|&first| PROVINCES.contains(first))?;
    Some(text.split_at(first.len_utf8()))
}

fn split_digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::normalise_icp;

    proptest! {
        #[test]
        fn the_one_form_is_a_fixed_point(text in "[京蜀合]?字?(ICP|icp|ＩＣＰ|B2|A2\\.B1)[备備证-]?[0-9 ]{4,11}[号號]?[-－—]?[0-9]{0,5}[AXK]?") {
            if let Ok(number) = normalise_icp(&text) {
                let again = normalise_icp(&number.text).unwrap();
                prop_assert_eq!(&again.text, &number.text);
                prop_assert!(!again.repaired);
            }
        }

        #[test]
        fn spaces_do_not_matter(digits in "[0-9]{8}", at in 0usize..9) {
            let plain = format!("蜀ICP备{digits}号");
            let mut spaced: Vec<char> = plain.chars().collect();
            spaced.insert(at, '\u{3000}');
            let number = normalise_icp(&spaced.into_iter().collect::<String>()).unwrap();
            prop_assert_eq!(number.text, plain);
            prop_assert!(number.repaired);
        }

        #[test]
        fn nothing_panics(text in "\\PC{0,20}") {
            let _ = normalise_icp(&text);
        }
    }

    #[test]
    fn numbers_come_in_one_form() {
        for number in [
            "蜀ICP备12345678号",
            "京ICP备2021000001号-12345",
            "京ICP证110507号",
            "京ICP证110507号-8",
            "浙B2-20080101",
            "浙B2-20080101-4",
            "合字B2-20210001",
            "A2.B1.B2-20090001",
        ] {
            assert_eq!(normalise_icp(number).map(|number| (number.text, number.repaired)), Ok((number.into(), false)));
        }
        for (written, number) in [
            ("蜀ICP备 12345678 号 - 1", "蜀ICP备12345678号-1"),
            ("蜀ｉｃｐ備１２３４５６７８號－１", "蜀ICP备12345678号-1"),
            ("蜀icp备12345678", "蜀ICP备12345678号"),
            ("蜀ICP备12345678—2", "蜀ICP备12345678号-2"),
            ("京ICP证110507", "京ICP证110507号"),
            ("浙B2–20080101号", "浙B2-20080101"),
        ] {
            assert_eq!(normalise_icp(written).map(|number| (number.text, number.repaired)), Ok((number.into(), true)));
        }
    }

    #[test]
    fn what_is_no_number_of_a_website_is_refused() {
        for text in [
            "",
            "无",
            "12345678",
            "ICP备12345678号",
            "港ICP备12345678号",
            "蜀ICP备1234567号",
            "蜀ICP备123456789号",
            "蜀ICP备12345678号-",
            "蜀ICP备12345678号-123456",
            "蜀ICP备12345678号-1A",
            "蜀ICP备12345678号-1X",
            "蜀ICP备12345678号-1K",
            "蜀ICP备12345678号x",
            "蜀ICP备12345678号号",
            "川公网安备51010402000123号",
            "浙B3-20080101",
            "浙B2-2008",
            "蜀ICP备٣٣٣٣٣٣٣٣号",
        ] {
            assert!(normalise_icp(text).is_err(), "{text}");
        }
    }
}
