//! The start of the beat thread.

use super::retry::retry;
use super::start::warn;
use crate::beat::BeatLoop;
use crate::log::Log;
use crate::worker::Thread;
use std::io;
use std::sync::mpsc;
use std::thread::JoinHandle;
use systole_sys::identity::{Capability, keep_capabilities};
use systole_sys::realtime;
use systole_sys::signals::Signals;

/// Stack size of the beat thread in bytes. All of it is locked, so it is small.
const BEAT_STACK: usize = 512 << 10;
/// The capabilities that the beat thread keeps: to open links again, and to lock new memory.
const BEAT_RIGHTS: [Capability; 3] =
    [Capability::RawSockets, Capability::LowPorts, Capability::LockMemory];

/// Starts the beat thread, and receives which privileges it obtained.
pub(super) fn start_beating(
    beat: BeatLoop,
    priority: Option<u8>,
    signals: &Signals,
    log: &mut Log,
) -> io::Result<JoinHandle<Option<io::Result<()>>>> {
    let (tell, told) = mpsc::sync_channel(1);
    let thread = Thread::new("beat", BEAT_STACK, move || {
        let realtime = priority.map_or(Ok(()), realtime::become_realtime);
        let rights = keep_capabilities(&BEAT_RIGHTS);
        // The control thread waits for this, and ends only together with the process.
        let _ = tell.send((realtime, rights));
        beat.run()
    });
    let thread = retry("start the thread that beats", signals, log, || thread.start())?;
    if let Ok((realtime, rights)) = told.recv() {
        if let Err(error) = realtime {
            warn(log, "set realtime priority", &error);
        }
        if let Err(error) = rights {
            warn(log, "give up rights", &error);
        }
    }
    Ok(thread)
}
