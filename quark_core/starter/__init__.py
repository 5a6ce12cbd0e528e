"""First configs: what ``quark init`` writes. Free of torch."""
