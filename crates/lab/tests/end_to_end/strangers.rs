//! Messages from an outsider do no harm.

use crate::play::play;
use crate::{Outcome, print_gap};
use std::error::Error;
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_lab::{ClusterConfig, Lab, Node};

/// Returns the memory of a node's daemon that is in use, in kB.
fn memory(lab: &Lab) -> Result<u64, Box<dyn Error>> {
    let script = "grep VmRSS /proc/$(tr -d ' ' </run/heartbeat.pid)/status";
    let line = lab.run(Node::Web1, &["sh", "-c", script])?.stdout;
    Ok(line.split_whitespace().nth(1).ok_or("no VmRSS")?.parse()?)
}

#[test]
fn flood_of_bad_datagrams_moves_nothing_and_bounds_memory_and_log() -> Outcome {
    const SECONDS: u64 = 20;
    play(&ClusterConfig::default(), |lab| {
        sleep(Duration::from_secs(1));
        let beat = include_bytes!("../../../wire/tests/vectors/08-status-active.bin");
        let mut flipped = beat.to_vec();
        flipped[40] ^= 1;
        let unsigned = beat.split(|byte| *byte == b'%').next().unwrap_or_default();
        let bad = [
            beat.to_vec(),
            flipped,
            beat[..150].to_vec(),
            [unsigned, b"%%%\n"].concat(),
            b"###\n3:abc,%%%\n".to_vec(),
            b">>>\nt=status\nst=active\nsrc=web2\n<<<\n".to_vec(),
            vec![0xff; 1400],
            Vec::new(),
        ];
        // For the first ones the name of their source is looked up, once, which loads libraries.
        lab.flood(Node::Web1, &bad, 5_000, Duration::from_secs(5))?;
        let (before, since) = (memory(lab)?, Instant::now());
        let sent = lab.flood(Node::Web1, &bad, 5_000, Duration::from_secs(SECONDS))?;
        let (took, after) = (since.elapsed().as_secs(), memory(lab)?);
        let said = lab.log(Node::Web1).matches("bad packet").count() as u64;
        println!("{sent} bad datagrams: {before} kB before, {after} kB after, {said} log lines");
        let counters = lab.run(Node::Web1, &["grep", "^Udp:", "/proc/net/snmp"])?.stdout;
        println!("the kernel's counters of web1:\n{counters}");
        assert!(sent > 1000 * SECONDS, "the flood was a trickle: {sent}");
        assert!(after <= before + 512, "memory grew from {before} to {after} kB");
        assert!(said <= took + 2, "{}", lab.log(Node::Web1));
        assert_eq!(lab.owners(lab.config().address), [Node::Web1]);
        for node in Node::ALL {
            let death = format!("WARN: node {}: is dead", node.other());
            assert!(!lab.log(node).contains(&death), "{}", lab.log(node));
        }
        print_gap(lab, "flood", since, Duration::from_millis(50));
        Ok(())
    })
}
