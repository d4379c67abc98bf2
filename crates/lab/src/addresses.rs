//! The addresses of a node, as reported by its kernel.

use crate::node::Host;
use crate::{Lab, Node};
use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};

impl Lab {
    /// Returns all IPv4 addresses of a node at one moment; none without power.
    #[must_use]
    pub fn addresses(&self, node: Node) -> BTreeSet<Ipv4Addr> {
        local_addresses(&self.host(node).network_table("fib_trie"))
    }
}

impl Host {
    /// Returns whether an interface of the node that is up has the address.
    pub(crate) fn has(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => {
                local_addresses(&self.network_table("fib_trie")).contains(&address)
            }
            IpAddr::V6(address) => {
                let hex: String =
                    address.octets().iter().map(|byte| format!("{byte:02x}")).collect();
                self.network_table("if_inet6").lines().any(|line| line.starts_with(&hex))
            }
        }
    }

    /// Returns a file of `/proc/net` as the node sees it; empty without power.
    fn network_table(&self, file: &str) -> String {
        let power = self.power();
        let path = power.as_ref().map(|machine| format!("/proc/{}/net/{file}", machine.pid()));
        path.and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default()
    }
}

/// Returns the leaves of `/proc/net/fib_trie` that are addresses of the machine itself.
fn local_addresses(trie: &str) -> BTreeSet<Ipv4Addr> {
    let (mut addresses, mut last) = (BTreeSet::new(), None);
    for line in trie.lines() {
        if let Some(leaf) = line.trim_start().strip_prefix("|-- ") {
            last = leaf.parse::<Ipv4Addr>().ok();
        } else if line.contains("host LOCAL") {
            addresses.extend(last);
        }
    }
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fib_trie_yields_only_host_local_addresses() {
        let trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 192.168.122.0\n        /24 link UNICAST\n     \
                    |-- 192.168.122.100\n        /32 host LOCAL\n     |-- 192.168.122.255\n        \
                    /32 link BROADCAST\n     |-- 10.9.0.1\n        /32 host LOCAL\n";
        let expected = [Ipv4Addr::new(10, 9, 0, 1), Ipv4Addr::new(192, 168, 122, 100)];
        assert_eq!(local_addresses(trie), BTreeSet::from(expected));
    }
}
