//! Evidence: every byte counts.

use std::{fs, path::Path, sync::Arc, time::Duration};

use proptest::prelude::*;

use super::{House, second, sighting};
use crate::store::{
    Append, Entries, Evidence, EvidenceLimits, EvidencePlace, Findings, Hash, each_evidence, find_evidence,
    read_evidence,
};

/// What somebody does to a file.
#[derive(Clone, Debug)]
enum Deed {
    Flip(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Append(Vec<u8>),
    Remove,
    SwapWithNext,
    CopyOverNext,
    TakeOutARecord(prop::sample::Index),
    DoubleARecord(prop::sample::Index),
}

fn deeds() -> impl Strategy<Value = Deed> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        6 => (at(), 0_u8..8).prop_map(|(at, bit)| Deed::Flip(at, bit)),
        2 => at().prop_map(Deed::Cut),
        1 => prop::collection::vec(any::<u8>(), 1..40).prop_map(Deed::Append),
        1 => Just(Deed::Remove),
        1 => Just(Deed::SwapWithNext),
        1 => Just(Deed::CopyOverNext),
        1 => at().prop_map(Deed::TakeOutARecord),
        1 => at().prop_map(Deed::DoubleARecord),
    ]
}

/// Where the records of a segment begin, and where the last one ends.
fn starts(bytes: &[u8]) -> Vec<usize> {
    let line_end = |from: usize| from + bytes[from..].iter().position(|&byte| byte == b'\n').unwrap() + 1;
    let mut at = line_end(0);
    let mut starts = vec![at];
    while at < bytes.len() && !bytes[at..].starts_with(b"zhamen ") {
        let line = std::str::from_utf8(&bytes[at..line_end(at)]).unwrap();
        let lengths: Vec<usize> = line.split_whitespace().skip(3).map(|word| word.parse().unwrap()).collect();
        at = line_end(at) + lengths[0] + lengths[1];
        starts.push(at);
    }
    starts
}

fn commit(deed: &Deed, path: &Path, next: &Path) {
    let mut bytes = fs::read(path).unwrap();
    match deed {
        Deed::Flip(at, bit) => {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        Deed::Cut(at) => bytes.truncate(at.index(bytes.len())),
        Deed::Append(more) => bytes.extend(more),
        Deed::Remove => return fs::remove_file(path).unwrap(),
        Deed::SwapWithNext => {
            let other = fs::read(next).unwrap();
            fs::write(next, &bytes).unwrap();
            bytes = other;
        }
        Deed::CopyOverNext => return fs::write(next, &bytes).unwrap(),
        Deed::TakeOutARecord(which) => {
            let starts = starts(&bytes);
            let which = which.index(starts.len() - 1);
            bytes.drain(starts[which]..starts[which + 1]);
        }
        Deed::DoubleARecord(which) => {
            let starts = starts(&bytes);
            let which = which.index(starts.len() - 1);
            let again = bytes[starts[which]..starts[which + 1]].to_vec();
            bytes.splice(starts[which]..starts[which], again);
        }
    }
    fs::write(path, bytes).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn whatever_is_done_to_a_segment_is_seen(deed in deeds(), which in any::<prop::sample::Index>()) {
        thread_local!(static HOUSE: House = House::lived_in());
        HOUSE.with(|house| {
            let copy = tempfile::tempdir().unwrap();
            for entry in fs::read_dir(house.directory()).unwrap() {
                let path = entry.unwrap().path();
                fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
            }
            prop_assert_eq!(&house.verify_in(copy.path()).faults, &[]);
            let segments = crate::store::evidence::segments(copy.path()).unwrap();
            let which = which.index(segments.len());
            let next = &segments[(which + 1) % segments.len()].1;
            commit(&deed, &segments[which].1, next);
            let verified = house.verify_in(copy.path());
            // Noise behind the last record is what a crash may leave, and is told as such.
            let seen = !verified.is_sound() || (verified.torn && matches!(deed, Deed::Append(_)));
            prop_assert!(seen, "{:?} of segment {} is not seen", deed, which);
            prop_assert!(verified.faults.iter().all(|fault| !fault.place.is_empty()));
            Ok(())
        })?;
    }
}

#[test]
fn whatever_byte_of_the_signed_heads_is_another_one_is_seen() {
    let house = House::lived_in();
    let path = house.directory().join("heads.log");
    let whole = fs::read(&path).unwrap();
    for at in (0..whole.len()).step_by(11).chain([whole.len() - 1]) {
        let mut altered = whole.clone();
        altered[at] ^= 1 << (at % 8);
        fs::write(&path, altered).unwrap();
        assert!(!house.verify().is_sound(), "byte {at}: {:?}", whole[at] as char);
    }
}

#[test]
fn what_was_served_is_read_back_without_what_is_the_visitors() {
    let house = House::lived_in();
    let row = house.store.finding(&sighting(7).findings[0].id).unwrap().unwrap();
    let hash: Hash = row.finding.evidence.parse().unwrap();
    let record = find_evidence(&house.directory(), hash).unwrap().unwrap();
    let place = house.store.evidence_place(hash).unwrap().unwrap();
    assert_eq!(read_evidence(&house.directory(), place).unwrap().as_ref(), Some(&record));
    for wrong in [EvidencePlace { offset: place.offset + 1, ..place }, EvidencePlace { segment: 99, ..place }] {
        assert_eq!(read_evidence(&house.directory(), wrong).unwrap(), None);
    }
    assert_eq!(record.body, sighting(7).body);
    assert_eq!(record.header.head, "HTTP/1.1 200 OK\r\nServer: test\r\n\r\n");
    assert!(record.header.body_complete && record.header.findings[0].id == row.finding.id);
    assert_eq!(house.store.evidence_place(Hash::of(b"x")).unwrap(), None);
    assert_eq!(find_evidence(&house.directory(), Hash::of(b"x")).unwrap(), None);
}

#[test]
fn the_same_finding_is_kept_once_in_an_interval() {
    let house = House::new();
    let again = |seconds: i64| {
        let mut sighting = sighting(1);
        sighting.at = second(seconds);
        house.evidence.append(second(seconds), &[sighting]).unwrap()[0].is_some()
    };
    assert_eq!([0, 1, 3_599, 3_600, 3_601].map(again), [true, false, false, true, false]);
    assert!(again(3_600), "the very same one is known by its hash");
}

#[test]
fn a_body_is_bounded_and_says_so() {
    let limits = EvidenceLimits {
        body_bytes: 10,
        segment_bytes: 1 << 20,
        segment_age: Duration::from_secs(1),
        again: Duration::ZERO,
    };
    let house = House::with(limits);
    let place = house.evidence.append(second(0), &[sighting(1)]).unwrap()[0].unwrap();
    let record = read_evidence(&house.directory(), place).unwrap().unwrap();
    assert_eq!((record.body, record.header.body_complete), (sighting(1).body[..10].to_vec(), false));
}

#[test]
fn what_a_crash_tore_is_set_aside_and_the_chain_goes_on() {
    let House { dir, store, evidence, key, .. } = House::lived_in();
    drop(evidence);
    let directory = dir.path().join("evidence");
    let (_, last) = crate::store::evidence::segments(&directory).unwrap().pop().unwrap();
    let whole = fs::read(&last).unwrap();
    for torn in [&b"0000"[..], b"no link\n", &whole[whole.len() - 300..whole.len() - 1]] {
        fs::write(&last, [&whole[..], torn].concat()).unwrap();
        let limits = EvidenceLimits {
            body_bytes: 1 << 20,
            segment_bytes: 1 << 20,
            segment_age: Duration::from_secs(86_400 * 365),
            again: Duration::ZERO,
        };
        let evidence = Evidence::open(&directory, Arc::clone(&key), limits).unwrap();
        let place = evidence.append(second(100), &[sighting(77)]).unwrap()[0].unwrap();
        assert!(read_evidence(&directory, place).unwrap().is_some());
        drop(evidence);
        let public = key.public();
        let verified = crate::store::verify(&store, &directory, &public).unwrap();
        assert_eq!(verified.faults, []);
        fs::write(&last, &whole).unwrap();
        for (_, later) in crate::store::evidence::segments(&directory).unwrap() {
            if later > last {
                fs::remove_file(later).unwrap();
            }
        }
    }
}

#[test]
fn two_processes_do_not_append_to_one_chain_of_evidence() {
    let house = House::new();
    let limits =
        EvidenceLimits { body_bytes: 1, segment_bytes: 1, segment_age: Duration::from_secs(1), again: Duration::ZERO };
    let error = Evidence::open(&house.directory(), Arc::clone(&house.key), limits).err().unwrap().to_string();
    assert!(error.contains("another zhamen"), "{error}");
}

#[test]
fn what_is_too_old_goes_unless_it_is_held_and_the_chain_still_verifies() {
    let house = House::lived_in();
    let day = 86_400;
    // Ages the last segment, so that every segment has a seal.
    house.evidence.seal_due(second(2 * day)).unwrap();
    let now = second(200 * day);
    let retention = Duration::from_secs(180 * day as u64);
    let held = sighting(0).findings[0].id.clone();
    let expired = house
        .evidence
        .expired(now, retention, &|header| header.findings.iter().any(|finding| finding.id == held))
        .unwrap();
    let before = house.verify();
    assert_eq!(expired.len() as u64, before.segments - 1, "one of them is held");
    assert_eq!(house.evidence.expired(second(100 * day), retention, &|_| false).unwrap(), []);

    house.evidence.remove(&expired[0]).unwrap();
    let faults = house.verify().faults;
    assert!(faults[0].what.contains("no entry of the record says so"), "{faults:?}");
    for gone in &expired[1..] {
        house.store.append(&Append::new("retention", now, &[gone.change(now)])).unwrap();
        house.evidence.remove(gone).unwrap();
    }
    house.store.append(&Append::new("retention", now, &[expired[0].change(now)])).unwrap();
    let after = house.verify();
    assert_eq!((after.faults, after.segments, after.removed), (vec![], 1, before.segments - 1));
    let mut left = 0;
    each_evidence(&house.directory(), &mut |_, _| true, &mut |_| {
        left += 1;
        Ok(())
    })
    .unwrap();
    assert!(left > 0 && left < 24, "{left}");
}

/// Everything in a directory, to put it back as it was.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[test]
fn a_crash_at_any_step_of_a_removal_leaves_a_chain_that_verifies_and_the_removal_is_finished() {
    let day = 86_400;
    let (now, retention) = (second(200 * day), Duration::from_secs(180 * day as u64));
    let House { dir, store, evidence, key, .. } = House::lived_in();
    evidence.seal_due(second(2 * day)).unwrap();
    let expired = evidence.expired(now, retention, &|_| false).unwrap().remove(0);
    // First the record says so.
    store.append(&Append::new("retention", now, &[expired.change(now)])).unwrap();
    let directory = dir.path().join("evidence");
    let whole = dir.path().join("whole");
    copy(&directory, &whole);
    evidence.remove(&expired).unwrap();
    drop(evidence);
    let (segment, left) = ("00000001.seg", "00000001.gone");
    let links = fs::read(directory.join(left)).unwrap();
    let limits = || EvidenceLimits {
        body_bytes: 1 << 20,
        segment_bytes: 1 << 20,
        segment_age: Duration::from_secs(86_400 * 365),
        again: Duration::ZERO,
    };
    // What is on disk when it dies: only the entry; what is left, in part and whole, under its first
    // name; both; only what is left.
    let half = &links[..links.len() / 2];
    type File<'f> = (&'f str, &'f [u8]);
    let states: [(&str, Option<File<'_>>, bool); 5] = [
        ("the entry", None, true),
        ("a part aside", Some(("00000001.new", half)), true),
        ("all of it aside", Some(("00000001.new", links.as_slice())), true),
        ("both", Some((left, links.as_slice())), true),
        ("what is left", Some((left, links.as_slice())), false),
    ];
    for (what, file, has_segment) in states {
        fs::remove_dir_all(&directory).unwrap();
        copy(&whole, &directory);
        if let Some((name, bytes)) = file {
            fs::write(directory.join(name), bytes).unwrap();
        }
        if !has_segment {
            fs::remove_file(directory.join(segment)).unwrap();
        }
        let evidence = Evidence::open(&directory, Arc::clone(&key), limits()).unwrap();
        let verified = crate::store::verify(&store, &directory, &key.public()).unwrap();
        assert_eq!(verified.faults, [], "{what}");
        // The next round takes up what is still there.
        for expired in evidence.expired(now, retention, &|_| false).unwrap() {
            store.append(&Append::new("retention", now, &[expired.change(now)])).unwrap();
            evidence.remove(&expired).unwrap();
        }
        assert!(!directory.join(segment).exists() && fs::read(directory.join(left)).unwrap() == links, "{what}");
        assert_eq!(crate::store::verify(&store, &directory, &key.public()).unwrap().faults, [], "{what}");
        drop(evidence);
    }
}
