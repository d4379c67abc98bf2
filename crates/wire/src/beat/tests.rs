//! The field as text.

use super::*;
use systole_core::{LINKS_MAX, LinkId};

const TEXT: &str = "2;3;abc;dead;rl;1.2.beef;0.AAAAAAAAAAH.1f.2.100,f.AAAAAAAAAAA.ffffffffffffffff..00a1fe;cafe.1.2.2,0.0.0.4*!~+2x7f";

const BLOCKED: &str = "2;0;0;0;;0.0.0;;cafe.1.2.5*~-0t,0.0.1.4!~+ffm";

fn read_text(text: &str) -> Option<Beat> {
    let mut beat = Beat::default();
    read(text.as_bytes(), &mut beat).then_some(beat)
}

#[test]
fn beat_text_round_trips_unchanged() {
    for text in [
        TEXT,
        "2;0;0;0;;0.0.0;;",
        "2;0;0;0;;0.0.0;;;p1f",
        "2;0;0;0;;0.0.0;;;p1f,s6a2b,h7.1.36ee80",
        "2;0;0;0;;0.0.0;;;p1f,h7.1.36ee80,gff.1.0.5~,m3.9.2.ea60!,m0.1.0.0",
        "2;0;0;0;;0.0.0;;;g0.1.f.1",
        "2;0;0;0;r;0.0.0;;cafe.1.2.2",
        "2;0;0;0;l;0.0.0;0.AAAAAAAAAAH.1f..;",
        BLOCKED,
        "2;0;0;0;;0.0.0;;7.0.0.4~+0x1,8.0.0.4~-1n;p1,t0.No space left%2c 100%25%3b g%c3%bc",
        "2;0;0;0;;0.0.0;;7.0.0.4~+0x1,8.0.0.4~-1n;t0.a,t1.b",
    ] {
        let beat = read_text(text).unwrap();
        let mut out = Vec::new();
        push(&mut out, &beat).unwrap();
        assert_eq!(out, text.as_bytes());
    }
    assert_eq!(
        read_text("2;0;0;0;;0.0.0;;;z9,p2").unwrap().pings,
        Some(2),
        "z is of a later version"
    );
    let beat = read_text(TEXT).unwrap();
    assert_eq!((beat.table.rows, beat.echoes[0].session), (2, 7));
    assert_eq!((beat.echoes[0].known, beat.echoes[1].known), (0x1d, 0));
    let lags: Vec<_> = beat.echoes[1].lags.iter().collect();
    assert_eq!(lags, [(LinkId(0), 10), (LinkId(1), 254)], "{TEXT}");
    assert!(beat.claims[1].runs_here && !beat.claims[0].runs_here);
    assert!(beat.claims[1].unable && beat.claims[1].phase == Phase::Failed);
    let (action, outcome) = (Action::Start, Outcome::Failed(127));
    let words = Words::NONE;
    assert_eq!(beat.claims[1].failure, Some(Failure { action, resource: 2, outcome, words }));
}

#[test]
fn malformed_or_oversized_beat_text_is_rejected() {
    for text in [
        "",
        "2",
        "3;0;0;0;;0.0.0;;",
        "2;0;0;0;;;;",
        "2;0;0;0;;0.0.0;",
        "2;0;0;0;;0.0.0;;;",
        "2;0;0;0;;0.0;;",
        "2;0;0;0;;0.0.0.0;;",
        "2;0;0;0;;0.10000.0;;",
        "2;0;0;0;x;0.0.0;;",
        "2;0;0;0;lr;0.0.0;;",
        "2;100000000;0;0;;0.0.0;;",
        "2;0;0;0;;0.0.0;10.AAAAAAAAAAA.1..;",
        "2;0;0;0;;0.0.0;0.AAAAAAAAAA.1..;",
        "2;0;0;0;;0.0.0;0.AAAAAAAAAAA.1.2.;",
        "2;0;0;0;;0.0.0;0.AAAAAAAAAAA.1.1.;",
        "2;0;0;0;;0.0.0;0.AAAAAAAAAAA.1..00;",
        "2;0;0;0;;0.0.0;0.AAAAAAAAAAA.1..x00;",
        "2;0;0;0;;0.0.0;0.AAAAAAAAAAA.1.;",
        "2;0;0;0;;0.0.0;0.AAAAAAAAAAA.1...;",
        "2;0;0;0;;0.0.0;0.AAAAAAAAAAA.1..,;",
        "2;0;0;0;;0.0.0;;0.10.0.0",
        "2;0;0;0;;0.0.0;;0.0.0.6",
        "2;0;0;0;;0.0.0;;0.0.0.4~",
        "2;0;0;0;;0.0.0;;0.0.0.4~0x1",
        "2;0;0;0;;0.0.0;;0.0.0.4~+0",
        "2;0;0;0;;0.0.0;;0.0.0.4~+100t",
        "2;0;0;0;;0.0.0;;0.0.0.4~+0x100",
        "2;0;0;0;;0.0.0;;0.0.0.4~+0t~",
        "2;0;0;0;;0.0.0;;0.0.0.0?",
        "2;0;0;0;;0.0.0;;;p",
        "2;0;0;0;;0.0.0;;;p10000",
        "2;0;0;0;;0.0.0;;;p1,",
        "2;0;0;0;;0.0.0;;;P1",
        "2;0;0;0;;0.0.0;;;h1.0",
        "2;0;0;0;;0.0.0;;;h1.10.1",
        "2;0;0;0;;0.0.0;;;h1.0.1.1",
        "2;0;0;0;;0.0.0;;;h100000000.0.1",
        "2;0;0;0;;0.0.0;;;g100.1.0.1",
        "2;0;0;0;;0.0.0;;;g1.1.0",
        "2;0;0;0;;0.0.0;;;m1",
        "2;0;0;0;;0.0.0;;;m0.1.100.0",
        "2;0;0;0;;0.0.0;;;m0.1.0.0~",
        "2;0;0;0;;0.0.0;;;t0.a",
        "2;0;0;0;;0.0.0;;0.0.0.4;t0.a",
        "2;0;0;0;;0.0.0;;0.0.0.4~+0x1;t0",
        "2;0;0;0;;0.0.0;;0.0.0.4~+0x1;t0.",
        "2;0;0;0;;0.0.0;;0.0.0.4~+0x1;t1.a",
        "2;0;0;0;;0.0.0;;0.0.0.4~+0x1;t0.a,t0.a",
        "2;0;0;0;;0.0.0;;0.0.0.4~+0x1;t0. a",
        "2;0;0;0;;0.0.0;;0.0.0.4~+0x1;t0.a%1bb",
        "2;0;0;0;;0.0.0;;0.0.0.4~+0x1;t0.a\u{1b}b",
        "2;0;0;0;;0.0.0;;0.0.0.4~+0x1;t0.a%0ab",
        "2;0;0;0;;0.0.0;;0.0.0.4~+0x1;t0.a%2",
        "2;0;0;0;;0.0.0;;0.0.0.4~+0x1;t0.a%2C",
        "2;0;0;0;;0.0.0;;0.0.0.4~+0x1;t0.a%c3",
        "2;0;0;0;;0.0.0;;0.0.0.4~+0x1;t0.%e2%80%aea",
    ] {
        assert_eq!(read_text(text), None, "{text:?}");
    }
    let long = |length| format!("2;0;0;0;;0.0.0;;0.0.0.4~+0x1;t0.{}", "a".repeat(length));
    assert!(read_text(&long(Words::TEXT_MAX)).is_some());
    assert_eq!(read_text(&long(Words::TEXT_MAX + 1)), None);
    let echoes = vec!["0.AAAAAAAAAAA.1..000"; NODES_MAX + 1].join(",");
    assert_eq!(read_text(&format!("2;0;0;0;;0.0.0;{echoes};")), None);
    let claims = vec!["0.0.0.0"; GROUPS_MAX + 1].join(",");
    assert_eq!(read_text(&format!("2;0;0;0;;0.0.0;;{claims}")), None);
    for (extra, most) in [("h1.0.1", FREEZES_MAX), ("m0.1.0.0", GROUPS_MAX)] {
        let extras = |count| vec![extra; count].join(",");
        assert!(read_text(&format!("2;0;0;0;;0.0.0;;;{}", extras(most))).is_some());
        assert_eq!(read_text(&format!("2;0;0;0;;0.0.0;;;{}", extras(most + 1))), None);
    }
}

#[test]
fn beat_with_too_many_claims_is_not_encoded() {
    let claim = read_text(TEXT).unwrap().claims[0];
    let beat = Beat { claims: vec![claim; GROUPS_MAX + 1], ..Beat::default() };
    let pushed = push(&mut Vec::new(), &beat);
    assert_eq!(pushed, Err(EncodeError::BeatTooLarge));
}

#[test]
fn beat_of_previous_version_round_trips_unchanged() {
    for text in [
        "1;1;abc;dead;rl;0.1.7.1f,f.f.0.ffffffffffffffff;cafe.1.2.2,0.0.0.4!~+2x7f",
        "1;0;0;0;;;",
        "1;1;7;0;l;;",
        "1;0;0;1;;;;p1f,h7.1.36ee80,gff.1.0.5~,m3.9.2.ea60!,m0.1.0.0",
        "1;0;0;0;;;cafe.1.2.2,0.1.2.3,1.0.0.0;p2,r2",
        "1;0;0;0;;;1.0.1.2,2.0.1.2,3.0.1.2,4.0.1.2,5.0.1.2;r91,h7.1.36ee80",
        "1;0;0;0;l;0.0.7.1e,0.1.7.1f,0.3.7.1f,1.0.3.1;",
    ] {
        let beat = read_text(text).unwrap();
        let mut out = Vec::new();
        push(&mut out, &beat).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), text);
    }
    let beat = read_text("1;1;7;0;l;;").unwrap();
    assert_eq!((beat.form, beat.leaving), (TableForm::Silent, true));
    assert_eq!(beat.capabilities, Beat::READS_MARKS);
    let beat = read_text("1;0;0;1;;0.0.7.1e,0.1.7.1f;1.0.1.2,2.0.1.2,3.0.1.2;r5").unwrap();
    assert_eq!((beat.form, beat.table.rows), (TableForm::Whole, 3));
    assert_eq!(beat.table, Mark::of(&beat), "who has heard it has everything");
    let running: Vec<bool> = beat.claims.iter().map(|claim| claim.runs_here).collect();
    assert_eq!(running, [true, false, true]);
    let echo = beat.echoes[0];
    assert_eq!((beat.echoes.len(), echo.sequence, echo.known), (1, 0x1f, 0x1f));
    let lags: Vec<_> = echo.lags.iter().collect();
    assert_eq!(lags, [(LinkId(0), 1), (LinkId(1), 0)]);
}

#[test]
fn malformed_beat_of_previous_version_is_rejected() {
    for text in [
        "1",
        "1;0;0;0;;",
        "1;0;0;0;;;;",
        "1;0;0;0;;;;p1;",
        "1;0;0;0;;10.0.0.1;",
        "1;0;0;0;;0.10.0.1;",
        "1;0;0;0;;0.0.0;",
        "1;0;0;0;;0.0.0.1.2;",
        "1;0;0;0;;0.0.0.1,;",
        "1;0;0;0;;;0.0.0.4*",
        "1;0;0;0;;;;r1",
        "1;0;0;0;;;0.0.0.0;r",
        "1;0;0;0;;;0.0.0.0;r2",
        "1;0;0;0;;;0.0.0.0;r10",
        "1;0;0;0;;;0.0.0.0;rg",
        "1;0;0;0;;;0.0.0.0;r1.1",
    ] {
        assert_eq!(read_text(text), None, "{text:?}");
    }
    let echoes = vec!["0.0.0.1"; NODES_MAX * LINKS_MAX + 1].join(",");
    assert_eq!(read_text(&format!("1;0;0;0;;{echoes};")), None);
}
