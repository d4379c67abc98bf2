//! `hb confirm-dead`: the administrator stands in for a fencing device.

use crate::{exit, order, print};
use std::io;
use std::path::Path;
use systole_node::control::protocol::Request;

/// The answer that means it.
const YES: &str = "yes";

/// Has the daemon take a silent node for dead, after asking unless `is_sure`.
pub(crate) fn run(run: &Path, node: &str, is_sure: bool) -> u8 {
    let node = node.to_ascii_lowercase();
    if !is_sure && !asks(&node) {
        print("nothing was done\n");
        return exit::REFUSED;
    }
    order::give(run, &Request::ConfirmDead { node })
}

fn asks(node: &str) -> bool {
    print(&format!(
        "If {node} still runs anything, data will be damaged when this node takes it over.\n\
         Have you seen that {node} is switched off, or that it is cut off from what it shares with \
         this node?\nType `{YES}` to go on: "
    ));
    let mut answer = String::new();
    // Without an input nobody says yes.
    io::stdin().read_line(&mut answer).is_ok() && answer.trim() == YES
}
