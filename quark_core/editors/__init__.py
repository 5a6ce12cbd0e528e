"""Ties config files to the JSON Schema in editors: what ``quark schema --install`` writes. Free of torch."""
