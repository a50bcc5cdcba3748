//! Zhamen beside nginx as a plain proxy, in one run: CPU per request.
//!
//! `cargo bench --bench proxy` wants Debian's nginx. One worker each, one origin (nginx, a static
//! 16 KiB Chinese page), 64 keep-alive connections from this process, rounds interleaved; the CPU
//! is user + system time of the proxy's process tree. Only the ratios of one run mean anything.
//! Environment: `ROUNDS` (7), `SECONDS` a round (3), `PHRASES` (10000).

mod support;

use std::{path::Path, time::Duration};

use support::{Child, chinese_page, cpu_micros, free_port, load, phrases, zhamen_config};

const HOST: &str = "bench.example.com";

struct Peer {
    name: &'static str,
    child: Child,
    port: u16,
    micros: Vec<f64>,
}

fn main() {
    let smoke = !std::env::args().any(|argument| argument == "--bench");
    let number =
        |name: &str, default: usize| std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default);
    let (rounds, seconds) = if smoke { (1, 0.3) } else { (number("ROUNDS", 7), number("SECONDS", 3) as f64) };
    if !Path::new("/usr/sbin/nginx").exists() {
        println!("skipped: /usr/sbin/nginx is not there (Debian: apt-get install nginx-light)");
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary directory");
    let page = chinese_page(16 << 10);
    std::fs::create_dir(folder.path().join("www")).expect("www");
    std::fs::write(folder.path().join("www/page.html"), &page).expect("the page");
    let (origin_port, nginx_port) = (free_port(), free_port());
    let _origin = nginx(folder.path(), "origin", origin_port, &format!("root {}/www;", folder.path().display()));
    let through = "location / { proxy_pass http://o; proxy_http_version 1.1; proxy_set_header Connection \"\"; \
                   proxy_set_header Host $host; proxy_buffers 16 16k; proxy_buffer_size 16k; proxy_max_temp_file_size 0; }";
    let upstream =
        format!("upstream o {{ server 127.0.0.1:{origin_port}; keepalive 256; keepalive_requests 100000000; }}");
    let plain = nginx_with(folder.path(), "plain", nginx_port, &upstream, through);
    let mut peers = vec![Peer { name: "nginx, plain proxy", child: plain, port: nginx_port, micros: Vec::new() }];
    let list = phrases(number("PHRASES", 10_000));
    for (name, extra) in [
        ("zhamen, gate only (scan off)", "[scan]\nenabled = false\n"),
        ("zhamen, scan, cold (no verdict remembered)", "[scan]\nverdict_cache = 0\n"),
        ("zhamen, scan, repeated", ""),
    ] {
        let port = free_port();
        let config = zhamen_config(folder.path(), name, port, origin_port, HOST, &list, extra);
        let child = Child::start(env!("CARGO_BIN_EXE_zhamen"), &["run", "--config", &config.display().to_string()]);
        peers.push(Peer { name, child, port, micros: Vec::new() });
    }
    for peer in &peers {
        support::wait_for(peer.port);
        let warm = load(peer.port, HOST, "/page.html", 4, Duration::from_millis(200));
        assert!(warm.requests > 0 && warm.body_bytes == warm.requests * page.len() as u64, "{}: {warm:?}", peer.name);
    }
    for _ in 0..rounds {
        for peer in &mut peers {
            let before = cpu_micros(peer.child.id());
            let done = load(peer.port, HOST, "/page.html", 64, Duration::from_secs_f64(seconds));
            let spent = cpu_micros(peer.child.id()) - before;
            peer.micros.push(spent as f64 / done.requests.max(1) as f64);
        }
    }
    println!(
        "| {} phrases, 16 KiB Chinese page, 64 connections | CPU µs/request (median, min–max) | ratio to nginx |",
        list.len()
    );
    println!("| --- | --- | --- |");
    let median = |values: &[f64]| {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        (sorted[sorted.len() / 2], sorted[0], sorted[sorted.len() - 1])
    };
    for peer in &peers {
        let (middle, low, high) = median(&peer.micros);
        // Ratios pair by pair, so that a drift of the machine's speed cancels out.
        let pairs: Vec<f64> = peer.micros.iter().zip(&peers[0].micros).map(|(one, other)| one / other).collect();
        println!("| {} | {middle:.1} ({low:.1}–{high:.1}) | {:.2} |", peer.name, median(&pairs).0);
    }
}

fn nginx(folder: &Path, name: &str, port: u16, server: &str) -> Child {
    nginx_with(folder, name, port, "", server)
}

fn nginx_with(folder: &Path, name: &str, port: u16, http: &str, server: &str) -> Child {
    let folder = folder.display();
    let temp: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("{kind}_temp_path {folder}/{name}-{kind};\n"))
        .collect();
    let config = format!(
        "user root; worker_processes 1; daemon off; pid {folder}/{name}.pid; error_log {folder}/{name}.err;\n\
         events {{ worker_connections 4096; }}\n\
         http {{ types {{ text/html html; }} charset utf-8; access_log off; sendfile on; tcp_nopush on; tcp_nodelay on;\n\
         keepalive_requests 100000000; keepalive_timeout 300s; open_file_cache max=100;\n{temp}{http}\n\
         server {{ listen 127.0.0.1:{port}; {server} }} }}\n"
    );
    let path = format!("{folder}/{name}.conf");
    std::fs::write(&path, config).expect("nginx's configuration");
    Child::start("/usr/sbin/nginx", &["-c", &path, "-p", &folder.to_string()])
}
