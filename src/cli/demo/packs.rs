//! The shipped rules, within the binary, so that the demonstration needs nothing beside it.

macro_rules! shipped {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../../../rules/", $name)))),+]
    };
}

/// Every file of the directory `rules`, by its path there.
pub(super) const SHIPPED: [(&str, &str); 13] = shipped![
    "clause-7-1.toml",
    "clause-7-2.toml",
    "clause-7-3.toml",
    "clause-7-4.toml",
    "clause-7-5.toml",
    "drugs.toml",
    "exam-cheating.toml",
    "forged-documents.toml",
    "fraud.toml",
    "gambling.toml",
    "pornography.toml",
    "spam-links.toml",
    "weapons.toml",
];

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::SHIPPED;

    fn collect(directory: &Path, prefix: &str, found: &mut Vec<String>) {
        for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
            let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
            if entry.path().is_dir() {
                collect(&entry.path(), &format!("{name}/"), found);
            } else {
                found.push(name);
            }
        }
    }

    #[test]
    fn the_list_is_the_directory() {
        let mut found = Vec::new();
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("rules"), "", &mut found);
        found.sort_unstable();
        assert_eq!(SHIPPED.map(|(name, _)| name).to_vec(), found);
    }
}
