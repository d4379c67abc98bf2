//! Systole processes that are killed, and a program that is replaced.

use crate::{LIMIT, Outcome, config, install, never_two, owned_by, play, print_gap, readme, sh};
use std::time::Instant;
use systole_lab::{ClusterConfig, Lab, Node};

/// Returns the process of the service, which no test here may end.
fn service(lab: &Lab) -> Result<String, Box<dyn std::error::Error>> {
    sh(lab, Node::Web1, "systemctl show --property=MainPID --value nginx")
}

/// Waits until systemd reports that the unit runs, and until no job of the unit is in progress.
fn runs(lab: &Lab) -> Outcome {
    lab.wait_for("the unit runs again", LIMIT, || {
        let ask = "systemctl is-active --quiet heartbeat && hb status | grep -q 'active on web1'";
        sh(lab, Node::Web1, ask).is_ok()
    })?;
    owned_by(lab, Node::Web1)?;
    Ok(())
}

#[test]
fn killed_processes_come_back_and_service_keeps_running() -> Outcome {
    let extra = vec!["respawn root /bin/sleep 100000".to_owned()];
    play(ClusterConfig { extra, ..config() }, |lab| {
        install::pair(lab)?;
        runs(lab)?;
        let before = service(lab)?;
        let victims = [
            ("the daemon", "kill -9 $(systemctl show --property=MainPID --value heartbeat)"),
            ("the executor", "kill -9 $(pgrep -f '^heartbeat: executor')"),
            ("the clients", "kill -9 $(pgrep -f '^/proc/self/exe --role clients')"),
            (
                "all of them",
                "kill -9 $(pgrep -f '^heartbeat: |^/usr/libexec/heartbeat/heartbeat|^/proc/self/exe --role')",
            ),
        ];
        for (what, kill) in victims {
            let since = Instant::now();
            sh(lab, Node::Web1, kill)?;
            runs(lab)?;
            print_gap(lab, &format!("kill -9 of {what}"), since);
            never_two(lab, since);
            assert_eq!(service(lab)?, before, "the service went on");
            lab.wait_for("the program of respawn runs again", LIMIT, || {
                sh(lab, Node::Web1, "pgrep -f '^/bin/sleep 100000'").is_ok()
            })?;
        }
        assert_eq!(lab.system_state(Node::Web1)?, ("running".to_owned(), String::new()));
        Ok(())
    })
}

#[test]
fn upgrade_and_reload_keep_service_running_and_unit_restart_recovers() -> Outcome {
    play(config(), |lab| {
        install::pair(lab)?;
        runs(lab)?;
        let before = service(lab)?;
        let since = Instant::now();
        let programs = readme::installation();
        let programs: String = programs.lines().take(2).map(|line| format!("{line}\n")).collect();
        sh(lab, Node::Web1, &format!("cd {}\n{programs}hb restart", install::TREE))?;
        runs(lab)?;
        let replaced = sh(lab, Node::Web1, "readlink /proc/[0-9]*/exe | grep heartbeat")?;
        assert!(!replaced.contains("deleted"), "{replaced}");
        print_gap(lab, "upgrade", since);
        assert_eq!(service(lab)?, before, "the service went on");

        let since = Instant::now();
        sh(lab, Node::Web1, "systemctl reload heartbeat")?;
        runs(lab)?;
        print_gap(lab, "systemctl reload", since);
        assert_eq!(service(lab)?, before, "the service went on");

        let since = Instant::now();
        sh(lab, Node::Web1, "systemctl restart heartbeat")?;
        runs(lab)?;
        print_gap(lab, "systemctl restart", since);
        never_two(lab, since);
        Ok(())
    })
}

/// Nothing is checked within the time of this test but for the end of the main process.
#[test]
fn killed_unit_is_restarted_at_once_and_unit_restarted_by_hand_is_left_alone() -> Outcome {
    let extra = vec!["monitor default every 10m".to_owned()];
    play(ClusterConfig { extra, ..config() }, |lab| {
        install::pair(lab)?;
        runs(lab)?;
        let restarted = |command: &str| -> Result<(), Box<dyn std::error::Error>> {
            let (before, since) = (service(lab)?, Instant::now());
            sh(lab, Node::Web1, command)?;
            lab.wait_for("another main process serves", LIMIT, || {
                service(lab).is_ok_and(|now| now.trim() != "0" && now != before)
            })?;
            owned_by(lab, Node::Web1)?;
            println!("{command}: another main process serves after {:?}", since.elapsed());
            Ok(())
        };
        restarted("kill -9 $(systemctl show --property=MainPID --value nginx)")?;
        let wanted = ["nginx: running for", "restarted 1 of 3 times"];
        lab.wait_for_answer(Node::Web1, &["hb", "status"], &wanted)?;
        restarted("systemctl restart nginx")?;
        // The check after the grace finds it well.
        let wanted = ["nginx: running for", " ago in ", "restarted 1 of 3 times"];
        lab.wait_for_answer(Node::Web1, &["hb", "status"], &wanted)?;
        Ok(())
    })
}
