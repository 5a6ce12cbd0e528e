"""The half that computes: the only core package that imports torch."""
