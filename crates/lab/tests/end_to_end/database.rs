//! A database, `PostgreSQL`, on a disk that both nodes share: it moves with the disk, and no row is lost that a
//! client was told to be stored.

mod client;
mod disk;

use crate::{LIMIT, Outcome, pair, systole};
use client::Client;
use disk::{SharedDisk, stop_writing};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};
use systole_lab::{ClusterConfig, Failback, Lab, LabError, Node};

/// The programs of Debian's package postgresql-15.
const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";
/// The time between two looks at what both nodes must not have at once.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// How many rows are stored between two faults.
const ROWS: usize = 20;

/// As an administrator writes it: `pg_ctl` says that "no server is running", so its words are not passed on.
const SCRIPT: &str = "\
#!/bin/sh
control() { runuser -u postgres -- %PROGRAMS%/pg_ctl -D /var/lib/shared/data -s -t 30 -w \"$@\"; }
runs() { control status >/dev/null 2>&1; }
case $1 in
start) runs || { echo start >>/var/log/starts; control -l /var/lib/shared/data/log start; } ;;
stop) ! runs || control -m fast stop ;;
status) if runs; then echo running; else echo stopped; exit 3; fi ;;
*) exit 2 ;;
esac
";
/// Makes the database on the disk. The segments of its log are small, because the disk is.
const MAKE: &str = "\
mkdir -p /var/lib/shared
mount -t ext4 $0 /var/lib/shared
install -d -o postgres -g postgres -m 700 /var/lib/shared/data
runuser -u postgres -- %PROGRAMS%/initdb -D /var/lib/shared/data -A trust --wal-segsize=4 --no-instructions
cat >>/var/lib/shared/data/postgresql.conf <<END
listen_addresses = '*'
unix_socket_directories = ''
shared_buffers = 16MB
max_wal_size = 32MB
min_wal_size = 8MB
END
echo 'host all all 192.168.122.0/24 trust' >>/var/lib/shared/data/pg_hba.conf
umount /var/lib/shared
";

/// The agent Filesystem needs the program, on machines too whose kernel has no modules.
const MODPROBE: &str = "\
command -v modprobe >/dev/null && exit
mount -t tmpfs -o mode=755 tmpfs /usr/local/sbin
ln -s /bin/true /usr/local/sbin/modprobe
";

fn config(disk: &SharedDisk) -> ClusterConfig {
    let usual = ClusterConfig::default();
    let disk = format!("Filesystem::{}::/var/lib/shared::ext4", disk.device());
    ClusterConfig {
        groups: vec![format!("web1 IPaddr::{}/24/eth0 {disk} database", usual.address)],
        failback: Failback::On,
        deadtime: Duration::from_secs(3),
        warntime: Duration::from_secs(2),
        initdead: Duration::from_secs(6),
        ipfail: false,
        extra: vec![
            "monitor default every 3s timeout 20s".to_owned(),
            "monitor database every 500ms timeout 20s".to_owned(),
        ],
        ..usual
    }
}

/// Makes the disk, and the pair with the database on it; returns `None` where something is missing.
fn lab(disk: &SharedDisk) -> Result<Option<Lab>, Box<dyn std::error::Error>> {
    let Some(lab) = pair(config(disk), [systole(), systole()])? else { return Ok(None) };
    for node in Node::ALL {
        let script = SCRIPT.replace("%PROGRAMS%", PROGRAMS);
        lab.write_file(node, "etc/ha.d/resource.d/database", &script)?;
        lab.run(node, &["mkdir", "-p", "/var/lib/shared"])?;
    }
    let script = MAKE.replace("%PROGRAMS%", PROGRAMS);
    let made = lab.run(Node::Web1, &["sh", "-ec", &script, disk.device()])?;
    assert!(made.success(), "{made:?}");
    Ok(Some(lab))
}

/// Starts the daemon of a node with power.
fn start(lab: &Lab, node: Node) -> Result<(), LabError> {
    let told = lab.run(node, &["sh", "-ec", MODPROBE])?;
    assert!(told.success(), "{told:?}");
    lab.start_daemon(node)
}

/// Waits until a node alone has the disk and the address, and has stored some rows since then.
fn serves(lab: &Lab, disk: &SharedDisk, client: &Client<'_>, node: Node) -> Result<(), LabError> {
    lab.wait_for(&format!("{node} has the disk and the address"), LIMIT, || {
        lab.owners(lab.config().address) == [node] && disk.users(lab) == [node]
    })?;
    let since = Instant::now();
    lab.wait_for(&format!("{node} stores rows"), LIMIT, || client.stored_since(since) >= ROWS)?;
    Ok(())
}

/// Cuts the power of the owner; what its kernel had not written to the disk is lost.
fn cut_power(lab: &Lab, disk: &SharedDisk, node: Node) -> Outcome {
    stop_writing(lab, node)?;
    lab.power_off(node)?;
    lab.wait_for("its disk is free", LIMIT, || !disk.is_in_use())?;
    Ok(())
}

/// The owner loses its power, comes back and gets the group back; then its database is killed.
fn live(lab: &Lab, disk: &SharedDisk, client: &Client<'_>) -> Outcome {
    for node in Node::ALL {
        start(lab, node)?;
    }
    lab.wait_for("the database runs", LIMIT, || client.make_table())?;
    serves(lab, disk, client, Node::Web1)?;

    let since = Instant::now();
    cut_power(lab, disk, Node::Web1)?;
    serves(lab, disk, client, Node::Web2)?;
    client.print_gap("power-off of the owner", since);

    let since = Instant::now();
    lab.power_on(Node::Web1)?;
    start(lab, Node::Web1)?;
    serves(lab, disk, client, Node::Web1)?;
    client.print_gap("failback", since);

    let since = Instant::now();
    let starts = || lab.read_file(Node::Web1, "var/log/starts").lines().count();
    let before = starts();
    let kill = "kill -9 $(head -n 1 /var/lib/shared/data/postmaster.pid)";
    assert!(lab.run(Node::Web1, &["sh", "-ec", kill])?.success());
    lab.wait_for("it is started again", LIMIT, || starts() > before)?;
    serves(lab, disk, client, Node::Web1)?;
    client.print_gap("kill -9 of the postmaster", since);
    lab.wait_for_answer(Node::Web1, &["hb", "status"], &["restarted 1 of 3 times"])?;
    assert_eq!(starts(), before + 1);
    Ok(())
}

#[test]
fn postgresql_on_shared_disk_keeps_every_acknowledged_row() -> Outcome {
    let needed = [PROGRAMS, "/usr/lib/ocf/resource.d/heartbeat/Filesystem", "/dev/loop-control"];
    if let Some(missing) = needed.iter().find(|path| !Path::new(path).exists()) {
        println!("skipped: this machine has no {missing}");
        return Ok(());
    }
    if !rustix::process::geteuid().is_root() {
        println!("skipped: the lab needs root");
        return Ok(());
    }
    // The lab is dropped first, and with it what is mounted.
    let disk = SharedDisk::new()?;
    let Some(lab) = lab(&disk)? else { return Ok(()) };
    let (over, client) = (AtomicBool::new(false), Client::new(&lab));
    let (outcome, doubled) = scope(|scope| {
        let writer = scope.spawn(|| client.write_until(&over));
        let guard = scope.spawn(|| doubled(&lab, &disk, &over));
        let end = crate::watched::Over(&over);
        let outcome = live(&lab, &disk, &client);
        drop(end);
        writer.join().expect("the client does not panic");
        (outcome, guard.join().expect("looking does not panic"))
    });
    if outcome.is_err() {
        for node in Node::ALL {
            println!("--- log of {node}\n{}", lab.log(node));
        }
    }
    outcome?;
    assert_eq!(doubled, Vec::<String>::new(), "both nodes had it at once");
    let (stored, lost) = client.compare()?;
    println!("{stored} rows were acknowledged, {} of them are lost", lost.len());
    assert!(stored >= 4 * ROWS && lost.is_empty(), "lost rows: {lost:?}");
    Ok(())
}

/// Watches the disk and the address until the end, and returns what was on both nodes at once.
fn doubled(lab: &Lab, disk: &SharedDisk, over: &AtomicBool) -> Vec<String> {
    let mut seen = Vec::new();
    // The first node is asked once more, because the nodes are asked one after the other.
    let twice = |users: &dyn Fn() -> Vec<Node>| users().len() > 1 && users().len() > 1;
    while !over.load(Ordering::Acquire) {
        for (what, is_doubled) in [
            ("the disk", twice(&|| disk.users(lab))),
            ("the address", twice(&|| lab.owners(lab.config().address))),
        ] {
            if is_doubled {
                seen.push(what.to_owned());
            }
        }
        sleep(LOOK_EVERY);
    }
    seen.dedup();
    seen
}
