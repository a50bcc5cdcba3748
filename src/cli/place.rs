//! Which installation a command is about: the one place that says where the configuration is looked for.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

use crate::{base::Problem, config::Config, control_plane::files::read_config};

/// Names the configuration where no `--config` does.
const VARIABLE: &str = "ZHAMEN_CONFIG";

/// Where it is looked for when nothing names it: beside the operator, then where the package puts it.
const USUAL: [&str; 2] = ["zhamen.toml", "/etc/zhamen/zhamen.toml"];

/// Which installation is meant.
#[derive(Clone, Debug, Default, clap::Args)]
pub(in crate::cli) struct Place {
    /// The configuration [default: $ZHAMEN_CONFIG, else ./zhamen.toml, else /etc/zhamen/zhamen.toml].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Place {
    /// The file of the configuration.
    pub(in crate::cli) fn path(&self) -> Result<PathBuf, Vec<Problem>> {
        // One that must not be looked at is there, and the error says so when it is read.
        let is_there = |path: &Path| !matches!(path.try_exists(), Ok(false));
        choose(self.config.as_deref(), env::var_os(VARIABLE), &is_there).ok_or_else(|| {
            let [here, installed] = USUAL;
            let message = format!("there is no configuration: neither ./{here} nor {installed} is there");
            vec![Problem::error("zhamen", 0, 0, message).help(format!("name it with --config FILE, or in ${VARIABLE}"))]
        })
    }

    /// The configuration, read.
    pub(in crate::cli) fn config(&self) -> Result<Config, Vec<Problem>> {
        let (parsed, _) = read_config(&self.path()?);
        parsed.config.ok_or(parsed.problems)
    }

    /// Whether the command line itself names the configuration.
    pub(in crate::cli) fn is_named(&self) -> bool {
        self.config.is_some()
    }
}

/// What is named is taken, whether it is there or not; else the first that is there.
fn choose(given: Option<&Path>, variable: Option<OsString>, is_there: &dyn Fn(&Path) -> bool) -> Option<PathBuf> {
    let variable = variable.filter(|value| !value.is_empty()).map(PathBuf::from);
    let usual = || USUAL.iter().map(PathBuf::from).find(|path| is_there(path));
    given.map(Path::to_owned).or(variable).or_else(usual)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_comes_before_what_is_found() {
        let chosen = |given: Option<&str>, variable: Option<&str>, there: &[&str]| {
            let is_there = |path: &Path| there.iter().any(|name| Path::new(name) == path);
            choose(given.map(Path::new), variable.map(OsString::from), &is_there).map(|path| path.display().to_string())
        };
        let both = USUAL;
        assert_eq!(chosen(Some("a.toml"), Some("b.toml"), &both).as_deref(), Some("a.toml"), "there or not");
        assert_eq!(chosen(None, Some("b.toml"), &both).as_deref(), Some("b.toml"));
        assert_eq!(chosen(None, Some(""), &both).as_deref(), Some("zhamen.toml"));
        assert_eq!(chosen(None, None, &both[1..]).as_deref(), Some("/etc/zhamen/zhamen.toml"));
        assert_eq!(chosen(None, None, &[]), None);
    }
}
