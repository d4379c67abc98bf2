//! What the programs of one machine exchange: the requests of `hb` and the daemon's responses, the journal
//! that the daemon writes and `hb why` reads, and the paths of all of these.

pub mod client;
pub mod journal;
pub mod order;
pub mod paths;
pub mod protocol;
pub mod texts;
