//! Clients of HTTP/2 whose windows are small, or open late: what waits for them waits for nobody else, and comes.

use std::{thread::sleep, time::Duration};

use crate::harness::{
    Origin, Setup, eventually,
    http2::{DATA, Frames, GOAWAY, HEADERS, PREFACE, RST_STREAM, SETTINGS, get},
    page_of,
};

/// A proxy that takes HTTP/2 with prior knowledge.
fn setup() -> Setup {
    Setup::new().set("http2.prior_knowledge", "true")
}

/// Opens a window further: a stream's, or (0) the connection's.
fn open_window(frames: &mut Frames, stream: u32, bytes: u32) {
    assert!(frames.send(8, 0, stream, &bytes.to_be_bytes()));
}

/// Reads until these streams have ended: their bytes of DATA.
fn until_ended(frames: &mut Frames, streams: u32) -> usize {
    let (mut ended, mut bytes) = (0, 0);
    while ended < streams {
        let frame = frames.next().expect("a frame");
        assert!(!matches!(frame.kind, RST_STREAM | GOAWAY), "{frame:?}");
        if frame.kind == DATA {
            bytes += frame.payload.len();
        }
        ended += u32::from(matches!(frame.kind, DATA | HEADERS) && frame.flags & 1 == 1);
    }
    bytes
}

#[test]
fn windows_that_are_opened_late_are_filled() {
    // Beyond 64 of which nothing is taken, no other is asked for.
    const STREAMS: u32 = 90;
    let page = page_of(90_000);
    let length = page.len();
    let origin = Origin::start(move |exchange| match exchange.target() {
        "/text" => exchange.respond("200 OK", &[("Content-Type", "text/html")], page.as_bytes()),
        _ => exchange.respond("200 OK", &[("Content-Type", "video/mp4")], page.as_bytes()),
    });
    let zhamen = setup().site("a.cn", origin.address()).run();
    for (path, by_settings) in [("/text", false), ("/text", true), ("/other", false), ("/other", true)] {
        let mut frames = Frames::silent(zhamen.http);
        frames.write(&PREFACE[..24]);
        frames.send(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
        let asked = origin.asked();
        for number in 0..STREAMS {
            frames.send(HEADERS, 0x5, 2 * number + 1, &get("a.cn", path));
        }
        eventually("most asked", || origin.asked() - asked >= 64);
        sleep(Duration::from_millis(100));
        open_window(&mut frames, 0, 0x7fff_0000 - 65_535);
        if by_settings {
            frames.send(SETTINGS, 0, 0, &[0, 4, 0, 16, 0, 0]);
        } else {
            // The last ones first.
            (0..STREAMS).rev().for_each(|number| open_window(&mut frames, 2 * number + 1, 1 << 20));
        }
        assert_eq!(until_ended(&mut frames, STREAMS), STREAMS as usize * length, "{path} {by_settings}");
    }
}

#[test]
fn who_opens_windows_only_for_heads_that_have_come_gets_all_of_them() {
    const STREAMS: usize = 20;
    let page = page_of(90_000);
    let length = page.len();
    let origin = Origin::page(page);
    let zhamen = setup().site("a.cn", origin.address()).run();
    let mut frames = Frames::silent(zhamen.http);
    frames.write(&PREFACE[..24]);
    frames.send(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
    for number in 0..STREAMS as u32 {
        frames.send(HEADERS, 0x5, 2 * number + 1, &get("a.cn", "/"));
    }
    open_window(&mut frames, 0, 0x7fff_0000 - 65_535);
    let (mut ended, mut bytes) = (0, 0);
    while ended < STREAMS {
        let frame = frames.next().expect("a frame");
        match frame.kind {
            HEADERS => open_window(&mut frames, frame.stream, 1 << 20),
            DATA => bytes += frame.payload.len(),
            RST_STREAM | GOAWAY => panic!("{frame:?}"),
            _ => {}
        }
        ended += usize::from(frame.kind == DATA && frame.flags & 1 == 1);
    }
    assert_eq!(bytes, STREAMS * length);
}

#[test]
fn texts_whose_windows_open_little_by_little_come_whole() {
    const STREAMS: u32 = 40;
    let page = page_of(40_000);
    let length = page.len();
    let origin = Origin::page(page);
    let zhamen = setup().site("a.cn", origin.address()).run();
    let mut frames = Frames::silent(zhamen.http);
    frames.write(&PREFACE[..24]);
    frames.send(SETTINGS, 0, 0, &[0, 4, 0, 0, 0x40, 0]);
    for number in 0..STREAMS {
        frames.send(HEADERS, 0x5, 2 * number + 1, &get("a.cn", "/"));
    }
    // What has come is asked for again, stream by stream, and of the connection.
    let (mut ended, mut bytes) = (0, 0);
    while ended < STREAMS {
        let frame = frames.next().expect("a frame");
        assert!(!matches!(frame.kind, RST_STREAM | GOAWAY), "{frame:?}");
        if frame.kind == DATA {
            let came = frame.payload.len();
            bytes += came;
            let is_last = frame.flags & 1 == 1;
            ended += u32::from(is_last);
            if came > 0 {
                open_window(&mut frames, 0, came as u32);
                if !is_last {
                    open_window(&mut frames, frame.stream, came as u32);
                }
            }
        }
    }
    assert_eq!(bytes, STREAMS as usize * length);
}
