//! What is exported is checked by an outsider's own tools; what is backed up is restored.

use std::{fs, path::Path, process::Command};

use super::{House, second, sighting};
use crate::{
    domain::record::{Fact, IncidentKind, IncidentOpen},
    store::{Append, Entries, ExportQuery, Exported, Heads, PublicKey, Sqlite, back_up, export, restore, verify},
};

/// Whether the outsider's tools are installed; says so if they are not.
fn tools() -> bool {
    let there = ["sha256sum --version", "openssl version", "tar --version"].iter().all(|command| {
        Command::new("sh").args(["-c", &format!("{command} >/dev/null 2>&1")]).status().unwrap().success()
    });
    if !there {
        println!("skipped: sha256sum, openssl or tar is not installed");
    }
    there
}

fn unpacked(house: &House, query: &ExportQuery) -> (Exported, tempfile::TempDir) {
    let out = tempfile::tempdir().unwrap();
    let tar = out.path().join("out.tar");
    let exported = export(&house.store, &house.directory(), &house.key, query, second(1_000), &tar).unwrap();
    let status = Command::new("tar").arg("xf").arg(&tar).current_dir(out.path()).status().unwrap();
    assert!(status.success());
    (exported, out)
}

/// Runs the script in the export: whether it is content, and what it says.
fn check(directory: &Path) -> (bool, String) {
    let output = Command::new("sh").arg(directory.join("zhamen-evidence/verify.sh")).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn an_export_is_checked_with_sha256sum_and_openssl_alone() {
    if !tools() {
        return;
    }
    let house = House::lived_in();
    let open = Fact::IncidentOpen(IncidentOpen {
        id: "i1".into(),
        kind: IncidentKind::Content,
        title: "t".into(),
        at: second(90),
        deadline: second(99),
        units: vec!["u1".into()],
        sites: vec![],
        because: vec![sighting(4).findings[0].id.clone(), "n2".into()],
        locked: vec![],
    });
    house.store.append(&Append::new("op", second(90), &[open])).unwrap();
    let all = ExportQuery::default();
    let part = ExportQuery { from: Some(second(10)), to: Some(second(41)), ..all.clone() };
    let unit = ExportQuery { unit: Some("u1".into()), ..all.clone() };
    let incident = ExportQuery { incident: Some("i1".into()), ..all.clone() };
    let both = ExportQuery { unit: Some("u1".into()), ..incident.clone() };
    let neither = ExportQuery { unit: Some("u9".into()), ..incident.clone() };
    let none = ExportQuery { from: Some(second(5_000)), ..all.clone() };
    let wanted =
        [(all, 33, 24), (part, 19, 16), (unit, 16, 8), (incident, 3, 1), (both, 3, 1), (neither, 0, 0), (none, 0, 0)];
    for (query, entries, records) in wanted {
        let (exported, dir) = unpacked(&house, &query);
        assert_eq!((exported.entries, exported.records), (entries, records), "{query:?}: {exported:?}");
        let (sound, said) = check(dir.path());
        assert!(sound, "{query:?}:\n{said}");
        let shown = fs::read_to_string(dir.path().join("zhamen-evidence/entries.jsonl")).unwrap();
        assert_eq!(shown.lines().count() as u64, entries);
        if query.unit.is_some() && query.incident.is_none() {
            assert!(!shown.contains("\"u2\""), "another unit's entries are shown");
        }
    }
}

#[test]
fn whatever_is_altered_in_an_export_is_seen_even_if_the_sums_are_made_anew() {
    if !tools() {
        return;
    }
    let house = House::lived_in();
    let (_, dir) = unpacked(&house, &ExportQuery { unit: Some("u1".into()), ..ExportQuery::default() });
    let top = dir.path().join("zhamen-evidence");
    assert!(check(dir.path()).0);
    let record = fs::read_dir(top.join("evidence")).unwrap().map(|entry| entry.unwrap().path());
    let body = record.filter(|path| path.extension().is_some_and(|suffix| suffix == "body")).min().unwrap();
    let body = body.strip_prefix(&top).unwrap().to_str().unwrap().to_owned();
    let header = body.replace(".body", ".json");
    type Alter = fn(&str) -> String;
    let alterations: [(&str, Alter); 7] = [
        ("entries.jsonl", |text| text.replacen("安全员", "安金员", 1)),
        ("entries.jsonl", |text| text.replacen("\"seq\":4,", "\"seq\":5,", 1)),
        ("chain.txt", |text| text.lines().skip(1).step_by(2).map(|line| format!("{line}\n")).collect()),
        ("chain.txt", |text| text.lines().take(5).map(|line| format!("{line}\n")).collect()),
        ("evidence/chain.txt", |text| text.replacen('a', "b", 1)),
        (&body, |text| text.replacen("百 家 乐", "百 家 姓", 1)),
        (&header, |text| text.replacen("200", "404", 1)),
    ];
    for (name, alter) in alterations {
        let path = top.join(name);
        let before = fs::read_to_string(&path).unwrap();
        let after = alter(&before);
        assert_ne!(before, after, "{name}");
        fs::write(&path, after).unwrap();
        let anew = "find . -type f ! -path ./SHA256SUMS | sed 's|^./||' | xargs sha256sum > sums && mv sums SHA256SUMS \
                    && sed -i '/  sums$/d' SHA256SUMS";
        let sums = fs::read(top.join("SHA256SUMS")).unwrap();
        assert!(!check(dir.path()).0, "{name}, with the old sums");
        assert!(Command::new("sh").args(["-c", anew]).current_dir(&top).status().unwrap().success());
        let (sound, said) = check(dir.path());
        assert!(!sound && said.contains("WRONG"), "{name}, with new sums:\n{said}");
        fs::write(&path, before).unwrap();
        fs::write(top.join("SHA256SUMS"), sums).unwrap();
    }
    assert!(check(dir.path()).0, "everything is back in its place");
}

#[test]
fn a_backup_made_under_load_is_restored_and_sound() {
    let house = House::lived_in();
    let copies = tempfile::tempdir().unwrap();
    let (database, to) = (house.dir.path().join("zhamen.db"), copies.path().join("backup"));
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for number in 100..160 {
                house.take(second(number), &[sighting(number as u64)]);
                house.sealer.seal(&house.store, Some(&house.evidence), second(number)).unwrap();
            }
        });
        back_up(&database, &house.directory(), &to).unwrap();
        writing.join().unwrap();
    });
    let (database, directory) = (copies.path().join("new/zhamen.db"), copies.path().join("new/evidence"));
    restore(&to, &database, &directory).unwrap();
    let store = Sqlite::open(&database).unwrap();
    let verified = verify(&store, &directory, &PublicKey::of_store(&directory).unwrap()).unwrap();
    assert_eq!(verified.faults, []);
    assert!(store.head().unwrap().0 >= 32);
    let again = restore(&to, &database, &directory).unwrap_err().to_string();
    assert!(again.contains("there is a database already"), "{again}");
}

#[test]
fn a_damaged_backup_is_named_and_leaves_nothing_behind() {
    let house = House::lived_in();
    let copies = tempfile::tempdir().unwrap();
    let backup = copies.path().join("backup");
    back_up(&house.dir.path().join("zhamen.db"), &house.directory(), &backup).unwrap();
    let new = copies.path().join("new");
    fs::create_dir(&new).unwrap();
    let (database, directory) = (new.join("zhamen.db"), new.join("evidence"));
    for name in ["zhamen.db", "evidence/signing.key"] {
        let good = fs::read(backup.join(name)).unwrap();
        let mut bad = good.clone();
        let from = bad.len() / 2;
        bad[from..].fill(0xa5);
        fs::write(backup.join(name), bad).unwrap();
        let error = restore(&backup, &database, &directory).unwrap_err().to_string();
        assert!(error.starts_with(&backup.join(name).display().to_string()), "{error}");
        assert_eq!(fs::read_dir(&new).unwrap().count(), 0, "{name}: {error}");
        fs::write(backup.join(name), good).unwrap();
    }
    // Something in the way of the last step: what was copied before goes again, what was there stays.
    fs::create_dir_all(new.join("zhamen.partial")).unwrap();
    fs::create_dir(&directory).unwrap();
    restore(&backup, &database, &directory).unwrap_err();
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
    fs::remove_dir(new.join("zhamen.partial")).unwrap();
    restore(&backup, &database, &directory).unwrap();
}
