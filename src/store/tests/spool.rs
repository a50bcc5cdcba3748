//! The spool: whole or not at all, once and not twice.

use std::fs;

use proptest::prelude::*;

use super::sighting;
use crate::store::{Sighting, Spool, SpoolPosition, StoreError};

fn drain(spool: &Spool) -> (Vec<Sighting>, Option<SpoolPosition>) {
    let (mut all, mut position) = (Vec::new(), None);
    spool
        .drain(&mut |batch, behind| {
            all.extend(batch);
            position = Some(behind);
            Ok(())
        })
        .unwrap();
    (all, position)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_was_appended_comes_out_once_however_the_file_is_torn(
        batches in prop::collection::vec(1_u64..4, 1..6),
        drained in 0_usize..6,
        torn in prop::collection::vec(any::<u8>(), 0..80),
        cut in any::<prop::sample::Index>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::open(dir.path(), None).unwrap();
        let (mut wanted, mut got, mut position) = (Vec::new(), Vec::new(), None);
        for (number, &size) in batches.iter().enumerate() {
            let batch: Vec<_> = (0..size).map(|n| sighting(number as u64 * 10 + n)).collect();
            spool.append(&batch).unwrap();
            wanted.extend(batch);
            if number == drained {
                (got, position) = drain(&spool);
            }
        }
        drop(spool);
        // A batch that was never acknowledged: its beginning, and noise.
        let path = dir.path().join("00000001.spool");
        let mut bytes = fs::read(&path).unwrap();
        let head = bytes[..cut.index(bytes.len().min(200))].to_vec();
        bytes.extend(head);
        bytes.extend(&torn);
        fs::write(&path, bytes).unwrap();
        let spool = Spool::open(dir.path(), position).unwrap();
        spool.append(&[sighting(999)]).unwrap();
        wanted.push(sighting(999));
        got.extend(drain(&spool).0);
        prop_assert_eq!(got, wanted);
        prop_assert_eq!(drain(&spool).0, []);
    }
}

#[test]
fn what_could_not_be_taken_in_is_handed_over_again() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::open(dir.path(), None).unwrap();
    spool.append(&[sighting(1), sighting(2)]).unwrap();
    let failed = spool.drain(&mut |_, _| Err(StoreError::new("the disk is full")));
    assert!(failed.is_err());
    assert!(spool.waiting_bytes() > 0);
    assert_eq!(drain(&spool).0.len(), 2);
    assert_eq!(spool.waiting_bytes(), 0);
}

#[test]
fn numbers_are_not_used_again_after_the_segments_are_gone() {
    let dir = tempfile::tempdir().unwrap();
    let position = Some(SpoolPosition { segment: 7, offset: 1_000_000 });
    let spool = Spool::open(dir.path(), position).unwrap();
    spool.append(&[sighting(1)]).unwrap();
    drop(spool);
    // The database still says 7.
    let spool = Spool::open(dir.path(), position).unwrap();
    let (all, behind) = drain(&spool);
    assert_eq!((all, behind.map(|behind| behind.segment)), (vec![sighting(1)], Some(8)));
}

#[test]
fn large_segments_go_when_they_are_taken_in() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::open(dir.path(), None).unwrap();
    let large = Sighting { body: vec![b'x'; 5 << 20], ..sighting(1) };
    for _ in 0..5 {
        spool.append(std::slice::from_ref(&large)).unwrap();
    }
    assert_eq!(drain(&spool).0.len(), 5);
    let left: u64 = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    assert!(left <= 8 << 20, "{left} bytes are left");
}
