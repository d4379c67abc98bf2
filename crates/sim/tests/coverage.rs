//! A pair of a state and an input in the core's tables that no world and no unit test reaches is a finding;
//! so is a pair that is reached although it is declared impossible.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use systole_core::{Table, Visits, take_visits};
use systole_sim::{Fences, Options, World};

/// Plays worlds on all cores, and counts the pairs that their cores reached.
fn play() -> Visits {
    let kinds = [
        (0..2_000, Options::default()),
        (0..500, Options { fences: Fences::Used, ..Options::default() }),
        (0..300, Options { checks: true, ..Options::default() }),
        (0..50, Options { nodes: 3, trouble: std::time::Duration::ZERO, ..Options::default() }),
    ];
    let worlds =
        kinds.into_iter().flat_map(|(seeds, options)| seeds.map(move |seed| (seed, options)));
    let (worlds, next): (Vec<(u64, Options)>, _) = (worlds.collect(), AtomicUsize::new(0));
    let play = || {
        while let Some((seed, options)) = worlds.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(broken) = World::new(*seed, *options).run() {
                panic!("{broken}, with {options:?} and SYSTOLE_SEED={seed}");
            }
        }
        take_visits()
    };
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    let mut all = Visits::default();
    std::thread::scope(|scope| {
        let players: Vec<_> = (0..count).map(|_| scope.spawn(play)).collect();
        for player in players {
            for (pair, count) in player.join().expect("every law holds") {
                *all.entry(pair).or_default() += count;
            }
        }
    });
    all
}

type Pairs = BTreeMap<(&'static str, &'static str), &'static str>;

fn pairs(table: Table) -> (BTreeSet<(&'static str, &'static str)>, Pairs) {
    let states = table.states().iter();
    let all = states.flat_map(|state| table.inputs().iter().map(move |input| (*state, *input)));
    let impossible = table.impossible().iter().flat_map(|(states, inputs, why)| {
        states
            .iter()
            .flat_map(move |state| inputs.iter().map(move |input| ((*state, *input), *why)))
    });
    (all.collect(), impossible.collect())
}

#[test]
fn possible_pairs_of_state_and_input_are_all_covered() {
    let visits = play();
    let (mut missed, mut refuted) = (Vec::new(), Vec::new());
    for table in Table::ALL {
        let (all, impossible) = pairs(table);
        let by_unit_tests: BTreeSet<_> = table.by_unit_tests().iter().copied().collect();
        let met =
            |pair: &(&'static str, &'static str)| visits.contains_key(&(table, pair.0, pair.1));
        let by_worlds = all.iter().filter(|pair| met(pair)).count();
        let others = by_unit_tests.iter().filter(|pair| !met(pair)).count();
        println!(
            "{table:?}: {} of {} transitions met, {others} of them by unit tests alone; {} more cannot be",
            by_worlds + others,
            all.len() - impossible.len(),
            impossible.len(),
        );
        for pair in &all {
            let is_known = by_unit_tests.contains(pair) || impossible.contains_key(pair);
            if !met(pair) && !is_known {
                missed.push((table, *pair));
            }
            if let Some(why) = impossible.get(pair).filter(|_| met(pair)) {
                refuted.push((table, *pair, *why));
            }
        }
    }
    for (table, (state, input)) in &missed {
        println!("{table:?}: nobody met {input:?} when {state:?}");
    }
    assert!(missed.is_empty(), "{} pairs were not met", missed.len());
    assert!(refuted.is_empty(), "these are possible: {refuted:?}");
}
