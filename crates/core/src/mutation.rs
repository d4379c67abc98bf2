//! Deliberate mistakes, one for each law: a check that never fails proves nothing.
//!
//! They exist only with the feature `test-hooks`, under which the daemon does not compile.

/// A mistake that a core can be told to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mutation {
    /// Takes groups of living nodes (SINGLE OWNER).
    TakeFromTheLiving,
    /// Takes no groups of dead nodes (ONE OWNER SOON).
    ForgetTheDead,
    /// Gives groups away without a reason (STABLE).
    Restless,
    /// Trusts its table after a pause (PAUSE).
    TrustAfterPause,
    /// Waits for jobs whose results a dead executor no longer reports (CRASH).
    AwaitTheDead,
    /// Runs on when another node's claim takes precedence (HEAL).
    KeepWhenOutranked,
    /// Starts the next resource whatever the outcome of the one before (ORDER).
    BelieveEveryStart,
    /// Starts groups that their owner has only begun to stop (ORDER).
    StartOnIntent,
    /// Believes messages that an earlier run has already heard (REPLAY).
    BelieveRecordings,
    /// Asks to be woken at once, always (BOUND).
    NeverRest,
    /// Moves groups without reporting it (EXPLAIN).
    MoveInSilence,
    /// Takes and gives groups although they are held (HOLD).
    IgnoreHold,
    /// Takes what it can run again before the others know that it can (ORDER).
    TakeBeforeItIsKnown,
    /// Starts a group beside a replaced group with the same address (SINGLE OWNER).
    IgnoreTheRetired,
    /// Gives way to a higher term of a node that does not run the group (UNDISTURBED).
    LetMemoryOutrank,
    /// Starts what a heard node still runs, whichever node owns it (SINGLE OWNER).
    StartBesideTheLoser,
    /// Says at its start that nothing runs, before the executor has reported (SINGLE OWNER).
    ForgetTheLedger,
    /// Does nothing about a service that fails while it runs (ONE OWNER SOON).
    IgnoreChecks,
    /// Beats as slowly as a new ha.cf says before the others know about it (UNDISTURBED).
    ForgetFormerTimes,
    /// Takes groups whose addresses a silent node still answers for (SINGLE OWNER).
    IgnoreTheGuard,
}

impl Mutation {
    /// The mistakes that the present simulated worlds are known to detect.
    pub const ALL: [Self; 19] = [
        Self::TakeFromTheLiving,
        Self::ForgetTheDead,
        Self::Restless,
        Self::TrustAfterPause,
        Self::AwaitTheDead,
        Self::KeepWhenOutranked,
        Self::BelieveEveryStart,
        Self::StartOnIntent,
        Self::BelieveRecordings,
        Self::NeverRest,
        Self::MoveInSilence,
        Self::IgnoreHold,
        Self::TakeBeforeItIsKnown,
        Self::IgnoreTheRetired,
        Self::LetMemoryOutrank,
        Self::StartBesideTheLoser,
        Self::IgnoreChecks,
        Self::ForgetFormerTimes,
        Self::IgnoreTheGuard,
    ];
}
