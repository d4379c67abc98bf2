//! A machine with no resources for the program of a fencing device.

use super::dead::own_mounts;
use super::{Node, has_address};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

/// Installs an agent beside Debian's, in mounts of this test only.
fn install_agent(node: &Node) {
    own_mounts();
    let folder = node.path("agents");
    fs::create_dir(&folder).unwrap();
    let agent = folder.join("fence_test");
    fs::write(&agent, format!("#!/bin/sh\ntouch {}\n", node.path("fenced").display())).unwrap();
    fs::set_permissions(&agent, fs::Permissions::from_mode(0o755)).unwrap();
    let layers = format!("lowerdir={}:/usr/sbin", folder.display());
    let words = ["-t", "overlay", "-o", &layers, "overlay", "/usr/sbin"];
    assert!(Command::new("mount").args(words).status().unwrap().success());
}

/// Returns the process that drives the devices.
fn fencer(daemon: i32) -> Option<i32> {
    let children = fs::read_to_string(format!("/proc/{daemon}/task/{daemon}/children")).ok()?;
    let mut children = children.split_whitespace();
    let is_fencer = |child: &&str| {
        let words = fs::read(format!("/proc/{child}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&words).contains("--role\0fencer")
    };
    children.find(is_fencer)?.parse().ok()
}

/// Lowers or raises the limit that is in force; the limit of children is another matter.
fn limit_files(pid: i32, files: u32) {
    let words = [format!("--pid={pid}"), format!("--nofile={files}:")];
    assert!(Command::new("prlimit").args(words).status().unwrap().success());
}

#[test]
fn fence_program_without_room_is_retried_and_has_not_failed() {
    let node = Node::new();
    install_agent(&node);
    let ha_cf = fs::read_to_string(node.path("config/ha.cf")).unwrap();
    let ha_cf = ha_cf.replace("initdead 600ms", "initdead 4s\nfence_delay 0");
    node.write("config/ha.cf", &format!("{ha_cf}fence other fence_test plug=other\n"));
    node.start();
    let fencer = fencer(node.pid().unwrap()).unwrap();
    limit_files(fencer, 3);
    let lacks = "Cannot start the program of a fencing device: [fence_test] cannot be started yet";
    node.wait_for("a word about it", || node.log().contains(lacks));
    assert!(!node.path("fenced").exists() && !has_address(), "{}", node.log());
    limit_files(fencer, 1024);
    node.wait_for("the device", || node.path("fenced").exists());
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    assert!(has_address());
    let log = node.log();
    assert!(log.contains("It is now possible to start the program of a fencing device."), "{log}");
    for failed in ["did not reset", "STONITH of other failed"] {
        assert!(!log.contains(failed), "{log}");
    }
    assert_eq!(node.code(&["-k"]), 0);
}
