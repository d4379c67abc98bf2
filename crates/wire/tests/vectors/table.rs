//! The captured messages, one row each. `INDEX.md` next to the files says where they come from.

use systole_wire::Method::{self, Crc, Md5, Sha1};

/// What carried a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    Datagram,
    Icmp,
    Serial,
}

/// What made a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A C daemon.
    Daemon,
    /// A test program that talked to a C daemon.
    Program,
}

use Carrier::{Datagram, Icmp, Serial};
use Origin::{Daemon, Program};

/// A captured message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vector {
    pub(crate) name: &'static str,
    pub(crate) captured: &'static [u8],
    pub(crate) method: Method,
    pub(crate) key: u8,
    pub(crate) carrier: Carrier,
    pub(crate) origin: Origin,
}

macro_rules! vectors {
    ($($name:literal $method:ident $key:literal $carrier:ident $origin:ident;)*) => {
        /// All captured messages, in the order of their numbers.
        pub(crate) const VECTORS: &[Vector] = &[$(Vector {
            name: $name,
            captured: include_bytes!(concat!($name, ".bin")),
            method: $method,
            key: $key,
            carrier: $carrier,
            origin: $origin,
        }),*];
    };
}

vectors! {
    "01-status-init" Sha1 1 Datagram Daemon;
    "02-status-up" Sha1 1 Datagram Daemon;
    "03-ackmsg-peer" Sha1 1 Datagram Daemon;
    "04-ackmsg-self" Sha1 1 Datagram Daemon;
    "05-reqnodes" Sha1 1 Datagram Daemon;
    "06-repnodes" Sha1 1 Datagram Daemon;
    "07-status-active-2s-grace" Sha1 1 Datagram Daemon;
    "08-status-active" Sha1 1 Datagram Daemon;
    "09-starting" Sha1 1 Datagram Daemon;
    "10-resource-none-unstable" Sha1 1 Datagram Daemon;
    "11-resource-local-stable" Sha1 1 Datagram Daemon;
    "12-resource-after-acquire" Sha1 1 Datagram Daemon;
    "13-ip-request-resp-self" Sha1 1 Datagram Daemon;
    "14-resource-shutdown" Sha1 1 Datagram Daemon;
    "15-shutdone" Sha1 1 Datagram Daemon;
    "16-ask_resources-done-takeover" Sha1 1 Datagram Daemon;
    "17-resource-mach_down" Sha1 1 Datagram Daemon;
    "18-stonith-unneeded" Sha1 1 Datagram Daemon;
    "19-stonith-none-configured" Sha1 1 Datagram Daemon;
    "20-resource-all-stable" Sha1 1 Datagram Daemon;
    "21-ask_resources-me" Sha1 1 Datagram Daemon;
    "22-ask_resources-other" Sha1 1 Datagram Daemon;
    "23-resource-standby" Sha1 1 Datagram Daemon;
    "24-ask_resources-done-release" Sha1 1 Datagram Daemon;
    "25-ask_resources-done-acquire" Sha1 1 Datagram Daemon;
    "26-stonith-ok" Sha1 1 Datagram Daemon;
    "27-status-quick-restart-grace" Sha1 1 Datagram Daemon;
    "28-rexmit" Sha1 1 Datagram Daemon;
    "29-status-restart-grace" Sha1 1 Datagram Daemon;
    "30-nak_rexmit" Sha1 1 Datagram Daemon;
    "31-md5-status" Md5 7 Datagram Daemon;
    "32-md5-repnodes-3nodes" Md5 7 Datagram Daemon;
    "33-md5-hb_takeover" Md5 7 Datagram Daemon;
    "34-md5-setweight" Md5 7 Datagram Daemon;
    "35-md5-setsite" Md5 7 Datagram Daemon;
    "36-md5-addnode" Md5 7 Datagram Daemon;
    "37-md5-delnode" Md5 7 Datagram Daemon;
    "38-md5-query-cstatus" Md5 7 Datagram Daemon;
    "39-md5-respond-cstatus" Md5 7 Datagram Daemon;
    "40-md5-binary-and-list" Md5 7 Datagram Daemon;
    "41-md5-nested" Md5 7 Datagram Daemon;
    "42-md5-newline" Md5 7 Datagram Daemon;
    "43-md5-ns-custom" Md5 7 Datagram Daemon;
    "44-md5-legacy-ip-request" Md5 1 Datagram Daemon;
    "45-md5-legacy-ip-request-resp" Md5 1 Datagram Daemon;
    "46-md5-msgfmt-netstring-status" Md5 1 Datagram Daemon;
    "47-crc-status" Crc 2 Datagram Daemon;
    "48-crc-short-digest" Crc 3 Datagram Daemon;
    "49-crc-clstat-join" Crc 2 Datagram Daemon;
    "50-crc-clstat-leave" Crc 2 Datagram Daemon;
    "51-crc-query-cstatus-broadcast" Crc 2 Datagram Daemon;
    "52-crc-client-message" Crc 2 Datagram Daemon;
    "53-crc-ipfail-num_ping_nodes" Crc 2 Datagram Daemon;
    "54-crc-ipfail-abort_giveup" Crc 2 Datagram Daemon;
    "55-crc-ipfail-you_are_dead" Crc 2 Datagram Daemon;
    "56-crc-ipfail-ask_resources" Crc 2 Datagram Daemon;
    "57-crc-icmp-ping-request" Crc 2 Icmp Daemon;
    "58-crc-icmp-ping-reply" Crc 2 Icmp Daemon;
    "59-crc-icmp-ping_group-request" Crc 2 Icmp Daemon;
    "60-crc-icmp6-ping6-request" Crc 2 Icmp Daemon;
    "61-zlib-compressed" Sha1 1 Datagram Daemon;
    "62-bz2-compressed" Crc 1 Datagram Daemon;
    "63-large-20k" Sha1 1 Datagram Daemon;
    "64-bcast-status" Sha1 1 Datagram Daemon;
    "65-mcast-status" Sha1 1 Datagram Daemon;
    "66-ucast6-status" Sha1 1 Datagram Daemon;
    "67-mcast6-status" Sha1 1 Datagram Daemon;
    "68-serial-classic-status" Sha1 1 Serial Daemon;
    "69-serial-classic-newline" Sha1 1 Serial Daemon;
    "70-serial-classic-nested-binary-list" Md5 1 Serial Daemon;
    "71-serial-classic-nested-twice" Md5 1 Serial Daemon;
    "72-x-accepted-no-inner-auth" Sha1 1 Datagram Program;
    "73-x-accepted-classic-udp" Sha1 1 Datagram Program;
    "74-x-accepted-classic-udp-nul" Sha1 1 Datagram Program;
    "75-x-accepted-classic-keyid2" Md5 2 Datagram Program;
    "76-x-REFUSED-framed-keyid2" Md5 2 Datagram Program;
    "77-x-accepted-framed-keyid2-wrongkey" Md5 2 Datagram Program;
}
