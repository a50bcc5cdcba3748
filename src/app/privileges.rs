//! What the process gives up once its ports are bound, and before any thread runs: the superuser, any way
//! to gain privileges, and all files that it does not need.

use std::{
    ffi::CString,
    fs,
    path::{Path, PathBuf},
};

use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus,
    path_beneath_rules,
};
use nix::unistd::{Group, User, geteuid, initgroups, setgid, setuid};

use super::failed;
use crate::{
    base::Problem,
    config::{AccessTarget, Config, Landlock},
};

/// What every process on the machine reads: libraries, names, time zones, fonts, and itself.
const READ_BY_ALL: [&str; 8] =
    ["/etc", "/usr", "/lib", "/lib64", "/proc", "/sys/fs/cgroup", "/sys/devices/system", "/run/systemd/resolve"];

/// The newest version of landlock that this is written for.
const VERSION: ABI = ABI::V3;

/// Gives up what the configuration says.
pub(super) fn give_up(config: &Config) -> Result<(), Vec<Problem>> {
    if let Some(user) = &config.process.user {
        become_user(user, config.process.group.as_deref())?;
    }
    if config.process.no_new_privileges {
        nix::sys::prctl::set_no_new_privs().map_err(failed("process.no_new_privileges"))?;
    }
    match config.process.landlock {
        Landlock::Off => Ok(()),
        Landlock::Auto => restrict(config, CompatLevel::BestEffort),
        Landlock::Required => restrict(config, CompatLevel::HardRequirement),
    }
}

fn become_user(name: &str, group: Option<&str>) -> Result<(), Vec<Problem>> {
    let user = User::from_name(name).map_err(failed("process.user"))?;
    let user = user.ok_or_else(|| failed("process.user")(format!("there is no user {name:?} on this machine")))?;
    let gid = match group {
        None => user.gid,
        Some(group) => {
            let found = Group::from_name(group).map_err(failed("process.group"))?;
            found.ok_or_else(|| failed("process.group")(format!("there is no group {group:?} on this machine")))?.gid
        }
    };
    if geteuid() == user.uid {
        return Ok(());
    }
    let name_of = CString::new(name).map_err(failed("process.user"))?;
    let changed = initgroups(&name_of, gid).and_then(|()| setgid(gid)).and_then(|()| setuid(user.uid));
    changed.map_err(failed("process.user"))?;
    // The kernel forgets the superuser's privileges with the user; if it did not, better not to serve.
    if !user.uid.is_root() && setuid(nix::unistd::Uid::from_raw(0)).is_ok() {
        return Err(failed("process.user")("the superuser's privileges could not be given up"));
    }
    tracing::info!(user = name, uid = user.uid.as_raw(), gid = gid.as_raw(), "privileges given up");
    Ok(())
}

/// Leaves of all files those that Zhamen needs, for this thread and all that it starts.
fn restrict(config: &Config, level: CompatLevel) -> Result<(), Vec<Problem>> {
    let execute: BitFlags<AccessFs> = AccessFs::Execute.into();
    // What may be executed stays as it is: the next version of this binary, for one.
    let handled = AccessFs::from_all(VERSION) & !execute;
    let read = AccessFs::from_read(VERSION) & !execute;
    let (reads, writes) = (readable(config), writable(config));
    let apply = || {
        Ruleset::default()
            .set_compatibility(level)
            .handle_access(handled)?
            .create()?
            .add_rules(path_beneath_rules(&reads, read))?
            .add_rules(path_beneath_rules(&writes, handled))?
            .restrict_self()
    };
    let status = apply().map_err(failed("process.landlock"))?;
    let (reads, writes) = (shown(&reads), shown(&writes));
    match status.ruleset {
        RulesetStatus::FullyEnforced => tracing::info!(reads, writes, "landlock: all other files are out of reach"),
        RulesetStatus::PartiallyEnforced => {
            tracing::warn!(reads, writes, "landlock: other files are out of reach as far as this kernel knows how");
        }
        RulesetStatus::NotEnforced => tracing::warn!("landlock: this kernel has none; all files can be reached"),
    }
    Ok(())
}

/// Files and directories to read: directories rather than files, because files are replaced by renaming.
fn readable(config: &Config) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = READ_BY_ALL.iter().map(PathBuf::from).collect();
    paths.extend([directory(&config.path), directory(&config.registry.file), config.rules_dir.clone()]);
    paths.extend(config.edge.certificates.clone());
    paths.extend(config.edge.upstream.ca.as_deref().map(directory));
    if let Some(tls) = config.admin.as_ref().and_then(|admin| admin.tls.as_ref()) {
        paths.extend([directory(&tls.certificate), directory(&tls.key)]);
        paths.extend(tls.client_ca.as_deref().map(directory));
    }
    paths.extend(config.acme.ca.as_deref().map(directory));
    paths.extend(config.registry.pull.as_ref().and_then(|pull| pull.ca.as_deref()).map(directory));
    let font = config.report.font.split('#').next().unwrap_or_default();
    if !font.is_empty() {
        paths.push(directory(Path::new(font)));
    }
    paths.extend(std::env::current_exe().ok().as_deref().map(directory));
    those_that_exist(paths)
}

/// Files and directories to write.
fn writable(config: &Config) -> Vec<PathBuf> {
    // The database makes files beside itself.
    let mut paths = vec![directory(&config.store.database), config.store.directory.clone(), PathBuf::from("/dev")];
    if let AccessTarget::File(log) = &config.log.access {
        paths.push(directory(log));
    }
    if config.acme.server.is_some() {
        // A directory that is not there yet can be made only before.
        let _ = fs::create_dir_all(&config.acme.directory);
        paths.push(config.acme.directory.clone());
        paths.extend(config.edge.certificates.clone());
    }
    paths.extend(config.process.upgrade_socket.as_deref().map(directory));
    paths.push(std::env::temp_dir());
    // A directory that is not there yet can be made only before.
    let _ = fs::create_dir_all(&config.store.directory);
    those_that_exist(paths)
}

fn directory(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        Some(_) | None => PathBuf::from("."),
    }
}

fn those_that_exist(mut paths: Vec<PathBuf>) -> Vec<PathBuf> {
    paths.retain(|path| path.exists());
    paths.sort();
    paths.dedup();
    paths
}

fn shown(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" ")
}
