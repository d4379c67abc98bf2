//! Checks the tree's own rules.

fn main() {}
