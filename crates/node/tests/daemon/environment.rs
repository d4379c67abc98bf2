//! The environment that the administrator gave the daemon, and what its agents find in theirs.

use super::Node;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

/// Writes its environment, and reports that the resource does not run.
const AGENT: &str =
    "#!/bin/sh\nenv >%FOLDER%/agent.$1\nmv %FOLDER%/agent.$1 %FOLDER%/$1\necho stopped\n";
/// Does the same as a program of `respawn`.
const CLIENT: &str =
    "#!/bin/sh\nenv >%FOLDER%/client.new\nmv %FOLDER%/client.new %FOLDER%/client\nexec sleep 60\n";

/// Adds an agent to the only group, and a program of `respawn`.
fn with_programs() -> Node {
    let node = Node::new();
    fs::create_dir(node.path("config/resource.d")).unwrap();
    let folder = node.path("").display().to_string();
    for (name, text) in [("config/resource.d/envy", AGENT), ("config/client", CLIENT)] {
        node.write(name, &text.replace("%FOLDER%", folder.trim_end_matches('/')));
        fs::set_permissions(node.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let client = node.path("config/client");
    let ha_cf = fs::read_to_string(node.path("config/ha.cf")).unwrap();
    node.write("config/ha.cf", &format!("{ha_cf}respawn root {}\n", client.display()));
    let groups = fs::read_to_string(node.path("config/haresources")).unwrap();
    node.write("config/haresources", &format!("{} envy\n", groups.trim_end()));
    node
}

#[test]
fn agents_and_clients_inherit_environment_except_daemon_variables() {
    let mut node = with_programs();
    node.environment = [
        ("FOO", "bar"),
        ("SPACED", "a b"),
        ("PATH", "/opt/java/bin:relative:/usr/bin:/bin:/usr/sbin:/sbin"),
        ("LD_LIBRARY_PATH", "/opt/lib"),
        ("HA_BIN", "/opt/heartbeat"),
        ("HA_CURHOST", "liar"),
        ("HA_keepalive", "7"),
        ("LC_ALL", "de_DE.UTF-8"),
        ("LANG", "de_DE.UTF-8"),
        ("LISTEN_FDS", "1"),
        ("INVOCATION_ID", "abc"),
        ("JOURNAL_STREAM", "8:1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    node.start();
    for (who, locale, own_first) in [("start", "C", true), ("client", "de_DE.UTF-8", false)] {
        node.wait_for(who, || node.path(who).exists());
        let text = fs::read_to_string(node.path(who)).unwrap();
        let variable = |name: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once('='));
            lines.find(|(found, _)| *found == name).map(|(_, value)| value)
        };
        assert_eq!(variable("FOO"), Some("bar"), "{who}: {text}");
        assert_eq!(variable("SPACED"), Some("a b"), "{who}: {text}");
        assert_eq!(variable("LD_LIBRARY_PATH"), Some("/opt/lib"), "{who}: {text}");
        assert_eq!(variable("HA_BIN"), Some("/opt/heartbeat"), "{who}: {text}");
        assert_eq!(variable("HA_keepalive"), Some("50ms"), "{who}: {text}");
        assert_ne!(variable("HA_CURHOST"), Some("liar"), "{who}: {text}");
        assert_eq!(variable("LC_ALL"), Some(locale), "{who}: {text}");
        let path = variable("PATH").unwrap();
        assert!(path.contains("/opt/java/bin:"), "{who}: {path}");
        assert_eq!(path.starts_with("/opt/heartbeat:"), own_first, "{who}: {path}");
        for own in ["LISTEN_FDS", "INVOCATION_ID", "JOURNAL_STREAM", "NOTIFY_SOCKET"] {
            assert_eq!(variable(own), None, "{who}: {text}");
        }
    }
    assert!(!fs::read_to_string(node.path("start")).unwrap().contains("LANG="));
}
