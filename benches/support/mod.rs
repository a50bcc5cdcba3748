//! What the harnesses share: processes, load, data.

#![allow(dead_code, reason = "each bench uses a part")]

pub mod build_cost;
pub mod chart;
pub mod clock;
pub mod dictionary;
pub mod heap;
#[cfg(feature = "hyperscan")]
pub mod hyperscan;
pub mod judge;
pub mod matchers;
pub mod nginx;
pub mod record;
pub mod texts;

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// A process that ends with this value.
pub struct Child(std::process::Child);

impl Child {
    pub fn start(program: &str, arguments: &[&str]) -> Self {
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.unwrap_or_else(|error| panic!("{program}: {error}")))
    }

    pub fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let until = Instant::now() + Duration::from_secs(5);
        while Instant::now() < until {
            if matches!(self.0.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

pub fn wait_for(port: u16) {
    let until = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < until, "nothing listens on port {port}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// User and system time of a process and its children, microseconds.
pub fn cpu_micros(id: u32) -> u64 {
    let ticks = |id: u32| -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        fields.get(11..13).map_or(0, |times| times.iter().filter_map(|time| time.parse::<u64>().ok()).sum())
    };
    let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|child| child.parse().ok());
    // 100 ticks a second on every Linux of today.
    children.chain([id]).map(ticks).sum::<u64>() * 10_000
}

/// Resident memory, KiB.
pub fn resident_kib(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// A small generator of pseudo-random numbers, so that every run sees the same input.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % end
    }
}

/// A body as a server sends it with `Content-Encoding: gzip`.
pub fn gzip(body: &[u8]) -> bytes::Bytes {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(5));
    encoder.write_all(body).and_then(|()| encoder.finish()).expect("memory takes it").into()
}

/// Writes zhamen.toml, sites.csv and rules for one filed host; the configuration's path.
pub fn zhamen_config(
    folder: &Path,
    name: &str,
    port: u16,
    origin: u16,
    host: &str,
    phrases: &[String],
    extra: &str,
) -> PathBuf {
    let folder = folder.join(name.split(|c: char| !c.is_ascii_alphanumeric()).collect::<String>());
    std::fs::create_dir_all(folder.join("rules/lists")).expect("the rules' folder");
    std::fs::write(folder.join("rules/lists/bench.txt"), phrases.join("\n")).expect("the list");
    let pack = "[pack]\nid = \"bench\"\ntitle = \"Bench\"\nclause = \"7.9\"\nclass = \"other\"\naction = \"observe\"\nthreshold = 100\n\
                [[rule]]\nid = \"bench.list\"\nany_file = \"lists/bench.txt\"\n";
    std::fs::write(folder.join("rules/bench.toml"), pack).expect("the pack");
    let sites =
        format!("host,origin,unit,service,kind,icp\n{host},http://127.0.0.1:{origin},u1,s1,server,蜀ICP备12345678号\n");
    std::fs::write(folder.join("sites.csv"), sites).expect("the registry");
    let workers = if extra.contains("[workers]") { "" } else { "[workers]\nthreads = 1\n" };
    let config = format!(
        "[listen]\nhttp = [\"127.0.0.1:{port}\"]\n[admin]\nlisten = \"127.0.0.1:{}\"\n[log]\naccess = \"\"\nlevel = \"warn\"\n{workers}{extra}",
        free_port()
    );
    let path = folder.join("zhamen.toml");
    std::fs::write(&path, config).expect("the configuration");
    path
}

/// What a load brought.
#[derive(Clone, Copy, Debug, Default)]
pub struct Load {
    pub requests: u64,
    pub body_bytes: u64,
}

/// Asks for one page again and again on keep-alive connections, for a time, and once at least.
pub fn load(port: u16, host: &str, path: &str, connections: usize, time: Duration) -> Load {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let until = Instant::now() + time;
    // A few threads, each with a share of the connections: ask on all, then read from all.
    let threads = connections.min(4);
    let workers: Vec<_> = (0..threads)
        .map(|_| {
            let (request, share) = (request.clone(), connections / threads);
            std::thread::spawn(move || {
                let mut load = Load::default();
                let mut streams: Vec<TcpStream> =
                    (0..share).map(|_| TcpStream::connect(("127.0.0.1", port)).expect("connect")).collect();
                let mut buffer = vec![0; 64 << 10];
                loop {
                    for stream in &mut streams {
                        stream.write_all(request.as_bytes()).expect("request");
                    }
                    for stream in &mut streams {
                        load.body_bytes += read_response(stream, &mut buffer);
                        load.requests += 1;
                    }
                    if Instant::now() >= until {
                        return load;
                    }
                }
            })
        })
        .collect();
    workers.into_iter().map(|worker| worker.join().expect("a load thread ends")).fold(Load::default(), |sum, load| {
        Load { requests: sum.requests + load.requests, body_bytes: sum.body_bytes + load.body_bytes }
    })
}

/// Reads one response with a Content-Length; the length of its body.
pub fn read_response(stream: &mut impl Read, buffer: &mut [u8]) -> u64 {
    let mut filled = 0;
    loop {
        let count = stream.read(&mut buffer[filled..]).expect("a response");
        assert!(count > 0, "the proxy closed the connection");
        filled += count;
        if let Some(end) = buffer[..filled].windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).to_ascii_lowercase();
            assert!(head.starts_with("http/1.1 200"), "{head}");
            let length = head.split("content-length:").nth(1).expect("a length").split("\r\n").next().unwrap_or("");
            let length: usize = length.trim().parse().expect("a length in digits");
            let mut left = (end + 4 + length).saturating_sub(filled);
            while left > 0 {
                let count = stream.read(buffer).expect("a body");
                assert!(count > 0, "the proxy cut the body");
                left = left.saturating_sub(count);
            }
            return length as u64;
        }
    }
}
