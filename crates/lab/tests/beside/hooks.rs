//! Event scripts and the FIFO beside a C node.

use crate::{LIMIT, Outcome, pair, print_logs, start, systole};
use std::collections::BTreeSet;
use systole_lab::{ClusterConfig, Daemon, Lab, LabError, Node};

/// Writes down the variables of its event, whose order and values are the same on every node.
const DUMP: &str = "#!/bin/sh\n{ for name in t src dest st text node ifname info dt protocol; do\n\
                    eval \"[ -z \\\"\\${HA_$name+x}\\\" ] || printf '%s ' \\\"$name=\\$HA_$name\\\"\"\n\
                    done; echo; } >>/var/log/events\n";

/// Writes down the names of all variables.
const NAMES: &str = "#!/bin/sh\nenv | sed -n 's/^\\(HA_[^=]*\\|OCF_[^=]*\\|PATH\\)=.*/\\1/p' | sort \
                     >/var/log/names.new\nmv /var/log/names.new /var/log/names\n";
/// The signature of a message, which a Systole node gives no script.
const LEFT_OUT: &str = "HA_auth";

/// Returns the names of the variables that a script got on a node.
fn variables(lab: &Lab, node: Node) -> Result<BTreeSet<String>, LabError> {
    let names = || lab.read_file(node, "var/log/names");
    lab.wait_for("a script has written the names", LIMIT, || !names().is_empty())?;
    Ok(names().lines().map(str::to_owned).collect())
}

/// Waits until the scripts of a node have written a line.
fn told(lab: &Lab, node: Node, line: &str) -> Result<(), LabError> {
    let events = || lab.read_file(node, "var/log/events");
    let wait = lab.wait_for(&format!("{node} is told `{line}`"), LIMIT, || {
        events().lines().any(|told| told.trim_end() == line)
    });
    wait.map(drop).inspect_err(|_| println!("--- events on {node}\n{}", events()))
}

fn write(lab: &Lab, node: Node, message: &str) -> Outcome {
    let command = format!("printf '>>>\\n{message}\\n<<<\\n' >/var/lib/heartbeat/fifo");
    let written = lab.run(node, &["timeout", "10", "sh", "-c", &command])?;
    assert!(written.success(), "{}", written.stderr);
    Ok(())
}

fn talk(lab: &Lab) -> Outcome {
    for node in Node::ALL {
        for (name, text) in [("alert", DUMP), ("ifstat", DUMP), ("names", NAMES)] {
            lab.write_file(node, &format!("etc/ha.d/rc.d/{name}"), text)?;
        }
    }
    start(lab)?;
    told(lab, Node::Web1, "t=ifstat st=up node=web2 ifname=eth0")?;
    told(lab, Node::Web2, "t=ifstat st=up node=web1 ifname=eth0")?;
    for (sender, other) in [(Node::Web1, Node::Web2), (Node::Web2, Node::Web1)] {
        write(lab, sender, "t=alert\\ntext=to all, it is 5 > 4\\ninfo=x y")?;
        let line = format!("t=alert src={sender} text=to all, it is 5 > 4 info=x y");
        told(lab, sender, &line)?;
        told(lab, other, &line)?;
        write(lab, sender, &format!("t=alert\\ntext=to one\\ndest={other}"))?;
        told(lab, other, &format!("t=alert src={sender} dest={other} text=to one"))?;
        let own = lab.read_file(sender, "var/log/events");
        assert!(!own.contains(&format!("src={sender} dest=")), "{own}");
    }
    // Each node gets it from the other one.
    for other in Node::ALL {
        write(lab, other.other(), &format!("t=names\\ndest={other}"))?;
    }
    let [ours, classic] = [variables(lab, Node::Web1)?, variables(lab, Node::Web2)?];
    let missing: Vec<&String> = classic.difference(&ours).collect();
    assert_eq!(missing, [LEFT_OUT], "only on a C node");
    let more: Vec<&String> = ours.difference(&classic).collect();
    println!("only on a Systole node: {more:?}");

    // The script of the package writes into our FIFO.
    let ordered = lab.run(Node::Web1, &["/usr/share/heartbeat/hb_standby", "all"])?;
    assert!(ordered.success(), "{}", ordered.stderr);
    lab.wait_for_owner(Node::Web2, LIMIT)?;
    lab.power_off(Node::Web2)?;
    told(lab, Node::Web1, "t=ifstat st=dead node=web2 ifname=eth0")?;
    Ok(())
}

#[test]
fn message_of_administrator_calls_same_scripts_beside_c_node() -> Outcome {
    let Some(lab) = pair(ClusterConfig::default(), [systole(), Daemon::Classic])? else {
        return Ok(());
    };
    talk(&lab).inspect_err(|_| print_logs(&lab))
}
