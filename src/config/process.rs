//! `[process]`: what the process may do once it serves, and how another one takes over from it.

use std::path::{Path, PathBuf};

use super::raw::{Reader, Section};

/// What the process may do, and how it is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// The user to become after the ports are bound.
    pub user: Option<String>,
    /// Its group; without one, the user's own.
    pub group: Option<String>,
    /// Neither this process nor any that it starts ever gains privileges.
    pub no_new_privileges: bool,
    /// Which files can be reached is left to the kernel to watch.
    pub landlock: Landlock,
    /// The socket over which another process takes over; `None`: none does.
    pub upgrade_socket: Option<PathBuf>,
}

/// How much is made of landlock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landlock {
    /// Nothing.
    Off,
    /// As much as the kernel can do.
    Auto,
    /// All of it; a kernel that cannot is an error.
    Required,
}

pub(super) fn process(reader: &Reader<'_>, root: &Section<'_, '_>, base: &Path, database: &Path) -> Process {
    let section = root.section("process");
    let word = |key| section.string(key).filter(|(text, _)| !text.is_empty());
    let (user, group) = (word("user"), word("group"));
    let no_new_privileges = section.boolean("no_new_privileges").unwrap_or(true);
    let words = [("off", Landlock::Off), ("auto", Landlock::Auto), ("required", Landlock::Required)];
    let landlock = section.word("landlock", &words).unwrap_or(Landlock::Off);
    let socket = section.string("upgrade_socket");
    section.close();
    if let (Some((_, at)), None) = (&group, &user) {
        reader.error_with_help(
            at.clone(),
            "process.group without process.user",
            "name the user as well: the group alone changes too little",
        );
    }
    let upgrade_socket = match socket {
        Some((text, _)) if text.is_empty() => None,
        Some((text, _)) => Some(base.join(text)),
        None => Some(database.with_extension("upgrade")),
    };
    Process {
        user: user.map(|(text, _)| text),
        group: group.map(|(text, _)| text),
        no_new_privileges,
        landlock,
        upgrade_socket,
    }
}
