//! The admin API from outside: tokens, what they may do, changes once and not over each other, webhooks,
//! and that a suspension is in force when the API says so.

use std::{
    net::{SocketAddr, TcpListener},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use crate::harness::{Client, Origin, Response, Setup, Zhamen, eventually, wire::Wire, zhamen};

/// The admin API with a token.
struct Api<'z> {
    zhamen: &'z Zhamen,
    token: String,
}

impl Zhamen {
    /// Makes a token on the command line.
    fn token(&self, name: &str, role: &str) -> String {
        let run = zhamen(&self.path(""), &["admin", "token", "create", name, "--role", role], b"");
        assert_eq!(run.status, 0, "{}", run.err);
        run.out.trim().to_owned()
    }

    fn api(&self, role: &str) -> Api<'_> {
        Api { zhamen: self, token: self.token(&format!("a-{role}"), role) }
    }
}

impl Api<'_> {
    fn ask(&self, method: &str, target: &str, fields: &str, body: &Value) -> Response {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let media = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\nAuthorization: Bearer {}\r\n{media}{fields}\
             Content-Length: {}\r\n\r\n{body}",
            self.token,
            body.len(),
        );
        Client::connect(self.zhamen.admin_address()).send(request).response()
    }

    fn get(&self, target: &str) -> Value {
        self.ok(&self.ask("GET", target, "", &Value::Null), 200)
    }

    fn post(&self, target: &str, body: Value) -> Value {
        self.ok(&self.ask("POST", target, "", &body), 201)
    }

    fn put(&self, target: &str, body: Value) -> Value {
        self.ok(&self.ask("PUT", target, "", &body), 201)
    }

    #[track_caller]
    fn ok(&self, response: &Response, status: u16) -> Value {
        assert_eq!(response.status(), status, "{}", response.text());
        serde_json::from_str(&response.text()).unwrap_or(Value::Null)
    }

    /// A unit with a service.
    fn customer(&self) {
        self.put("/api/v1/units/u1", json!({"name": "某某公司"}));
        self.put("/api/v1/services/s1", json!({"unit": "u1", "kind": "server", "server_ips": ["10.0.0.5"]}));
    }
}

fn problem(response: &Response) -> Value {
    assert_eq!(response.field("content-type"), Some("application/problem+json"), "{}", response.text());
    serde_json::from_str(&response.text()).unwrap()
}

#[test]
fn without_any_token_there_is_what_always_was_and_nothing_more() {
    let zhamen = Setup::new().run();
    for target in ["/metrics", "/healthz", "/readyz", "/api/v1/status"] {
        let mut client = Client::connect(zhamen.admin_address());
        assert_eq!(client.get("admin", target).response().status(), 200, "{target}");
    }
    let nobody = Client::connect(zhamen.admin_address()).get("admin", "/api/v1/units").response();
    assert_eq!((nobody.status(), nobody.field("www-authenticate")), (401, Some("Bearer realm=\"zhamen\"")));
    assert!(problem(&nobody)["detail"].as_str().unwrap().contains("zhamen admin token create"));
    let api = zhamen.api("operator");
    api.get("/api/v1/units");
    for (target, status) in [("/metrics", 401), ("/api/v1/status", 401), ("/healthz", 200), ("/readyz", 200)] {
        let mut client = Client::connect(zhamen.admin_address());
        assert_eq!(client.get("admin", target).response().status(), status, "{target}, now that there is a token");
    }
    let metrics = zhamen.api("metrics");
    assert_eq!(metrics.ask("GET", "/metrics", "", &Value::Null).status(), 200);
    assert_eq!(metrics.ask("GET", "/api/v1/units", "", &Value::Null).status(), 403);
}

#[test]
fn a_token_that_does_not_hold_opens_nothing_and_a_revoked_one_neither() {
    let zhamen = Setup::new().run();
    let mut api = zhamen.api("operator");
    let good = api.token.clone();
    for bad in ["zhm_a-operator_00", "zhm_nobody_00", "zhm_", "x"] {
        api.token = bad.to_owned();
        assert_eq!(api.ask("GET", "/api/v1/units", "", &Value::Null).status(), 401, "{bad}");
    }
    api.token = "zhm_a-operator_00".into();
    let tries = (0..12).map(|_| api.ask("GET", "/api/v1/units", "", &Value::Null).status()).collect::<Vec<_>>();
    assert_eq!((tries[0], tries[11]), (401, 429));
    let reviewer = zhamen.token("r", "reviewer");
    api.token = reviewer;
    api.get("/api/v1/units");
    let revoked = crate::harness::zhamen(&zhamen.path(""), &["admin", "token", "revoke", "r"], b"");
    assert_eq!(revoked.status, 0, "{}", revoked.err);
    assert_eq!(api.ask("GET", "/api/v1/units", "", &Value::Null).status(), 401, "at once, though it was in use");
    let list = crate::harness::zhamen(&zhamen.path(""), &["admin", "token", "list", "--json"], b"");
    assert!(!list.out.contains(good.rsplit('_').next().unwrap()), "no secret is listed");
}

#[test]
fn whatever_the_api_does_the_command_line_does() {
    let house = Setup::new().run();
    let token = house.path("token");
    std::fs::write(&token, house.token("shell", "operator")).unwrap();
    let call = |words: &[&str]| {
        let (token, address) = (token.to_str().unwrap(), house.admin_address().to_string());
        zhamen(
            &house.path(""),
            &[&["admin", "call", "--token-file", token, "--address", &address], words].concat(),
            b"",
        )
    };
    let shown = |words: &[&str]| {
        let run = call(words);
        assert_eq!(run.status, 0, "{words:?}: {}", run.err);
        serde_json::from_str::<Value>(&run.out).unwrap()
    };
    shown(&["PUT", "/units/r1", "name=代理商"]);
    shown(&["PUT", "/units/u9", "name=某公司", "parent=r1"]);
    shown(&["PUT", "services/s9", "unit=u9", "kind=server", "server_ips=10.0.0.5", "server_ips=10.0.0.6"]);
    assert_eq!(shown(&["GET", "/services/s9"])["server_ips"], json!(["10.0.0.5", "10.0.0.6"]));
    shown(&["PUT", "/sites/new.cn", "origin=http://127.0.0.1:9", "unit=u9", "service=s9", "kind=server"]);
    assert_eq!(shown(&["GET", "/sites/new.cn"])["filing"], "unfiled");
    let hook = shown(&["POST", "/webhooks", "url=http://127.0.0.1:9/", "events=finding", "secret=0123456789abcdef"]);
    assert_eq!(shown(&["GET", "/webhooks"])["items"][0]["id"], hook["id"]);
    assert_eq!(shown(&["GET", "/units", "limit=1"])["items"].as_array().unwrap().len(), 1);

    let again = call(&["PUT", "/units/u9", "name=另一公司"]);
    assert!(again.status == 1 && again.err.contains("428") && again.err.contains("If-Match"), "{}", again.err);
    let tag = again.err.split('"').nth(1).unwrap();
    shown(&["PUT", "/units/u9", "name=另一公司", "--if-match", &format!("\"{tag}\"")]);
    let wrong = call(&["PUT", "/units/u9", "nmae=x"]);
    assert!(wrong.status == 2 && wrong.err.contains("did you mean \"name\"?"), "{}", wrong.err);
    let wrong = call(&["PUT", "/services/s9", "unit=u9", "kind=servr"]);
    assert!(wrong.status == 1 && wrong.err.contains("/kind"), "{}", wrong.err);

    let letter = house.path("letter.pdf");
    let run = call(&["GET", "/reports/commitment", "unit=u9", "format=pdf", "--out", letter.to_str().unwrap()]);
    assert_eq!(run.status, 0, "{}", run.err);
    assert!(std::fs::read(&letter).unwrap().starts_with(b"%PDF"));
    let listed = zhamen(&house.path(""), &["admin", "routes", "webhooks"], b"");
    assert!(listed.status == 0 && listed.out.contains("/api/v1/webhooks/{webhook}/deliveries"), "{}", listed.out);

    std::fs::write(&token, house.token("visitor", "inspector")).unwrap();
    let refused = call(&["PUT", "/units/u9", "name=x"]);
    assert!(refused.status == 1 && refused.err.contains("403"), "{}", refused.err);
}

#[test]
fn a_change_is_made_once_and_never_over_another() {
    let zhamen = Setup::new().run();
    let api = zhamen.api("operator");
    api.customer();
    let shown = api.ask("GET", "/api/v1/units/u1", "", &Value::Null);
    let tag = shown.field("etag").unwrap().to_owned();
    let again = |fields: &str| api.ask("PUT", "/api/v1/units/u1", fields, &json!({"name": "另一公司"})).status();
    assert_eq!(again(""), 428);
    assert_eq!(again("If-Match: \"0\"\r\n"), 412);
    assert_eq!(again("If-None-Match: *\r\n"), 412);
    assert_eq!(again("If-Match:\r\n"), 400, "an empty list is not the same as none");
    assert_eq!(again("If-Match: \u{e9}\r\n"), 400, "what cannot be read is not the same as nothing");
    assert_eq!(again(&format!("If-Match: {}\r\n", tag.trim_matches('"'))), 412, "an entity tag has quotes");
    assert_eq!(again(&format!("If-Match: {tag}\r\n")), 200);
    assert_eq!(again(&format!("If-Match: {tag}\r\n")), 412, "somebody changed it");
    let new = api.ask("PUT", "/api/v1/units/u2", "If-Match: \"1\"\r\n", &json!({}));
    assert_eq!(new.status(), 412, "there is none yet");

    let notice = json!({"service": "s1", "class": "vulgar", "document": "2026-114"});
    let enter =
        |key: &str, body: &Value| api.ask("POST", "/api/v1/notices", &format!("Idempotency-Key: {key}\r\n"), body);
    let first = api.ok(&enter("k1", &notice), 201);
    let second = enter("k1", &notice);
    assert_eq!(second.field("idempotency-replayed"), Some("true"));
    assert_eq!(api.ok(&second, 201), first);
    assert_eq!(enter("k1", &json!({"service": "s1", "class": "other"})).status(), 409);
    assert_ne!(api.ok(&enter("k2", &notice), 201)["id"], first["id"]);
    assert_eq!(api.get("/api/v1/notices")["items"].as_array().unwrap().len(), 2);
    let by = api.get("/api/v1/audit?kind=notice");
    assert_eq!((by["items"].as_array().unwrap().len(), &by["items"][0]["by"]), (2, &"a-operator".into()));
}

#[test]
fn what_is_wrong_is_named_at_its_place() {
    let zhamen = Setup::new().run();
    let api = zhamen.api("operator");
    let bad = api.ask("POST", "/api/v1/notices", "", &json!({"servcie": "s1", "class": "rude", "at": "yesterday"}));
    assert_eq!(bad.status(), 422);
    let document = problem(&bad);
    let places: Vec<&str> =
        document["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!(places, ["/servcie", "/service", "/class", "/at"]);
    assert!(document["errors"][0]["detail"].as_str().unwrap().contains("\"service\""), "{document}");
    let bad = api.ask("GET", "/api/v1/units?limitt=1", "", &Value::Null);
    assert!((bad.status(), problem(&bad)["detail"].as_str().unwrap().contains("\"limit\"")) == (400, true));
    let bad = api.ask("PATCH", "/api/v1/units/u1", "", &Value::Null);
    assert_eq!((bad.status(), bad.field("allow")), (405, Some("GET, HEAD, OPTIONS, PUT")));
    assert_eq!(problem(&api.ask("GET", "/api/v1/nothing", "", &Value::Null))["status"], 404);
    let large = json!({"name": "x".repeat(2 << 20)});
    assert_eq!(api.ask("PUT", "/api/v1/units/u1", "", &large).status(), 413);
}

#[test]
fn pages_follow_each_other_and_every_item_stands_on_one() {
    let zhamen = Setup::new().run();
    let api = zhamen.api("operator");
    for number in 0..7 {
        api.put(&format!("/api/v1/units/u{number}"), json!({}));
    }
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = api.get(&format!("/api/v1/units?limit=3{after}"));
        seen.extend(page["items"].as_array().unwrap().iter().map(|unit| unit["unit"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["u0", "u1", "u2", "u3", "u4", "u5", "u6"]);
}

#[test]
fn what_an_inspector_reads_is_on_the_record() {
    let zhamen = Setup::new().run();
    let api = zhamen.api("inspector");
    api.get("/api/v1/units");
    api.get("/api/v1/units?limit=1");
    let audit = api.get("/api/v1/audit?kind=change");
    let read: Vec<&Value> = audit["items"].as_array().unwrap().iter().filter(|it| it["by"] == "a-inspector").collect();
    assert_eq!(read.len(), 1, "once, however often: {audit}");
    assert_eq!(read[0]["fact"]["subject"], "/api/v1/units");
    assert_eq!(api.ask("PUT", "/api/v1/units/u1", "", &json!({})).status(), 403);
}

/// Takes what webhooks send; refuses the first messages.
struct Receiver {
    address: SocketAddr,
    got: Arc<Mutex<Vec<(Response, u16)>>>,
}

impl Receiver {
    fn that_refuses(mut refusals: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let got = Arc::new(Mutex::new(Vec::new()));
        let taking = Arc::clone(&got);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut wire = Wire::new(stream);
                // A request has the form of a response as far as this is concerned.
                let Ok(Some(head)) = wire.read_head() else { continue };
                let length: usize = head.field("content-length").map_or(0, |length| length.parse().unwrap());
                while wire.buffer.len() < length {
                    if wire.fill().unwrap_or(0) == 0 {
                        break;
                    }
                }
                let body = std::mem::take(&mut wire.buffer);
                let status = if refusals > 0 { 500 } else { 204 };
                refusals = refusals.saturating_sub(1);
                let _ = wire.send(format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
                let message =
                    Response { head, body, end: crate::harness::End::Whole, trailers: vec![], interim: vec![] };
                taking.lock().unwrap().push((message, status));
            }
        });
        Self { address, got }
    }

    fn got(&self) -> Vec<(Response, u16)> {
        self.got.lock().unwrap().clone()
    }
}

#[test]
fn a_webhook_is_told_until_it_takes_it_and_after_a_restart() {
    let receiver = Receiver::that_refuses(2);
    let mut zhamen = Setup::new().run();
    let api = zhamen.api("operator");
    api.customer();
    let hook = api.post(
        "/api/v1/webhooks",
        json!({"url": format!("http://{}/hook?x=1", receiver.address), "events": ["notice"], "secret": "a secret of sixteen"}),
    );
    assert_eq!(hook["secret"], "a secret of sixteen");
    let id = hook["id"].as_str().unwrap().to_owned();
    assert!(api.get(&format!("/api/v1/webhooks/{id}"))["secret"].is_null(), "shown once");
    let notice = api.post("/api/v1/notices", json!({"service": "s1", "class": "other"}));
    eventually("tried", || !receiver.got().is_empty());
    zhamen.restart();
    eventually("told after a restart", || receiver.got().iter().any(|(_, status)| *status == 204));
    let got = receiver.got();
    assert!(got.len() >= 3, "refused twice, then taken");
    let deliveries: std::collections::BTreeSet<_> =
        got.iter().map(|(message, _)| message.field("zhamen-delivery").unwrap().to_owned()).collect();
    assert_eq!(deliveries.len(), 1, "the same message each time: {deliveries:?}");
    let (message, _) = got.last().unwrap();
    assert_eq!(message.field("zhamen-event"), Some("notice"));
    let (time, signature) = message.field("zhamen-signature").unwrap().split_once(",v1=").unwrap();
    let signed = format!("{}.{}", time.strip_prefix("t=").unwrap(), message.text());
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"a secret of sixteen"), signed.as_bytes());
    let digits: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(signature, digits);
    let body: Value = serde_json::from_str(&message.text()).unwrap();
    assert_eq!(body["entries"][0]["fact"]["id"], notice["id"]);
    let audit = Api { zhamen: &zhamen, token: zhamen.token("later", "operator") }.get("/api/v1/audit?kind=change");
    assert!(!audit.to_string().contains("a secret of sixteen"), "no secret on the record");
}

#[test]
fn no_request_that_begins_after_a_suspension_is_answered_by_the_origin() {
    const CONNECTIONS: usize = 64;
    let origin = Origin::page("fine");
    let zhamen = Setup::new().site("filed.cn", origin.address()).run();
    // The unit and its service are on record by the registry's row.
    let api = zhamen.api("operator");
    let (answered, stop) = (Arc::new(Mutex::new(None::<Instant>)), Arc::new(AtomicBool::new(false)));
    let http = zhamen.http;
    let asking: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (answered, stop) = (Arc::clone(&answered), Arc::clone(&stop));
            thread::spawn(move || {
                let mut client = Client::connect(http);
                let (mut before, mut late, mut refused) = (0, 0, 0);
                while !stop.load(Ordering::Relaxed) {
                    let suspended = answered.lock().unwrap().is_some();
                    match (client.get("filed.cn", "/").response().status(), suspended) {
                        (200, false) => before += 1,
                        (200, true) => late += 1,
                        (451, _) => refused += 1,
                        (status, _) => panic!("status {status}"),
                    }
                }
                (before, late, refused)
            })
        })
        .collect();
    thread::sleep(Duration::from_millis(500));
    let begun = Instant::now();
    api.post("/api/v1/suspensions", json!({"unit": "u1", "why": "test"}));
    *answered.lock().unwrap() = Some(Instant::now());
    let took = begun.elapsed();
    thread::sleep(Duration::from_millis(500));
    stop.store(true, Ordering::Relaxed);
    let (mut before, mut late, mut refused) = (0, 0, 0);
    for thread in asking {
        let counted = thread.join().unwrap();
        before += counted.0;
        late += counted.1;
        refused += counted.2;
    }
    println!(
        "a suspension took {took:?} at {CONNECTIONS} connections: {before} answered before, {refused} refused, {late} late"
    );
    assert!(before > 0 && refused > 0);
    assert_eq!(late, 0, "requests that began after the answer and reached the origin");
}

#[test]
fn letters_the_verification_and_a_copy_of_the_record_come_over_the_api() {
    let zhamen = Setup::new().site("filed.cn", "127.0.0.1:1".parse().unwrap()).run();
    let api = zhamen.api("operator");
    let notice = json!({"service": "s1", "class": "vulgar", "document": "2026-114", "url": "http://filed.cn/x"});
    api.post("/api/v1/notices", notice);
    let incident = api.post("/api/v1/incidents", json!({"title": "有害信息", "units": ["u1"]}));
    let id = incident["id"].as_str().unwrap();
    let month = "2026-03";
    for (target, status, word) in [
        ("rectification?unit=u1&measures=a%0Ab".to_owned(), 200, "整改报告"),
        ("commitment?unit=u1&form=datacenter".to_owned(), 200, "承诺书"),
        (format!("incident?incident={id}"), 200, "网络安全事件报告"),
        (format!("notice?unit=u1&incident={id}"), 200, "书面通知"),
        (format!("statistics?month={month}"), 200, "统计"),
        ("suspension?unit=u1&kind=server".to_owned(), 404, "not suspended"),
        ("rectification?unit=nobody".to_owned(), 404, "there is no unit"),
        ("statistics?month=2026-13".to_owned(), 400, "is not a month"),
        (format!("apportionment?amount=x&incident={id}"), 400, "is not an amount"),
    ] {
        let answer = api.ask("GET", &format!("/api/v1/reports/{target}"), "", &Value::Null);
        assert_eq!(answer.status(), status, "{target}: {}", answer.text());
        assert!(answer.text().contains(word), "{target}: {}", answer.text());
    }
    assert_eq!(
        zhamen.api("rules").ask("GET", "/api/v1/reports/statistics?month=2026-03", "", &Value::Null).status(),
        403
    );
    let verified = api.get("/api/v1/verification");
    assert_eq!((&verified["sound"], &verified["faults"]), (&true.into(), &json!([])));
    assert_eq!(api.ask("GET", "/api/v1/export?incident=nothing", "", &Value::Null).status(), 404);
    let copy = api.ask("GET", "/api/v1/export?unit=u1", "", &Value::Null);
    assert_eq!((copy.status(), copy.field("content-type")), (200, Some("application/x-tar")));
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("copy.tar"), &copy.body).unwrap();
    let script = "tar xf copy.tar && sh zhamen-evidence/verify.sh";
    let checked = std::process::Command::new("sh").args(["-c", script]).current_dir(dir.path()).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let audit = api.get("/api/v1/audit?kind=change&descending=true");
    assert_eq!(audit["items"][0]["fact"]["what"], "export", "that it was made is on the record");
}
