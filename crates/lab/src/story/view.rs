//! The live view: draws what one thread observes, and passes keys as steps to another.
//!
//! ```text
//!   watcher ──snapshot──▶ view (this thread) ──steps──▶ worker ──outcomes──▶ view
//! ```

use super::screen::Snapshot;
use super::{Step, Story};
use crate::{Lab, LabError};
use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, poll, read};
use crossterm::style::Print;
use crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode, size,
};
use crossterm::{execute, queue};
use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

/// The time between two pictures.
const FRAME: Duration = Duration::from_millis(100);
/// The number of outcomes that stay on the screen.
const OUTCOMES: usize = 12;

/// What the threads share.
struct Shared {
    snapshot: Mutex<Snapshot>,
    busy: Mutex<Option<Step>>,
    outcomes: Mutex<Vec<String>>,
    quit: AtomicBool,
}

/// Shows the pair until the person quits.
///
/// # Errors
///
/// When the terminal cannot be used.
pub(super) fn show(lab: &Lab, story: &Story<'_>) -> Result<(), LabError> {
    let since = Instant::now();
    let shared = Shared {
        snapshot: Mutex::new(Snapshot::take(lab, since)),
        busy: Mutex::new(None),
        outcomes: Mutex::new(Vec::new()),
        quit: AtomicBool::new(false),
    };
    let (steps, orders) = channel();
    scope(|threads| {
        threads.spawn(|| {
            while !shared.quit.load(Ordering::Relaxed) {
                let snapshot = Snapshot::take(lab, since);
                *held(&shared.snapshot) = snapshot;
                sleep(FRAME);
            }
        });
        threads.spawn(|| work(story, &shared, orders));
        let result = Screen::open().and_then(|_screen| Screen::run(&shared, &steps));
        shared.quit.store(true, Ordering::Relaxed);
        story.cancel();
        drop(steps);
        result.map_err(LabError::io("using the terminal"))
    })
}

/// Performs the steps that were ordered, one after another.
fn work(story: &Story<'_>, shared: &Shared, orders: Receiver<Step>) {
    for step in orders {
        if shared.quit.load(Ordering::Relaxed) {
            return;
        }
        *held(&shared.busy) = Some(step);
        let line = match story.perform(step) {
            Ok(outcome) => outcome.to_string(),
            Err(error) => format!("{:22} {error}", step.title()),
        };
        *held(&shared.busy) = None;
        let mut outcomes = held(&shared.outcomes);
        if outcomes.len() >= OUTCOMES {
            outcomes.remove(0);
        }
        outcomes.push(line);
    }
}

/// The terminal in raw mode on its alternate screen; restored when this is dropped.
struct Screen;

impl Screen {
    fn open() -> io::Result<Self> {
        enable_raw_mode()?;
        let screen = Self;
        execute!(io::stdout(), EnterAlternateScreen, Hide)?;
        Ok(screen)
    }

    /// Draws and reads keys until `q` or Ctrl-C.
    fn run(shared: &Shared, steps: &Sender<Step>) -> io::Result<()> {
        loop {
            Self::draw(shared)?;
            if !poll(FRAME)? {
                continue;
            }
            let Event::Key(key) = read()? else { continue };
            if key.kind != KeyEventKind::Press {
                continue;
            }
            match wish(key) {
                Some(Wish::Quit) => return Ok(()),
                Some(Wish::Steps(wanted)) => {
                    for step in wanted {
                        // The worker ends only after this loop.
                        let _ = steps.send(*step);
                    }
                }
                None => {}
            }
        }
    }

    fn draw(shared: &Shared) -> io::Result<()> {
        let (width, height) = size()?;
        let busy = *held(&shared.busy);
        let outcomes = held(&shared.outcomes).clone();
        let lines = held(&shared.snapshot).lines(width.into(), busy, &outcomes);
        let mut out = io::stdout().lock();
        for (row, line) in (0..height).zip(&lines) {
            queue!(out, MoveTo(0, row), Print(line))?;
        }
        let used = u16::try_from(lines.len()).unwrap_or(height);
        if used < height {
            queue!(out, MoveTo(0, used), Clear(ClearType::FromCursorDown))?;
        }
        out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A terminal that is gone need not be restored.
        let _ = execute!(io::stdout(), Show, LeaveAlternateScreen);
        let _ = disable_raw_mode();
    }
}

/// The request of a key.
#[derive(Debug, PartialEq, Eq)]
enum Wish {
    Quit,
    Steps(&'static [Step]),
}

fn wish(key: KeyEvent) -> Option<Wish> {
    let KeyCode::Char(letter) = key.code else {
        return (key.code == KeyCode::Esc).then_some(Wish::Quit);
    };
    match letter {
        'q' => Some(Wish::Quit),
        'c' if key.modifiers.contains(KeyModifiers::CONTROL) => Some(Wish::Quit),
        's' => Some(Wish::Steps(&Step::ALL)),
        digit => {
            let at = usize::try_from(digit.to_digit(10)?).ok()?.checked_sub(1)?;
            Step::ALL.get(at..=at).map(Wish::Steps)
        }
    }
}

/// Locks a mutex; a thread that panicked has left complete values behind.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_press_selects_story_step_or_quits() {
        let key = |letter| KeyEvent::new(KeyCode::Char(letter), KeyModifiers::NONE);
        assert_eq!(wish(key('2')), Some(Wish::Steps(&[Step::PullPlug])));
        assert_eq!(wish(key('s')), Some(Wish::Steps(&Step::ALL)));
        assert_eq!(wish(key('0')), None);
        assert_eq!(wish(key('7')), None);
        assert_eq!(wish(key('c')), None);
        let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(wish(interrupt), Some(Wish::Quit));
    }
}
