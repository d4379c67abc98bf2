//! An OCF instance, as described in heartbeat's manual, with the packages' own files.

use super::Node;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// From the package `resource-agents`.
const AGENT: &str = "/usr/lib/ocf/resource.d/heartbeat/Dummy";
/// From the package `heartbeat`.
const WRAPPER: &str = "/etc/ha.d/resource.d/OCF";

#[test]
fn ocf_instance_starts_and_stops_beside_packaged_wrapper() {
    if !Path::new(AGENT).exists() {
        eprintln!("skipped: needs the package resource-agents");
        return;
    }
    let node = Node::new();
    let scripts = node.path("config/resource.d");
    fs::create_dir(&scripts).unwrap();
    // Without the package the group starts in the same way.
    if Path::new(WRAPPER).exists() {
        fs::copy(WRAPPER, scripts.join("OCF")).unwrap();
        fs::set_permissions(scripts.join("OCF"), fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::create_dir_all(node.path("config/conf/OCF/Dummy")).unwrap();
    let state = node.path("dummy");
    node.write("config/conf/OCF/Dummy/one", &format!("# where\nstate={}\n", state.display()));
    let groups = fs::read_to_string(node.path("config/haresources")).unwrap();
    node.write("config/haresources", &format!("{} OCF::Dummy::one\n", groups.trim_end()));
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    assert!(state.exists());
    assert_eq!(node.code(&["-k"]), 0);
    assert!(!state.exists(), "{}", node.log());
}
