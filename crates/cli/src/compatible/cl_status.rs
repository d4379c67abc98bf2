//! `cl_status`: the state of nodes, links, clients and resources, one fact per call.

mod facts;
mod options;
mod text;

use super::{Call, line};
use crate::{complain_plainly, exit, print};
use facts::Facts;
use options::{Flags, Misuse};
use std::path::Path;
use std::process;
use std::thread;
use std::time::Duration;
use systole_ipc::client::AskError;
use systole_sys::identity::node_name;

/// Time after which the command gives up, whatever it waits for.
const LIMIT: Duration = Duration::from_secs(5);
/// The answer is no, or there is no answer.
const NO: u8 = 1;
/// The command line is invalid.
const MISUSED: u8 = 11;
/// The daemon has not answered in time.
const TIMEOUT: u8 = 12;
/// The daemon cannot answer this.
const UNANSWERED: u8 = 13;

/// A sub-command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Query {
    Heartbeat,
    Nodes,
    Node(NodeFact),
    Links,
    LinkStatus,
    Client,
    Resources,
    Parameter,
    Test,
}

/// A fact about one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NodeFact {
    Status,
    Type,
    Weight,
    Site,
}

/// The sub-commands, by their words.
const QUERIES: [(&str, Query); 12] = [
    ("hbstatus", Query::Heartbeat),
    ("listnodes", Query::Nodes),
    ("nodestatus", Query::Node(NodeFact::Status)),
    ("nodetype", Query::Node(NodeFact::Type)),
    ("nodeweight", Query::Node(NodeFact::Weight)),
    ("nodesite", Query::Node(NodeFact::Site)),
    ("listhblinks", Query::Links),
    ("hblinkstatus", Query::LinkStatus),
    ("clientstatus", Query::Client),
    ("rscstatus", Query::Resources),
    ("hbparameter", Query::Parameter),
    ("test", Query::Test),
];

/// Answers a sub-command, and returns the exit status.
pub(super) fn run(call: &Call, run: &Path) -> u8 {
    // This process may wait for a daemon that does not answer, in more than one place.
    thread::spawn(|| {
        thread::sleep(LIMIT);
        process::exit(TIMEOUT.into());
    });
    let (word, arguments) = match call.arguments.split_first() {
        None => return help(),
        Some((word, _)) if word == "-h" => return help(),
        Some((word, arguments)) => (word.as_str(), arguments),
    };
    let Some((_, query)) = QUERIES.iter().find(|(known, _)| *known == word) else {
        return fail(MISUSED, &[&format!("{word}: invalid sub-command.")]);
    };
    let facts = Facts::ask(run);
    if *query == Query::Heartbeat {
        return heartbeat(facts, word, arguments);
    }
    let facts = match facts {
        Ok(facts) => facts,
        Err(error) => {
            let reason = format!("REASON: {}", reason(&error));
            return fail(NO, &["Cannot signon with heartbeat", &reason]);
        }
    };
    let flags = match options::parse(query.letters(), arguments) {
        Ok(flags) => flags,
        Err(misuse) if *query == Query::Test => misuse.flags,
        Err(misuse) => return query.refuse(word, &misuse),
    };
    query.answer(&facts, &flags)
}

fn help() -> u8 {
    print(text::HELP);
    exit::OK
}

/// Prints errors, and returns the exit status.
fn fail(code: u8, errors: &[&str]) -> u8 {
    for error in errors {
        line::error(&node_name(), "cl_status", error);
    }
    code
}

/// Prints to standard error without the form of an error, and returns the exit status.
fn misused(text: &str) -> u8 {
    complain_plainly(text);
    MISUSED
}

/// Why there is no answer, in the words of heartbeat where it has some.
fn reason(error: &AskError) -> String {
    match error {
        AskError::NotRunning => "hb_api_signon: Can't initiate connection to heartbeat".to_owned(),
        AskError::Denied | AskError::Foreign | AskError::Silent(_) | AskError::Malformed(_) => {
            error.to_string()
        }
    }
}

/// `hbstatus` knows an answer whether or not there is a daemon.
fn heartbeat(facts: Result<Facts, AskError>, word: &str, arguments: &[String]) -> u8 {
    let flags = options::parse("mv", arguments).unwrap_or_else(|misuse| {
        complain_plainly(&misuse.message(word));
        misuse.flags
    });
    match facts {
        Ok(facts) => {
            if flags.verbose {
                print(&text::version(&facts, &flags));
                print(&text::nodes(&facts, &flags));
            } else {
                print("Heartbeat is running on this machine.\n");
            }
            exit::OK
        }
        Err(AskError::Denied | AskError::Foreign) => {
            print("Heartbeat is apparently running on this machine, but refuses my connection\n");
            exit::OK
        }
        Err(error) => {
            print("Heartbeat is stopped on this machine.\n");
            if flags.verbose {
                print(&format!("({})\n", reason(&error)));
            }
            NO
        }
    }
}

impl Query {
    /// The options, in the form of getopt(3).
    const fn letters(self) -> &'static str {
        match self {
            Self::Nodes => "mnpv",
            Self::Heartbeat | Self::Links => "mv",
            Self::Parameter => "mp:",
            Self::Node(_) | Self::LinkStatus | Self::Client | Self::Resources | Self::Test => "m",
        }
    }

    fn refuse(self, word: &str, misuse: &Misuse) -> u8 {
        complain_plainly(&misuse.message(word));
        // heartbeat's words differ, and lack a blank.
        let has_code = matches!(self, Self::Nodes | Self::Links | Self::Parameter);
        let code = if has_code { " code" } else { "" };
        fail(MISUSED, &[&format!("Error: getopt returnedcharacter{code} ?.")])
    }

    fn answer(self, facts: &Facts, flags: &Flags) -> u8 {
        let word = |place: usize| flags.words.get(place).map(String::as_str);
        match (self, word(0), word(1)) {
            (Self::Heartbeat | Self::Nodes, ..) => {
                print(&text::nodes(facts, flags));
                exit::OK
            }
            (Self::Resources, ..) => resources(facts, flags),
            (Self::Parameter, ..) => parameter(facts, flags),
            (Self::Test, ..) => {
                print(&text::test(facts));
                exit::OK
            }
            (Self::Node(fact), None, _) if fact != NodeFact::Type => {
                misused("Not enough parameters.")
            }
            (Self::Node(_) | Self::Links | Self::LinkStatus | Self::Client, None, _)
            | (Self::LinkStatus | Self::Client, _, None) => misused("No enough parameter."),
            (Self::LinkStatus, Some(node), Some(link)) => link_status(facts, flags, node, link),
            (Self::Client, Some(node), Some(client)) => client_status(facts, node, client),
            (Self::Links, Some(node), _) => links(facts, flags, node),
            (Self::Node(fact), Some(node), _) => fact.answer(facts, flags, node),
        }
    }
}

impl NodeFact {
    fn answer(self, facts: &Facts, flags: &Flags, node: &str) -> u8 {
        let Ok(found) = facts.node(node) else {
            return misused(if self == Self::Weight {
                "Error. Maybe due to incorrect node name."
            } else {
                "Error. May be due to incorrect node name"
            });
        };
        let (value, sentence) = match self {
            Self::Status => (found.status.as_str(), format!("The cluster node {node} is ")),
            Self::Type => (found.kind.word(), format!("The node {node}'s type: ")),
            // Systole has neither weights nor sites: these are the values that heartbeat starts with.
            Self::Weight => ("100", format!("The weight of the cluster node {node} is ")),
            Self::Site => ("", format!("The site of the cluster node {node} is ")),
        };
        let sentence = if flags.for_people { &sentence } else { "" };
        print(&format!("{sentence}{value}\n"));
        let is_well = self != Self::Status || matches!(value, "active" | "up" | "ping");
        if is_well { exit::OK } else { NO }
    }
}

fn links(facts: &Facts, flags: &Flags, node: &str) -> u8 {
    let Ok(node) = facts.node(node) else {
        let errors = ["Cannot start heartbeat link interface walk.", "REASON: EINVAL"];
        return fail(UNANSWERED, &errors);
    };
    print(&text::links(node, flags));
    exit::OK
}

fn link_status(facts: &Facts, flags: &Flags, node: &str, link: &str) -> u8 {
    let found = facts.node(node).and_then(|it| it.link(link));
    let Ok(status) = found.map(text::link_word) else {
        return fail(UNANSWERED, &["Cannot get heartbeat link status", "REASON: "]);
    };
    if flags.for_people {
        print(&format!("The node {node}'s heartbeat link {link} is {status}\n"));
    } else {
        print(&format!("{status}\n"));
    }
    if status == "up" { exit::OK } else { NO }
}

/// Only the clients of this node are known here.
fn client_status(facts: &Facts, node: &str, client: &str) -> u8 {
    if !facts.is_here(node) {
        let error = format!("Cannot get heartbeat client {client}'s status");
        return fail(UNANSWERED, &[&error, "REASON: No timely response."]);
    }
    let is_online = facts.parameters.clients.iter().any(|known| known == client);
    print(if is_online { "online\n" } else { "offline\n" });
    if is_online { exit::OK } else { NO }
}

fn resources(facts: &Facts, flags: &Flags) -> u8 {
    let Some(held) = facts.held() else {
        let reason = "REASON: Resource is managed by crm. Use crm tool to query resource";
        return fail(UNANSWERED, &["Cannot get cluster resource status", reason]);
    };
    if flags.for_people {
        print(&format!("This node is holding {held} resources.\n"));
    } else {
        print(&format!("{held}\n"));
    }
    exit::OK
}

fn parameter(facts: &Facts, flags: &Flags) -> u8 {
    let Some(name) = flags.parameter.as_deref().filter(|name| !name.is_empty()) else {
        return fail(MISUSED, &["parameter name required"]);
    };
    let Some(value) = facts.parameters.values.get(name) else {
        return fail(NO, &[&format!("Cannot get parameter {name}'s value"), "REASON: "]);
    };
    if flags.for_people {
        print(&format!("Heartbeat parameter {name}'s value: {value}\n"));
    } else {
        print(&format!("{value}\n"));
    }
    exit::OK
}
