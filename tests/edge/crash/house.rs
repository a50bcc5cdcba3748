//! The whole proxy is killed under load, with findings, notices, suspensions and reviews coming in; and it
//! serves on where its database cannot be written.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::Dice;
use crate::harness::{Client, Origin, PHRASE, Setup, Zhamen, eventually, get, page_with, zhamen};

/// Somebody who is not the owner of the files.
const NOBODY: u32 = 65_534;

/// An answer of the admin API; `None` where the connection broke: nobody knows what became of it.
fn post(admin: SocketAddr, token: &str, target: &str, key: &str, body: &Value) -> Option<(u16, Value)> {
    let body = body.to_string();
    let mut connection = TcpStream::connect(admin).ok()?;
    connection.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    let head = format!(
        "POST {target} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Idempotency-Key: {key}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(head.as_bytes()).ok()?;
    let mut text = String::new();
    connection.read_to_string(&mut text).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    // Whole, or nothing was said.
    let length: usize =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok())?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    (body.len() == length).then(|| (status, serde_json::from_str(body).unwrap_or(Value::Null)))
}

fn all(proxy: &Zhamen, token: &str, path: &str) -> Vec<Value> {
    let (mut items, mut after) = (Vec::new(), String::new());
    loop {
        let mut client = Client::connect(proxy.admin_address());
        let answer = client.send(format!(
            "GET {path}limit=1000{after} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
        ));
        let answer = answer.response();
        assert_eq!(answer.status(), 200, "{}", answer.text());
        let page: Value = serde_json::from_str(&answer.text()).unwrap();
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return items,
        }
    }
}

#[test]
fn the_whole_proxy_killed_under_load_keeps_what_it_acknowledged_and_does_nothing_twice() {
    let rounds = env::var("ZHAMEN_CRASH_HOUSE_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(4);
    let mut dice = Dice::new("kill -9 of the proxy");
    let origin = Origin::page(page_with(PHRASE, 100));
    let mut proxy = Setup::new().site("filed.cn", origin.address()).run();
    let made = zhamen(&proxy.path(""), &["admin", "token", "create", "op", "--role", "operator"], b"");
    assert_eq!(made.status, 0, "{}", made.err);
    let token = made.out.trim().to_owned();
    for unit in 0..8 {
        let (status, said) = (201, format!("/api/v1/units/t{unit}"));
        let request = format!(
            "PUT {said} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
        );
        assert_eq!(Client::connect(proxy.admin_address()).send(request).response().status(), status);
    }
    let number = AtomicU64::new(0);
    // What was asked, by its key, and the answer to it if there was one.
    type Asked<'a> = BTreeMap<String, (&'a str, Value, Option<Value>)>;
    let asked: Mutex<Asked<'_>> = Mutex::default();
    let (mut seen, mut total, mut slowest) = (Vec::<String>::new(), 0, Duration::ZERO);
    for _ in 0..rounds {
        let stop = AtomicBool::new(false);
        let (http, admin) = (proxy.http, proxy.admin_address());
        let pending = all(&proxy, &token, "/api/v1/review_queue?");
        let pending: Vec<String> = pending.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        let page = number.fetch_add(1, Ordering::Relaxed);
                        let Ok(mut connection) = TcpStream::connect(http) else { continue };
                        let head = format!("GET /{page} HTTP/1.1\r\nHost: filed.cn\r\nConnection: close\r\n\r\n");
                        let mut text = Vec::new();
                        let _ = connection.write_all(head.as_bytes()).and_then(|()| connection.read_to_end(&mut text));
                    }
                });
            }
            for what in ["notices", "suspensions", "incidents", "reviews"] {
                let (asked, number, stop, pending, token) = (&asked, &number, &stop, &pending, &token);
                scope.spawn(move || {
                    let mut reviewed = pending.iter();
                    while !stop.load(Ordering::Relaxed) {
                        let next = number.fetch_add(1, Ordering::Relaxed);
                        let key = format!("{what}-{next}");
                        let (target, body) = match what {
                            "notices" => ("/api/v1/notices".to_owned(), json!({"service": "s1", "class": "filing"})),
                            "suspensions" => {
                                let unit = format!("t{}", next % 8);
                                ("/api/v1/suspensions".to_owned(), json!({"unit": unit, "why": key}))
                            }
                            "incidents" => ("/api/v1/incidents".to_owned(), json!({"title": key, "units": ["u1"]})),
                            _ => {
                                let Some(id) = reviewed.next() else { return };
                                let body = json!({"decision": "dismissed", "why": key});
                                (format!("/api/v1/findings/{id}/reviews"), body)
                            }
                        };
                        let answer = post(admin, token, &target, &key, &body);
                        if let Some((status, _)) = &answer {
                            assert_eq!(*status, 201, "{answer:?}");
                        }
                        let target: &str = Box::leak(target.into_boxed_str());
                        asked.lock().unwrap().insert(key, (target, body, answer.map(|(_, said)| said)));
                    }
                });
            }
            thread::sleep(Duration::from_millis(300 + dice.below(700)));
            // What the API shows is acknowledged.
            seen.extend(
                all(&proxy, &token, "/api/v1/findings?").iter().map(|row| row["id"].as_str().unwrap().to_owned()),
            );
            thread::sleep(Duration::from_micros(dice.below(100_000)));
            proxy.signal("KILL");
            stop.store(true, Ordering::Relaxed);
        });
        let begun = Instant::now();
        proxy.restart();
        slowest = slowest.max(begun.elapsed());
        // Asked again, each is answered as it was; what nobody knew of is there once afterwards.
        let mut asked = asked.lock().unwrap();
        for (key, (target, body, said)) in asked.iter_mut() {
            let (status, again) = post(proxy.admin_address(), &token, target, key, body).unwrap();
            assert_eq!(status, 201, "{key}: {again}");
            match said {
                Some(said) => assert_eq!(*said, again, "{key}"),
                None => *said = Some(again),
            }
        }
        let entries = all(&proxy, &token, "/api/v1/audit?");
        let times = |kind: &str, is: &dyn Fn(&Value) -> bool| {
            entries.iter().filter(|entry| entry["fact"]["type"] == kind && is(&entry["fact"])).count()
        };
        for (key, (_, _, said)) in asked.iter() {
            let said = said.as_ref().unwrap();
            let times = match key.split('-').next().unwrap() {
                "notices" => times("notice", &|fact| fact["id"] == said["id"]),
                "suspensions" => times("suspension", &|fact| fact["why"] == **key),
                "incidents" => times("incident_open", &|fact| fact["title"] == **key),
                _ => times("review", &|fact| fact["why"] == **key),
            };
            assert_eq!(times, 1, "{key} is on the record {times} times");
        }
        total += asked.len();
        asked.clear();
        let found: Vec<&str> = entries
            .iter()
            .filter(|entry| entry["fact"]["type"] == "finding")
            .map(|entry| entry["fact"]["id"].as_str().unwrap())
            .collect();
        let mut once = found.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(found.len(), once.len(), "a finding is on the record twice");
        assert!(seen.iter().all(|id| once.binary_search(&id.as_str()).is_ok()), "a finding was shown and is gone");
        let run = zhamen(&proxy.path(""), &["evidence", "verify"], b"");
        assert_eq!((run.status, run.err.as_str()), (0, ""), "{}", run.out);
    }
    println!(
        "{rounds} rounds: {total} asked, {} findings seen, nothing lost, nothing twice; slowest start {slowest:?}",
        seen.len()
    );
    assert!(total > rounds, "the proxy was hardly asked");
}

#[test]
fn where_the_database_cannot_be_written_the_proxy_serves_and_says_so_and_loses_nothing() {
    let origin = Origin::page(page_with(PHRASE, 100));
    let fine = Origin::page("fine");
    let row =
        |host: &str, unit: &str| format!("{host},http://{},{unit},s-{unit},server,蜀ICP备12345678号,,", fine.address());
    let mut proxy =
        Setup::new().site("filed.cn", origin.address()).row(row("fine.cn", "u2")).row(row("out.cn", "u3")).run();
    let suspend = ["ledger", "suspend", "u3", "--why", "w"];
    assert_eq!(zhamen(&proxy.path(""), &suspend, b"").status, 0);
    let made = zhamen(&proxy.path(""), &["admin", "token", "create", "op", "--role", "operator"], b"");
    let token = made.out.trim().to_owned();
    proxy.signal("TERM");
    assert_eq!(proxy.wait(), 0);
    let database = proxy.path("zhamen.db");
    // All of it in one file.
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection.pragma_update(None, "journal_mode", "delete").unwrap();
    drop(connection);
    fs::set_permissions(&database, fs::Permissions::from_mode(0o444)).unwrap();
    if fs::metadata(&database).unwrap().uid() == 0 {
        // Root may write everything: everything but the database is somebody else's.
        let mut open = vec![proxy.path("")];
        while let Some(path) = open.pop() {
            if path.is_dir() {
                open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            }
            if path != database {
                chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        proxy.become_user(NOBODY);
    }
    proxy.restart();
    assert!(proxy.said().contains("the database cannot be written"), "{}", proxy.said());
    assert_eq!(get(proxy.http, "fine.cn", "/").status(), 200);
    assert_eq!(get(proxy.http, "out.cn", "/").reason(), "suspended", "what is on the record holds");
    assert_eq!(get(proxy.http, "filed.cn", "/found").status(), 451);
    let answer = post(proxy.admin_address(), &token, "/api/v1/suspensions", "k", &json!({"unit": "u2", "why": "w"}));
    assert_eq!(answer.unwrap().0, 503, "nothing is acknowledged that is not on disk");
    assert_eq!(get(proxy.http, "fine.cn", "/").status(), 200, "and nothing of it is in force");
    let metrics = all_metrics(&proxy, &token);
    assert!(metrics.contains("zhamen_store_writable 0"), "{metrics}");
    eventually("a word about what waits", || proxy.said().contains("what was found waits for the record"));
    fs::set_permissions(&database, fs::Permissions::from_mode(0o666)).unwrap();
    proxy.restart();
    eventually("on the record", || {
        all(&proxy, &token, "/api/v1/findings?").iter().any(|row| row["page"] == "http://filed.cn/found")
    });
    assert!(all_metrics(&proxy, &token).contains("zhamen_store_writable 1"));
}

fn all_metrics(proxy: &Zhamen, token: &str) -> String {
    let mut client = Client::connect(proxy.admin_address());
    client.send(format!(
        "GET /metrics HTTP/1.1\r\nHost: admin\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
    ));
    client.response().text()
}
