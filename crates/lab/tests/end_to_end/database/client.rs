//! A client that stores a row ten times a second, and remembers what it was told to be stored.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_lab::{Lab, LabError};

/// The time from one row to the next.
const PERIOD: Duration = Duration::from_millis(100);
/// The longest wait for an answer, in seconds. A row without an answer may be stored or not.
const PATIENCE: &str = "1";

/// The client and the rows that were acknowledged, with the time of the answer.
#[derive(Debug)]
pub(super) struct Client<'a> {
    lab: &'a Lab,
    acknowledged: Mutex<Vec<(u32, Instant)>>,
}

impl<'a> Client<'a> {
    pub(super) fn new(lab: &'a Lab) -> Self {
        Self { lab, acknowledged: Mutex::default() }
    }

    /// Makes the table, and returns whether the database has done so.
    pub(super) fn make_table(&self) -> bool {
        self.ask("create table if not exists rows (number integer primary key)").is_ok()
    }

    /// Stores one row after the other.
    pub(super) fn write_until(&self, over: &AtomicBool) {
        for number in 0.. {
            if over.load(Ordering::Acquire) {
                return;
            }
            let asked = Instant::now();
            if self.ask(&format!("insert into rows values ({number})")).is_ok() {
                self.acknowledged().push((number, Instant::now()));
            }
            sleep(PERIOD.saturating_sub(asked.elapsed()));
        }
    }

    /// Returns how many rows were acknowledged after a moment.
    pub(super) fn stored_since(&self, since: Instant) -> usize {
        self.acknowledged().iter().filter(|(_, at)| *at > since).count()
    }

    /// Prints the longest time between two acknowledged rows that ended after a moment.
    pub(super) fn print_gap(&self, what: &str, since: Instant) {
        let rows = self.acknowledged();
        let pairs = rows.iter().zip(rows.iter().skip(1)).filter(|(_, (_, at))| *at > since);
        let gap = pairs.map(|((_, before), (_, after))| *after - *before).max();
        println!("{what}: no row for {} ms", gap.unwrap_or_default().as_millis());
    }

    /// Returns how many rows were acknowledged, and which of them the database does not have.
    pub(super) fn compare(&self) -> Result<(usize, Vec<u32>), Box<dyn std::error::Error>> {
        let answer = self.ask("select number from rows")?;
        let stored: Result<BTreeSet<u32>, _> = answer.lines().map(str::parse).collect();
        let stored = stored?;
        let acknowledged = self.acknowledged();
        let lost = acknowledged.iter().map(|(number, _)| *number);
        Ok((acknowledged.len(), lost.filter(|number| !stored.contains(number)).collect()))
    }

    /// Sends one statement through the floating address.
    fn ask(&self, statement: &str) -> Result<String, LabError> {
        let psql = format!("{}/psql", super::PROGRAMS);
        let address = self.lab.config().address.to_string();
        let words = [
            "timeout", "-s", "KILL", PATIENCE, &psql, "-h", &address, "-U", "postgres", "-XAtq",
            "-c", statement,
        ];
        let output = self.lab.run_on_client(&words)?;
        if output.success() {
            return Ok(output.stdout);
        }
        Err(LabError::ToolFailed { command: statement.to_owned(), output: output.stderr })
    }

    fn acknowledged(&self) -> MutexGuard<'_, Vec<(u32, Instant)>> {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
