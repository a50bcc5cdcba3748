//! `zhamen manual`: the manual, where it is needed: on the machine, without a network.

mod chapters;

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use self::chapters::{Chapter, chapters, heading};
use super::{Exit, table::Table};

/// Print a chapter of the manual, or the sections of it about something: `zhamen manual runbook ZhamenDown`.
///
/// Without a chapter: the list of all. What an alert of Prometheus wants done stands in the chapter runbook,
/// under the alert's name.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status:\n  0  printed or written\n  1  there is no such chapter or section\n  2  a file \
                        could not be written")]
pub(super) struct Args {
    /// The chapter.
    chapter: Option<String>,
    /// Only its sections that have this in their heading, or name it: an alert, a metric, a key.
    section: Option<String>,
    /// Write every chapter here, as CHAPTER.md.
    #[arg(long, value_name = "DIR", conflicts_with = "chapter")]
    dir: Option<PathBuf>,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    if let Some(directory) = &args.dir {
        return write_all(directory);
    }
    let Some(name) = &args.chapter else {
        let mut table = Table::new(["chapter", "is about"]);
        for chapter in chapters() {
            table.row([chapter.name.to_owned(), chapter.title().to_owned()]);
        }
        table.write(out)?;
        return Ok(Exit::Ok);
    };
    let Some(chapter) = chapters().find(|chapter| chapter.name == name) else {
        return no(&format!("there is no chapter {name:?}; `zhamen manual` lists them"));
    };
    let Some(what) = &args.section else {
        write!(out, "{}", chapter.text)?;
        return Ok(Exit::Ok);
    };
    let found = chapter.about(what);
    if found.is_empty() {
        let headings: Vec<&str> = chapter.sections().into_iter().map(heading).collect();
        return no(&format!("no section of {name} is about {what:?}; they are: {}", headings.join("; ")));
    }
    for section in found {
        writeln!(out, "{}\n", section.trim_end())?;
    }
    Ok(Exit::Ok)
}

fn write_all(directory: &Path) -> io::Result<Exit> {
    let failed = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", directory.display()));
    fs::create_dir_all(directory).map_err(failed)?;
    for Chapter { name, text } in chapters() {
        fs::write(directory.join(format!("{name}.md")), text).map_err(failed)?;
    }
    Ok(Exit::Ok)
}

fn no(why: &str) -> io::Result<Exit> {
    writeln!(io::stderr(), "zhamen: {why}")?;
    Ok(Exit::No)
}
