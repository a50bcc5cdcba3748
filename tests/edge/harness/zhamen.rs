//! The proxy: its files in a directory of its own, the process, and what it says of itself.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener},
    os::{fd::OwnedFd, unix::process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Instant,
};

use super::{Client, PATIENCE, PHRASE, eventually};

const HEADER: &str = "host,origin,unit,service,kind,icp,filing,interactive";

/// Files for a proxy that does not run yet.
pub struct Setup {
    dir: tempfile::TempDir,
    header: String,
    rows: Vec<String>,
    settings: BTreeMap<String, String>,
    packs: Vec<(String, String)>,
    environment: Vec<(&'static str, PathBuf)>,
    how: How,
}

/// How the process is started.
#[derive(Default)]
struct How {
    descriptors: Option<usize>,
    socket: Option<TcpListener>,
    upgrade: bool,
    user: Option<u32>,
}

/// A process that another one has taken over from.
pub struct Old(Child);

/// A running proxy; killed when dropped.
pub struct Zhamen {
    dir: tempfile::TempDir,
    child: Child,
    /// Where it listens.
    pub http: SocketAddr,
    admin: SocketAddr,
    said: Arc<Mutex<String>>,
    settings: BTreeMap<String, String>,
    environment: Vec<(&'static str, PathBuf)>,
    user: Option<u32>,
}

/// What a command printed, and its exit status.
pub struct Run {
    pub status: i32,
    pub out: String,
    pub err: String,
}

/// A pack with one rule.
pub fn pack(id: &str, action: &str, phrases: &[&str]) -> String {
    let phrases = phrases.iter().map(|phrase| format!("{phrase:?}")).collect::<Vec<_>>().join(", ");
    format!(
        "[pack]\nid = \"{id}\"\ntitle = \"{id}\"\nclause = \"7.7\"\nclass = \"other\"\naction = \"{action}\"\n\
         threshold = 100\n\n[[rule]]\nid = \"{id}.phrase\"\nany = [{phrases}]\n"
    )
}

impl Setup {
    /// One worker, an access log, and a pack that blocks [`PHRASE`].
    pub fn new() -> Self {
        let settings = [
            ("listen.http", "[\"127.0.0.1:0\"]"),
            ("admin.listen", "\"127.0.0.1:0\""),
            ("workers.threads", "1"),
            ("log.access", "\"access.jsonl\""),
            ("gate.operator", "\"测试机房\""),
            ("gate.contact", "\"https://dc.example/appeal\""),
        ];
        Self {
            dir: tempfile::tempdir().unwrap(),
            header: HEADER.to_owned(),
            rows: Vec::new(),
            settings: settings.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            packs: vec![("test.toml".to_owned(), pack("test", "block", &[PHRASE, "forbidden words"]))],
            environment: Vec::new(),
            how: How::default(),
        }
    }

    /// Where its files will be.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Bound by somebody else, and passed as systemd does.
    pub fn socket(mut self, socket: TcpListener) -> Self {
        self.how.socket = Some(socket);
        self
    }

    /// The process may have so many descriptors.
    pub fn descriptors(mut self, most: usize) -> Self {
        self.how.descriptors = Some(most);
        self
    }

    /// A filed site.
    pub fn site(self, host: &str, origin: SocketAddr) -> Self {
        self.row(format!("{host},http://{origin},u1,s1,server,蜀ICP备12345678号,,"))
    }

    /// More columns, for the rows that follow.
    pub fn columns(mut self, names: &str) -> Self {
        self.header = format!("{HEADER},{names}");
        self
    }

    /// Any row.
    pub fn row(mut self, row: impl Into<String>) -> Self {
        self.rows.push(row.into());
        self
    }

    /// A key of zhamen.toml, dotted, and its value as TOML.
    pub fn set(mut self, key: &str, value: &str) -> Self {
        self.settings.insert(key.to_owned(), value.to_owned());
        self
    }

    /// A variable of the proxy's environment.
    pub fn environment(mut self, name: &'static str, value: &Path) -> Self {
        self.environment.push((name, value.to_owned()));
        self
    }

    /// Another pack, or another text for one.
    pub fn pack(mut self, name: &str, text: String) -> Self {
        self.packs.retain(|(other, _)| other != name);
        self.packs.push((name.to_owned(), text));
        self
    }

    /// A word list, named as rules name it.
    pub fn list(self, name: &str, text: &str) -> Self {
        let path = self.dir.path().join("rules").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// Any other file, below the directory.
    pub fn file(self, name: &str, text: &str) -> Self {
        let path = self.dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// The shipped packs instead of the test's own.
    pub fn shipped_packs(mut self) -> Self {
        self.packs.clear();
        self.set("rules.dir", &format!("{:?}", shipped_rules().display().to_string()))
    }

    fn write(&self) {
        let dir = self.dir.path();
        fs::create_dir_all(dir.join("rules")).unwrap();
        fs::write(dir.join("zhamen.toml"), configuration(&self.settings)).unwrap();
        fs::write(dir.join("sites.csv"), format!("{}\n{}\n", self.header, self.rows.join("\n"))).unwrap();
        for (name, text) in &self.packs {
            fs::write(dir.join("rules").join(name), text).unwrap();
        }
    }

    /// Starts the proxy as [`Setup::run`] does, once all of its files belong to this user.
    pub fn run_for(self, user: u32) -> Zhamen {
        self.write();
        let mut open = vec![self.dir.path().to_owned()];
        while let Some(path) = open.pop() {
            if path.is_dir() {
                open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            }
            std::os::unix::fs::chown(&path, Some(user), Some(user)).unwrap();
        }
        self.run()
    }

    /// Writes the files, for commands other than `run`.
    pub fn directory(self) -> tempfile::TempDir {
        self.write();
        self.dir
    }

    /// Starts the proxy, and waits until it listens.
    pub fn run(self) -> Zhamen {
        self.write();
        let Self { dir, settings, environment, how, .. } = self;
        let Started { child, said, http, admin } = start(dir.path(), &environment, how);
        Zhamen { dir, child, http, admin, said, settings, environment, user: None }
    }
}

/// A process that listens.
struct Started {
    child: Child,
    said: Arc<Mutex<String>>,
    http: SocketAddr,
    admin: SocketAddr,
}

fn start(dir: &Path, environment: &[(&'static str, PathBuf)], how: How) -> Started {
    let limit = how.descriptors.map_or_else(String::new, |most| format!("ulimit -n {most}; "));
    let passed = match how.socket {
        Some(_) => "exec 3<&0 </dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; ",
        None => "",
    };
    let upgrade = if how.upgrade { " --upgrade" } else { "" };
    let script = format!("{limit}{passed}exec \"$0\" run{upgrade} --config zhamen.toml");
    let mut command = Command::new("sh");
    if let Some(user) = how.user {
        command.uid(user).gid(user);
    }
    let mut child = command
        .args(["-c", &script])
        .arg(binary())
        .current_dir(dir)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(how.socket.map_or_else(Stdio::null, |socket| Stdio::from(OwnedFd::from(socket))))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = Arc::new(Mutex::new(String::new()));
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let heard = Arc::clone(&said);
    thread::spawn(move || {
        for line in stderr.lines().map_while(Result::ok) {
            let mut said = heard.lock().unwrap();
            said.push_str(&line);
            said.push('\n');
        }
    });
    let deadline = Instant::now() + PATIENCE;
    let (http, admin) = loop {
        let text = said.lock().unwrap().clone();
        if let Some(line) = text.lines().find(|line| line.contains("http=[")) {
            break (address_after(line, "http=["), address_after(line, "admin=Some("));
        }
        if let Some(status) = child.try_wait().unwrap() {
            panic!("the proxy ended with {status}:\n{text}");
        }
        assert!(Instant::now() < deadline, "the proxy does not say that it runs:\n{text}");
        thread::sleep(std::time::Duration::from_millis(5));
    };
    Started { child, said, http, admin }
}

fn configuration(settings: &BTreeMap<String, String>) -> String {
    settings.iter().map(|(key, value)| format!("{key} = {value}\n")).collect()
}

fn address_after(line: &str, mark: &str) -> SocketAddr {
    let (_, rest) = line.split_once(mark).unwrap_or_else(|| panic!("no {mark} in {line}"));
    let end = rest.find([']', ')', ',']).unwrap_or(rest.len());
    rest[..end].parse().unwrap_or_else(|_| panic!("no address after {mark} in {line}"))
}

impl Zhamen {
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file whole, as editors do: aside, then renamed over the old one.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let (path, aside) = (self.path(name), self.path(&format!("{name}.new")));
        fs::write(&aside, text).unwrap();
        fs::rename(aside, path).unwrap();
    }

    /// Writes a registry.
    pub fn write_sites(&self, rows: &[String]) {
        self.write("sites.csv", format!("{HEADER}\n{}\n", rows.join("\n")));
    }

    /// Changes a key of zhamen.toml.
    pub fn set(&mut self, key: &str, value: &str) {
        self.settings.insert(key.to_owned(), value.to_owned());
        self.write("zhamen.toml", configuration(&self.settings));
    }

    /// What it has said on standard error.
    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.child.id())]).status().unwrap();
        assert!(sent.success());
    }

    /// Runs as another user from the next start on.
    pub fn become_user(&mut self, user: u32) {
        self.user = Some(user);
    }

    fn how(&self) -> How {
        How { user: self.user, ..How::default() }
    }

    /// Kills it without a word, and starts it again on the same files; its ports are others.
    pub fn restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let Started { child, said, http, admin } = start(self.dir.path(), &self.environment, self.how());
        (self.child, self.said, self.http, self.admin) = (child, said, http, admin);
    }

    /// Waits until it has ended by itself: its exit status.
    pub fn wait(&mut self) -> i32 {
        let status = wait(&mut self.child);
        status.unwrap_or_else(|| panic!("the proxy does not end:\n{}", self.said()))
    }

    /// Starts another process that takes over, and waits until it serves; this one may still drain.
    pub fn upgrade_begun(&mut self) -> Old {
        let how = How { upgrade: true, ..How::default() };
        let Started { child, said, http, admin } = start(self.dir.path(), &self.environment, how);
        (self.said, self.http, self.admin) = (said, http, admin);
        Old(std::mem::replace(&mut self.child, child))
    }

    /// Has another process take over, and waits until this one has ended: its exit status.
    pub fn upgrade(&mut self) -> i32 {
        self.upgrade_begun().wait()
    }

    /// Kills the process that this one has started to take over.
    pub fn kill_next(&self) {
        let said = self.said();
        let (_, rest) = said.split_once("started the next process process=").unwrap();
        let process = rest.split_ascii_whitespace().next().unwrap();
        assert!(Command::new("sh").args(["-c", &format!("kill -KILL {process}")]).status().unwrap().success());
    }

    /// A line of the kernel's account of the process.
    pub fn status(&self, name: &str) -> String {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap().trim().to_owned()
    }

    /// All of /metrics.
    pub fn metrics(&self) -> String {
        self.admin("/metrics")
    }

    pub fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    pub fn admin(&self, target: &str) -> String {
        let mut client = Client::connect(self.admin);
        client.send(format!("GET {target} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n"));
        client.response().text()
    }

    /// The value of a series; 0 if there is none.
    pub fn metric(&self, series: &str) -> f64 {
        let text = self.metrics();
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.trim().parse().unwrap())
    }

    /// Waits until a series has a value.
    #[track_caller]
    pub fn metric_becomes(&self, series: &str, value: f64) {
        eventually(&format!("{series} = {value}, but {}", self.metric(series)), || self.metric(series) == value);
    }

    /// The lines of the access log so far.
    pub fn log(&self) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(self.path("access.jsonl")).unwrap_or_default();
        // A line that is being written has no line feed yet.
        let whole = text.rfind('\n').map_or("", |at| &text[..at]);
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"));
        whole.lines().map(parse).collect()
    }

    /// Waits for the first line of the access log with this target.
    #[track_caller]
    pub fn logged(&self, target: &str) -> serde_json::Value {
        let found = || self.log().into_iter().find(|line| line["target"] == target);
        eventually(&format!("in the access log: {target}"), || found().is_some());
        found().unwrap()
    }

    /// Processor time that it has used, in hundredths of a second.
    pub fn cpu_ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_ascii_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }

    /// Forgets the most memory that it has had (`VmHWM`).
    pub fn forget_peak(&self) {
        fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5").unwrap();
    }

    /// Resident memory in KiB: now (`VmRSS`) or at most (`VmHWM`).
    pub fn memory_kib(&self, which: &str) -> u64 {
        self.status(which).trim_end_matches(" kB").parse().unwrap()
    }
}

impl Old {
    /// Waits until it has ended: its exit status.
    pub fn wait(mut self) -> i32 {
        wait(&mut self.0).expect("the old process ends")
    }
}

impl Drop for Old {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wait(child: &mut Child) -> Option<i32> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status.code().unwrap_or(-1));
        }
        thread::sleep(std::time::Duration::from_millis(10));
    }
    None
}

impl Drop for Zhamen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- the proxy said:\n{}", self.said());
            let log = fs::read_to_string(self.path("access.jsonl")).unwrap_or_default();
            let last = log.lines().rev().take(5).collect::<Vec<_>>();
            eprintln!("--- last lines of the access log, youngest first:\n{}", last.join("\n"));
        }
    }
}

/// What is tested: the binary of this build, or the one that is named (`ZHAMEN_BINARY`).
fn binary() -> PathBuf {
    std::env::var_os("ZHAMEN_BINARY").map_or_else(|| env!("CARGO_BIN_EXE_zhamen").into(), PathBuf::from)
}

/// Where the packs are that are shipped.
pub fn shipped_rules() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("rules")
}

/// Runs another command of the binary in a directory.
pub fn zhamen(dir: &Path, arguments: &[&str], input: &[u8]) -> Run {
    let mut child = Command::new(binary())
        .args(arguments)
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read its input closes it.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    Run {
        status: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
