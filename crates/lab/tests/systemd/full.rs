//! Disks without any room left.

use crate::{Outcome, config, install, never_two, owned_by, play, print_gap, sh};
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_lab::Node;

/// How long the disk stays full: some renewals of addresses, and some writes of all stored state.
const WHILE: Duration = Duration::from_secs(5);

/// Returns the command that fills a directory that is a separate file system.
fn fill(folder: &str) -> String {
    format!(
        "dd if=/dev/zero of={folder}/fill bs=64k 2>/dev/null || true; ! cp /bin/ls {folder}/fill2 2>/dev/null"
    )
}

#[test]
fn full_disk_moves_nothing_and_orders_work_again_afterwards() -> Outcome {
    play(config(), |lab| {
        install::pair_with(lab, |node| {
            let small = "mount -o remount,size=32M /run; \
                         mount -t tmpfs -o size=4M,mode=755 log /var/log; \
                         mount -t tmpfs -o size=1M,mode=755 state /var/lib/heartbeat; \
                         systemd-tmpfiles --create; mkdir /var/log/nginx";
            sh(lab, node, small)?;
            Ok(())
        })?;
        let since = Instant::now();
        for folder in ["/run", "/var/log", "/var/lib/heartbeat"] {
            sh(lab, Node::Web1, &fill(folder))?;
        }
        sleep(WHILE);
        owned_by(lab, Node::Web1)?;
        print_gap(lab, "full disks of the owner", since);
        sh(lab, Node::Web1, "rm /run/fill* /var/log/fill* /var/lib/heartbeat/fill*; hb status")?;
        sh(lab, Node::Web1, "hb standby")?;
        owned_by(lab, Node::Web2)?;
        never_two(lab, since);
        Ok(())
    })
}
