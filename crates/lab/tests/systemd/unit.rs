//! The settings of the unit file.

use crate::{LIMIT, Outcome, config, install, owned_by, play, sh};
use systole_lab::Node;

#[test]
fn unit_with_wrong_configuration_is_not_restarted_repeatedly() -> Outcome {
    play(config(), |lab| {
        install::pair(lab)?;
        let limits = "systemctl show --property=TasksMax,LimitNOFILE --value heartbeat";
        assert_eq!(sh(lab, Node::Web1, limits)?, "infinity\n524288\n");

        let text = lab.read_file(Node::Web2, "etc/ha.d/ha.cf");
        lab.write_file(Node::Web2, "etc/ha.d/ha.cf", &format!("{text}deadtim 3\n"))?;
        // The files are read first: the running daemon continues.
        sh(lab, Node::Web2, "! systemctl reload heartbeat && systemctl is-active heartbeat")?;
        sh(lab, Node::Web2, "! systemctl restart heartbeat")?;
        let ended = "systemctl show --property=NRestarts,ExecMainStatus,ActiveState heartbeat";
        assert_eq!(
            sh(lab, Node::Web2, ended)?,
            "NRestarts=0\nExecMainStatus=6\nActiveState=failed\n"
        );
        owned_by(lab, Node::Web1)?;

        lab.write_file(Node::Web2, "etc/ha.d/ha.cf", &text)?;
        sh(lab, Node::Web2, "systemctl start heartbeat")?;
        sh(lab, Node::Web1, "hb standby")?;
        owned_by(lab, Node::Web2)?;
        lab.wait_for("web1 is told", LIMIT, || {
            sh(lab, Node::Web1, "hb status | grep -q 'active on web2'").is_ok()
        })?;
        Ok(())
    })
}

#[test]
fn unit_calls_startstop_around_start_and_stop_but_not_after_death() -> Outcome {
    play(config(), |lab| {
        let hook = "#!/bin/sh\necho \"$*\" >>/var/log/startstop\nexit 1\n";
        install::pair_with(lab, |node| {
            Ok(lab.write_file(node, "etc/ha.d/resource.d/startstop", hook)?)
        })?;
        let called = |lines: &str| {
            lab.wait_for(&format!("the hook was called: {lines:?}"), LIMIT, || {
                lab.read_file(Node::Web1, "var/log/startstop") == lines
            })
        };
        let start = "pre-start\npost-start 0\n";
        called(start)?;
        sh(lab, Node::Web1, "systemctl kill --kill-whom=main --signal=KILL heartbeat")?;
        called(&start.repeat(2))?;
        sh(lab, Node::Web1, "systemctl stop heartbeat")?;
        called(&(start.repeat(2) + "pre-stop\npost-stop 0\n"))?;
        owned_by(lab, Node::Web2)?;
        Ok(())
    })
}

#[test]
fn hook_that_hangs_is_ended_and_daemon_continues() -> Outcome {
    play(config(), |lab| {
        let hook = "#!/bin/sh\ntest $1 != post-start || sleep 1000\n";
        install::pair_with(lab, |node| {
            let hangs = node == Node::Web1;
            let hook = if hangs { hook } else { "#!/bin/sh\n" };
            Ok(lab.write_file(node, "etc/ha.d/resource.d/startstop", hook)?)
        })?;
        let state = "systemctl show --property=NRestarts,ActiveState,SubState heartbeat";
        let running = "NRestarts=0\nActiveState=active\nSubState=running\n";
        assert_eq!(sh(lab, Node::Web1, state)?, running);
        sh(lab, Node::Web1, "! pgrep -x sleep")?;
        Ok(())
    })
}
