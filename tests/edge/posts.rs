//! What visitors send to a site: read first where the site is `filtered`, in passing elsewhere.

use crate::harness::{Client, Origin, PHRASE, Setup, Zhamen, ask, page_of};

/// An origin that answers a post with its own body, and a site in front of it.
fn setup(interactive: &str) -> (Origin, Zhamen) {
    let origin = Origin::start(|exchange| {
        let body = exchange.body()?;
        exchange.respond("200 OK", &[("Content-Type", "application/octet-stream")], &body)
    });
    let row = format!("filed.cn,http://{},u1,s1,virtual_host,蜀ICP备12345678号,,{interactive}", origin.address());
    let zhamen = Setup::new().row(row).run();
    (origin, zhamen)
}

fn post(media_type: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST /say HTTP/1.1\r\nHost: filed.cn\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

#[test]
fn a_filtered_site_gets_no_post_with_a_prohibited_phrase() {
    let (origin, zhamen) = setup("filtered");
    let form = format!("title=x&text={}", PHRASE.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>());
    for request in [
        post("text/plain; charset=utf-8", &format!("before {PHRASE} after")),
        post("application/x-www-form-urlencoded", &form),
        post("application/json", &format!("{{\"text\":\"{PHRASE}\"}}")),
        post(
            "multipart/form-data; boundary=b",
            &format!("--b\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\n{PHRASE}\r\n--b--\r\n"),
        ),
    ] {
        let response = ask(zhamen.http, &request);
        assert_eq!((response.status(), response.reason()), (451, "content_blocked"), "{request}");
    }
    assert_eq!(origin.asked(), 0);
}

#[test]
fn a_filtered_site_gets_every_other_post_byte_for_byte() {
    let (_origin, zhamen) = setup("filtered");
    let mut client = Client::connect(zhamen.http);
    for bytes in [0, 1, 1_000, 70_000, 300_000] {
        let body = page_of(bytes);
        client.send(post("text/html", &body));
        let response = client.response();
        assert_eq!((response.status(), response.body == body.as_bytes()), (200, true), "{bytes}");
    }
    client.send("POST /say HTTP/1.1\r\nHost: filed.cn\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel");
    client.send("lo\r\n0\r\n\r\n");
    assert_eq!(client.response().text(), "hello");
    client.send("POST /say HTTP/1.1\r\nHost: filed.cn\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(client.head().status(), 100);
    client.send("hello");
    let mut response = client.response();
    while response.status() == 100 {
        response = client.response();
    }
    assert_eq!(response.text(), "hello");
}

#[test]
fn an_open_site_gets_every_post() {
    let (origin, zhamen) = setup("open");
    let response = ask(zhamen.http, post("text/plain; charset=utf-8", PHRASE));
    assert_eq!((response.status(), response.text().as_str()), (200, PHRASE));
    assert_eq!(origin.asked(), 1);
}
