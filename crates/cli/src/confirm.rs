//! `hb confirm-dead`: the administrator acts in place of a fencing device.

use crate::daemon::{ask_daemon, refuse};
use crate::order::give;
use crate::{complain, exit, print};
use std::io;
use std::path::Path;
use systole_core::{GroupReport, GuardReport, NodeReport, OrderRefusal};
use systole_ipc::order::Order;
use systole_ipc::protocol::{Request, Response};
use systole_ipc::texts;

/// The answer that confirms.
const YES: &str = "yes";

/// Has the daemon consider a silent node dead, after asking unless `is_sure`.
pub(crate) fn run(run: &Path, node: &str, is_sure: bool) -> u8 {
    let node = node.to_ascii_lowercase();
    let answers = match refuse_heard(run, &node) {
        Ok(answers) => answers,
        Err(code) => return code,
    };
    for sentence in &answers {
        print(&format!("WARNING: {sentence}: {node} is probably ON.\n"));
    }
    if !is_sure && !asks(&node) {
        print("nothing was done\n");
        return exit::REFUSED;
    }
    give(run, Order::ConfirmDead(node))
}

/// Refuses without asking if the node is heard, because the daemon would refuse whatever the answer is. Returns what
/// speaks against the death of the node.
fn refuse_heard(run: &Path, node: &str) -> Result<Vec<String>, u8> {
    let status = match ask_daemon(run, &Request::Status) {
        Ok(Response::Status(status)) => status,
        Ok(other) => return Err(refuse(&other)),
        Err(code) => return Err(code),
    };
    if status.snapshot.nodes.iter().any(|report| is_heard(report, node)) {
        complain(&format!("refused: {}", texts::order_refusal(OrderRefusal::NotDead)));
        return Err(exit::REFUSED);
    }
    let guards =
        status.snapshot.groups.iter().filter_map(|group| Some((group, group.guard.as_ref()?)));
    let against = guards.filter(|(_, guard)| guard.node.as_deref().is_none_or(|it| it == node));
    let sentence = |(group, guard): (&GroupReport, &GuardReport)| {
        let answers = texts::address_answers(&guard.mac, guard.node.as_deref());
        format!("{answers} {}", group.name)
    };
    Ok(against.map(sentence).collect())
}

fn is_heard(report: &NodeReport, node: &str) -> bool {
    report.name == node && report.silence_ms.is_some() && report.status != "dead"
}

fn asks(node: &str) -> bool {
    print(&format!(
        "If {node} still runs anything, data will be damaged when this node takes it over.\n\
         Have you checked that {node} is switched off, or cut off from everything that it shares \
         with this node?\nType `{YES}` to continue: "
    ));
    let mut answer = String::new();
    // Without an input there is no confirmation.
    io::stdin().read_line(&mut answer).is_ok() && answer.trim() == YES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_dead_or_never_heard_does_not_count_as_heard() {
        let mut report = NodeReport {
            name: "web2".to_owned(),
            status: "active".to_owned(),
            daemon: "systole".to_owned(),
            silence_ms: Some(120),
            deadtime_ms: 650,
            links: Vec::new(),
            ..NodeReport::default()
        };
        assert!(is_heard(&report, "web2") && !is_heard(&report, "web1"));
        report.status = "dead".to_owned();
        assert!(!is_heard(&report, "web2"));
        (report.status, report.silence_ms) = ("init".to_owned(), None);
        assert!(!is_heard(&report, "web2"), "it was never heard");
    }
}
