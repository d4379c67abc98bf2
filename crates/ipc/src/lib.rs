//! What programs of one machine say to each other: the requests of `hb` and the daemon's responses, the
//! journal that the daemon writes and `hb why` reads, and the places where all that lies.

pub mod client;
pub mod journal;
pub mod paths;
pub mod protocol;
pub mod texts;
