//! Event scripts, the FIFO, and programs whose end restarts the machine.

use crate::play::{play, play_with};
use crate::{LIMIT, Outcome, owned_by, pair, print_gap, systole};
use std::path::Path;
use std::time::{Duration, Instant};
use systole_lab::{ClusterConfig, Lab, LabError, Node};

/// What administrators write: a line for somebody to read.
const NOTIFY: &str = "#!/bin/sh\necho \"$1 $HA_src $HA_st\" >>/var/log/events\n\
     echo \"$HA_st: $HA_CURHOST is $HA_OSTATUS\" >>/var/log/events\n";
const ALERT: &str = "#!/bin/sh\necho \"$HA_t $HA_src: $HA_text\" >>/var/log/events\n";
/// Where the package heartbeat has its programs.
const PROGRAMS: &str = "/usr/share/heartbeat";

/// Writes a script of `rc.d` on both nodes.
fn script(lab: &Lab, name: &str, text: &str) -> Result<(), LabError> {
    for node in Node::ALL {
        lab.write_file(node, &format!("etc/ha.d/rc.d/{name}"), text)?;
    }
    Ok(())
}

/// Hides the programs of the package heartbeat, if the host has it: otherwise the scripts that call them do
/// not run.
fn hide_package(lab: &Lab, node: Node) -> Outcome {
    if Path::new(PROGRAMS).is_dir() {
        let hidden = lab.run(node, &["mount", "-t", "tmpfs", "none", PROGRAMS])?;
        assert!(hidden.success(), "{}", hidden.stderr);
    }
    Ok(())
}

/// Waits until the scripts of a node have written a line.
fn told(lab: &Lab, node: Node, line: &str) -> Result<(), LabError> {
    let wait = lab.wait_for(&format!("{node} is told `{line}`"), LIMIT, || {
        lab.read_file(node, "var/log/events").lines().any(|told| told == line)
    });
    wait.map(drop).inspect_err(|_| println!("{}", lab.read_file(node, "var/log/events")))
}

/// Writes a message into the FIFO of a node, as scripts do.
fn write(lab: &Lab, node: Node, message: &str) -> Outcome {
    let command = format!("cat >/var/lib/heartbeat/fifo <<EOF\n>>>\n{message}\n<<<\nEOF\n");
    let written = lab.run(node, &["timeout", "10", "sh", "-c", &command])?;
    assert!(written.success(), "{}", written.stderr);
    Ok(())
}

#[test]
fn status_script_is_called_at_death_and_return_of_node() -> Outcome {
    let prepare = |lab: &Lab| {
        script(lab, "status", NOTIFY)?;
        hide_package(lab, Node::Web2)
    };
    play_with(&ClusterConfig::default(), prepare, |lab| {
        told(lab, Node::Web2, "status web1 active")?;
        lab.power_off(Node::Web1)?;
        owned_by(lab, Node::Web2)?;
        told(lab, Node::Web2, "status web1 dead")?;
        told(lab, Node::Web2, "dead: web2 is active")?;
        lab.run(Node::Web2, &["rm", "/var/log/events"])?;
        lab.power_on(Node::Web1)?;
        lab.start_daemon(Node::Web1)?;
        told(lab, Node::Web2, "status web1 active")?;
        if Path::new(PROGRAMS).join("mach_down").is_file() {
            let why = ["rc.d/status is not run: it may start groups through"];
            lab.wait_for_log(Node::Web1, &why)?;
            assert_eq!(lab.read_file(Node::Web1, "var/log/events"), "");
        }
        Ok(())
    })
}

#[test]
fn message_of_administrator_calls_scripts_of_both_nodes() -> Outcome {
    let prepare = |lab: &Lab| Ok(script(lab, "alert", ALERT)?);
    play_with(&ClusterConfig::default(), prepare, |lab| {
        write(lab, Node::Web1, "t=alert\ntext=the disk $HOME is `full`")?;
        write(lab, Node::Web1, "t=alert\ntext=for one node\ndest=web2")?;
        // The last one for web2 shows that web1 was not called for the one before.
        write(lab, Node::Web1, "t=alert\ntext=end")?;
        for node in Node::ALL {
            told(lab, node, "alert web1: end")?;
        }
        let one = "alert web1: for one node\n";
        assert!(lab.read_file(Node::Web2, "var/log/events").contains(one));
        assert!(!lab.read_file(Node::Web1, "var/log/events").contains(one));
        write(lab, Node::Web1, "t=resource\nrsc_hold=all\nisstable=1")?;
        let why = "fifo refused: resource: only daemons send messages of this type";
        lab.wait_for_log(Node::Web1, &[why])?;
        lab.stop_daemon(Node::Web1)?;
        let left = lab.run(Node::Web1, &["ls", "/var/lib/heartbeat"])?.stdout;
        assert!(!left.contains("fifo"), "a script would wait: {left}");
        Ok(())
    })
}

#[test]
fn standby_in_fifo_moves_groups_and_is_in_journal() -> Outcome {
    play(&ClusterConfig::default(), |lab| {
        let ready = ["systole"];
        lab.wait_for_answer(Node::Web1, &["hb", "status"], &ready)?;
        write(lab, Node::Web1, "t=ask_resources\nrsc_hold=all\ninfo=me")?;
        owned_by(lab, Node::Web2)?;
        let who = "root (through the FIFO) ordered: standby [all]";
        lab.wait_for_answer(Node::Web1, &["hb", "why"], &[who])?;
        write(lab, Node::Web1, "t=hb_takeover\nrsc_hold=local")?;
        owned_by(lab, Node::Web1)?;
        lab.power_off(Node::Web2)?;
        lab.wait_for_log(Node::Web1, &["WARN: node web2: is dead"])?;
        write(lab, Node::Web1, "t=ask_resources\nrsc_hold=local\ninfo=me")?;
        lab.wait_for_log(Node::Web1, &["fifo refused: standby [local]: "])?;
        Ok(())
    })
}

#[test]
fn hanging_script_delays_no_takeover() -> Outcome {
    let prepare = |lab: &Lab| {
        script(lab, "status", "#!/bin/sh\necho $HA_st >>/var/log/events\nexec sleep 1000\n")?;
        hide_package(lab, Node::Web2)
    };
    play_with(&ClusterConfig::default(), prepare, |lab| {
        let events = || lab.read_file(Node::Web2, "var/log/events");
        lab.wait_for("the script hangs", LIMIT, || events().ends_with('\n'))?;
        let first = events();
        let since = Instant::now();
        lab.power_off(Node::Web1)?;
        owned_by(lab, Node::Web2)?;
        print_gap(lab, "takeover beside a hanging script", since, Duration::from_millis(1500));
        assert_eq!(events(), first, "one at a time");
        Ok(())
    })
}

#[test]
fn killed_failfast_program_restarts_machine_and_other_node_takes_over() -> Outcome {
    let extra = vec!["failfast root /etc/ha.d/guard first".to_owned()];
    let config = ClusterConfig { extra, ..ClusterConfig::default() };
    let prepare = |lab: &Lab| {
        let text = "#!/bin/sh\necho $$ >/run/guard.pid\nexec sleep 1000\n";
        for node in Node::ALL {
            lab.write_file(node, "etc/ha.d/guard", text)?;
        }
        Ok(())
    };
    play_with(&config, prepare, |lab| {
        let kill = "kill -9 $(cat /run/guard.pid)";
        lab.wait_for("the program runs", LIMIT, || {
            lab.run(Node::Web1, &["test", "-s", "/run/guard.pid"]).is_ok_and(|it| it.success())
        })?;
        // The command may be killed with the machine.
        let _ = lab.run(Node::Web1, &["sh", "-c", kill]);
        owned_by(lab, Node::Web2)?;
        assert_eq!(lab.read_file(Node::Web1, "var/log/power"), "/etc/ha.d/guard first\n");
        let line = "EMERG: Rebooting system.  Reason: /etc/ha.d/guard first";
        assert!(lab.log(Node::Web1).contains(line), "{}", lab.log(Node::Web1));
        Ok(())
    })
}

/// The init script of the package, and the programs that it calls.
const INIT: &str = include_str!("../../../../pkg/init.d/heartbeat");

#[test]
fn init_script_answers_as_that_of_heartbeat_and_calls_startstop() -> Outcome {
    let Some(lab) = pair(ClusterConfig::default(), [systole(), systole()])? else { return Ok(()) };
    let node = Node::Web1;
    lab.write_file(node, "etc/init.d/heartbeat", INIT)?;
    let hook = "#!/bin/sh\necho \"$*\" >>/var/log/startstop\n";
    lab.write_file(node, "etc/ha.d/resource.d/startstop", hook)?;
    let service = |verb: &str| {
        let command = "HEARTBEAT=$(command -v heartbeat) HB=$(command -v hb) /etc/init.d/heartbeat";
        lab.run(node, &["sh", "-c", &format!("{command} {verb}")])
    };
    let usage = "Usage: /etc/init.d/heartbeat {start|stop|status|restart|reload|force-reload}\n";
    let table = [
        ("status", 3, "heartbeat is stopped. No process\n"),
        ("standby", 1, "Heartbeat is not currently running.\n"),
        ("start", 0, "Starting High-Availability services: Done.\n"),
        ("reload", 0, "Reloading High-Availability services: Done.\n"),
        ("force-reload", 0, "Reloading High-Availability services: Done.\n"),
        ("bogus", 1, usage),
        ("stop", 0, "Stopping High-Availability services: Done.\n"),
        ("stop", 0, "Stopping High-Availability services: Done.\n"),
    ];
    for (verb, code, text) in table {
        let said = service(verb)?;
        assert_eq!(
            (said.code, said.stdout.as_str()),
            (Some(code), text),
            "{verb}: {}",
            said.stderr
        );
    }
    let hooks = "pre-start\npost-start 0\npre-stop\npost-stop 0\npre-stop\npost-stop 0\n";
    assert_eq!(lab.read_file(node, "var/log/startstop"), hooks);

    let lines = lab.read_file(node, "etc/ha.d/ha.cf");
    lab.write_file(node, "etc/ha.d/ha.cf", &format!("{lines}deadtim 3\n"))?;
    let said = service("start")?;
    assert_eq!(said.code, Some(6));
    assert!(said.stdout.ends_with(" Heartbeat failure [rc=6]. Failed.\n"), "{}", said.stdout);
    assert!(said.stderr.contains("deadtim"), "{}", said.stderr);
    assert!(lab.read_file(node, "var/log/startstop").ends_with("pre-start\npost-start 6\n"));
    lab.write_file(node, "etc/ha.d/ha.cf", &lines)?;

    for node in Node::ALL {
        lab.start_daemon(node)?;
    }
    owned_by(&lab, node)?;
    lab.wait_for_answer(node, &["hb", "status"], &["systole"])?;
    let said = service("standby")?;
    let text = "auto_failback: on\nAttempting to enter standby modeDone.\n";
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), text), "{}", said.stderr);
    owned_by(&lab, Node::Web2)?;
    lab.run(node, &["rm", "/etc/ha.d/ha.cf"])?;
    let said = service("status")?;
    let text =
        "Heartbeat not configured: /etc/ha.d/ha.cf not found. Heartbeat failure [rc=1]. Failed.\n";
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), text));
    Ok(())
}
