//! What the origins of the demonstration have to show. The advertisements are those that the
//! shipped rules are there for; the rest is what surrounds them on an ordinary web server.

use std::io::{self, Write};

use bytes::Bytes;
use encoding_rs::{BIG5, GBK};
use flate2::{Compression, write::GzEncoder};

use super::sites::{BOARD, FILES, MOVING, NEWS, TEAHOUSE};

/// Bytes of the large download.
const DOWNLOAD_BYTES: usize = 5 << 20;

/// Bytes before the advertisement of [`ARCHIVE`]: well beyond what is held.
const ARCHIVE_BYTES: usize = 300 << 10;

/// The path of the page whose advertisement comes last.
pub(super) const ARCHIVE: &str = "/archive";

/// The path of the large download.
pub(super) const IMAGE: &str = "/image.iso";

/// The path of the page against which a rule is added while Zhamen runs.
pub(super) const TASTING: &str = "/tasting";

/// A phrase of [`TASTING`] to which the shipped rules do not object.
pub(super) const TASTING_PHRASE: &str = "云雾山新茶品鉴会";

/// The path of the page of which a phrase is masked.
pub(super) const MENU: &str = "/menu";

/// The phrase of [`MENU`] that the house's own pack masks.
pub(super) const MENU_PHRASE: &str = "内部底价";

/// The advertisement.
pub(super) const ADVERTISEMENT: &str = "新会员注册送彩金88元，荷官在线发牌，极速出款，备用网址常年有效。";

/// The same, hidden from a plain search and not from a reader: markup, a comment, spaces, full width,
/// zero-width characters, entities and traditional characters stand between and for the characters.
const DISGUISED: &str = "新会员<b>註</b>&#20874; <span style=\"color:red\">送</span><!-- 茶 -->\u{200b}彩\u{3000}&nbsp;金\
                         <i>８８</i>元，荷<em>官</em>在\u{200b}线发牌。";

/// The board, compressed by brotli, for which this binary has only the other direction. The test
/// below tells when it is out of date, and what to put here then.
const BOARD_BR: &[u8] =
    b"\x1b\xae\x01\x00\x2c\x0e\x78\x13\x73\x65\x18\x79\x7e\x91\xb8\x26\x9a\x5e\x04\x29\x9d\x3e\xa4\x87\x8a\xd9\x7a\x49\
    \x43\x19\xd8\x6e\xec\x1b\x89\x66\x7b\x41\xab\x5b\x3e\x7a\x99\x86\x16\x63\xb6\x43\xde\xc0\xc6\xfe\x77\x03\x49\xa2\
    \x40\x86\x61\xb0\xab\xce\x03\x9e\xe1\x38\xcc\x21\xa8\xb9\x45\x32\x05\x7d\x7f\xec\xa4\xea\x46\x76\x0f\x18\x3d\x6f\
    \x70\x29\xab\x67\x06\x1b\xe0\xa3\xc9\xfd\xfd\x4d\x14\xc3\x6f\x56\x39\xda\x5c\xe7\xe2\x05\x07\x80\xe6\xe8\x3e\x16\
    \x62\x21\xa7\xb6\x85\xd8\xbc\x19\x47\xe4\x6e\xc0\x03\x43\x67\x6c\x0c\x81\xe8\xe3\x4f\x2c\x25\x0c\xbc\x5c\xee\x2f\
    \xe9\xe5\x1e\xd4\x1e\xb0\xa1\x13\x96\xea\xc3\xc0\xe8\xd1\x8b\xcb\xc1\x3e\xcc\x75\x03\x9f\xce\x91\x69\x58\x7e\x00\
    \xda\x83\xdd\xde\xef\x75\x15\x6d\x60\x1a\xe4\x26\x01\x40\xde\x32\xb8\xf8\x1e\x28\x1c\xc6\xee\x74\x06\xd1\xf8\x76\
    \x5c\x4e\x32\x7d\x18\x79\x60\x00\x1f\xfc\x52\xf3\xa9\x5a\x82\x5b\x29\x66\x56\xc7\x71\x70\x2e\xb7\xb9\x54\xb3\xa3\
    \x94\x0d\x62\xe8\xc3\x8c\x04\x57\x18\x77\xfa\x07";

/// One page.
pub(super) struct Page {
    pub(super) host: &'static str,
    pub(super) path: &'static str,
    pub(super) content_type: &'static str,
    pub(super) content_encoding: Option<&'static str>,
    /// As it is sent.
    pub(super) body: Bytes,
    /// Sent in chunks, without its length.
    pub(super) chunked: bool,
}

/// All pages.
pub(super) fn all() -> io::Result<Vec<Page>> {
    let board = board(ADVERTISEMENT, "utf-8");
    let gbk = GBK.encode(&self::board(ADVERTISEMENT, "gbk")).0.into_owned();
    let big5 = BIG5.encode(&guest_book_in_taiwan()).0.into_owned();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(board.as_bytes())?;
    Ok(vec![
        Page::html(TEAHOUSE, "/", teahouse()),
        Page::html(TEAHOUSE, TASTING, tasting()),
        Page::html(TEAHOUSE, MENU, menu()),
        Page::html(MOVING, "/", html("utf-8", "搬家中的小店", "<p>本店即将搬迁，新址另行通知。</p>")),
        Page::html(NEWS, "/raid", news()),
        Page::html(BOARD, "/utf-8", board.clone()),
        Page { content_type: "text/html", ..Page::html(BOARD, "/gbk", gbk) },
        Page { content_type: "text/html; charset=big5", ..Page::html(BOARD, "/big5", big5) },
        Page { content_encoding: Some("gzip"), ..Page::html(BOARD, "/gzip", gzip.finish()?) },
        Page { content_encoding: Some("br"), ..Page::html(BOARD, "/br", BOARD_BR) },
        Page { content_encoding: Some("zstd"), ..Page::html(BOARD, "/zstd", zstd::encode_all(board.as_bytes(), 0)?) },
        Page::html(BOARD, "/disguised", self::board(DISGUISED, "utf-8")),
        Page { chunked: true, ..Page::html(BOARD, ARCHIVE, archive()) },
        Page { content_type: "application/octet-stream", ..Page::html(FILES, IMAGE, noise(DOWNLOAD_BYTES)) },
    ])
}

impl Page {
    fn html(host: &'static str, path: &'static str, body: impl Into<Bytes>) -> Self {
        let content_type = "text/html; charset=utf-8";
        Self { host, path, content_type, content_encoding: None, body: body.into(), chunked: false }
    }
}

fn html(charset: &str, title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"zh\">\n<head>\n<meta charset=\"{charset}\">\n<title>{title}</title>\n</head>\n\
         <body>\n<h1>{title}</h1>\n{body}\n</body>\n</html>\n"
    )
}

fn teahouse() -> String {
    html(
        "utf-8",
        "清和茶馆",
        "<p>清和茶馆临河而立，木窗朝南。春喝明前绿茶，秋尝铁观音，冬天围炉煮普洱。</p>\n\
         <p>每周六下午有古琴雅集，座位不多，请提前一日来电。</p>\n\
         <p><a href=\"/tasting\">近期活动</a></p>\n<footer>蜀ICP备20260001号</footer>",
    )
}

fn tasting() -> String {
    let body = format!("<p>{TASTING_PHRASE}定于本月十八日举行，茶农将带来今年第一批春茶，现场冲泡，免费品尝。</p>");
    html("utf-8", "近期活动", &body)
}

fn menu() -> String {
    let body = format!("<p>龙井每壶六十八元，{MENU_PHRASE}三十八元，勿外传。</p>");
    html("utf-8", "茶单", &body)
}

/// A report about what the advertisement advertises.
fn news() -> String {
    html(
        "utf-8",
        "警方捣毁一处网络赌博窝点",
        "<p>本报讯　记者昨日从市公安局获悉，民警近日捣毁一处网络赌博窝点，抓获犯罪嫌疑人十二名，扣押电脑四十余台。</p>\n\
         <p>据办案民警介绍，该团伙以“注册送彩金”为诱饵，在境外租用服务器开设所谓真人百家乐、时时彩赌局，\
         半年内骗取受害人资金数百万元。</p>\n\
         <p>目前，主要犯罪嫌疑人因涉嫌开设赌场罪已被依法刑事拘留。警方提醒：十赌九输，请远离赌博。</p>",
    )
}

fn board(entry: &str, charset: &str) -> String {
    let body = format!(
        "<ul>\n<li>老王：周末的登山活动几点集合？</li>\n<li>小李：早上七点半，北门见，记得带水。</li>\n\
         <li>路人：{entry}</li>\n<li>老王：收到，谢谢。</li>\n</ul>"
    );
    html(charset, "社区留言板", &body)
}

fn guest_book_in_taiwan() -> String {
    let body = "<ul>\n<li>老王：週末的登山活動幾點集合？</li>\n<li>路人：新會員註冊即送彩金888元，提款快速。</li>\n\
                <li>老王：收到，謝謝。</li>\n</ul>";
    html("big5", "社區留言板", body)
}

/// Years of harmless entries, and then the advertisement.
fn archive() -> String {
    const TEAS: [&str; 7] = ["龙井", "碧螺春", "毛峰", "铁观音", "大红袍", "普洱", "白毫银针"];
    const REMARKS: [&str; 5] =
        ["水温略高，香气散得快。", "席间谈及南山的雨。", "有客自江南来。", "新烧的盖碗试用了一回。", "琴声至暮方歇。"];
    let mut entries = String::new();
    for (number, (tea, remark)) in (1..).zip(TEAS.iter().cycle().zip(REMARKS.iter().cycle())) {
        if entries.len() > ARCHIVE_BYTES {
            break;
        }
        entries.push_str(&format!("<p>第{number}次茶会，品{tea}，到者{}人。{remark}</p>\n", number % 9 + 3));
    }
    html("utf-8", "茶会记录", &format!("{entries}<p>{ADVERTISEMENT}</p>"))
}

/// Bytes in which nothing repeats (xorshift, Marsaglia 2003), the same at each start.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn the_brotli_page_is_the_board() {
        let board = board(ADVERTISEMENT, "utf-8");
        let mut page = String::new();
        let read = brotli::Decompressor::new(BOARD_BR, 4096).read_to_string(&mut page);
        let mut anew = Vec::new();
        brotli::BrotliCompress(&mut board.as_bytes(), &mut anew, &Default::default()).unwrap();
        assert!(read.is_ok() && page == board, "BOARD_BR has to be b\"{}\"", anew.escape_ascii());
    }

    #[test]
    fn the_archive_is_clean_for_long() {
        let archive = archive();
        assert!(archive.find(ADVERTISEMENT).unwrap() > ARCHIVE_BYTES);
    }

    #[test]
    fn every_character_of_the_pages_is_in_their_charset() {
        assert!(!GBK.encode(&board(ADVERTISEMENT, "gbk")).2);
        assert!(!BIG5.encode(&guest_book_in_taiwan()).2);
    }
}
