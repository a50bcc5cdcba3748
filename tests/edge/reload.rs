//! What comes into force without a restart, and without touching a connection; and what does not.

use crate::harness::{Client, End, Origin, PHRASE, Setup, Zhamen, eventually, get, page_of, page_with, zhamen::pack};

const OTHER: &str = "另外一句口令词";

fn row(host: &str, origin: &Origin) -> String {
    format!("{host},http://{},u1,s1,server,蜀ICP备12345678号,,", origin.address())
}

fn in_front_of(origin: &Origin) -> Zhamen {
    Setup::new().site("filed.cn", origin.address()).run()
}

fn status(zhamen: &Zhamen, host: &str) -> u16 {
    get(zhamen.http, host, "/").status()
}

#[test]
fn a_changed_rule_comes_into_force() {
    let origin = Origin::page(page_with(OTHER, 100));
    let zhamen = in_front_of(&origin);
    let mut client = Client::connect(zhamen.http);
    assert_eq!(client.get("filed.cn", "/").response().status(), 200);
    zhamen.write("rules/test.toml", pack("test", "block", &[OTHER]));
    eventually("blocked", || status(&zhamen, "filed.cn") == 451);
    assert_eq!(client.get("filed.cn", "/").response().status(), 451, "on the connection of before, too");
    zhamen.write("rules/test.toml", pack("test", "block", &[PHRASE]));
    eventually("let through", || status(&zhamen, "filed.cn") == 200);
    eventually("counted", || zhamen.metric("zhamen_reload_total{result=\"success\",what=\"rules\"}") >= 3.0);
}

#[test]
fn a_new_pack_and_a_changed_list_come_into_force() {
    let origin = Origin::page(page_with(OTHER, 100));
    let zhamen = in_front_of(&origin);
    std::fs::create_dir(zhamen.path("rules/lists")).unwrap();
    zhamen.write("rules/lists/words.txt", "完全无关的短语\n");
    zhamen.write(
        "rules/more.toml",
        pack("more", "block", &["x"]).replace("any = [\"x\"]", "any_file = \"lists/words.txt\""),
    );
    eventually("two rules", || zhamen.metric("zhamen_rules") == 2.0);
    assert_eq!(status(&zhamen, "filed.cn"), 200);
    zhamen.write("rules/lists/words.txt", format!("完全无关的短语\n{OTHER}\n"));
    eventually("blocked", || status(&zhamen, "filed.cn") == 451);
}

#[test]
fn a_changed_registry_comes_into_force() {
    let (origin, second) = (Origin::page("first"), Origin::page("second"));
    let zhamen = in_front_of(&origin);
    assert_eq!(status(&zhamen, "new.cn"), 403);
    zhamen.write_sites(&[row("filed.cn", &origin), row("new.cn", &origin)]);
    eventually("let in", || status(&zhamen, "new.cn") == 200);
    zhamen.write_sites(&[row("filed.cn", &second)]);
    eventually("shut out", || status(&zhamen, "new.cn") == 403);
    assert_eq!(get(zhamen.http, "filed.cn", "/").text(), "second");
    assert_eq!(zhamen.metric("zhamen_sites{filing=\"filed\"}"), 1.0);
}

#[test]
fn a_changed_configuration_comes_into_force() {
    let origin = Origin::page("fine");
    let mut zhamen = in_front_of(&origin);
    let mut client = Client::connect(zhamen.http);
    assert_eq!(client.get("nobody.cn", "/").response().status(), 403);
    zhamen.set("gate.statuses.unfiled", "404");
    eventually("404", || status(&zhamen, "nobody.cn") == 404);
    assert_eq!(client.get("nobody.cn", "/").response().status(), 404);
    assert!(zhamen.metric("zhamen_reload_last_success_timestamp_seconds{what=\"config\"}") > 1.7e9);
}

#[test]
fn a_response_on_its_way_outlives_a_reload() {
    let (open, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let page = page_of(300_000);
    let sent = page.clone();
    let origin = Origin::start(move |exchange| {
        exchange.begin_chunked(&[("Content-Type", "text/html")])?;
        exchange.chunk(sent.as_bytes())?;
        let _ = wait.lock().unwrap().recv_timeout(crate::harness::PATIENCE);
        exchange.chunk(OTHER.as_bytes())?;
        exchange.send("0\r\n\r\n")
    });
    let mut zhamen = in_front_of(&origin);
    let mut client = Client::connect(zhamen.http);
    client.get("filed.cn", "/").head();
    zhamen.write("rules/test.toml", pack("test", "block", &[OTHER]));
    zhamen.write_sites(&[row("another.cn", &origin), row("and.another.cn", &origin)]);
    zhamen.set("gate.statuses.unfiled", "404");
    eventually("all in force", || {
        zhamen.metric("zhamen_reload_total{result=\"success\",what=\"rules\"}") == 2.0
            && zhamen.metric("zhamen_sites{filing=\"filed\"}") == 2.0
            && status(&zhamen, "nobody.cn") == 404
    });
    open.send(()).unwrap();
    let (body, trailers) = client.wire.read_chunked();
    assert!(trailers.is_some(), "not cut: a request keeps the snapshot that it began with");
    assert!(body == (page + OTHER).as_bytes());
    assert_eq!(client.get("filed.cn", "/").response().status(), 404, "the next request does not");
}

#[test]
fn a_broken_file_changes_nothing_and_is_told_at_its_place() {
    let origin = Origin::page(page_with(PHRASE, 100));
    let clean = Origin::page("fine");
    let zhamen = Setup::new().site("filed.cn", origin.address()).site("clean.cn", clean.address()).run();
    let before = zhamen.metric("zhamen_snapshot_generation");
    for (what, name, text, place) in [
        (
            "rules",
            "rules/test.toml",
            pack("test", "block", &[OTHER]).replace("any = [", "any = "),
            "path=\"rules/test.toml\" line=11 ",
        ),
        ("registry", "sites.csv", "host,origin\nnonsense".to_owned(), "path=\"sites.csv\" line=1 "),
        ("config", "zhamen.toml", "[gate]\noperater = \"x\"\n".to_owned(), "path=\"zhamen.toml\" line=2 column=1"),
    ] {
        zhamen.write(name, text);
        let series = format!("zhamen_reload_total{{result=\"error\",what=\"{what}\"}}");
        eventually(&series, || zhamen.metric(&series) >= 1.0);
        let told = zhamen.metric(&series);
        assert_eq!(status(&zhamen, "filed.cn"), 451, "{what}");
        assert_eq!(status(&zhamen, "clean.cn"), 200, "{what}");
        eventually("told", || zhamen.said().contains(place));
        // Who asks is told again.
        zhamen.signal("HUP");
        eventually("told again", || zhamen.metric(&series) > told);
    }
    assert_eq!(zhamen.metric("zhamen_snapshot_generation"), before);
}

#[test]
fn a_registry_with_more_bad_rows_than_good_changes_nothing() {
    let origin = Origin::page("fine");
    let zhamen = in_front_of(&origin);
    zhamen.write_sites(&[row("new.cn", &origin), "bad,row".to_owned(), "another,bad,row".to_owned()]);
    let series = "zhamen_reload_total{result=\"error\",what=\"registry\"}";
    eventually(series, || zhamen.metric(series) == 1.0);
    assert_eq!((status(&zhamen, "filed.cn"), status(&zhamen, "new.cn")), (200, 403));
    assert!(zhamen.said().contains("path=\"sites.csv\" line=3 "), "{}", zhamen.said());

    zhamen.write_sites(&[row("new.cn", &origin), row("newer.cn", &origin), "bad,row".to_owned()]);
    eventually("the good rows", || status(&zhamen, "newer.cn") == 200);
    assert_eq!(status(&zhamen, "filed.cn"), 403);
}

#[test]
fn a_registry_that_vanishes_leaves_the_last_known_good() {
    let origin = Origin::page("fine");
    let zhamen = in_front_of(&origin);
    std::fs::remove_file(zhamen.path("sites.csv")).unwrap();
    let series = "zhamen_reload_total{result=\"error\",what=\"registry\"}";
    eventually(series, || zhamen.metric(series) >= 1.0);
    assert_eq!(status(&zhamen, "filed.cn"), 200);
}

#[test]
fn a_verdict_is_not_remembered_beyond_the_rules_that_made_it() {
    let origin = Origin::page(page_with(OTHER, 1_000));
    let zhamen = in_front_of(&origin);
    for _ in 0..3 {
        assert_eq!(status(&zhamen, "filed.cn"), 200);
    }
    zhamen.write("rules/test.toml", pack("test", "block", &[OTHER]));
    eventually("blocked", || status(&zhamen, "filed.cn") == 451);
}

#[test]
fn many_reloads_under_load_lose_no_request() {
    let origin = Origin::page(page_of(3_000));
    let zhamen = in_front_of(&origin);
    let (done, http) = (std::sync::atomic::AtomicBool::new(false), zhamen.http);
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = Client::connect(http);
                    let mut answered = 0;
                    while !done.load(std::sync::atomic::Ordering::SeqCst) {
                        let response = client.get("filed.cn", "/").response();
                        assert_eq!((response.status(), response.end), (200, End::Whole));
                        answered += 1;
                    }
                    answered
                })
            })
            .collect();
        for number in 0..6 {
            let generation = zhamen.metric("zhamen_snapshot_generation");
            zhamen.write("rules/test.toml", pack("test", "block", &[PHRASE, &format!("另外一句口令词{number}")]));
            eventually("in force", || zhamen.metric("zhamen_snapshot_generation") > generation);
        }
        done.store(true, std::sync::atomic::Ordering::SeqCst);
        let answered: usize = clients.into_iter().map(|client| client.join().unwrap()).sum();
        assert!(answered > 100, "{answered}");
    });
}
