//! A stranger in the client's network that claims an address.

use crate::namespace::enter_network;
use crate::{Lab, LabError, Link};
use std::io;
use std::net::IpAddr;
use std::thread::{self, sleep};
use std::time::Duration;
use systole_sys::address::{Announcer, interfaces};

impl Lab {
    /// Announces an address to the client's network in the name of each of these Ethernet addresses, one
    /// after the other: with gratuitous ARP, or with a neighbour advertisement.
    ///
    /// # Errors
    ///
    /// When the network cannot be entered, or something cannot be sent.
    pub fn claim(
        &self,
        address: IpAddr,
        machines: &[[u8; 6]],
        every: Duration,
    ) -> Result<(), LabError> {
        let network = self.network().gateway().network();
        let send = || {
            enter_network(&network)?;
            let failed = || LabError::io("claiming an address");
            let announcer = Announcer::open().map_err(failed())?;
            let all = interfaces().map_err(failed())?;
            let bridge = all.iter().find(|interface| interface.name == Link::Service.bridge());
            let bridge = bridge.ok_or_else(|| failed()(io::ErrorKind::NotFound.into()))?;
            for mac in machines {
                announcer.announce_at(bridge.index, *mac, address).map_err(failed())?;
                sleep(every);
            }
            Ok(())
        };
        // In a separate thread, because a thread stays in the network that it entered.
        let ended = thread::scope(|scope| scope.spawn(send).join());
        ended.map_err(|_| LabError::io("claiming an address")(io::ErrorKind::Other.into()))?
    }
}
