"""Files to plain data with the place of every key and value, in YAML, JSON and TOML; bounded in size and depth."""
