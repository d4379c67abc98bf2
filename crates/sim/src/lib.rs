//! Many cores, one thread, one seed: network, agents, clocks and the laws.
