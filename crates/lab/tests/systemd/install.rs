//! The installation of the README, followed exactly.

use crate::{Outcome, owned_by, play, readme, sh};
use systole_lab::{ClusterConfig, Lab, LabError, Node};

/// Where a node finds the tree, as if it had been built there.
pub(crate) const TREE: &str = "/usr/src/systole";

/// Installs the programs of Systole on a node as the README says.
pub(crate) fn programs(lab: &Lab, node: Node) -> Outcome {
    sh(lab, node, &format!("cd {TREE}\n{}", readme::installation()))?;
    // The README: nothing else may start the service.
    sh(lab, node, "systemctl disable --quiet --now nginx")?;
    Ok(())
}

/// Gives a node the laboratory's three files.
pub(crate) fn files(lab: &Lab, node: Node) -> Result<(), LabError> {
    lab.write_file(node, "etc/ha.d/ha.cf", &lab.config().ha_cf(node))?;
    lab.write_file(node, "etc/ha.d/haresources", &lab.config().haresources())?;
    lab.write_file(node, "etc/ha.d/authkeys", &lab.config().keys)
}

/// Installs and starts the laboratory's pair, and waits until web1 serves.
pub(crate) fn pair(lab: &Lab) -> Outcome {
    pair_with(lab, |_| Ok(()))
}

/// The same as [`pair`], with preparations on each node before its daemon is started.
pub(crate) fn pair_with(lab: &Lab, prepare: impl Fn(Node) -> Outcome) -> Outcome {
    for node in Node::ALL {
        programs(lab, node)?;
        prepare(node)?;
        files(lab, node)?;
    }
    for node in Node::ALL {
        sh(lab, node, "systemctl enable --quiet --now heartbeat")?;
    }
    owned_by(lab, Node::Web1)?;
    Ok(())
}

#[test]
fn readme_instructions_install_a_serving_pair() -> Outcome {
    play(ClusterConfig::default(), |lab| {
        for node in Node::ALL {
            programs(lab, node)?;
            let ha_cf = match node {
                Node::Web1 => readme::file("ha.cf"),
                Node::Web2 => readme::file("ha.cf")
                    .replace("ucast eth0 192.168.122.22", "ucast eth0 192.168.122.20"),
            };
            lab.write_file(node, "etc/ha.d/ha.cf", &ha_cf)?;
            lab.write_file(node, "etc/ha.d/haresources", &readme::file("haresources"))?;
            lab.write_file(node, "etc/ha.d/authkeys", &readme::file("authkeys"))?;
        }
        let mut commands = readme::commands().into_iter();
        for command in commands.by_ref().take(2) {
            for node in Node::ALL {
                println!("{command}: {}", sh(lab, node, &command)?);
            }
        }
        owned_by(lab, Node::Web1)?;
        let mut owner = Node::Web1;
        for command in commands {
            println!("{command}: {}", sh(lab, Node::Web1, &command)?);
            owner = match command.split(' ').nth(2) {
                Some("standby") => Node::Web2,
                Some("takeover") => Node::Web1,
                _ => owner,
            };
            owned_by(lab, owner)?;
        }
        // The log continues in a new file.
        sh(
            lab,
            Node::Web1,
            "logrotate --force /etc/logrotate.d/heartbeat; test -e /var/log/ha-log.1",
        )?;
        owned_by(lab, owner)?;
        // Commands of heartbeat are names of `hb`.
        assert_eq!(sh(lab, Node::Web1, "cl_status nodestatus web2")?, "active\n");
        // The running programs are the installed ones, and systemd has no complaints about the unit file.
        let verified =
            sh(lab, Node::Web2, "systemd-analyze verify --man=no heartbeat.service 2>&1")?;
        assert_eq!(verified, "");
        for node in Node::ALL {
            assert_eq!(lab.system_state(node)?, ("running".to_owned(), String::new()), "{node}");
        }
        Ok(())
    })
}
