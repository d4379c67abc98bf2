//! What a command printed, without what differs from run to run.

use crate::known;
use crate::table::State;
use systole_lab::Output;

/// The answer of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) state: State,
    pub(crate) command: String,
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Seen {
    /// Takes an answer.
    pub(crate) fn of(state: State, command: String, output: &Output) -> Self {
        let Output { code, stdout, stderr } = output;
        Self { state, command, code: *code, stdout: plain(stdout), stderr: plain(stderr) }
    }
}

/// A command on both pairs.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) c: Seen,
    pub(crate) ours: Seen,
}

impl Row {
    /// Returns whether both answers are the same.
    pub(crate) fn is_same(&self) -> bool {
        self.c == self.ours
    }

    /// Returns the row of the table.
    pub(crate) fn line(&self) -> String {
        let Seen { state, command, code, .. } = &self.c;
        let verdict = match (self.is_same(), known::reason(&self.c)) {
            (true, _) => "same".to_owned(),
            (false, Some(reason)) => format!("differs: {reason}"),
            (false, None) => "DIFFERS".to_owned(),
        };
        format!("{:<8} {command:<70} {:<4} {verdict}", format!("{state:?}"), code.unwrap_or(-1))
    }

    /// Returns both answers.
    pub(crate) fn story(&self) -> String {
        let told = |who: &str, seen: &Seen| {
            format!("  {who}: {:?}\n  | {:?}\n  ! {:?}\n", seen.code, seen.stdout, seen.stderr)
        };
        let (c, ours) = (told("C", &self.c), told("ours", &self.ours));
        format!("{:?}: {}\n{c}{ours}", self.c.state, self.c.command)
    }
}

/// Replaces dates and process ids, and removes what resource agents say.
fn plain(text: &str) -> String {
    let agents = ["INFO:  Running OK", "INFO:  Resource is stopped"];
    let lines = text.lines().filter(|line| !agents.iter().any(|said| line.ends_with(said)));
    let mut plain: String = lines.map(|line| without_pid(without_date(line)) + "\n").collect();
    if !text.ends_with('\n') {
        plain.pop();
    }
    plain
}

/// Removes a date like `Nov 30 11:06:41`.
fn without_date(line: &str) -> &str {
    let Some((date, rest)) = line.split_at_checked(16) else { return line };
    let is_date = date.split(':').count() == 3
        && date.ends_with(' ')
        && date.bytes().skip(7).filter(u8::is_ascii_digit).count() == 6;
    if is_date { rest } else { line }
}

fn without_pid(line: &str) -> String {
    if let Some((before, rest)) = line.split_once("[pid ")
        && let Some((_, after)) = rest.split_once(' ')
    {
        return format!("{before}[PID {after}");
    }
    let Some((before, rest)) = line.split_once(": [") else { return line.to_owned() };
    let Some((_, after)) = rest.split_once("]: ") else { return line.to_owned() };
    format!("{before}: [PID]: {after}")
}
