"""Configs of older versions of the format to the current one: as plain data and as texts that keep their layout."""
