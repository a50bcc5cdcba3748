//! The footer check on pages as they are in the wild.

use proptest::prelude::*;

use crate::domain::registry::{Footer, FooterCheck, check_footer, read_numbers};

const FILED: &str = "蜀ICP备12345678号-1";
const LINK: &str = "<a href=\"https://beian.miit.gov.cn/\" target=\"_blank\">";

fn check(html: &str) -> FooterCheck {
    let shown = read_numbers(Some(b"text/html; charset=utf-8"), None, html.as_bytes()).unwrap();
    check_footer(&shown, FILED)
}

/// A page with this footer below a lot of text.
fn page(footer: &str) -> String {
    format!("<html><body><h1>茶馆</h1>{}<footer>{footer}</footer></body></html>", "<p>今天的茶很好。</p>".repeat(800))
}

#[track_caller]
fn says(html: &str, footer: Footer) -> FooterCheck {
    let check = check(html);
    assert_eq!(check.footer, footer, "{}", check.detail);
    check
}

#[test]
fn the_number_at_the_bottom_with_a_link_is_fine() {
    for footer in [
        format!("{LINK}蜀ICP备12345678号-1</a>"),
        format!("{LINK}蜀<b>ICP备</b>123<i>45678</i>号-1</a>"),
        format!("{LINK}蜀ＩＣＰ备１２３４５６７８号－１</a>"),
        format!("{LINK}蜀 ICP 备 12345678 号 — 1</a> © 2024 茶馆"),
        format!("{LINK}蜀icp備12345678號-1</a>"),
        format!("{LINK}&#34560;ICP备12345678号-1</a>"),
        "<a href=http://www.miitbeian.gov.cn>蜀ICP备12345678号-1</a>".into(),
        "<a href='//www.miibeian.gov.cn/state'>蜀ICP备12345678号-1</a>".into(),
        format!("京ICP备87654321号-3 | {LINK}蜀ICP备12345678号-1</a>"),
        format!("{LINK}备案号：蜀ICP备12345678号-1</a> 川公网安备 51010402000123号"),
    ] {
        let check = says(&page(&footer), Footer::Ok);
        assert!(check.remarks.iter().all(|remark| remark.contains("one form")), "{footer}: {:?}", check.remarks);
    }
}

#[test]
fn what_is_missing_wrong_or_unlinked_is_told_apart() {
    says(&page("© 2024 茶馆"), Footer::Missing);
    says(&page("蜀ICP备12345678号-1"), Footer::Unlinked);
    says(&page(&format!("{LINK}蜀ICP备87654321号-1</a>")), Footer::Wrong);
    says(&page(&format!("{LINK}京ICP备12345678号-1</a>")), Footer::Wrong);
    says(&page(&format!("{LINK}蜀ICP备12345678号-2</a>")), Footer::Wrong);
    says(&page("<!-- 蜀ICP备12345678号-1 -->"), Footer::Missing);
    says(&page("<p style='display:none'>蜀ICP备12345678号-1</p>"), Footer::Missing);
    says(&page("<script>var icp = '蜀ICP备12345678号-1'</script>"), Footer::Missing);
    says(&page("蜀ICP备12345678号-1A"), Footer::Missing);
    let top = format!("<p>{LINK}蜀ICP备12345678号-1</a></p>{}", page(""));
    assert!(says(&top, Footer::Missing).detail.contains("not at its bottom"));
    says("", Footer::Missing);
}

#[test]
fn odd_spellings_are_accepted_and_remarked() {
    for (footer, remark) in [
        ("蜀ICP备12345678-1", "one form"),
        ("蜀ICP备12345678号", "-N"),
        ("蜀ICP备12345678 2024 版权所有", "one form"),
        ("蜀ICP备12345678号-1 川公网安备 510104020001号", "12 digits"),
        ("蜀ICP备12345678号-1 川公网安备5101号", "4 digits"),
    ] {
        let check = says(&page(&format!("{LINK}{footer}</a>")), Footer::Ok);
        assert!(check.remarks.iter().any(|it| it.contains(remark)), "{footer}: {:?}", check.remarks);
    }
}

#[test]
fn pages_are_read_in_their_charset_and_coding() {
    let html = page(&format!("{LINK}蜀ICP备12345678号-1</a>"));
    let (gbk, _, _) = encoding_rs::GBK.encode(&html);
    let shown = read_numbers(Some(b"text/html; charset=gb2312"), None, &gbk).unwrap();
    assert_eq!(check_footer(&shown, FILED).footer, Footer::Ok);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, &gbk).unwrap();
    let gzip = gzip.finish().unwrap();
    let shown = read_numbers(Some(b"text/html; charset=gbk"), Some(b"gzip"), &gzip).unwrap();
    assert_eq!(shown.icp, [FILED]);
    assert_eq!(read_numbers(Some(b"text/html"), Some(b"gzip"), &gzip[..gzip.len() / 2]), None, "cut off");
    assert_eq!(read_numbers(Some(b"image/png"), None, b"x"), None);
}

#[test]
fn licences_are_looked_for_as_they_are_written() {
    let shown = |text: &str| read_numbers(Some(b"text/html"), None, page(text).as_bytes()).unwrap();
    let linked = shown(&format!("{LINK}京ICP证110507号</a>"));
    assert_eq!(check_footer(&linked, "京ICP证110507号").footer, Footer::Ok);
    assert_eq!(check_footer(&linked, "浙B2-20080101").footer, Footer::Missing);
}

proptest! {
    #[test]
    fn spaces_and_markup_within_a_number_do_not_matter(cuts in prop::collection::vec((0usize..15, 0usize..3), 0..5)) {
        let mut text: Vec<String> = FILED.chars().map(String::from).collect();
        for (at, what) in cuts {
            // Behind a complete number a space ends it.
            if at < 12 {
                text[at].push_str(["<span></span>", "\u{200b}", "&nbsp;"][what]);
            }
        }
        let html = page(&format!("{LINK}{}</a>", text.concat()));
        prop_assert_eq!(check(&html).footer, Footer::Ok, "{}", text.concat());
    }

    #[test]
    fn no_page_makes_it_panic(body in prop::collection::vec(any::<u8>(), 0..300), text in "[蜀京ICP备号公网安0-9A -]{0,60}") {
        let _ = read_numbers(None, None, &body).map(|shown| check_footer(&shown, FILED));
        let _ = check(&text);
    }
}
