//! What a message may be at most. Everything that comes from outside is held against these.

/// Most bytes of a message as it is received: a C 3.0.6 node reads no more.
pub const MESSAGE_MAX: usize = 262_143;
/// Most bytes of a UDP datagram over IPv4 (RFC 768, RFC 791); a larger one cannot be sent.
pub const DATAGRAM_MAX: usize = 65_507;
/// Most bytes of an ICMP payload that a C 3.0.6 node takes.
pub const PING_MAX: usize = 5_120;
/// Most bytes of an unpacked envelope.
pub const UNPACKED_MAX: usize = 2 * 1024 * 1024;
/// Most fields of a message. The largest that was captured has 166.
pub const FIELDS_MAX: usize = 512;
/// Most levels of nested messages: the classic form has a separator for no more.
pub const DEPTH_MAX: usize = 16;
/// Most bytes of a packed list.
pub const LIST_MAX: usize = 1023;
/// Most bytes of a field name. The longest known has 22.
pub(crate) const NAME_MAX: usize = 255;
