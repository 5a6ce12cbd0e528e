"""Faults that yaml-language-server offers to mend, and what the document is then."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fix:
    """A document with one diagnostic, and the quick fix that is chosen from its list."""

    name: str
    yaml: str
    title: str
    becomes: str
    offers: tuple[str, ...]
    """The first titles of the list, in order; all of them where ``only`` is set."""
    only: bool = False
    schema: str = "bundled"

    def question(self) -> dict[str, str]:
        return {"schema": self.schema, "text": self.yaml, "fix": self.title}


FIXES = (
    Fix(
        "mend a misspelt dtype",
        "weight:\n  dtype: int9\n",
        "int8",
        "weight:\n  dtype: int8\n",
        ("int2", "int3", "int4", "int5", "int6", "int7", "int8", "int16"),
    ),
    Fix(
        "mend a misspelt dtype in the published schema",
        "weight: {dtype: fp8e4m3}",
        "fp8_e4m3",
        "weight: {dtype: fp8_e4m3}",
        ("int2",),
        schema="published",
    ),
    Fix(
        "mend a misspelt scheme",
        "weight: {dtype: int8, qscheme: per_chanel}",
        "per_channel",
        "weight: {dtype: int8, qscheme: per_channel}",
        ("per_tensor", "per_channel", "per_group", "per_token", "per_block"),
        only=True,
    ),
    Fix(
        "mend a misspelt observer",
        "weight: {dtype: int8, observer: minmax}",
        "min_max",
        "weight: {dtype: int8, observer: min_max}",
        ("min_max", "moving_average", "percentile", "mse", "entropy"),
        only=True,
    ),
    Fix(
        "mend a misspelt observer in options",
        "weight: {dtype: int8, observer: {name: precentile, percentile: 99}}",
        "percentile",
        "weight: {dtype: int8, observer: {name: percentile, percentile: 99}}",
        ("min_max", "moving_average", "percentile", "mse", "entropy"),
        only=True,
    ),
    Fix(
        "mend a plugin's dtype",
        "weight: {dtype: acme.nf5}",
        "acme.nf4",
        "weight: {dtype: acme.nf4}",
        ("int2",),
        schema="acme",
    ),
    Fix(
        "mend a misspelt key of the root",
        "wieght: {dtype: int8}",
        "weight",
        "weight: {dtype: int8}",
        ("weight", "input", "output", "bias", "version", "mode", "device"),
    ),
    Fix(
        "mend a value that only a rule forbids",
        "input: {dtype: fp8_e4m3, symmetric: false}",
        "true",
        "input: {dtype: fp8_e4m3, symmetric: true}",
        ("true",),
        only=True,
    ),
    Fix(
        "mend the group size of mx",
        "weight: {dtype: mx, group_size: 64}",
        "32",
        "weight: {dtype: mx, group_size: 32}",
        ("32",),
        only=True,
    ),
    Fix(
        "mend the mode for a device",
        "device: IPU\nmode: eager_mode",
        "fx_graph_mode",
        "device: IPU\nmode: fx_graph_mode",
        ("fx_graph_mode",),
        only=True,
    ),
    Fix(
        "mend a dtype that the device does not take",
        "device: IPU\nmode: fx_graph_mode\ninput: {dtype: int4, scale_type: pof2}",
        "int8",
        "device: IPU\nmode: fx_graph_mode\ninput: {dtype: int8, scale_type: pof2}",
        ("int8", "uint8"),
        only=True,
    ),
)

UNMENDED = (
    Fix("no fix for a key out of place", "weight: {dtype: int8, group_size: 32}", "", "", (), only=True),
    Fix("no fix for a key that is missing", "weight: {dtype: int4, qscheme: per_group}", "", "", (), only=True),
)
"""Faults without a quick fix: the message says what to do."""
