"""Operators of ``torch.nn`` that can be quantized where they stand, and how it is done."""
