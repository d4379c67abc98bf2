//! The heartbeat daemon: the beat loop, its executor, control socket and logs.
