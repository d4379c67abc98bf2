//! `pkg/compatible` on this machine, whose directories are covered so that nothing outside the test changes.

use crate::Outcome;
use std::path::Path;
use std::process::Command;

/// Covers what the script changes, makes the links, removes them, and prints what it sees meanwhile.
const SCRIPT: &str = r#"
mount -t tmpfs none /mnt
for place in /usr /etc /var; do
    mkdir -p /mnt$place/new /mnt$place/work
    mount -t overlay none -o lowerdir=$place,upperdir=/mnt$place/new,workdir=/mnt$place/work $place
done
mount -t tmpfs none /run
rm -f /etc/ha.d/shellfuncs
sum() { cat /usr/bin/cl_status /usr/share/heartbeat/mach_down | cksum; }
list() { ls -1 /usr/bin/cl_status* /usr/share/heartbeat/ /usr/lib/heartbeat/; }
before=$(sum)
list >/mnt/before
perl -e '$0 = "heartbeat: master control process"; sleep 60' &
title=$!
until grep -q ^heartbeat: /proc/$title/cmdline; do sleep 0.01; done
echo $title >/run/heartbeat.pid
if sh "$1/pkg/compatible" 2>/mnt/said; then exit 1; fi
grep -q "heartbeat runs (pid $title)" /mnt/said
kill $title
test "$(sum)" = "$before"
list | diff /mnt/before -
# Links of somebody else stay.
ln -s /bin/true /usr/sbin/hb_takeover
for round in 1 2; do
    sh "$1/pkg/compatible" 2>/mnt/said
    grep -q 'hb_takeover is a link to /bin/true and is left alone' /mnt/said
    for link in /usr/bin/cl_status /usr/share/heartbeat/mach_down \
        /usr/lib/heartbeat/ResourceManager; do
        readlink $link
    done
    test -x /usr/share/heartbeat/mach_down.distrib
    cmp /etc/ha.d/shellfuncs "$1/pkg/shellfuncs"
done
# Another hb made this link, and an interrupted call removed that one.
ln -sfn /opt/hb /usr/share/heartbeat/mach_down
rm /usr/bin/cl_status
sh "$1/pkg/compatible" --remove
if sh "$1/pkg/compatible" --remove 2>/mnt/said; then exit 1; fi
grep -q 'nothing was removed' /mnt/said
test "$(readlink /usr/sbin/hb_takeover)" = /bin/true
rm /usr/sbin/hb_takeover
test "$(sum)" = "$before"
test ! -e /etc/ha.d/shellfuncs
list | diff /mnt/before -
dpkg-divert --list '*heartbeat*' | grep local || true
echo restored
"#;

#[test]
fn commands_of_package_are_replaced_by_links_and_come_back() -> Outcome {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root || !Path::new("/usr/share/heartbeat/mach_down").exists() {
        eprintln!("skipped: needs root and the package heartbeat");
        return Ok(());
    }
    let tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let words = ["--mount", "sh", "-ec", SCRIPT, "links"];
    let output = Command::new("unshare").args(words).arg(&tree).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let links = "/usr/sbin/hb\n".repeat(6);
    assert_eq!(said, format!("{links}restored\n"), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
