//! Hosts that were resolved before the daemon executed its successor.
//!
//! Between the last beat of the daemon and the first beat of its successor nothing may wait for a name
//! server, because a node that is silent for its dead time is dead.

use super::wiring::WiringError;
use std::env;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use systole_config::{Config, Medium};

/// The variable that passes them to a successor, e.g. `web2=192.0.2.2 gateway=192.0.2.1`.
pub(crate) const VARIABLE: &str = "SYSTOLE_RESOLVED";

/// Hosts with their addresses. Other hosts are resolved when needed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names(Vec<(String, IpAddr)>);

impl Names {
    /// Resolves every host of a configuration that is not an address.
    pub(crate) fn of(config: &Config) -> Result<Self, WiringError> {
        let mut names = Self::default();
        for medium in &config.media {
            if let Medium::Ucast { host, .. } = medium {
                names.learn(host, false)?;
            }
        }
        for member in config.ping_nodes.iter().flat_map(|ping| &ping.members) {
            names.learn(&member.host, member.ipv6)?;
        }
        Ok(names)
    }

    /// Returns what the predecessor that executed this daemon has resolved.
    pub(crate) fn inherited() -> Self {
        Self::read(&env::var(VARIABLE).unwrap_or_default())
    }

    fn read(text: &str) -> Self {
        let pair = |word: &str| {
            let (host, address) = word.split_once('=')?;
            Some((host.to_owned(), address.parse().ok()?))
        };
        Self(text.split(' ').filter_map(pair).collect())
    }

    /// Returns the value of the variable.
    pub(crate) fn value(&self) -> String {
        let words = self.0.iter().map(|(host, address)| format!("{host}={address}"));
        words.collect::<Vec<_>>().join(" ")
    }

    fn learn(&mut self, host: &str, is_ipv6: bool) -> Result<(), WiringError> {
        let address = self.resolve(host, |address| address.is_ipv6() == is_ipv6)?;
        if host.parse::<IpAddr>().is_err() {
            self.0.push((host.to_owned(), address));
        }
        Ok(())
    }

    /// Returns the address of a host.
    pub(crate) fn resolve(
        &self,
        host: &str,
        fits: impl Fn(&IpAddr) -> bool,
    ) -> Result<IpAddr, WiringError> {
        let mut known = self.0.iter().filter(|(name, _)| name == host);
        if let Some((_, address)) = known.find(|(_, address)| fits(address)) {
            return Ok(*address);
        }
        let unresolved = |source| WiringError::Unresolved { host: host.to_owned(), source };
        let addresses = (host, 0).to_socket_addrs().map_err(unresolved)?;
        let found = addresses.map(|address: SocketAddr| address.ip()).find(|address| fits(address));
        found.ok_or_else(|| unresolved(io::ErrorKind::NotFound.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn successor_reuses_host_names_without_resolving_again() {
        let mut names = Names::default();
        names.learn("192.0.2.1", false).unwrap();
        assert_eq!(names.value(), "", "an address needs no name server");
        names.learn("localhost", false).unwrap();
        // No name server knows this host.
        let known = Names::read("web2.invalid=192.0.2.2 web2.invalid=2001:db8::2 nonsense web3=x");
        let address = |is_ipv6: bool| {
            let found = known.resolve("web2.invalid", |address| address.is_ipv6() == is_ipv6);
            found.unwrap().to_string()
        };
        assert_eq!((address(false), address(true)), ("192.0.2.2".into(), "2001:db8::2".into()));
        assert_eq!(Names::read(&known.value()), known);
        assert!(known.resolve("web3.invalid", IpAddr::is_ipv4).is_err());
        assert_eq!(Names::read(&names.value()), names);
    }
}
