//! A daemon restarts again and again while one of its agents starts: nothing moves, and the agent is called
//! once.

use crate::agent::{GROUP, beside_the_service, install, verbs};
use crate::play::play_with;
use crate::watched::watched;
use crate::{LIMIT, Outcome, nobody_else_answered, print_gap};
use std::net::IpAddr;
use std::thread::{scope, sleep};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use systole_core::Random;
use systole_lab::{Failback, Lab, LabError, Node};

/// How often the daemon restarts.
const TIMES: u32 = 20;
/// The longest time between two restarts. All of them happen within the start of the agent.
const PAUSE_MAX: Duration = Duration::from_millis(600);
/// The minimum time that the start of the agent takes.
const START: Duration = Duration::from_secs(15);
/// Ignores the request to end, and keeps starting until it is allowed to finish.
const SLOW_START: &str = "#!/bin/sh\ntrap '' TERM\ncase $1 in\n\
    start) echo start >>/var/log/agent; while [ ! -e /var/tmp/go ]; do sleep 0.1; done; \
           touch /run/slow ;;\n\
    stop) echo stop >>/var/log/agent; rm -f /run/slow ;;\n\
    status) [ -e /run/slow ] && echo running || echo stopped ;;\nesac\n";

/// Keeps stopping until it is allowed to finish.
const SLOW_STOP: &str = "#!/bin/sh\ncase $1 in\n\
    start) echo start >>/var/log/agent; touch /run/slow ;;\n\
    stop) echo stop >>/var/log/agent; \
          while [ -e /run/slow ] && [ ! -e /var/tmp/go ]; do sleep 0.1; done; rm -f /run/slow ;;\n\
    status) [ -e /run/slow ] && echo running || echo stopped ;;\nesac\n";

/// Returns the seed of the moments: that of the environment, or another one each time.
fn seed() -> u64 {
    let given = std::env::var("SYSTOLE_SEED").ok().and_then(|text| text.parse().ok());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    given.unwrap_or_else(|| u64::from(now.subsec_nanos()))
}

/// How a daemon is made to restart.
#[derive(Debug, Clone, Copy)]
enum Way {
    Restart,
    Kill,
    Reload,
}

impl Way {
    fn any(random: &mut Random) -> Self {
        match random.below(3) {
            0 => Self::Restart,
            1 => Self::Kill,
            _ => Self::Reload,
        }
    }

    /// `number` distinguishes one configuration from the other.
    fn take(self, lab: &Lab, node: Node, number: u32) -> Result<(), LabError> {
        match self {
            Self::Restart => {
                let told = lab.run(node, &["hb", "restart"])?;
                assert!(told.success(), "{told:?}");
                let waits = format!("{GROUP} stays on this node and waits: ");
                assert!(told.stdout.contains(&waits), "{told:?}");
            }
            Self::Kill => {
                lab.kill_daemon(node)?;
                lab.start_daemon(node)?;
            }
            Self::Reload => {
                // The form of messages cannot be changed while a daemon runs.
                let text = lab.config().ha_cf(node) + &format!("hopfudge {}\n", 2 + number);
                lab.write_file(node, "etc/ha.d/ha.cf", &text)?;
                let told = lab.run(node, &["hb", "reload"])?;
                assert!(told.success() && told.stdout.contains("restarts itself"), "{told:?}");
            }
        }
        Ok(())
    }
}

fn starts(lab: &Lab, node: Node) -> usize {
    lab.log(node).matches("Heartbeat generation: ").count()
}

/// Restarts the daemon at moments that the seed chooses; each time after the previous daemon has started.
fn start_anew(lab: &Lab, node: Node) -> Result<(), LabError> {
    let seed = seed();
    println!("the moments are those of SYSTOLE_SEED={seed}");
    let mut random = Random::new(seed);
    for number in 1..=TIMES {
        let most = u64::try_from(PAUSE_MAX.as_millis()).unwrap_or(u64::MAX);
        let pause = Duration::from_millis(random.below(most));
        let (way, before) = (Way::any(&mut random), starts(lab, node));
        println!("{number}: after {pause:?} {way:?}");
        sleep(pause);
        way.take(lab, node, number)?;
        lab.wait_for("it starts anew", LIMIT, || starts(lab, node) > before)?;
        let answers = || lab.status(node).is_some();
        lab.wait_for("it answers", LIMIT, answers)?;
    }
    Ok(())
}

#[test]
fn daemon_restarting_while_agent_starts_moves_nothing() -> Outcome {
    let config = beside_the_service("slow", Failback::Off);
    play_with(
        &config,
        |lab| install(lab, "slow", SLOW_START),
        |lab| {
            let (web1, web2) = (Node::Web1, Node::Web2);
            lab.wait_for("its agent starts", LIMIT, || verbs(lab, web1) == "start\n")?;
            let since = Instant::now();
            let addresses = [lab.config().address, IpAddr::from([192, 168, 122, 101])];
            let seen = watched(lab, &addresses, || {
                start_anew(lab, web1)?;
                println!("{TIMES} starts in {:?}", since.elapsed());
                sleep(START.saturating_sub(since.elapsed()));
                lab.write_file(web1, "var/tmp/go", "")?;
                lab.wait_for("it runs", LIMIT, || {
                    let groups = lab.status(web1).map(|status| status.groups).unwrap_or_default();
                    groups.iter().any(|it| it.name == GROUP && it.phase == "active")
                })?;
                Ok(())
            })?;
            for it in &seen {
                it.stayed_with(web1);
            }
            assert_eq!(verbs(lab, web1), "start\n", "it is started once, and not stopped");
            assert_eq!(verbs(lab, web2), "", "nobody else takes it");
            nobody_else_answered(lab, since);
            print_gap(lab, "twenty daemons", since, Duration::from_millis(50));
            Ok(())
        },
    )
}

/// A successor would start again what is being stopped, and the client that gave the order would get no
/// answer.
#[test]
fn daemon_restart_and_reload_during_hand_over_are_refused() -> Outcome {
    let config = beside_the_service("slow", Failback::Off);
    play_with(
        &config,
        |lab| install(lab, "slow", SLOW_STOP),
        |lab| {
            let (web1, web2) = (Node::Web1, Node::Web2);
            lab.wait_for("it runs", LIMIT, || is_active_on(lab, web1))?;
            scope(|scope| {
                let order = scope.spawn(|| lab.run(web1, &["hb", "standby"]));
                lab.wait_for("it stops", LIMIT, || verbs(lab, web1).ends_with("stop\n"))?;
                for (number, node) in [(1, web1), (2, web2)] {
                    let restart = lab.run(node, &["hb", "restart"])?;
                    let text = lab.config().ha_cf(node) + &format!("hopfudge {}\n", 2 + number);
                    lab.write_file(node, "etc/ha.d/ha.cf", &text)?;
                    let reload = lab.run(node, &["hb", "reload"])?;
                    for told in [restart, reload] {
                        let text = format!("{told:?}");
                        assert!(
                            told.code == Some(1) && text.contains("a hand-over is in progress"),
                            "{text}"
                        );
                    }
                }
                lab.write_file(web1, "var/tmp/go", "")?;
                let order = order.join().expect("it does not panic")?;
                assert!(order.success(), "{order:?}");
                lab.wait_for("it has moved", LIMIT, || is_active_on(lab, web2))?;
                assert_eq!(verbs(lab, web1), "start\nstop\n");
                let told = lab.run(web1, &["hb", "restart"])?;
                assert!(told.success(), "{told:?}");
                Ok(())
            })
        },
    )
}

fn is_active_on(lab: &Lab, node: Node) -> bool {
    let groups = lab.status(node).map(|status| status.groups).unwrap_or_default();
    let name = node.to_string();
    groups.iter().any(|it| {
        it.name == GROUP && it.phase == "active" && it.owner.as_deref() == Some(name.as_str())
    })
}
