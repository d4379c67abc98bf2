//! The hb command.
