use super::*;
use crate::tests::{Scratch, write_script};

fn variable<'a>(invocation: &'a Invocation, name: &str) -> Option<&'a str> {
    let mut named = invocation.environment.iter().rev();
    named.find(|(found, _)| found == name).and_then(|(_, value)| value.to_str())
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

#[test]
fn status_output_is_judged_as_running_by_its_words() {
    let owned = ["nginx is running.", "INFO: Running OK", "OK", "it is not OK", "not so fast: OK"];
    let not_owned = ["", "nginx is not running", "NOT Running", "stopped", "ok", "RUNNING"];
    assert!(owned.iter().all(|text| says_running(text)));
    assert!(!not_owned.iter().any(|text| says_running(text)));
}

#[test]
fn script_is_called_with_its_arguments_before_the_verb() {
    let scratch = Scratch::new();
    let directories = scratch.directories();
    let path = directories.resource().join("web");
    write_script(&path, "");
    let agent = Agent::find("web", &words(&["a", "b"]), &directories).unwrap().unwrap();
    let configuration = Configuration {
        node: "web1".into(),
        environment: vec![("HA_LOGFILE".into(), "/var/log/ha-log".into())],
        ..Configuration::default()
    };
    let more = [("HA_t".to_owned(), "status".to_owned())];
    let call = agent.invocation(Action::Monitor, &directories, &configuration, &more).unwrap();
    assert_eq!((&call.program, &call.arguments), (&path, &words(&["a", "b", "status"])));
    assert_eq!(variable(&call, "HA_CURHOST"), Some("web1"));
    assert_eq!(variable(&call, "HA_LOGFILE"), Some("/var/log/ha-log"));
    assert_eq!(variable(&call, "HA_t"), Some("status"));
    assert_eq!(variable(&call, "HA_RESOURCEDIR"), directories.resource().to_str());
}

#[test]
fn log_line_of_a_start_keeps_the_double_blank_of_heartbeat() {
    let scratch = Scratch::new();
    let directories = scratch.directories();
    let path = directories.init.join("nginx");
    write_script(&path, "");
    let agent = Agent::find("nginx", &[], &directories).unwrap().unwrap();
    let (line, name) = agent.describe(Action::Start, &directories);
    assert_eq!(line, format!("Running {}  start", path.display()));
    assert_eq!(name, path.display().to_string());
}

#[test]
fn ocf_agent_gets_its_parameters_by_name() {
    let scratch = Scratch::new();
    let directories = scratch.directories();
    for kind in ["Filesystem", "Dummy"] {
        write_script(&directories.ocf_root.join("resource.d/heartbeat").join(kind), "");
    }
    let configuration = Configuration::default();
    let call = |name: &str, arguments: &[&str]| {
        let agent = Agent::find(name, &words(arguments), &directories).unwrap().unwrap();
        agent.invocation(Action::Status, &directories, &configuration, &[]).unwrap()
    };
    let mount = call("Filesystem", &["/dev/sda1", "/data", "ext4", "noatime,ro=1", "fast_stop=no"]);
    assert_eq!(mount.arguments, ["monitor"]);
    assert_eq!(variable(&mount, "OCF_RESKEY_device"), Some("/dev/sda1"));
    assert_eq!(variable(&mount, "OCF_RESKEY_options"), Some("noatime,ro=1"));
    assert_eq!(variable(&mount, "OCF_RESKEY_fast_stop"), Some("no"));
    assert_eq!(variable(&mount, "OCF_RESOURCE_INSTANCE"), Some("Filesystem_/dev/sda1"));
    let dummy = call("Dummy", &["state=/run/x"]);
    assert_eq!(variable(&dummy, "OCF_RESKEY_state"), Some("/run/x"));
}

#[test]
fn ocf_instance_takes_its_parameters_from_its_file() {
    let scratch = Scratch::new();
    let directories = scratch.directories();
    write_script(&directories.ocf_root.join("resource.d/heartbeat/apache"), "");
    let file = directories.configuration.join("conf/OCF/apache/main");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "# a comment\nconfigfile='/etc/a b'\nOCF_RESKEY_port=80\nnoise\n")
        .unwrap();
    let agent = Agent::find("OCF", &words(&["apache", "main"]), &directories).unwrap().unwrap();
    let configuration = Configuration::default();
    let call = agent.invocation(Action::Start, &directories, &configuration, &[]).unwrap();
    assert_eq!(variable(&call, "OCF_RESKEY_configfile"), Some("/etc/a b"));
    assert_eq!(variable(&call, "OCF_RESKEY_port"), Some("80"));
    assert_eq!(variable(&call, "OCF_RESOURCE_INSTANCE"), Some("main"));
}

#[test]
fn unit_is_monitored_through_systemctl_and_judged_by_exit_code() {
    let scratch = Scratch::new();
    let directories = scratch.directories();
    std::fs::write(directories.units[0].join("web.service"), "").unwrap();
    let agent = Agent::find("web", &[], &directories).unwrap().unwrap();
    let configuration = Configuration::default();
    let call = agent.invocation(Action::Monitor, &directories, &configuration, &[]).unwrap();
    assert_eq!(call.program, directories.systemctl);
    assert_eq!(call.arguments, ["is-active", "web.service"]);
    assert_eq!(agent.judge(Action::Status, Exit::Code(0), b""), Outcome::Running);
    assert_eq!(agent.judge(Action::Status, Exit::Code(3), b""), Outcome::NotRunning);
    assert!(matches!(
        agent.judge(Action::Start, Exit::Code(1), b""),
        Outcome::Failed { code: 1, .. }
    ));
}

#[test]
fn exit_code_is_judged_by_the_kind_of_agent() {
    let script = Agent { located: Located::Script { path: "/x".into() }, arguments: Vec::new() };
    let located = Located::Ocf { path: "/x".into(), kind: "x".into(), parameters: None };
    let ocf = Agent { located, arguments: Vec::new() };
    let failed = |code, text: &str| Outcome::Failed { code, text: text.into() };
    let broken = |text: &str| Outcome::NotAsked { text: text.into() };

    let cases = [
        (&script, Action::Start, Exit::Code(0), Outcome::Success),
        (&script, Action::Stop, Exit::Code(7), failed(7, "")),
        (&script, Action::Start, Exit::Signal(9), failed(137, "")),
        (&script, Action::Status, Exit::Code(0), Outcome::NotRunning),
        (&script, Action::Monitor, Exit::Code(0), Outcome::Running),
        (&script, Action::Monitor, Exit::Code(3), Outcome::NotRunning),
        (&script, Action::Monitor, Exit::Code(1), failed(1, "")),
        (&ocf, Action::Status, Exit::Code(0), Outcome::Running),
        (&ocf, Action::Status, Exit::Code(7), Outcome::NotRunning),
        (
            &script,
            Action::Monitor,
            Exit::Code(127),
            broken("its status exits with 127: the program cannot be run"),
        ),
        (&ocf, Action::Monitor, Exit::Code(1), failed(1, "Generic error")),
        (&ocf, Action::Monitor, Exit::Code(6), broken("Program is not configured")),
        (&ocf, Action::Monitor, Exit::Code(7), Outcome::NotRunning),
        (&ocf, Action::Stop, Exit::Code(7), Outcome::Success),
        (&ocf, Action::Start, Exit::Code(7), failed(7, "Resource is stopped")),
    ];
    for (agent, action, exit, outcome) in cases {
        assert_eq!(agent.judge(action, exit, b""), outcome, "{action:?} {exit:?}");
    }
}

/// Scripts of heartbeat say in words whether their resource runs, and some exit with anything.
#[test]
fn check_of_script_is_judged_by_exit_code_and_words() {
    let script = Agent { located: Located::Script { path: "/x".into() }, arguments: Vec::new() };
    let cases = [
        (0, "", Outcome::Running),
        (0, "web is running\n", Outcome::Running),
        (0, "web is not running\n", Outcome::NotRunning),
        (0, "stopped\n", Outcome::NotRunning),
        (
            0,
            "web.service - A web server\n  Active: active (running)\n worker 3 stopped\n",
            Outcome::Running,
        ),
        (0, "mysqld is running; slave is stopped\n", Outcome::Running),
        (1, "running\n", Outcome::Running),
        (
            1,
            "web is not running, but its pid file exists\n",
            Outcome::Failed { code: 1, text: String::new() },
        ),
        (3, "web is running\n", Outcome::NotRunning),
    ];
    for (code, words, expected) in cases {
        let outcome = script.judge(Action::Monitor, Exit::Code(code), words.as_bytes());
        assert_eq!(outcome, expected, "{code} {words}");
    }
}

#[test]
fn unit_still_deactivating_does_not_count_as_stopped() {
    let scratch = Scratch::new();
    let directories = scratch.directories();
    std::fs::write(directories.units[0].join("nginx.service"), "").unwrap();
    let agent = Agent::find("nginx", &[], &directories).unwrap().unwrap();
    let table = [
        ("inactive", Outcome::NotRunning),
        ("failed", Outcome::NotRunning),
        ("unknown", Outcome::NotRunning),
        ("deactivating", Outcome::Failed { code: 3, text: "the unit is deactivating".into() }),
        ("activating", Outcome::Failed { code: 3, text: "the unit is activating".into() }),
    ];
    for (state, expected) in table {
        let stdout = format!("{state}\n");
        let judge = |action| agent.judge(action, Exit::Code(3), stdout.as_bytes());
        assert_eq!(judge(Action::Status), expected, "{state}");
        // A check of a unit that nobody knows says nothing.
        let is_known = state != "unknown";
        assert_eq!(judge(Action::Monitor) == expected, is_known, "{state}");
    }
    // The manager does not answer.
    let silent = agent.judge(Action::Monitor, Exit::Code(1), b"");
    assert!(matches!(silent, Outcome::NotAsked { .. }), "{silent:?}");
}
