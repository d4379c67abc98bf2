//! The resources of a group on this node as text.

use super::{age, time_left};
use systole_core::{CheckReport, GroupReport, Phase, ResourceReport, ResourceState};

/// Returns a line for each resource that is monitored, or that is not as far as its group.
pub(super) fn lines(group: &GroupReport) -> String {
    let usual = match group.phase {
        Phase::Active => ResourceState::Running,
        Phase::Starting | Phase::Stopping | Phase::Stopped | Phase::Failed | Phase::Blocked => {
            ResourceState::Stopped
        }
    };
    let is_shown = |it: &&ResourceReport| it.check.is_some() || it.state != usual;
    let shown = group.resource_states.iter().filter(is_shown);
    shown.map(|resource| format!("\n    {}{}", line(resource), remedy(group, resource))).collect()
}

/// Returns how an administrator ends the state of a service that is left alone.
fn remedy(group: &GroupReport, resource: &ResourceReport) -> String {
    let is_blocked = resource.check.is_some() && resource.state == ResourceState::Blocked;
    let after = || format!("\n      left alone; after fixing the cause: hb clear {}", group.name);
    if is_blocked { after() } else { String::new() }
}

fn line(resource: &ResourceReport) -> String {
    let ResourceReport { name, state, since_ms, check } = resource;
    let since = since_ms.map_or(String::new(), |since| format!(" for {}", age(since)));
    let check = check.as_ref().map_or(String::new(), checked);
    format!("{name}: {}{since}{check}", word(*state))
}

const fn word(state: ResourceState) -> &'static str {
    match state {
        ResourceState::Stopped => "stopped",
        ResourceState::Starting => "starting",
        ResourceState::Running => "running",
        ResourceState::Failed => "failed",
        ResourceState::Restarting => "restarting",
        ResourceState::Stopping => "stopping",
        ResourceState::Blocked => "blocked",
        ResourceState::Unknown => "in a state that this version of hb does not know",
    }
}

fn checked(check: &CheckReport) -> String {
    let mut text = match (check.last_ms, check.took_ms) {
        (Some(last), Some(took)) => format!(", checked {} ago in {}", age(last), age(took)),
        (_, _) => ", not checked yet".to_owned(),
    };
    if let Some(trouble) = &check.trouble {
        let what = if check.is_broken { "the check cannot be made" } else { "the check failed" };
        text += &format!(": {what}: {trouble}");
        if check.failures > 0 && check.failures_allowed > 1 {
            text += &format!(" ({} of {} in a row)", check.failures, check.failures_allowed);
        }
    }
    if check.restarts > 0 {
        text += &format!(", restarted {} of {} times", check.restarts, check.restarts_allowed);
    }
    text += &match check.next_ms {
        // It waits for its turn among the other checks.
        Some(0) => ", next check is due".to_owned(),
        Some(next) => format!(", next check in {}", time_left(next)),
        None => String::new(),
    };
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(state: ResourceState, check: Option<CheckReport>) -> GroupReport {
        let nginx =
            ResourceReport { name: "nginx".to_owned(), state, since_ms: Some(61_000), check };
        let address = ResourceReport {
            name: "10.0.0.9".to_owned(),
            state: ResourceState::Running,
            since_ms: Some(62_000),
            check: None,
        };
        let resource_states = vec![address, nginx];
        let name = "10.0.0.9".to_owned();
        GroupReport { name, phase: Phase::Active, resource_states, ..GroupReport::default() }
    }

    #[test]
    fn resource_is_shown_with_state_last_check_and_counted_restarts() {
        let well = CheckReport {
            last_ms: Some(3_000),
            took_ms: Some(12),
            failures_allowed: 2,
            restarts_allowed: 3,
            next_ms: Some(7_000),
            ..CheckReport::default()
        };
        let failing = CheckReport {
            trouble: Some("exit code 1".to_owned()),
            failures: 1,
            restarts: 2,
            ..well.clone()
        };
        let broken = CheckReport { is_broken: true, failures: 0, restarts: 0, ..failing.clone() };
        for (state, check, text) in [
            (ResourceState::Running, None, ""),
            (
                ResourceState::Running,
                Some(well),
                "running for 1 min 1 s, checked 3.0 s ago in 12 ms, next check in 7 s",
            ),
            (
                ResourceState::Failed,
                Some(failing),
                "failed for 1 min 1 s, checked 3.0 s ago in 12 ms: the check failed: exit code 1 (1 of 2 in a \
                 row), restarted 2 of 3 times, next check in 7 s",
            ),
            (
                ResourceState::Running,
                Some(broken),
                "running for 1 min 1 s, checked 3.0 s ago in 12 ms: the check cannot be made: exit code 1, next \
                 check in 7 s",
            ),
            (ResourceState::Restarting, None, "restarting for 1 min 1 s"),
            (
                ResourceState::Blocked,
                Some(CheckReport { last_ms: Some(1), took_ms: Some(1), ..CheckReport::default() }),
                "blocked for 1 min 1 s, checked 1 ms ago in 1 ms\n      left alone; after fixing the cause: hb \
                 clear 10.0.0.9",
            ),
        ] {
            let before = if text.is_empty() { "" } else { "\n    nginx: " };
            assert_eq!(lines(&report(state, check)), format!("{before}{text}"));
        }
    }
}
