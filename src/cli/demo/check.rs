//! `--check`: every case, tried on real sockets, told in words and compared with what was expected.

use std::{
    fs, io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_tungstenite::{
    client_async,
    tungstenite::{self, Message, client::IntoClientRequest},
};

use super::{
    cases::{Case, PASSES, Probe},
    client::{self, Answer, Ask, Client},
    house::House,
    origins::{CHAT, ECHO, EVENT_COUNT, Origins, PACED_EVENTS, event_data},
    pages::{ADVERTISEMENT, MENU, MENU_PHRASE, Page, TASTING},
    sites::{BOARD, FILES, LIVE, MOVING, MOVING_ICP, TEAHOUSE, UNFILED},
};

/// No case takes longer, except where something is wrong.
const CASE_TIME: Duration = Duration::from_secs(8);
/// Between two looks at something that takes a moment.
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// Bytes of the upload.
const UPLOAD_BYTES: usize = 1 << 20;

/// What is tried, and what stands around it.
pub(super) struct Bench<'a> {
    pub(super) proxy: SocketAddr,
    pub(super) admin: SocketAddr,
    pub(super) origins: &'a Origins,
    pub(super) house: &'a House,
}

/// What a case came to.
pub(super) struct Tried {
    pub(super) got: String,
    pub(super) took: Duration,
}

impl Bench<'_> {
    /// Tries a case and tells what was seen.
    pub(super) async fn try_out(&self, case: &Case) -> Tried {
        let started = Instant::now();
        let got = match timeout(CASE_TIME, self.probe(&case.probe)).await {
            Ok(Ok(got)) => got,
            Ok(Err(error)) => format!("error: {error}"),
            Err(_) => format!("nothing for {} s", CASE_TIME.as_secs()),
        };
        Tried { got, took: started.elapsed() }
    }

    async fn probe(&self, probe: &Probe) -> io::Result<String> {
        match probe {
            Probe::AccessLog => self.access_log().await,
            Probe::AddRule => self.add_rule().await,
            Probe::BreakRule => self.break_rule().await,
            Probe::Bytes(bytes) => self.bytes(bytes).await,
            Probe::Events => self.events().await,
            Probe::Get(ask) => self.get(*ask).await,
            Probe::KeepAlive => self.keep_alive().await,
            Probe::Mask => self.mask().await,
            Probe::Metrics => self.metrics().await,
            Probe::Unfile => self.unfile().await,
            Probe::Upload => self.upload().await,
            Probe::WebSocket => self.web_socket().await.map_err(io::Error::other),
        }
    }

    async fn get(&self, ask: Ask<'_>) -> io::Result<String> {
        let before = self.origins.asked();
        let answer = client::get(self.proxy, ask).await?;
        let asked = self.origins.asked() > before;
        let site = ask.host.strip_prefix("www.").unwrap_or(ask.host);
        Ok(match (answer.field("zhamen-reason"), self.origins.page(site, ask.target)) {
            ("", Some(page)) => passed(&answer, page),
            ("", None) => format!("{}, and there is no such page", answer.status),
            _ => refused(&answer) + if asked || answer.status == 502 { "" } else { ", origin not asked" },
        })
    }

    async fn keep_alive(&self) -> io::Result<String> {
        let mut client = Client::connect(self.proxy).await?;
        let first = client.get(ask(UNFILED, "/")).await?;
        let second = client.get(ask(TEAHOUSE, "/")).await?;
        Ok(format!("{}, then {}", refused(&first), second.status))
    }

    async fn bytes(&self, bytes: &str) -> io::Result<String> {
        let before = self.origins.asked();
        let answer = client::send_bytes(self.proxy, bytes.as_bytes()).await?;
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.split(' ').nth(1).unwrap_or("no status");
        let reason = answer.lines().find_map(|line| line.strip_prefix("Zhamen-Reason: ")).unwrap_or("no reason");
        let more = match answer.matches("HTTP/1.1 ").count() {
            0 | 1 => "",
            _ => ", and more than one answer",
        };
        let asked = if self.origins.asked() > before { "origin asked" } else { "origin not asked" };
        Ok(format!("{status} {reason}, {asked}{more}"))
    }

    /// A masked character becomes an asterisk of its own width.
    async fn mask(&self) -> io::Result<String> {
        let answer = client::get(self.proxy, ask(TEAHOUSE, MENU)).await?;
        let page = self.origins.page(TEAHOUSE, MENU).map_or(&b""[..], |page| &page.body);
        let expected = String::from_utf8_lossy(page).replace(MENU_PHRASE, &"＊".repeat(MENU_PHRASE.chars().count()));
        let what = match (answer.whole && answer.body == expected, answer.body == page) {
            (true, _) => "masked and nothing else changed",
            (false, true) => "not masked",
            (false, false) => "changed otherwise",
        };
        Ok(format!("{}, {what}", answer.status))
    }

    /// The origin sends an event only after the one before it has come through.
    async fn events(&self) -> io::Result<String> {
        let mut client = Client::connect(self.proxy).await?;
        self.origins.let_an_event_go();
        let mut body = client.open(ask(LIVE, PACED_EVENTS)).await?.into_body();
        let (mut received, mut count) = (String::new(), 0);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(io::Error::other)?;
            received.push_str(&String::from_utf8_lossy(frame.data_ref().map_or(b"", |data| data)));
            if let Some(data) = received.strip_suffix("\n\n").and_then(|event| event.split("data: ").last()) {
                if data != event_data(count) {
                    return Ok(format!("event {count} is {data:?}"));
                }
                count += 1;
                received.clear();
                // After the last event this lets the stream end.
                self.origins.let_an_event_go();
            }
        }
        debug_assert!(count <= EVENT_COUNT);
        Ok(format!("{count} events, each before the next was sent"))
    }

    async fn web_socket(&self) -> Result<String, tungstenite::Error> {
        let stream = TcpStream::connect(self.proxy).await?;
        let request = format!("ws://{LIVE}{CHAT}").into_client_request()?;
        let (mut socket, response) = client_async(request, stream).await?;
        // Small, in Chinese, and larger than any buffer on the way.
        let messages =
            [Message::text("你好"), Message::text("一".repeat(100_000)), Message::binary(vec![0xff_u8; 300_000])];
        for message in messages {
            socket.send(message.clone()).await?;
            match socket.next().await {
                Some(Ok(echo)) if echo == message => {}
                Some(Ok(_)) => return Ok("something else came back".into()),
                Some(Err(error)) => return Err(error),
                None => return Ok("the socket closed".into()),
            }
        }
        socket.close(None).await?;
        Ok(format!("{}, every message came back", response.status().as_u16()))
    }

    async fn upload(&self) -> io::Result<String> {
        let body = Bytes::from("一壶春水。".repeat(UPLOAD_BYTES / "一壶春水。".len() + 1));
        let answer = Client::connect(self.proxy).await?.post(ask(FILES, ECHO), body.clone()).await?;
        let what = if answer.body == body { "the body came back" } else { "something else came back" };
        Ok(format!("{}, {what}", answer.status))
    }

    /// The line of the blocked page.
    async fn access_log(&self) -> io::Result<String> {
        loop {
            let log = fs::read_to_string(self.house.access_log())?;
            let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let found = lines.into_iter().any(|line| {
                line["host"] == BOARD
                    && line["target"] == "/utf-8"
                    && line["reason"] == "content_blocked"
                    && line["rules"]
                        .as_array()
                        .is_some_and(|rules| rules.iter().any(|rule| rule == "gambling.deposit-bonus"))
            });
            if found {
                return Ok("a line with reason and rule".into());
            }
            sleep(LOOK_EVERY).await;
        }
    }

    async fn metrics(&self) -> io::Result<String> {
        let counted = self.metric("zhamen_requests_total", &["outcome=\"forwarded\""]).await?;
        Ok(match counted {
            Some(count) if count > 0.0 => "zhamen_requests_total, and it counts".into(),
            Some(_) => "zhamen_requests_total, and it stands at 0".into(),
            None => "no zhamen_requests_total".into(),
        })
    }

    async fn unfile(&self) -> io::Result<String> {
        let mut client = Client::connect(self.proxy).await?;
        let first = client.get(ask(MOVING, "/")).await?;
        let registry = fs::read_to_string(self.house.registry())?;
        self.house.put(&self.house.registry(), &registry.replace(MOVING_ICP, ""))?;
        let then = until_refused(&mut client, ask(MOVING, "/")).await?;
        Ok(format!("{}, then {}", first.status, refused(&then)))
    }

    async fn add_rule(&self) -> io::Result<String> {
        let mut client = Client::connect(self.proxy).await?;
        let first = client.get(ask(TEAHOUSE, TASTING)).await?;
        let pack = fs::read_to_string(self.house.spare_pack())?;
        self.house.put(&self.house.rules().join("added.toml"), &pack)?;
        let then = until_refused(&mut client, ask(TEAHOUSE, TASTING)).await?;
        Ok(format!("{}, then {}", first.status, refused(&then)))
    }

    async fn break_rule(&self) -> io::Result<String> {
        const ERRORS: [&str; 2] = ["what=\"rules\"", "result=\"error\""];
        let before = self.metric("zhamen_reload_total", &ERRORS).await?.unwrap_or(0.0);
        self.house.put(&self.house.rules().join("broken.toml"), "[[rule]\nany = [\"茶\"]\n")?;
        while self.metric("zhamen_reload_total", &ERRORS).await?.unwrap_or(0.0) <= before {
            sleep(LOOK_EVERY).await;
        }
        let blocked = self.get(ask(TEAHOUSE, TASTING)).await?;
        let clean = self.get(ask(TEAHOUSE, "/")).await?;
        Ok(match (blocked.as_str(), clean.as_str()) {
            ("451 content_blocked", PASSES) => "counted, and all stays as it was".into(),
            _ => format!("counted, then {blocked}; {clean}"),
        })
    }

    /// The sum of a metric's values over the series that have all `labels`; `None` if there are none.
    async fn metric(&self, name: &str, labels: &[&str]) -> io::Result<Option<f64>> {
        let host = self.admin.to_string();
        let answer = client::get(self.admin, ask(&host, "/metrics")).await?;
        let text = String::from_utf8_lossy(&answer.body);
        let series = text.lines().filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with('{')));
        let values = series
            .filter(|line| labels.iter().all(|label| line.contains(label)))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        Ok(values.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value)))
    }
}

const fn ask<'a>(host: &'a str, target: &'a str) -> Ask<'a> {
    Ask { host, target, accept: None }
}

/// Asks again and again, on one connection, until the answer is Zhamen's own.
async fn until_refused(client: &mut Client, ask: Ask<'_>) -> io::Result<Answer> {
    loop {
        let answer = client.get(ask).await?;
        if !answer.field("zhamen-reason").is_empty() {
            return Ok(answer);
        }
        sleep(LOOK_EVERY).await;
    }
}

/// An answer of the origin, compared with its page.
fn passed(answer: &Answer, page: &Page) -> String {
    let same_coding = answer.field("content-encoding") == page.content_encoding.unwrap_or_default();
    if answer.whole {
        return if answer.status == 200 && same_coding && answer.body == page.body {
            PASSES.into()
        } else {
            format!("{}, {} bytes that the origin did not send so", answer.status, answer.body.len())
        };
    }
    let advertises = answer.body.windows(ADVERTISEMENT.len()).any(|window| window == ADVERTISEMENT.as_bytes());
    let what = match (page.body.starts_with(&answer.body), advertises) {
        (true, false) => "cut off before the advertisement",
        (true, true) => "cut off after the advertisement",
        (false, _) => "cut off, and changed",
    };
    format!("{}, {what}", answer.status)
}

/// An answer of Zhamen's own.
fn refused(answer: &Answer) -> String {
    let json = answer.field("content-type").starts_with("application/json")
        && serde_json::from_slice::<Value>(&answer.body).is_ok();
    let form = if json { " in JSON" } else { "" };
    format!("{} {}{form}", answer.status, answer.field("zhamen-reason"))
}

#[cfg(test)]
mod tests {
    use hyper::{HeaderMap, header::HeaderValue};

    use super::*;

    const PAGE: &str = "<p>茶</p>";

    fn page() -> Page {
        let body = Bytes::from(format!("{PAGE}{ADVERTISEMENT}"));
        Page { host: "", path: "", content_type: "text/html", content_encoding: Some("gzip"), body, chunked: true }
    }

    fn answer(body: impl Into<Bytes>, whole: bool) -> Answer {
        let fields = HeaderMap::from_iter([(hyper::header::CONTENT_ENCODING, HeaderValue::from_static("gzip"))]);
        Answer { status: 200, fields, body: body.into(), whole }
    }

    #[test]
    fn an_answer_passes_only_byte_for_byte() {
        let page = page();
        assert_eq!(passed(&answer(page.body.clone(), true), &page), PASSES);
        assert_ne!(passed(&answer(page.body.slice(1..), true), &page), PASSES);
        assert_ne!(passed(&answer(page.body.clone(), false), &page), PASSES);
        assert_ne!(passed(&Answer { status: 206, ..answer(page.body.clone(), true) }, &page), PASSES);
        assert_ne!(passed(&Answer { fields: HeaderMap::new(), ..answer(page.body.clone(), true) }, &page), PASSES);
    }

    #[test]
    fn a_cut_is_told_by_what_came_before_it() {
        let page = page();
        assert_eq!(passed(&answer(PAGE, false), &page), "200, cut off before the advertisement");
        assert_eq!(passed(&answer(page.body.clone(), false), &page), "200, cut off after the advertisement");
        assert_eq!(passed(&answer("<p>", true), &page), "200, 3 bytes that the origin did not send so");
        assert_eq!(passed(&answer("水", false), &page), "200, cut off, and changed");
    }

    #[test]
    fn json_is_what_can_be_read_as_json() {
        let fields = |media| {
            HeaderMap::from_iter([
                (hyper::header::CONTENT_TYPE, HeaderValue::from_static(media)),
                (hyper::header::HeaderName::from_static("zhamen-reason"), HeaderValue::from_static("unfiled")),
            ])
        };
        let told = |media, body| refused(&Answer { status: 403, fields: fields(media), ..answer(body, true) });
        assert_eq!(told("application/json", "{}"), "403 unfiled in JSON");
        assert_eq!(told("application/json", "{"), "403 unfiled");
        assert_eq!(told("text/html", "{}"), "403 unfiled");
    }
}
