//! The texts that the daemon prints before it starts. Nothing here prints; the caller does.

use std::fmt::Write;
use systole_config::{Config, RecordedOption};

/// The version of heartbeat whose behaviour this program has.
const HEARTBEAT: &str = "3.0.6";

/// Returns the options, for `--help` and after a mistake.
#[must_use]
pub fn help() -> &'static str {
    "Usage: heartbeat [-dDkMrRsvWlVf] [-C Current-resource-state]
  (none)  check the configuration, go to the background and run
  -f      stay in the foreground
  -s      tell whether heartbeat runs (exit 0 running, 3 stopped, 1 stopped and a pid file left)
  -k      stop heartbeat and wait until it has ended
  -r      have heartbeat read its configuration again, or start it
  -V      print the version
  -D      print the directives that have a default; -DW as a table for a wiki
  -v      print the effective configuration, then start
  -d      more debug lines (may be repeated)
  -l      no real-time scheduling, no locked memory
  -M      do not manage resources
  -R      take the place of a running heartbeat (used by heartbeat itself)
  -C SET  what is held at that moment: none, local, foreign or all (only with -R)
"
}

/// Returns the answer to `-V`.
#[must_use]
pub fn version() -> String {
    format!("{HEARTBEAT} (systole {})", env!("CARGO_PKG_VERSION"))
}

/// Returns the answer to `-s` while the daemon with this process id runs.
#[must_use]
pub fn status(pid: i32, machine: &str, node: &str) -> String {
    format!("heartbeat OK [pid {pid} et al] is running on {machine} [{node}]...")
}

/// Returns the answer to `-D`: a table of the directives that have a default.
#[must_use]
pub fn defaults(options: &[RecordedOption], wiki: bool) -> String {
    let mut table = String::new();
    for option in options {
        let RecordedOption { directive, value, explanation } = option;
        // Writing into memory cannot fail.
        let _ = if wiki {
            writeln!(table, "||{directive}||{value}||{explanation}||")
        } else {
            writeln!(table, "{directive:<25} {value:<15} {explanation}")
        };
    }
    table
}

/// Returns the answer to `-v`: the configuration in force, in the form of `ha.cf`.
#[must_use]
pub fn effective(config: &Config) -> String {
    let mut text = format!("#\tLinux-HA heartbeat configuration (on {})\n", config.node_name);
    for RecordedOption { directive, value, explanation } in config.options() {
        // Writing into memory cannot fail.
        let _ = writeln!(text, "{directive}\t{value}\t#\t{explanation}");
    }
    for node in &config.nodes {
        let _ = writeln!(text, "node\t{node}");
    }
    for medium in &config.media {
        let _ = writeln!(text, "#\tmedium\t{}", medium.name());
    }
    for ping in &config.ping_nodes {
        let _ = writeln!(text, "#\tping node\t{}", ping.name);
    }
    for (number, key) in &config.authentication.keys {
        let signs = if *number == config.authentication.sending { "\tsigns" } else { "" };
        let _ = writeln!(text, "#\tkey\t{number}\t{}{signs}", key.method.name());
    }
    let nodes = config.settings().nodes;
    for group in &config.groups {
        let node = nodes.get(usize::from(group.preferred.0)).map_or("", |node| node.as_str());
        let words: Vec<&str> = group.resources.iter().map(|it| it.word.as_str()).collect();
        let _ = writeln!(text, "#\tgroup\t{node}\t{}", words.join(" "));
    }
    text
}
