//! Deliberate mistakes, one for each law: a check that never fails proves nothing.
//!
//! They are there only with the feature `test-hooks`, under which the daemon does not compile.

/// A mistake that a core can be told to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mutation {
    /// Takes groups of the living (SINGLE OWNER).
    TakeFromTheLiving,
    /// Takes nothing of the dead (ONE OWNER SOON).
    ForgetTheDead,
    /// Gives groups away without a reason (STABLE).
    Restless,
    /// Trusts its table after a pause (PAUSE).
    TrustAfterPause,
    /// Waits for jobs of which a dead executor tells nothing any more (CRASH).
    AwaitTheDead,
    /// Runs on when another node's claim holds (HEAL).
    KeepWhenOutranked,
    /// Starts the next resource whatever came of the one before (ORDER).
    BelieveEveryStart,
    /// Starts what its owner has only begun to stop (ORDER).
    StartOnIntent,
    /// Believes what an earlier run has heard already (REPLAY).
    BelieveRecordings,
    /// Asks to be woken at once, always (BOUND).
    NeverRest,
    /// Moves groups without a word (EXPLAIN).
    MoveInSilence,
    /// Takes and gives though it is held (HOLD).
    IgnoreHold,
    /// Takes what it can run again before the others know that it can (ORDER).
    TakeBeforeItIsKnown,
    /// Starts a group beside one with the same address that it has replaced (SINGLE OWNER).
    IgnoreTheRetired,
    /// Gives way to a higher term of who does not run it (UNDISTURBED).
    LetMemoryOutrank,
    /// Starts what a node that is heard still runs, whoever owns it (SINGLE OWNER).
    StartBesideTheLoser,
    /// Says at its start that nothing runs, before the executor has spoken (SINGLE OWNER).
    ForgetTheLedger,
    /// Beats as slowly as a new ha.cf says before the others know of it (UNDISTURBED).
    ForgetFormerTimes,
}

impl Mutation {
    /// Those that today's worlds are known to notice.
    pub const ALL: [Self; 17] = [
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
        Self::ForgetFormerTimes,
    ];
}
