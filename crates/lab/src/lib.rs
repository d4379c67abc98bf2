//! Real daemons in network namespaces on one machine.
