//! What building a matcher of many phrases costs, each in a process of its own.

use std::{path::Path, process::Command, time::Instant};

use super::{clock::thread_time, heap, matchers::Matcher, texts::Charset};

/// What one build cost.
#[derive(Debug)]
pub struct BuildCost {
    pub engine: String,
    pub phrases: usize,
    pub seconds: f64,
    /// Processor time of the building thread.
    pub busy_seconds: f64,
    /// How far the process's resident memory grew at the peak (VmHWM), bytes.
    pub peak_resident: usize,
    /// The same counted by the allocator; 0 where the library has one of its own.
    pub peak_heap: usize,
    /// What stays allocated, bytes; where that cannot be counted, what the library says.
    pub size: usize,
}

const FLAG: &str = "--measure-build-of";

/// Whether this process was started by [`measure`].
pub fn is_child(arguments: &[String]) -> bool {
    arguments.first().is_some_and(|argument| argument == FLAG)
}

/// Measures one engine in a process of its own; `None` if there is none such.
pub fn measure(name: &str, list: &Path) -> Option<BuildCost> {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program).arg(FLAG).arg(name).arg(list).output().expect("this program, once more");
    let line = String::from_utf8(output.stdout).ok()?;
    let mut fields = line.split_whitespace();
    let mut next = || fields.next()?.parse::<f64>().ok();
    Some(BuildCost {
        engine: name.to_owned(),
        phrases: next()? as usize,
        seconds: next()?,
        busy_seconds: next()?,
        peak_resident: next()? as usize,
        peak_heap: next()? as usize,
        size: next()? as usize,
    })
}

/// Builds once and prints what it took: phrases, seconds, busy seconds, and the three sizes in bytes.
pub fn child(arguments: &[String]) {
    let [_, name, list] = arguments else { panic!("{FLAG} NAME LIST") };
    // Only the raw phrases: no dictionary was unpacked here that could leave memory behind.
    let phrases: Vec<String> = std::fs::read_to_string(list).expect("the list").lines().map(str::to_owned).collect();
    let (resident, allocated) = (status_bytes("VmRSS:"), heap::now());
    heap::begin();
    let (began, busy) = (Instant::now(), thread_time());
    let Some(matcher) = Matcher::build(name, &phrases, Charset::Utf8, |phrase| phrase.as_bytes().to_vec()) else {
        return;
    };
    let (seconds, busy_seconds) = (began.elapsed().as_secs_f64(), (thread_time() - busy).as_secs_f64());
    let own = name != "hyperscan";
    let counted = heap::now() - allocated;
    println!(
        "{} {seconds} {busy_seconds} {} {} {}",
        phrases.len(),
        status_bytes("VmHWM:").saturating_sub(resident),
        if own { heap::peak() - allocated } else { 0 },
        if own { counted } else { matcher.size_bytes.unwrap_or(0) },
    );
}

fn status_bytes(field: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<usize>().ok()).unwrap_or(0) << 10
}
