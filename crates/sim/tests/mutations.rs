//! A checker that never fails proves nothing: for each law there is a core that breaks the law on purpose,
//! and the worlds must notice.

use systole_core::Mutation;
use systole_sim::{Options, World};

/// Every mistake is noticed in one of these worlds. In the first five, nodes that take groups from each other
/// do so for ten hours before another law notices.
const SEEDS: std::ops::Range<u64> = 5..1_005;

/// Returns the law that a mistake breaks, and the names of the laws that may report it.
fn law(mutation: Mutation) -> (&'static str, &'static [&'static str]) {
    match mutation {
        // The node that has the group hears the claim, and gives way to it.
        Mutation::TakeFromTheLiving => ("SINGLE OWNER", &["SINGLE OWNER", "ORDER", "UNDISTURBED"]),
        Mutation::IgnoreTheGuard => ("SINGLE OWNER", &["SINGLE OWNER"]),
        Mutation::IgnoreTheRetired | Mutation::StartBesideTheLoser => {
            ("SINGLE OWNER", &["SINGLE OWNER", "ORDER"])
        }
        Mutation::ForgetTheDead | Mutation::IgnoreChecks => ("ONE OWNER SOON", &["ONE OWNER SOON"]),
        Mutation::Restless => ("STABLE", &["STABLE", "UNDISTURBED"]),
        Mutation::TrustAfterPause => ("PAUSE", &["PAUSE"]),
        Mutation::AwaitTheDead => ("CRASH", &["ONE OWNER SOON", "SINGLE OWNER"]),
        Mutation::KeepWhenOutranked => ("HEAL", &["SINGLE OWNER"]),
        Mutation::BelieveEveryStart | Mutation::StartOnIntent => ("ORDER", &["ORDER"]),
        Mutation::TakeBeforeItIsKnown => ("ORDER", &["ORDER", "SINGLE OWNER"]),
        Mutation::BelieveRecordings => ("REPLAY", &["REPLAY"]),
        Mutation::NeverRest => ("BOUND", &["BOUND"]),
        Mutation::MoveInSilence => ("EXPLAIN", &["EXPLAIN"]),
        Mutation::IgnoreHold => ("HOLD", &["HOLD"]),
        Mutation::LetMemoryOutrank | Mutation::ForgetFormerTimes => {
            ("UNDISTURBED", &["UNDISTURBED"])
        }
        Mutation::ForgetTheLedger => ("SINGLE OWNER", &["SINGLE OWNER", "ORDER", "ONE OWNER SOON"]),
    }
}

#[test]
fn mutation_of_core_breaks_its_law_in_some_world() {
    let mut missed = Vec::new();
    for mutation in Mutation::ALL {
        let times = mutation == Mutation::ForgetFormerTimes;
        let checks = mutation == Mutation::IgnoreChecks;
        let guard = mutation == Mutation::IgnoreTheGuard;
        let options = Options { times, checks, guard, ..Options::default() };
        let options = Options { mutation: Some(mutation), ..options };
        let (offended, names) = law(mutation);
        // A mistake may break another law first, even in most worlds.
        let mut others = 0;
        let broken = SEEDS.zip(1..).find_map(|(seed, count)| {
            let broken = World::new(seed, options).run().err()?;
            let is_meant = names.contains(&broken.law);
            others += u64::from(!is_meant);
            is_meant.then_some((count, broken))
        });
        if let Some((count, broken)) = broken {
            println!("{offended}: {mutation:?} is noticed in world {count} by {broken}");
        } else {
            println!("{offended}: {mutation:?} is not noticed, and {others} worlds break else");
            missed.push(mutation);
        }
    }
    assert!(missed.is_empty(), "{missed:?}");
}
