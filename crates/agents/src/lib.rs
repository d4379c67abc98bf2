//! Runs the resources of a group: scripts, units and the native address agent.
