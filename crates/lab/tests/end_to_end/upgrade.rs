//! The running programs are replaced by others.

use crate::play::{never_two, play_of};
use crate::{LIMIT, Outcome, longest_gap, owned_by, stays_with};
use std::fs;
use std::path::Path;
use std::time::Instant;
use systole_lab::{ClusterConfig, Daemon, Lab, Node};

/// Copies the programs into a directory, replacing those that are there, as a package does.
pub(crate) fn install(folder: &Path) -> Result<Daemon, std::io::Error> {
    let Daemon::Systole { binary } = crate::systole() else { unreachable!("it is ours") };
    let built = binary.parent().expect("it lies in a folder");
    for name in ["heartbeat", "hb"] {
        let fresh = folder.join(format!("{name}.new"));
        fs::copy(built.join(name), &fresh)?;
        fs::rename(&fresh, folder.join(name))?;
    }
    Ok(Daemon::Systole { binary: folder.join("heartbeat") })
}

/// Returns the programs that a node's Systole processes execute, by their process ids; the kernel marks a
/// program that was replaced.
fn executed(lab: &Lab, node: Node) -> Result<Vec<String>, systole_lab::LabError> {
    let script = "for exe in /proc/[0-9]*/exe; do \
                  echo \"$(dirname $exe) $(readlink $exe)\"; done | grep /heartbeat | sort";
    let told = lab.run(node, &["sh", "-c", script])?;
    Ok(told.stdout.lines().map(str::to_owned).collect())
}

/// Returns how often a node has logged its generation, which it does at every start.
fn starts(lab: &Lab, node: Node) -> usize {
    lab.log(node).matches("Heartbeat generation: ").count()
}

#[test]
fn upgrade_replaces_every_process_and_moves_nothing() -> Outcome {
    let folder = tempfile::tempdir()?;
    // Programs in the directory are visible to the nodes, whatever their user.
    let daemon = install(folder.path())?;
    play_of(
        &ClusterConfig::default(),
        &[daemon.clone(), daemon],
        |_| Ok(()),
        |lab| {
            let before = executed(lab, Node::Web1)?;
            let since = Instant::now();
            install(folder.path())?;
            let old = executed(lab, Node::Web1)?;
            assert!(old.iter().all(|line| line.ends_with("(deleted)")), "{old:?}");
            for (node, started) in [(Node::Web2, 1), (Node::Web1, 1)] {
                assert_eq!(starts(lab, node), started);
                let told = lab.run(node, &["hb", "restart"])?;
                assert!(told.success() && told.stdout.starts_with("done: "), "{told:?}");
                lab.wait_for("the start is over", LIMIT, || {
                    let status = lab.run(node, &["hb", "status"]).map(|told| told.stdout);
                    status.is_ok_and(|text| text.contains("active") && !text.contains("transition"))
                })?;
                // The log is written by a thread of its own.
                lab.wait_for("it has started once more", LIMIT, || {
                    starts(lab, node) == started + 1
                })?;
            }
            let after = executed(lab, Node::Web1)?;
            println!("before {before:?}\nafter  {after:?}");
            assert_eq!(after.len(), before.len());
            assert!(after.iter().all(|line| !line.ends_with("(deleted)")), "{after:?}");
            // The daemon kept its process id, and the executor is another process.
            assert_eq!(after.iter().filter(|line| before.contains(line)).count(), 1, "{after:?}");
            stays_with(lab, Node::Web1);
            let gaps = lab.probe().gaps(since);
            never_two(lab.probe().duplicates(since), !lab.probe().duplicates(since).is_empty());
            assert!(gaps.iter().all(|gap| gap.before == gap.after), "it moved: {gaps:?}");
            println!("two upgrades: the client missed {:?}", longest_gap(lab, since));
            for node in Node::ALL {
                let log = lab.log(node);
                assert!(!log.contains("is dead"), "{log}");
                assert!(!log.contains("nginx  stop"), "the service was touched: {log}");
            }
            Ok(())
        },
    )
}

#[test]
fn restart_that_would_fail_is_refused() -> Outcome {
    let folder = tempfile::tempdir()?;
    let daemon = install(folder.path())?;
    play_of(
        &ClusterConfig::default(),
        &[daemon.clone(), daemon],
        |_| Ok(()),
        |lab| {
            let refused = |why: &str| -> Outcome {
                let told = lab.run(Node::Web1, &["hb", "restart"])?;
                assert_eq!((told.code, told.stdout.as_str()), (Some(1), ""), "{told:?}");
                assert!(told.stderr.contains(why), "{told:?}");
                assert_eq!(starts(lab, Node::Web1), 1);
                Ok(())
            };
            let text = lab.read_file(Node::Web1, "etc/ha.d/ha.cf");
            lab.write_file(Node::Web1, "etc/ha.d/ha.cf", &format!("{text}deadtim 3\n"))?;
            refused("the files have mistakes, and nothing was done")?;
            lab.write_file(Node::Web1, "etc/ha.d/ha.cf", &text)?;
            fs::remove_file(folder.path().join("heartbeat"))?;
            refused("No such file")?;
            fs::write(folder.path().join("heartbeat"), "half a program")?;
            refused("it is not a program")?;
            fs::write(folder.path().join("heartbeat"), "#!/bin/sh\n")?;
            refused("Permission denied")?;
            install(folder.path())?;
            stays_with(lab, Node::Web1);
            owned_by(lab, Node::Web1)?;
            Ok(())
        },
    )
}
