//! A disk that is full for a while: said in words, nothing acknowledged is lost, and it goes on by
//! itself.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use ::zhamen::store::{FindingQuery, Findings, Sqlite};

use super::{Writer, acknowledged, check};
use crate::harness::{Origin, PHRASE, Setup, eventually, get, page_with, zhamen};

/// The library that is preloaded, compiled; `None` (and a note) where there is no C compiler.
pub(super) fn preloaded(directory: &Path) -> Option<PathBuf> {
    let (source, library) = (directory.join("files.c"), directory.join("files.so"));
    fs::write(&source, include_str!("files.c")).unwrap();
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).args([&library, &source]).status();
    match compiled {
        Ok(status) => {
            assert!(status.success(), "files.c does not compile");
            Some(library)
        }
        Err(error) => {
            println!("skipped: no C compiler: {error}");
            None
        }
    }
}

#[test]
fn a_full_disk_is_said_and_nothing_acknowledged_is_lost() {
    let aside = tempfile::tempdir().unwrap();
    let Some(library) = preloaded(aside.path()) else { return };
    let (house, full) = (tempfile::tempdir().unwrap(), aside.path().join("full"));
    let environment = [("LD_PRELOAD", library), ("FILES_BELOW", house.path().to_owned()), ("FILES_FULL", full.clone())];
    let writer = Writer::start(house.path(), 0, &environment);
    let mut said = writer.until("ack ");
    for _ in 0..3 {
        fs::write(&full, "").unwrap();
        said.extend(writer.until("spool-error"));
        said.extend(writer.until("record-error"));
        fs::remove_file(&full).unwrap();
        said.extend(writer.until("ack f-"));
        said.extend(writer.until("ack notice-"));
    }
    said.extend(writer.kill());
    let errors: Vec<_> = said.iter().filter(|line| line.contains("-error")).collect();
    let helpful = |line: &&&String| line.starts_with("spool-error") || line.contains("make room on the file system");
    assert_eq!(errors.iter().filter(helpful).count(), errors.len(), "{errors:#?}");
    check(house.path(), &acknowledged(&said));
}

#[test]
fn the_proxy_serves_on_while_the_disk_is_full_and_records_what_it_found_later() {
    let aside = tempfile::tempdir().unwrap();
    let Some(library) = preloaded(aside.path()) else { return };
    let origin = Origin::page(page_with(PHRASE, 100));
    let (full, below) = (aside.path().join("full"), aside.path().join("store"));
    fs::create_dir(&below).unwrap();
    let database = below.join("zhamen.db");
    let proxy = Setup::new()
        .site("filed.cn", origin.address())
        .set("store.url", &format!("\"sqlite:{}\"", database.display()))
        .set("store.dir", &format!("{:?}", below.join("evidence").display().to_string()))
        .environment("LD_PRELOAD", &library)
        .environment("FILES_BELOW", &below)
        .environment("FILES_FULL", &full)
        .run();
    let directory = proxy.path("");
    assert_eq!(get(proxy.http, "filed.cn", "/before").status(), 451);
    fs::write(&full, "").unwrap();
    for page in 0..20 {
        assert_eq!(get(proxy.http, "filed.cn", &format!("/{page}")).status(), 451);
    }
    // Of the spool or of the database, whichever came first.
    eventually("a word about the disk", || proxy.said().contains("make room on the file system"));
    proxy.metric_becomes("zhamen_store_writable", 0.0);
    fs::remove_file(&full).unwrap();
    let recorded = || Sqlite::open(&database).unwrap().findings(&FindingQuery::default()).unwrap().len();
    eventually("all findings on the record", || recorded() == 21);
    proxy.metric_becomes("zhamen_store_writable", 1.0);
    let run = zhamen(&directory, &["evidence", "verify"], b"");
    assert_eq!((run.status, run.err.as_str()), (0, ""), "{}", run.out);
}
