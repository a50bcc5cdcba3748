//! Peak memory of Zhamen while many large responses stream through the scan at once.
//!
//! `cargo bench --bench memory`. Environment: `RESPONSES` (200), `MEGABYTES` each (100),
//! `MAX_DECODED` (`"128MiB"`: all of it is scanned).

mod support;

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use support::{Child, free_port, resident_kib, texts::Writer, wait_for, zhamen_config};

const HOST: &str = "bench.example.com";

fn main() {
    let smoke = !std::env::args().any(|argument| argument == "--bench");
    let number =
        |name: &str, default: usize| std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default);
    let (responses, megabytes) = if smoke { (10, 2) } else { (number("RESPONSES", 200), number("MEGABYTES", 100)) };
    let max_decoded = std::env::var("MAX_DECODED").unwrap_or_else(|_| "128MiB".into());
    let folder = tempfile::tempdir().expect("a temporary directory");
    let writer = Writer::new();
    let origin = origin(megabytes << 20, writer.page(1 << 20));
    let port = free_port();
    let list = writer.dictionary.phrases(10_000);
    let extra = format!("[scan]\nmax_decoded = \"{max_decoded}\"\n[workers]\nthreads = 0\n");
    let config = zhamen_config(folder.path(), "memory", port, origin, HOST, &list, &extra);
    let child = Child::start(env!("CARGO_BIN_EXE_zhamen"), &["run", "--config", &config.display().to_string()]);
    wait_for(port);
    let idle_kib = resident_kib(child.id());
    let received = Arc::new(AtomicU64::new(0));
    let done = Arc::new(AtomicBool::new(false));
    let peak = {
        let (done, id) = (Arc::clone(&done), child.id());
        thread::spawn(move || {
            let mut peak = 0;
            while !done.load(Ordering::Relaxed) {
                peak = peak.max(resident_kib(id));
                thread::sleep(Duration::from_millis(20));
            }
            peak
        })
    };
    let began = Instant::now();
    let clients: Vec<_> = (0..responses)
        .map(|number| {
            let received = Arc::clone(&received);
            thread::Builder::new()
                .stack_size(128 << 10)
                .spawn(move || {
                    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("connect");
                    let request = format!("GET /{number} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
                    stream.write_all(request.as_bytes()).expect("request");
                    let mut buffer = vec![0; 32 << 10];
                    while let Ok(count @ 1..) = stream.read(&mut buffer) {
                        received.fetch_add(count as u64, Ordering::Relaxed);
                    }
                })
                .expect("a client")
        })
        .collect();
    for client in clients {
        client.join().expect("a client ends");
    }
    done.store(true, Ordering::Relaxed);
    let peak_kib = peak.join().expect("the sampler ends");
    let received = received.load(Ordering::Relaxed);
    let whole = (responses * megabytes) as u64 * (1 << 20);
    assert!(received >= whole, "{received} of {whole} bytes arrived");
    println!(
        "{responses} responses of {megabytes} MiB at once, all scanned: {:.1} GiB in {:.0} s; \
         resident before {:.1} MiB, at the peak {:.1} MiB: {:.0} KiB a response",
        received as f64 / f64::from(1 << 30),
        began.elapsed().as_secs_f64(),
        idle_kib as f64 / 1024.0,
        peak_kib as f64 / 1024.0,
        peak_kib.saturating_sub(idle_kib) as f64 / responses as f64,
    );
}

/// An origin that answers every request with so many bytes of Chinese HTML, as fast as they are taken.
fn origin(bytes: usize, page: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the origin's socket");
    let port = listener.local_addr().expect("its address").port();
    let page = Arc::new(page);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let page = Arc::clone(&page);
            let _ = thread::Builder::new().stack_size(128 << 10).spawn(move || {
                let mut head = [0; 4096];
                if stream.read(&mut head).is_err() {
                    return;
                }
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {bytes}\r\n\r\n"
                );
                let mut left = bytes;
                let mut sent = stream.write_all(head.as_bytes());
                while left > 0 && sent.is_ok() {
                    let piece = &page.as_bytes()[..left.min(page.len())];
                    sent = stream.write_all(piece);
                    left -= piece.len();
                }
            });
        }
    });
    port
}
