//! Plays a range of worlds on every core, and continues when a law is broken.
//!
//! `cargo run --release --package systole-sim --example soak -- 0 10000 three`: plays the worlds of one kind
//! from the first seed up to, but not including, the last one. With `diary` it prints what happens in the
//! first world. Exit status: 0 if every law holds, 1 if one is broken, 2 if the command is wrong.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command says what it has seen")]

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use systole_sim::{Fences, Options, Summary, World};

const USAGE: &str = "usage: soak FROM TO \
    [two|fences|times|frail|patient|crowd|classic|killed|killed-beside-classic|killed-of-three|edits|three\
    |same|calm|guarded|guarded-killed|guarded-of-three|guarded-beside-classic|checked|checked-of-three|checked-beside-classic] [diary]";

fn options(kind: &str) -> Option<Options> {
    let usual = Options::default();
    let three = Options { nodes: 3, ..usual };
    Some(match kind {
        "two" => usual,
        "fences" => Options { fences: Fences::Used, ..usual },
        "times" => Options { times: true, reloads: 1_000, ..usual },
        "frail" => Options { frail: 1_000, ..usual },
        "patient" => Options { patient: 1_000, ..usual },
        "crowd" => Options { crowd: true, ..usual },
        "classic" => Options { classic: true, ..usual },
        "killed" => Options { kills: 300, ..usual },
        "killed-beside-classic" => Options { kills: 300, classic: true, ..usual },
        "killed-of-three" => Options { kills: 300, ..three },
        "edits" => Options { reloads: 1_000, ..usual },
        "three" => three,
        "same" => Options { reloads: 0, ..three },
        "checked" => Options { checks: true, ..usual },
        "checked-of-three" => Options { checks: true, ..three },
        "checked-beside-classic" => Options { checks: true, classic: true, ..usual },
        "guarded" => Options { guard: true, ..usual },
        "guarded-killed" => Options { guard: true, kills: 300, ..usual },
        "guarded-of-three" => Options { guard: true, ..three },
        "guarded-beside-classic" => Options { guard: true, classic: true, ..usual },
        "calm" => Options { trouble: Duration::ZERO, ..three },
        _ => return None,
    })
}

/// Takes the next seed as long as there is one. Returns the summary, and how many worlds broke a law.
fn play(next: &AtomicU64, last: u64, options: Options) -> (Summary, u64) {
    let (mut total, mut broken) = (Summary::default(), 0);
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= last {
            return (total, broken);
        }
        match World::new(seed, options).run() {
            Ok(summary) => total.add(&summary),
            Err(why) => {
                broken += 1;
                eprintln!("seed {seed}: {why}");
            }
        }
    }
}

fn soak(first: u64, last: u64, options: Options) -> u64 {
    let next = AtomicU64::new(first);
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    let (mut total, mut broken) = (Summary::default(), 0);
    std::thread::scope(|scope| {
        let players: Vec<_> =
            (0..count).map(|_| scope.spawn(|| play(&next, last, options))).collect();
        for player in players {
            let (summary, more) = player.join().expect("a world does not panic");
            total.add(&summary);
            broken += more;
        }
    });
    println!("{broken} of {} worlds broke a law: {total:?}", last - first);
    broken
}

fn diary(seed: u64, options: Options) -> u64 {
    match World::new(seed, options).run_with_diary() {
        Ok(summary) => println!("every law holds: {summary:?}"),
        Err((why, diary)) => {
            println!("{}\n{why}", diary.join("\n"));
            return 1;
        }
    }
    0
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let range = words.first().zip(words.get(1)).and_then(|(first, last)| {
        let range = first.parse::<u64>().ok()?..last.parse::<u64>().ok()?;
        Some(range).filter(|range| !range.is_empty())
    });
    let shows_diary = words.iter().any(|word| word == "diary");
    let kinds: Vec<&str> = words.iter().skip(2).map(String::as_str).collect();
    let kind = kinds.iter().copied().find(|kind| *kind != "diary").unwrap_or("two");
    let (Some(range), Some(options)) = (range, options(kind)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let broken = if shows_diary {
        diary(range.start, options)
    } else {
        soak(range.start, range.end, options)
    };
    ExitCode::from(u8::from(broken > 0))
}
