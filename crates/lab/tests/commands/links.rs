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
rm -f /etc/ha.d/shellfuncs
sum() { cat /usr/bin/cl_status /usr/share/heartbeat/mach_down | cksum; }
list() { ls -1 /usr/bin/cl_status* /usr/share/heartbeat/ /usr/lib/heartbeat/; }
before=$(sum)
list >/mnt/before
for round in 1 2; do
    sh "$1/pkg/compatible"
    for link in /usr/bin/cl_status /usr/sbin/hb_takeover /usr/share/heartbeat/mach_down \
        /usr/lib/heartbeat/ResourceManager; do
        readlink $link
    done
    test -x /usr/share/heartbeat/mach_down.distrib && cmp /etc/ha.d/shellfuncs "$1/pkg/shellfuncs"
done
sh "$1/pkg/compatible" --remove
test "$(sum)" = "$before" && test ! -e /usr/sbin/hb_takeover && test ! -e /etc/ha.d/shellfuncs
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
    let links = "/usr/sbin/hb\n".repeat(8);
    assert_eq!(said, format!("{links}restored\n"), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
