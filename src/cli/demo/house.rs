//! A directory as an operator would have it, for as long as the demonstration runs: configuration,
//! registry, rules, access log.

use std::{
    fs,
    io::{self, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{
    packs,
    pages::{MENU_PHRASE, TASTING_PHRASE},
};

/// The directory; it is removed when this is dropped.
pub(super) struct House {
    directory: TempDir,
}

impl House {
    /// Furnishes a directory for a proxy at `proxy` with its admin listener at `admin`.
    pub(super) fn furnish(proxy: SocketAddr, admin: SocketAddr, registry: &str) -> io::Result<Self> {
        let house = Self { directory: tempfile::Builder::new().prefix("zhamen-demo-").tempdir()? };
        fs::create_dir(house.rules())?;
        for (name, text) in packs::SHIPPED {
            fs::write(house.rules().join(name), text)?;
        }
        fs::write(house.rules().join("house.toml"), pack("house", "mask", MENU_PHRASE))?;
        fs::write(house.spare_pack(), pack("added", "block", TASTING_PHRASE))?;
        fs::write(house.registry(), registry)?;
        fs::write(house.configuration(), configuration(proxy, admin))?;
        Ok(house)
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(super) fn configuration(&self) -> PathBuf {
        self.path().join("zhamen.toml")
    }

    pub(super) fn registry(&self) -> PathBuf {
        self.path().join("sites.csv")
    }

    pub(super) fn rules(&self) -> PathBuf {
        self.path().join("rules")
    }

    /// A pack that is not in force until it is put among the rules.
    pub(super) fn spare_pack(&self) -> PathBuf {
        self.path().join("spare-pack.toml")
    }

    pub(super) fn access_log(&self) -> PathBuf {
        self.path().join("access.jsonl")
    }

    /// Replaces a file whole, as an editor does.
    pub(super) fn put(&self, path: &Path, text: &str) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(self.path())?;
        file.write_all(text.as_bytes())?;
        file.persist(path)?;
        Ok(())
    }
}

/// A pack of one phrase.
fn pack(id: &str, action: &str, phrase: &str) -> String {
    format!(
        "[pack]\nid        = \"{id}\"\ntitle     = \"演示\"\nclause    = \"7.9\"\nclass     = \"other\"\n\
         action    = \"{action}\"\nthreshold = 100\n\n\
         [[rule]]\nid     = \"{id}.phrase\"\nany    = [\"{phrase}\"]\nsource = \"demo\"\n\
         hit    = [\"我们的{phrase}在此\"]\npass   = [\"云雾缭绕的山\"]\n"
    )
}

fn configuration(proxy: SocketAddr, admin: SocketAddr) -> String {
    format!(
        "# The demonstration. Change this file, sites.csv or a rule while it runs.\n\n\
         [listen]\nhttp = [\"{proxy}\"]\n\n\
         [admin]\nlisten = \"{admin}\"\n\n\
         [registry]\nfile = \"sites.csv\"\n\n\
         [rules]\ndir = \"rules\"\n\n\
         [gate]\noperator = \"演示机房\"\ncontact = \"mailto:appeal@datacenter.example\"\n\n\
         [log]\naccess = \"access.jsonl\"\n\n\
         [timeouts]\ndrain = \"1s\"\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{app, cli::demo::sites};

    #[test]
    fn a_house_is_fit_to_serve() {
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let house = House::furnish(any, any, &sites::registry(|_| None)).unwrap();
        let path = house.path().to_owned();
        let start = app::load(&house.configuration()).map_err(|problems| format!("{problems:?}")).unwrap();
        assert!(start.problems.is_empty(), "{:?}", start.problems);
        house.put(&house.rules().join("added.toml"), &pack("added", "block", TASTING_PHRASE)).unwrap();
        let start = app::load(&house.configuration()).map_err(|problems| format!("{problems:?}")).unwrap();
        assert!(start.problems.is_empty(), "{:?}", start.problems);
        drop(house);
        assert!(!path.exists());
    }
}
