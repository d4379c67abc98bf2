//! A stranger in the client's network that sends datagrams to a node at a given rate.

use crate::namespace::enter_network;
use crate::{Lab, LabError, Node};
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

/// The port of heartbeats, see `udpport` in ha.cf(5).
const HEARTBEAT_PORT: u16 = 694;
/// Time between two bursts.
const BURST_EVERY: Duration = Duration::from_millis(10);

impl Lab {
    /// Sends these datagrams repeatedly to a node's heartbeat port, from the client, at the given rate per
    /// second and for the given time. Returns how many were sent.
    ///
    /// # Errors
    ///
    /// When the client's network cannot be entered.
    pub fn flood(
        &self,
        node: Node,
        datagrams: &[Vec<u8>],
        per_second: u32,
        span: Duration,
    ) -> Result<u64, LabError> {
        let network = self.client().network();
        let target = SocketAddr::new(crate::Link::Service.address(node).into(), HEARTBEAT_PORT);
        let send = || {
            enter_network(&network)?;
            let failed = || LabError::io("flooding a node");
            let socket = UdpSocket::bind("0.0.0.0:0").map_err(failed())?;
            let start = Instant::now();
            let mut sent = 0_u64;
            while start.elapsed() < span {
                let due = start.elapsed().as_millis() * u128::from(per_second) / 1000;
                while u128::from(sent) < due {
                    let place = usize::try_from(sent).unwrap_or(0) % datagrams.len().max(1);
                    // A node does not answer a stranger; an error that the kernel reports about an earlier
                    // datagram does not matter here.
                    let _ = socket.send_to(&datagrams[place], target);
                    sent += 1;
                }
                sleep(BURST_EVERY);
            }
            Ok(sent)
        };
        // In a separate thread, because a thread stays in the network that it entered.
        let ended = thread::scope(|scope| scope.spawn(send).join());
        ended.map_err(|_| LabError::io("flooding a node")(io::ErrorKind::Other.into()))?
    }
}
