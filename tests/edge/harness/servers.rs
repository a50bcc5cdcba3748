//! Other people's servers as origins: stock nginx and Apache, and Python's `http.server`. Each writes down
//! the request lines that it believes to have read.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::PATIENCE;

/// A running server; stopped when dropped.
pub struct Server {
    pub name: &'static str,
    pub address: SocketAddr,
    dir: tempfile::TempDir,
    child: Child,
}

/// Reads bodies as its standard library lets it: by `int`, which takes `0x5`, `+5` and `5_0` too; of a GET
/// nothing at all.
const PYTHON: &str = r#"
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

log = open(sys.argv[2], "a", buffering=1)

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 5

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", "2")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b"ok")

    def do_POST(self):
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            while int(size := self.rfile.readline().split(b";")[0], 16):
                self.rfile.read(int(size, 16))
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
        else:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    do_HEAD = do_DELETE = do_OPTIONS = do_GET
    do_PUT = do_PATCH = do_POST

    def log_message(self, format, *arguments):
        pass

    def log_request(self, code="-", size="-"):
        headers = getattr(self, "headers", None)
        log.write('"%s" %s\n' % (self.requestline, headers and headers.get("Host")))

ThreadingHTTPServer.request_queue_size = 256
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"#;

impl Server {
    /// All that are installed; of others it is said that they are not.
    pub fn all() -> Vec<Self> {
        [Self::nginx(), Self::apache(), Self::python()].into_iter().flatten().collect()
    }

    /// nginx, answering everything.
    pub fn nginx() -> Option<Self> {
        Self::start("nginx", "nginx-light", |dir, address| {
            let dir = dir.display();
            let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                .iter()
                .map(|name| format!("{name}_temp_path {dir}/{name};\n"))
                .collect();
            let configuration = format!(
                "daemon off;\npid {dir}/pid;\nerror_log {dir}/error.log;\nworker_processes 1;\nevents {{}}\nhttp {{\n\
                 {temporary}log_format lines '\"$request\" $http_host';\naccess_log {dir}/lines.log lines;\n\
                 server {{ listen {address}; location / {{ return 200 ok; }} }}\n}}\n"
            );
            fs::write(format!("{dir}/nginx.conf"), configuration).unwrap();
            let mut command = Command::new("nginx");
            command.args(["-p", &dir.to_string(), "-c", "nginx.conf", "-e", "error.log"]);
            command
        })
    }

    /// Apache, with one page for every path.
    pub fn apache() -> Option<Self> {
        Self::start("apache2", "apache2-bin", |dir, address| {
            let shown = dir.display();
            let modules: String = ["mpm_event", "authz_core", "alias"]
                .iter()
                .map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"))
                .collect();
            fs::create_dir(dir.join("www")).unwrap();
            fs::write(dir.join("www/page"), "ok").unwrap();
            let configuration = format!(
                "{modules}ServerName localhost\nListen {address}\nPidFile {shown}/pid\nErrorLog {shown}/error.log\n\
                 Mutex pthread\nUser nobody\nGroup nogroup\nDocumentRoot {shown}/www\nAliasMatch ^ {shown}/www/page\n\
                 LogFormat \"\\\"%r\\\" %{{Host}}i\" lines\nCustomLog {shown}/lines.log lines\n\
                 <Directory {shown}/www>\nRequire all granted\n</Directory>\n"
            );
            fs::write(dir.join("apache.conf"), configuration).unwrap();
            // Its workers are nobody, and the directory is ours alone.
            let _ = Command::new("chmod").args(["-R", "a+rX"]).arg(dir).status();
            let mut command = Command::new("/usr/sbin/apache2");
            command.arg("-d").arg(dir).arg("-f").arg(dir.join("apache.conf")).arg("-DFOREGROUND");
            command
        })
    }

    /// Python's `http.server`.
    pub fn python() -> Option<Self> {
        Self::start("python3", "python3", |dir, address| {
            fs::write(dir.join("origin.py"), PYTHON).unwrap();
            let mut command = Command::new("python3");
            command.arg(dir.join("origin.py")).arg(address.port().to_string()).arg(dir.join("lines.log"));
            command
        })
    }

    fn start(name: &'static str, package: &str, command: impl FnOnce(&Path, SocketAddr) -> Command) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = command(dir.path(), address);
        let started = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let Ok(mut child) = started else {
            println!("skipped: {name} is not installed (Debian: {package})");
            return None;
        };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            if let Some(status) = child.try_wait().unwrap() {
                let said = fs::read_to_string(dir.path().join("error.log")).unwrap_or_default();
                panic!("{name} ended with {status}: {said}");
            }
            assert!(Instant::now() < deadline, "{name} does not listen");
            thread::sleep(Duration::from_millis(10));
        }
        Some(Self { name, address, dir, child })
    }

    /// What it has read, in its own words: `"METHOD TARGET VERSION" HOST`, a line each.
    pub fn lines(&self) -> Vec<String> {
        let text = fs::read(self.dir.path().join("lines.log")).unwrap_or_default();
        String::from_utf8_lossy(&text).lines().map(str::to_owned).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Asked to stop, it takes its workers along.
        let _ = Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]).status();
        let _ = self.child.wait();
    }
}
