"""Arithmetic on int32 tensors: shifts with rounding, sums of products, pools. Nothing here is floating point."""
