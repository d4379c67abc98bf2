//! Recorded messages that are sent again move nothing.

use crate::play::play;
use crate::{LIMIT, Outcome, owned_by, print_gap, stays_with};
use std::thread;
use std::time::{Duration, Instant};
use systole_lab::{ClusterConfig, Lab, LabError, Node};

/// The number of recordings sent per second.
const PER_SECOND: u32 = 2_000;
/// How long they are sent: longer than `initdead`.
const SPAN: Duration = Duration::from_secs(8);

/// Records what web2 sends while it takes the groups and gives them back.
fn recordings(lab: &Lab) -> Result<Vec<Vec<u8>>, LabError> {
    let capture = lab.capture(Node::Web2)?;
    lab.standby(Node::Web1)?;
    owned_by(lab, Node::Web2)?;
    lab.standby(Node::Web2)?;
    owned_by(lab, Node::Web1)?;
    Ok(capture.packets().into_iter().map(|packet| packet.payload).collect())
}

/// Replays the recordings to web1 while something happens.
fn while_played<T>(
    lab: &Lab,
    recordings: &[Vec<u8>],
    happens: impl FnOnce() -> Result<T, LabError>,
) -> Result<T, LabError> {
    thread::scope(|scope| {
        let player = scope.spawn(|| lab.flood(Node::Web1, recordings, PER_SECOND, SPAN));
        let result = happens();
        let sent = player.join().expect("the player does not panic")?;
        assert!(sent > 1000, "{sent} recordings");
        result
    })
}

fn says(lab: &Lab, text: &str) -> bool {
    lab.log(Node::Web1).contains(text)
}

#[test]
fn replayed_recordings_move_nothing_and_keep_no_node_alive() -> Outcome {
    play(&ClusterConfig::default(), |lab| {
        let recordings = recordings(lab)?;
        assert!(recordings.len() > 20, "{}", recordings.len());

        // Recordings of the current run of web2, sent to a daemon that heard all of them.
        let since = Instant::now();
        while_played(lab, &recordings, || {
            stays_with(lab, Node::Web1);
            Ok(())
        })?;
        print_gap(lab, "recordings of this run", since, Duration::from_millis(50));

        // The same, sent to a daemon that has just started.
        lab.stop_daemon(Node::Web1)?;
        owned_by(lab, Node::Web2)?;
        while_played(lab, &recordings, || {
            lab.start_daemon(Node::Web1)?;
            owned_by(lab, Node::Web1)
        })?;
        stays_with(lab, Node::Web1);

        // Recordings of an earlier run of web2, which is off, sent to a daemon that has just started: they do
        // not prove that web2 is alive.
        lab.stop_daemon(Node::Web2)?;
        lab.start_daemon(Node::Web2)?;
        lab.wait_for("web1 hears the new run", LIMIT, || {
            says(lab, "Heartbeat restart on node web2")
        })?;
        lab.power_off(Node::Web2)?;
        lab.stop_daemon(Node::Web1)?;
        let started = Instant::now();
        let took = while_played(lab, &recordings, || {
            lab.start_daemon(Node::Web1)?;
            owned_by(lab, Node::Web1)?;
            Ok(started.elapsed())
        })?;
        println!("a start while recordings are played took {took:?} of {SPAN:?}");
        assert!(says(lab, "should_drop_message: attempted replay attack [web2]?"));
        let lines = lab.log(Node::Web1).matches("attempted replay attack").count() as u64;
        println!("{lines} lines about the replay");
        assert!(lines <= 2 * SPAN.as_secs(), "{}", lab.log(Node::Web1));
        Ok(())
    })
}
