"""Actions on the text of a config: what is not changed stays as it was, byte for byte."""
