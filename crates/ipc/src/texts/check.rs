//! What checks of running resources find, and what follows.

use systole_core::AfterCheck;

/// Returns what follows from a check, as the word of the journal.
#[must_use]
pub const fn after_check_word(follows: AfterCheck) -> &'static str {
    match follows {
        AfterCheck::Unknown => "unknown",
        AfterCheck::Waits { .. } => "waits",
        AfterCheck::Held => "held",
        AfterCheck::Restarts { .. } => "restarts",
        AfterCheck::Moves => "moves",
        AfterCheck::Blocks => "blocks",
        AfterCheck::Ignores => "ignores",
    }
}

/// Returns how many failures or restarts there were, and how many there may be.
#[must_use]
pub const fn after_check_count(follows: AfterCheck) -> Option<(u8, u8)> {
    match follows {
        AfterCheck::Waits { failures, allowed } => Some((failures, allowed)),
        AfterCheck::Restarts { used, allowed } => Some((used, allowed)),
        AfterCheck::Unknown
        | AfterCheck::Held
        | AfterCheck::Moves
        | AfterCheck::Blocks
        | AfterCheck::Ignores => None,
    }
}

/// Returns the sentence about a check: what came of it, and the word and the count of what follows. A word of
/// a later version is printed as it is.
#[must_use]
pub fn check(resource: &str, outcome: &str, follows: &str, count: Option<(u8, u8)>) -> String {
    let (now, most) = count.unwrap_or_default();
    match follows {
        "recovered" => format!("{resource} is well again"),
        "unknown" => format!("{resource} cannot be checked: {outcome}; nothing is done about it"),
        "waits" => format!("{resource} failed its check ({now} of {most} in a row): {outcome}"),
        "held" => format!(
            "{resource} has failed: {outcome}; it is left alone, because its group is held, is being handed over, or may not be started now"
        ),
        "restarts" => {
            format!("{resource} has failed: {outcome}; it is restarted (restart {now} of {most})")
        }
        "moves" => format!(
            "{resource} has failed: {outcome}; it was restarted as often as it may be, and its group leaves this node"
        ),
        "blocks" => format!(
            "{resource} has failed: {outcome}; it is left alone and no longer checked until hb clear"
        ),
        "ignores" => {
            format!("{resource} has failed: {outcome}; it is left alone, and checked as before")
        }
        other => format!("{resource} failed its check: {outcome} ({other})"),
    }
}
