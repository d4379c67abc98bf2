use super::*;
use systole_config::default_options;

fn parse(line: &str) -> Result<Options, UsageError> {
    Options::parse(line.split_whitespace().map(OsString::from))
}

#[test]
fn every_action_is_selected_by_its_option() {
    let table = [
        ("", Action::Start),
        ("-f", Action::Start),
        ("-s", Action::Status),
        ("-k", Action::Kill),
        ("-r", Action::Reload),
        ("-R", Action::Restart(None)),
        ("-R -C all", Action::Restart(Some(GroupSet::All))),
        ("-Clocal -R", Action::Restart(Some(GroupSet::Local))),
        ("-RC none", Action::Restart(Some(GroupSet::None))),
        ("-D", Action::Defaults { wiki: false }),
        ("-DW", Action::Defaults { wiki: true }),
        ("-W", Action::Defaults { wiki: true }),
        ("-V", Action::Version),
        ("--version", Action::Version),
        ("--help", Action::Help),
        ("--role executor", Action::Role(Role::Executor)),
        ("--role clients", Action::Role(Role::Clients)),
        ("--role fencer", Action::Role(Role::Fencer)),
        ("--role hooks", Action::Role(Role::Hooks)),
    ];
    for (line, action) in table {
        assert_eq!(parse(line).map(|options| options.action), Ok(action), "{line}");
    }
}

#[test]
fn option_modifiers_add_up() {
    let options = parse("-ddf -l -M -v -d --config-dir /a --state-dir /b --run-dir /c").unwrap();
    let expected = Options {
        action: Action::Start,
        foreground: true,
        debug: 3,
        without_realtime: true,
        without_resources: true,
        prints_configuration: true,
        configuration_directory: Some("/a".into()),
        state_directory: Some("/b".into()),
        run_directory: Some("/c".into()),
    };
    assert_eq!(options, expected);
}

#[test]
fn option_mistakes_are_named() {
    let table = [
        ("-x", "invalid option -- 'x'"),
        ("-sx", "invalid option -- 'x'"),
        ("--bogus", "unrecognized option '--bogus'"),
        ("-C all", "-C only valid with -R"),
        ("-r -R", "-r is mutually exclusive with -R"),
        ("-R -C", "option requires an argument -- 'C'"),
        ("-R -C some", "invalid argument 'some' of option '-C'"),
        ("--role cook", "invalid argument 'cook' of option '--role'"),
        ("start", "unexpected argument 'start'"),
        ("-", "unexpected argument '-'"),
    ];
    for (line, message) in table {
        assert_eq!(parse(line).unwrap_err().to_string(), message, "{line}");
    }
}

#[test]
fn version_status_and_help_have_forms_of_heartbeat() {
    assert!(version().starts_with("3.0.6 (systole "));
    let running = "heartbeat OK [pid 19 et al] is running on n1 [n1]...";
    assert_eq!(status(19, "n1", "n1"), running);
    assert!(help().starts_with("Usage: heartbeat [-dDkMrRsvWlVf] [-C Current-resource-state]\n"));
    for letter in "dDkMrRsvlVfC".chars() {
        assert!(help().contains(&format!("  -{letter} ")), "-{letter}");
    }
}

#[test]
fn defaults_table_has_one_line_per_option() {
    let options = default_options();
    assert!(!options.is_empty());
    let (plain, wiki) = (defaults(&options, false), defaults(&options, true));
    assert_eq!((plain.lines().count(), wiki.lines().count()), (options.len(), options.len()));
    assert!(plain.contains("auto_failback ") && wiki.contains("||auto_failback||"), "{plain}");
}
