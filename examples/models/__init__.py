"""Networks and data for the examples of graph mode."""
