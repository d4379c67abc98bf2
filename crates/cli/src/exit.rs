//! Exit codes of `hb`, as documented in `docs/exit-codes.md`.

/// Done.
pub(crate) const OK: u8 = 0;
/// The daemon refused, the laboratory failed, or `check --strict` found warnings.
pub(crate) const REFUSED: u8 = 1;
/// The command line is invalid, or `check` found errors.
pub(crate) const USAGE: u8 = 2;
/// The daemon does not run.
pub(crate) const NOT_RUNNING: u8 = 3;
/// Permission is missing.
pub(crate) const PERMISSION: u8 = 4;
