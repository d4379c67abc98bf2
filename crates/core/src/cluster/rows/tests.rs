use super::merge::wins;
use super::*;
use crate::GroupKey;
use proptest::prelude::*;

const A: NodeId = NodeId(0);
const B: NodeId = NodeId(1);

fn row(owner: Option<NodeId>, term: u64, phase: Phase) -> Row {
    Row { owner, term, phase, ..Row::NEW }
}

/// This node is A, is preferred, and hears every node.
fn heard(from: NodeId, runs_here: bool) -> Meeting {
    Meeting {
        me: A,
        from,
        preferred: A,
        runs_here,
        unable: false,
        is_helpless: false,
        hears_us: true,
        is_deaf: false,
        heard: u32::MAX,
        by_term_alone: false,
    }
}

fn claim(owner: NodeId, term: u64, phase: Phase) -> Claim {
    Claim {
        group: GroupKey(7),
        owner,
        term,
        phase,
        unable: false,
        failure: None,
        runs_here: phase.holds(),
    }
}

/// This node is A, B sends the claim, A is preferred: (row of A, claim) → (verdict, row of A
/// after).
#[test]
pub(super) fn merge_of_row_and_claim_gives_listed_verdict_and_row() {
    use Merged::{Changed, Outranked, Outranks, Reclaimed, Same};
    use Phase::{Active, Blocked, Failed, Starting, Stopped, Stopping};
    type Known = (Option<NodeId>, u64, Phase);
    type Meeting = (Known, (NodeId, u64, Phase), Merged, Known);
    #[rustfmt::skip]
    let rows: &[Meeting] = &[
        // No node knows anything.
        ((None, 0, Stopped), (A, 0, Stopped), Same, (None, 0, Stopped)),
        ((None, 0, Stopped), (B, 1, Active), Changed, (Some(B), 1, Active)),
        // The owner reports progress.
        ((Some(B), 3, Starting), (B, 3, Active), Changed, (Some(B), 3, Active)),
        ((Some(B), 3, Active), (B, 3, Active), Same, (Some(B), 3, Active)),
        ((Some(B), 3, Active), (B, 3, Stopped), Changed, (Some(B), 3, Stopped)),
        ((Some(B), 3, Starting), (B, 3, Failed), Changed, (Some(B), 3, Failed)),
        // B has let go of the group and taken it again since, and let go of it once more.
        ((Some(B), 3, Active), (B, 5, Stopped), Changed, (Some(B), 5, Stopped)),
        // A higher term outranks what this node runs; a node with a lower term hears so in this
        // node's next beat.
        ((Some(A), 3, Active), (B, 4, Active), Outranked, (Some(B), 4, Active)),
        ((Some(A), 3, Stopped), (B, 4, Active), Changed, (Some(B), 4, Active)),
        ((Some(A), 5, Active), (B, 4, Active), Outranks, (Some(A), 5, Active)),
        // The same term twice: the preferred node wins.
        ((Some(A), 4, Active), (B, 4, Active), Outranks, (Some(A), 4, Active)),
        ((Some(B), 4, Active), (A, 4, Active), Changed, (Some(A), 4, Stopped)),
        // The owner restarted: it remembers less than this node, and nothing runs there.
        ((Some(B), 5, Active), (B, 2, Stopped), Changed, (Some(B), 5, Stopped)),
        ((Some(B), 5, Active), (A, 2, Active), Changed, (Some(B), 5, Stopped)),
        ((Some(B), 5, Active), (A, 0, Stopped), Changed, (Some(B), 5, Stopped)),
        // This node restarted: the peer remembers one of its terms.
        ((None, 0, Stopped), (A, 9, Active), Changed, (Some(A), 9, Stopped)),
        ((Some(A), 9, Active), (A, 9, Starting), Same, (Some(A), 9, Active)),
        ((Some(A), 2, Active), (A, 9, Active), Changed, (Some(A), 9, Active)),
        // This node has lost its disk: what the peer remembers about it says nothing about what it
        // runs.
        ((None, 0, Stopped), (A, 9, Stopped), Changed, (Some(A), 9, Stopped)),
        ((Some(A), 2, Active), (A, 9, Stopped), Changed, (Some(A), 9, Active)),
        ((Some(A), 2, Stopped), (A, 9, Active), Changed, (Some(A), 9, Stopped)),
        ((Some(A), 5, Stopped), (A, 2, Active), Same, (Some(A), 5, Stopped)),
        ((Some(A), 2, Stopped), (A, 9, Stopped), Changed, (Some(A), 9, Stopped)),
        ((Some(B), 2, Active), (A, 9, Active), Changed, (Some(A), 9, Stopped)),
        ((Some(B), 2, Active), (A, 9, Stopped), Changed, (Some(A), 9, Stopped)),
        ((Some(B), 2, Stopped), (A, 9, Active), Changed, (Some(A), 9, Stopped)),
        ((Some(B), 2, Stopped), (A, 9, Stopped), Changed, (Some(A), 9, Stopped)),
        // The sender does not claim what it owned: that ownership is over, whichever node it thinks
        // has the group.
        ((Some(B), 5, Active), (A, 2, Stopped), Changed, (Some(B), 5, Stopped)),
        ((Some(B), 5, Stopped), (A, 2, Active), Same, (Some(B), 5, Stopped)),
        ((Some(B), 4, Active), (A, 4, Stopped), Changed, (Some(A), 4, Stopped)),
        ((Some(B), 4, Stopped), (A, 4, Active), Changed, (Some(A), 4, Stopped)),
        ((Some(B), 4, Stopped), (A, 4, Stopped), Changed, (Some(A), 4, Stopped)),
        // A node that holds the group is not outranked by a node that does not, and claims it above
        // the higher term.
        ((Some(A), 3, Active), (B, 7, Stopped), Reclaimed, (Some(A), 8, Active)),
        ((Some(A), 3, Starting), (B, 7, Failed), Reclaimed, (Some(A), 8, Starting)),
        ((Some(A), 3, Blocked), (B, 7, Stopped), Reclaimed, (Some(A), 8, Blocked)),
        ((Some(A), 3, Stopping), (B, 7, Stopped), Reclaimed, (Some(A), 8, Stopping)),
        ((Some(A), 3, Active), (B, u64::MAX, Stopped), Reclaimed, (Some(A), u64::MAX, Active)),
        ((Some(A), 3, Active), (B, 3, Stopped), Same, (Some(A), 3, Active)),
        ((Some(A), 3, Active), (B, 2, Failed), Same, (Some(A), 3, Active)),
        // A group that is being stopped counts less than a group that runs.
        ((Some(A), 3, Active), (B, 7, Stopping), Reclaimed, (Some(A), 8, Active)),
        ((Some(A), 7, Stopping), (B, 3, Active), Outranked, (Some(B), 7, Active)),
        ((Some(A), 3, Stopping), (B, 7, Stopping), Outranked, (Some(B), 7, Stopping)),
        ((Some(A), 7, Stopping), (B, 3, Stopping), Outranks, (Some(A), 7, Stopping)),
        // What this node remembers does not count against the node that runs the group, whatever
        // the terms.
        ((Some(A), 7, Stopped), (B, 3, Active), Changed, (Some(B), 7, Active)),
        ((Some(A), 7, Stopped), (B, 3, Starting), Changed, (Some(B), 7, Starting)),
        ((Some(A), 7, Failed), (B, 3, Stopping), Changed, (Some(B), 7, Stopping)),
        ((Some(A), 7, Stopped), (B, 3, Blocked), Changed, (Some(B), 7, Blocked)),
        // Neither holds anything: the higher term prevails.
        ((Some(A), 3, Failed), (B, 7, Stopped), Changed, (Some(B), 7, Stopped)),
        ((Some(A), 7, Failed), (B, 3, Stopped), Same, (Some(A), 7, Failed)),
        // The owner has an older memory, and says that it stopped.
        ((Some(B), 5, Active), (B, 2, Stopped), Changed, (Some(B), 5, Stopped)),
    ];
    for (known, (owner, term, phase), verdict, after) in rows {
        let mut table = row(known.0, known.1, known.2);
        let runs_here = known.0 == Some(A) && known.2.holds();
        let merged = table.merge(&heard(B, runs_here), &claim(*owner, *term, *phase));
        let told = format!("{known:?} meets {owner:?} {term} {phase:?}");
        assert_eq!(merged, *verdict, "{told}");
        assert_eq!((table.owner, table.term, table.phase), *after, "{told}");
    }
}

/// This node is A, B sends the claim: (whether it runs here, and there, with the terms) → the
/// verdict, and the owner with its term after.
#[test]
fn claim_not_running_gives_way_to_running_claim() {
    use Merged::{Outranked, Outranks, Reclaimed};
    let rows = [
        ((true, 3), (false, 7), Reclaimed, (A, 8)),
        ((false, 7), (true, 3), Outranked, (B, 7)),
        ((false, 3), (false, 7), Outranked, (B, 7)),
        ((true, 7), (true, 3), Outranks, (A, 7)),
        ((true, 3), (true, 7), Outranked, (B, 7)),
    ];
    for ((runs_here, ours), (runs_there, theirs), verdict, after) in rows {
        let mut table = row(Some(A), ours, Phase::Active);
        let claim = Claim { runs_here: runs_there, ..claim(B, theirs, Phase::Active) };
        let told = format!("{runs_here} {ours} meets {runs_there} {theirs}");
        assert_eq!(table.merge(&heard(B, runs_here), &claim), verdict, "{told}");
        assert_eq!((table.owner, table.term), (Some(after.0), after.1), "{told}");
    }
}

/// Without its executor a node cannot know whether what it started is still there.
#[test]
fn claim_of_node_without_executor_gives_way_to_running_claim() {
    let mut known = row(Some(A), 3, Phase::Active);
    let believed = Claim { unable: true, ..claim(B, 7, Phase::Starting) };
    assert_eq!(known.merge(&heard(B, true), &believed), Merged::Reclaimed);
    let mut known = row(Some(A), 7, Phase::Active);
    let helpless = Meeting { unable: true, is_helpless: true, ..heard(B, true) };
    let merged = known.merge(&helpless, &claim(B, 3, Phase::Active));
    assert_eq!(merged, Merged::Outranked);
}

/// The executor may be back in a moment, and continues with what runs.
#[test]
fn claim_of_node_without_executor_prevails_over_starting_or_stopping_claim() {
    let about_to_start = Claim { runs_here: false, ..claim(B, 7, Phase::Starting) };
    let about_to_stop = claim(B, 7, Phase::Stopping);
    for theirs in [about_to_start, about_to_stop] {
        let mut known = row(Some(A), 3, Phase::Active);
        let helpless = Meeting { unable: true, is_helpless: true, ..heard(B, true) };
        assert_eq!(known.merge(&helpless, &theirs), Merged::Reclaimed, "{theirs:?}");
    }
    let believed = Claim { unable: true, ..claim(B, 3, Phase::Starting) };
    for (ours, runs_here) in [(Phase::Starting, false), (Phase::Stopping, true)] {
        let mut known = row(Some(A), 7, ours);
        let merged = known.merge(&heard(B, runs_here), &believed);
        assert_eq!(merged, Merged::Outranked, "{ours:?}");
    }
}

/// This node is A, B reports about C, which A hears or not: (row of A, claim) → (verdict, row of A
/// after).
#[test]
fn claim_about_third_node_outranks_own_claim_only_if_node_is_not_heard() {
    use Merged::{Changed, Outranked, Reclaimed, Same};
    use Phase::{Active, Stopped};
    const C: NodeId = NodeId(2);
    type Known = (Option<NodeId>, u64, Phase);
    type Meeting = (bool, Known, (NodeId, u64, Phase), Merged, Known);
    #[rustfmt::skip]
    let rows: &[Meeting] = &[
        // A node that B hears and this node does not may run the group: of two that run it one
        // stops.
        (false, (Some(A), 3, Active), (C, 7, Active), Outranked, (Some(C), 7, Active)),
        (false, (Some(A), 7, Active), (C, 3, Active), Same, (Some(A), 7, Active)),
        (false, (Some(A), 3, Active), (C, 7, Stopped), Reclaimed, (Some(A), 8, Active)),
        (false, (Some(A), 3, Stopped), (C, 7, Active), Changed, (Some(C), 7, Active)),
        // A node that this node hears reports itself whether it runs the group.
        (true, (Some(A), 3, Active), (C, 7, Active), Same, (Some(A), 3, Active)),
        (true, (Some(A), 3, Active), (C, 7, Stopped), Same, (Some(A), 3, Active)),
        (true, (Some(C), 3, Active), (C, 7, Stopped), Same, (Some(C), 3, Active)),
        (true, (Some(A), 3, Stopped), (C, 7, Stopped), Same, (Some(A), 3, Stopped)),
        // A group that is said to run is not started, however that came to be known.
        (true, (Some(A), 3, Stopped), (C, 7, Active), Changed, (Some(C), 7, Active)),
        // B remembers itself or A as the owner, while C runs the group and is heard.
        (true, (Some(C), 3, Active), (B, 7, Stopped), Same, (Some(C), 3, Active)),
        (true, (Some(C), 3, Active), (A, 7, Stopped), Same, (Some(C), 3, Active)),
        (false, (Some(C), 3, Active), (A, 7, Stopped), Changed, (Some(A), 7, Stopped)),
        // B says itself that it runs the group, while C was last heard long ago.
        (false, (Some(C), 7, Active), (B, 3, Active), Changed, (Some(B), 7, Active)),
        (true, (Some(C), 7, Active), (B, 3, Active), Same, (Some(C), 7, Active)),
        (true, (Some(C), 3, Active), (B, 7, Active), Changed, (Some(B), 7, Active)),
    ];
    for (hears_it, known, (owner, term, phase), verdict, after) in rows {
        let mut table = row(known.0, known.1, known.2);
        let runs_here = known.0 == Some(A) && known.2.holds();
        let nobody_else = bit(A) | bit(B);
        let meeting = heard(B, runs_here);
        let meeting =
            if *hears_it { meeting } else { super::Meeting { heard: nobody_else, ..meeting } };
        let merged = table.merge(&meeting, &claim(*owner, *term, *phase));
        let told = format!("{known:?} meets {owner:?} {term} {phase:?}, heard: {hears_it}");
        assert_eq!(merged, *verdict, "{told}");
        assert_eq!((table.owner, table.term, table.phase), *after, "{told}");
    }
}

#[test]
fn tie_between_nodes_that_are_not_preferred_is_won_by_lower_node() {
    let third = NodeId(2);
    assert!(wins(A, Some(B), third));
    assert!(!wins(B, Some(A), third));
    assert!(wins(third, Some(A), third));
    assert!(!wins(A, Some(third), third));
    assert!(!wins(A, Some(A), third));
}

#[test]
fn claim_begins_new_term_and_can_be_borrowed() {
    let mut table = row(Some(B), 3, Phase::Active);
    table.claim(A, true);
    assert_eq!((table.owner, table.term, table.phase), (Some(A), 4, Phase::Starting));
    assert!(table.is_borrowed);
}

#[test]
fn row_released_by_owner_is_stopped_and_by_another_node_is_kept() {
    let mut table = row(Some(B), 3, Phase::Stopping);
    table.released_by(A);
    assert_eq!(table.phase, Phase::Stopping);
    table.released_by(B);
    assert_eq!(table.phase, Phase::Stopped);
}

#[test]
fn stored_term_is_recalled_and_never_lowers_higher_term() {
    let mut table = row(None, 0, Phase::Stopped);
    table.recall(A, 7);
    table.recall(B, 5);
    assert_eq!((table.owner, table.term), (Some(A), 7));
}

#[test]
fn inability_to_run_group_is_remembered_per_node() {
    let mut table = row(None, 0, Phase::Stopped);
    let cannot = Claim { unable: true, ..claim(A, 0, Phase::Stopped) };
    table.merge(&heard(B, false), &cannot);
    assert!(!table.is_able(B));
    assert!(table.is_able(A));
    table.merge(&heard(B, false), &claim(A, 0, Phase::Stopped));
    assert!(table.is_able(B));
}

fn phases() -> impl Strategy<Value = Phase> {
    prop_oneof![
        Just(Phase::Stopped),
        Just(Phase::Starting),
        Just(Phase::Active),
        Just(Phase::Stopping),
        Just(Phase::Failed),
        Just(Phase::Blocked),
    ]
}

proptest! {
    /// Whatever two nodes believe when they meet: once they have told each other, both decide
    /// alike.
    #[test]
    fn nodes_that_exchange_claims_agree_on_owner_and_term(
        (ours, our_term, our_phase) in (any::<bool>(), 0_u64..4, phases()),
        (theirs, their_term, their_phase) in (any::<bool>(), 0_u64..4, phases()),
        preferred in any::<bool>(),
    ) {
        let node = |is_a: bool| if is_a { A } else { B };
        let preferred = node(preferred);
        let mut tables = [
            row((our_term > 0).then_some(node(ours)), our_term, our_phase),
            row((their_term > 0).then_some(node(theirs)), their_term, their_phase),
        ];
        for _ in 0..2 {
            for (me, from) in [(A, B), (B, A)] {
                let told = tables[from.index()];
                let owner = told.owner.unwrap_or(preferred);
                let claim = claim(owner, told.term, told.phase);
                let row = tables[me.index()];
                let runs_here = row.owner == Some(me) && row.phase.holds();
                let meeting = Meeting { me, preferred, ..heard(from, runs_here) };
                tables[me.index()].merge(&meeting, &claim);
            }
        }
        let rows = tables;
        prop_assert_eq!((rows[0].owner, rows[0].term), (rows[1].owner, rows[1].term));
        prop_assert!(rows[0].term >= our_term.max(their_term), "a term never falls");
    }
}
