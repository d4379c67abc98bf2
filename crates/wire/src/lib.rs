//! Heartbeat messages as bytes: framed and classic forms, signatures, compression.
