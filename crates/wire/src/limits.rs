//! The limits of a message. All data that comes from outside is checked against these.

/// The largest message that is received, in bytes: a C node reads no more.
pub const MESSAGE_MAX: usize = 262_143;
/// The largest UDP datagram over IPv4 in bytes (RFC 768, RFC 791); a larger one cannot be sent.
pub const DATAGRAM_MAX: usize = 65_507;
/// The largest ICMP payload that a C node accepts, in bytes.
pub const PING_MAX: usize = 5_120;
/// The largest unpacked envelope in bytes.
pub const UNPACKED_MAX: usize = 2 * 1024 * 1024;
/// The highest number of fields of a message. The largest message that was captured has 166.
pub const FIELDS_MAX: usize = 512;
/// The highest number of levels of nested messages: the classic form has no separators for more.
pub const DEPTH_MAX: usize = 16;
/// The largest packed list in bytes.
pub const LIST_MAX: usize = 1023;
/// The longest field name in bytes. The longest known one has 22.
pub(crate) const NAME_MAX: usize = 255;
