//! What there is to see: each case with what to expect of it. The list serves twice, as
//! suggestions to paste and as the table of `--check`.

use std::net::SocketAddr;

use super::{
    client::Ask,
    house::House,
    origins::{CHAT, ECHO, EVENTS},
    pages::{ARCHIVE, IMAGE, MENU, TASTING},
    sites::{BOARD, CANCELLED, DARK, ELSEWHERE, FILES, LIVE, MOVING, NEWS, STRANGER, TEAHOUSE, UNFILED},
};

/// Something to try.
pub(super) struct Case {
    pub(super) what: &'static str,
    pub(super) probe: Probe,
    /// What [`check`](super::check) has to see, word for word.
    pub(super) expect: &'static str,
}

/// How it is tried. Requests that a library would not send are written out.
pub(super) enum Probe {
    AccessLog,
    AddRule,
    BreakRule,
    Bytes(&'static str),
    Events,
    Get(Ask<'static>),
    KeepAlive,
    Mask,
    Metrics,
    Unfile,
    Upload,
    WebSocket,
}

const fn get(host: &'static str, target: &'static str) -> Probe {
    Probe::Get(Ask { host, target, accept: None })
}

/// In the order in which they are tried: the second look at the archive comes after the first.
pub(super) const CASES: [Case; 32] = [
    Case { what: "a filed site", probe: get(TEAHOUSE, "/"), expect: PASSES },
    Case { what: "a subdomain of it", probe: get("www.teahouse.localhost", "/"), expect: PASSES },
    Case { what: "a site without a filing number", probe: get(UNFILED, "/"), expect: "403 unfiled, origin not asked" },
    Case {
        what: "a name that is not in the registry",
        probe: get(STRANGER, "/"),
        expect: "403 unfiled, origin not asked",
    },
    Case {
        what: "a site filed with another provider",
        probe: get(ELSEWHERE, "/"),
        expect: "403 filed_elsewhere, origin not asked",
    },
    Case {
        what: "a site whose filing was cancelled",
        probe: get(CANCELLED, "/"),
        expect: "403 filing_cancelled, origin not asked",
    },
    Case {
        what: "an API client, refused",
        probe: Probe::Get(Ask { host: UNFILED, target: "/api/orders", accept: Some("application/json") }),
        expect: "403 unfiled in JSON, origin not asked",
    },
    Case {
        what: "a refusal, then another request on its connection",
        probe: Probe::KeepAlive,
        expect: "403 unfiled, then 200",
    },
    Case { what: "an origin that is switched off", probe: get(DARK, "/"), expect: "502 origin_unreachable" },
    Case { what: "an advertisement in UTF-8", probe: get(BOARD, "/utf-8"), expect: BLOCKED },
    Case { what: "the same in GBK, told by <meta>", probe: get(BOARD, "/gbk"), expect: BLOCKED },
    Case { what: "in traditional characters and Big5", probe: get(BOARD, "/big5"), expect: BLOCKED },
    Case { what: "compressed by gzip", probe: get(BOARD, "/gzip"), expect: BLOCKED },
    Case { what: "compressed by br", probe: get(BOARD, "/br"), expect: BLOCKED },
    Case { what: "compressed by zstd", probe: get(BOARD, "/zstd"), expect: BLOCKED },
    Case { what: "disguised: markup, spaces, entities, 繁體", probe: get(BOARD, "/disguised"), expect: BLOCKED },
    Case { what: "news about a police raid (警方通报)", probe: get(NEWS, "/raid"), expect: PASSES },
    Case { what: "a phrase that is to be masked", probe: Probe::Mask, expect: "200, masked and nothing else changed" },
    Case {
        what: "an advertisement after 300 KB",
        probe: get(BOARD, ARCHIVE),
        expect: "200, cut off before the advertisement",
    },
    Case { what: "the same page, once more", probe: get(BOARD, ARCHIVE), expect: "451 page_locked, origin not asked" },
    Case {
        what: "a stream of server-sent events",
        probe: Probe::Events,
        expect: "10 events, each before the next was sent",
    },
    Case { what: "a WebSocket", probe: Probe::WebSocket, expect: "101, every message came back" },
    Case { what: "a download of 5 MiB", probe: get(FILES, IMAGE), expect: PASSES },
    Case { what: "an upload", probe: Probe::Upload, expect: "200, the body came back" },
    Case {
        what: "Content-Length with Transfer-Encoding",
        probe: Probe::Bytes(SMUGGLED),
        expect: "400 ambiguous_framing, origin not asked",
    },
    Case { what: "two Hosts", probe: Probe::Bytes(TWO_HOSTS), expect: "400 bad_host, origin not asked" },
    Case {
        what: "an unfiled Host behind a filed target",
        probe: Probe::Bytes(TWO_NAMES),
        expect: "400 bad_host, origin not asked",
    },
    Case { what: "the access log", probe: Probe::AccessLog, expect: "a line with reason and rule" },
    Case { what: "the metrics", probe: Probe::Metrics, expect: "zhamen_requests_total, and it counts" },
    Case { what: "a filing is taken from sites.csv", probe: Probe::Unfile, expect: "200, then 403 unfiled" },
    Case { what: "a rule is added", probe: Probe::AddRule, expect: "200, then 451 content_blocked" },
    Case { what: "a rule file is broken", probe: Probe::BreakRule, expect: "counted, and all stays as it was" },
];

/// The page came as it is.
pub(super) const PASSES: &str = "200, as the origin sent it";
/// The rules object.
const BLOCKED: &str = "451 content_blocked";

/// What one proxy takes for one request and another for two (RFC 9112 section 11.2).
const SMUGGLED: &str = "POST / HTTP/1.1\r\nHost: teahouse.localhost\r\nContent-Length: 48\r\nTransfer-Encoding: chunked\r\n\r\n\
                        0\r\n\r\nGET / HTTP/1.1\r\nHost: unfiled.localhost\r\n\r\n";

const TWO_HOSTS: &str = "GET / HTTP/1.1\r\nHost: teahouse.localhost\r\nHost: unfiled.localhost\r\n\r\n";

const TWO_NAMES: &str = "GET http://teahouse.localhost/ HTTP/1.1\r\nHost: unfiled.localhost\r\n\r\n";

impl Case {
    /// A command that tries it by hand, where one line can.
    pub(super) fn command(&self, proxy: SocketAddr) -> Option<String> {
        let curl = |options: &str, host: &str, target: &str| {
            format!("curl {options} -H 'Host: {host}' http://{proxy}{target}")
        };
        match &self.probe {
            Probe::AccessLog | Probe::AddRule | Probe::BreakRule | Probe::Metrics | Probe::Unfile => None,
            Probe::Bytes(bytes) => {
                let bytes = bytes.replace("\r\n", "\\r\\n");
                Some(format!("printf '{bytes}' | curl -sm 2 telnet://{proxy}"))
            }
            Probe::Events => Some(curl("-iN", LIVE, EVENTS)),
            Probe::Get(Ask { host, target, accept: Some(media_type) }) => {
                Some(curl(&format!("-i -H 'Accept: {media_type}'"), host, target))
            }
            Probe::Get(Ask { host, target: target @ (ARCHIVE | IMAGE), accept: None }) => {
                let told = "-so /dev/null -w '%{http_code}, %{size_download} bytes %{errormsg}\\n'";
                Some(curl(told, host, target))
            }
            Probe::Get(Ask { host, target, accept: None }) => Some(curl("-i", host, target)),
            Probe::KeepAlive => {
                let (first, second) = (curl("-i", UNFILED, "/"), curl("-i", TEAHOUSE, "/"));
                Some(format!("{first} --next {}", second.trim_start_matches("curl ")))
            }
            Probe::Mask => Some(curl("-i", TEAHOUSE, MENU)),
            Probe::Upload => Some(curl("-i --data-binary '一壶春水'", FILES, ECHO)),
            Probe::WebSocket => {
                let options = "-iN -m 2 -H 'Connection: Upgrade' -H 'Upgrade: websocket' \
                               -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='";
                Some(curl(options, LIVE, CHAT))
            }
        }
    }
}

/// What to do to the files while the demonstration runs, and what comes of it.
pub(super) fn changes(proxy: SocketAddr, house: &House) -> [(String, String); 3] {
    let curl = |host: &str, target: &str| format!("sleep 1; curl -i -H 'Host: {host}' http://{proxy}{target}");
    let (registry, rules, spare) = (house.registry(), house.rules(), house.spare_pack());
    let (registry, rules, spare) = (registry.display(), rules.display(), spare.display());
    [
        (format!("sed -i '/^{MOVING}/d' {registry}; {}", curl(MOVING, "/")), "403 unfiled".into()),
        (format!("cp {spare} {rules}/added.toml; {}", curl(TEAHOUSE, TASTING)), BLOCKED.into()),
        (format!("echo '[[rule' > {rules}/broken.toml"), "an error with line and column; changes nothing".into()),
    ]
}
