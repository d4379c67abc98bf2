//! An agent whose `status` forks without end, writes without end and ignores SIGTERM.
//!
//! The test itself limits it, so that the machine survives a product that does not end it: the processes have a
//! user of their own, who may have only so many, and they end with the namespaces of the lab.

use crate::watched::Over;
use crate::{LIMIT, Outcome, longest_gap, pair, systole};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};
use systole_lab::{Capture, ClusterConfig, Lab, Node, Stall};

/// The user of the forked processes, which no account has.
const USER: &str = "64321";
/// The most processes of that user.
const MOST: usize = 100;
/// How long a check may take.
const TIMEOUT: Duration = Duration::from_millis(1500);
/// The most memory by which the executor may grow, in KiB, and by which the log may, in bytes.
const MEMORY_MAX: u64 = 8 << 10;
const LOG_MAX: usize = 64 << 10;
/// Explodes once, when it is asked for its status while a file exists. All processes but the first write.
const SCRIPT: &str = "\
#!/bin/sh
case $1 in
start) echo start >>/var/log/starts; touch /run/bomb ;;
stop) rm -f /run/bomb ;;
status)
    if [ -e /var/tmp/fuse ]; then
        rm /var/tmp/fuse
        exec prlimit --nproc=%MOST% setpriv --reuid=%USER% --clear-groups perl -e '
            $SIG{TERM} = \"IGNORE\"; my $child;
            while (1) { my $pid = fork; $child ||= defined $pid && !$pid; print \"noise\\n\" x 99 if $child }'
    fi
    if [ -e /run/bomb ]; then echo running; else echo stopped; exit 3; fi ;;
esac
";

fn config() -> ClusterConfig {
    ClusterConfig {
        groups: vec!["web1 192.168.122.100/24/eth0 bomb".to_owned()],
        ipfail: false,
        deadtime: Duration::from_secs(4),
        warntime: Duration::from_secs(1),
        initdead: Duration::from_secs(8),
        extra: vec![format!("monitor bomb every 300ms timeout {}ms", TIMEOUT.as_millis())],
        ..ClusterConfig::default()
    }
}

/// Returns how many processes of the user there are.
fn forked(lab: &Lab) -> usize {
    let told = lab.run(Node::Web1, &["pgrep", "-c", "-U", USER]);
    told.ok().and_then(|told| told.stdout.trim().parse().ok()).unwrap_or_default()
}

/// Returns the peak memory of the executor in KiB.
fn memory(lab: &Lab) -> u64 {
    let script = "for pid in $(ls /proc | grep '^[0-9]'); do \
                  case $(tr '\\0' ' ' </proc/$pid/cmdline 2>/dev/null) in 'heartbeat: executor'*) \
                  sed -n 's/^VmHWM:[^0-9]*\\([0-9]*\\).*/\\1/p' /proc/$pid/status ;; esac; done";
    let told = lab.run(Node::Web1, &["sh", "-c", script]).expect("the node has power");
    told.stdout.trim().parse().unwrap_or_else(|_| panic!("no executor: {told:?}"))
}

/// Returns the longest time between two beats until the end.
fn longest_silence(sent: &Capture, over: &AtomicBool) -> Duration {
    let (mut last, mut count, mut longest) = (Instant::now(), 0, Duration::ZERO);
    while !over.load(Ordering::Acquire) {
        let now = sent.packets().len();
        longest = longest.max(last.elapsed());
        if now > count {
            (last, count) = (Instant::now(), now);
        }
        sleep(Duration::from_millis(5));
    }
    longest
}

/// Lights the fuse, and waits until the check is killed and the service is restarted.
fn explode(lab: &Lab) -> Outcome {
    lab.write_file(Node::Web1, "var/tmp/fuse", "")?;
    let mut most = 0;
    lab.wait_for("it forks", LIMIT, || {
        most = most.max(forked(lab));
        most > MOST / 2
    })?;
    let lit = Instant::now();
    lab.wait_for("no process is left", LIMIT, || forked(lab) == 0)?;
    let took = lit.elapsed();
    println!("{most} processes were gone {took:?} later (a check may take {TIMEOUT:?})");
    lab.wait_for_answer(Node::Web1, &["hb", "why"], &["took too long and was killed"])?;
    let wanted = ["bomb: running for", "restarted 1 of 3 times"];
    lab.wait_for_answer(Node::Web1, &["hb", "status"], &wanted)?;
    let starts = lab.read_file(Node::Web1, "var/log/starts").lines().count();
    assert_eq!((forked(lab), starts), (0, 2));
    Ok(())
}

#[test]
fn check_that_forks_and_writes_without_end_is_killed_whole_and_delays_no_beat() -> Outcome {
    let Some(lab) = pair(config(), [systole(), systole()])? else { return Ok(()) };
    let script = SCRIPT.replace("%MOST%", &MOST.to_string()).replace("%USER%", USER);
    for node in Node::ALL {
        lab.write_file(node, "etc/ha.d/resource.d/bomb", &script)?;
        lab.start_daemon(node)?;
    }
    lab.wait_for_answer(Node::Web1, &["hb", "status"], &["bomb: running for", " ago in "])?;
    let (memory_before, log_before) = (memory(&lab), lab.log(Node::Web1).len());
    let (sent, stall, since) = (lab.capture(Node::Web1)?, Stall::watch(), Instant::now());

    let over = AtomicBool::new(false);
    let (outcome, silence) = scope(|scope| {
        let beats = scope.spawn(|| longest_silence(&sent, &over));
        let end = Over(&over);
        let outcome = explode(&lab);
        drop(end);
        (outcome, beats.join().expect("counting does not panic"))
    });
    outcome.inspect_err(|_| println!("{}", lab.log(Node::Web1)))?;
    let longest = stall.longest();
    let gap = longest_gap(&lab, since);
    println!("between two beats: {silence:?}; the machine stood still for {longest:?}");
    println!("the client missed the address for {} ms", gap.as_millis());
    let usual = lab.config().keepalive + Duration::from_millis(300);
    assert!(silence < usual + longest, "a beat was {silence:?} after the last");
    assert!(!lab.log(Node::Web2).contains("is dead"), "{}", lab.log(Node::Web2));
    let grown = memory(&lab) - memory_before;
    let logged = lab.log(Node::Web1).len() - log_before;
    println!("the executor grew by {grown} KiB, the log by {logged} bytes");
    assert!(grown < MEMORY_MAX && logged < LOG_MAX, "{}", lab.log(Node::Web1));
    Ok(())
}
