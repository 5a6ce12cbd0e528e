"""Quantizes every network of this folder that is installed, and prints what was quantized and how close the result is.

python -m examples.models.measure [NAME ...]
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

import quark_core as qc
from examples.models import efficientnet, small, smollm2
from quark_core.demo.network import calibration_batches, digits_net
from quark_core.demo.run import accuracy

Score = Callable[[nn.Module, nn.Module], str]


@dataclass(frozen=True)
class Example:
    """One network: how it is made, calibrated, configured and judged."""

    network: Callable[[], nn.Module]
    data: Callable[[], Iterable[Tensor]]
    config: str
    score: Score = lambda _float, _quantized: ""
    lower: bool = False
    """Whether it is to run on the config's device."""


def agreement(reference: nn.Module, quantized: nn.Module) -> str:
    """Return top-1 of both on the labelled photos, and how often they agree."""
    right = Counter[str]()
    count = 0
    with torch.no_grad():
        for photos, label in efficientnet.labelled():
            a, b = reference(photos).argmax(1), quantized(photos).argmax(1)
            right.update(float=int((a == label).sum()), quantized=int((b == label).sum()), same=int((a == b).sum()))
            count += len(photos)
    shares = {name: f"{number / count:.3f}" for name, number in right.items()}
    return f"top-1 {shares['float']} -> {shares['quantized']}, agreement {shares['same']} of {count} crops"


def perplexities(reference: nn.Module, quantized: nn.Module) -> str:
    """Return the perplexity of both."""
    batches = list(smollm2.tokens())
    before, after = (smollm2.perplexity(model, batches) for model in (reference, quantized))
    return f"perplexity {before:.2f} -> {after:.2f} ({100 * (after / before - 1):+.2f} %)"


def digits_accuracy(reference: nn.Module, quantized: nn.Module) -> str:
    """Return the share of 500 held-out digits that both read right."""
    return f"top-1 {accuracy(reference):.3f} -> {accuracy(quantized):.3f}"


EXAMPLES = {
    "digits": Example(digits_net, calibration_batches, "small.yaml", digits_accuracy),
    "encoder": Example(small.encoder, small.sentences, "encoder.yaml"),
    "unet": Example(small.unet, small.images, "small.yaml"),
    "thrice": Example(small.thrice, small.rows, "small.yaml"),
    "shapes": Example(small.shapes, small.wide_images, "small.yaml"),
    "efficientnet": Example(efficientnet.network, efficientnet.photos, "efficientnet.yaml", agreement),
    "digits_cpu": Example(digits_net, calibration_batches, "cpu.yaml", digits_accuracy, lower=True),
    "digits_xint8": Example(digits_net, calibration_batches, "xint8.yaml", digits_accuracy),
    "efficientnet_cpu": Example(efficientnet.network, efficientnet.photos, "cpu.yaml", agreement, lower=True),
    "efficientnet_xint8": Example(efficientnet.network, efficientnet.photos, "xint8.yaml", agreement),
    "smollm2": Example(smollm2.network, smollm2.tokens, "smollm2.yaml", perplexities),
}


def describe(name: str, example: Example) -> list[str]:
    """Return what happened to one network, as lines."""
    model = example.network()
    config = qc.load_config(Path(__file__).with_name(example.config))
    result = qc.quantize(model, config, calibration=example.data(), lower=example.lower, progress=False)
    edges = [tensor for tensor in result.plan.tensors() if tensor.role in ("input", "output")]
    own = sum(tensor.shared is None for tensor in edges)
    kept = Counter(layer.reason for layer in result.report.left_float)
    lines = [f"{name}: {result.report.coverage}; {len(edges)} edges quantized by {own} quantizers"]
    lines += [f"  float: {count} x {reason}" for reason, count in kept.most_common()]
    paths = Counter(f"{layer.path} ({layer.why})" for layer in result.report.layers if layer.why)
    lines += [f"  layers: {count} x {path}" for path, count in paths.most_common()]
    lines += [f"  {change.tensor}: {change.before} -> {change.after}" for change in result.report.adjustments]
    lines += [f"  {line}" for line in result.report.summary()[1:-1]]
    found = example.score(model, result.lowered or result.model)
    return [*lines, f"  {found}"] if found else lines


def main(names: list[str]) -> None:
    """Print all of them, or those that are named."""
    torch.set_num_threads(1)
    for name in names or EXAMPLES:
        try:
            print(*describe(name, EXAMPLES[name]), sep="\n", flush=True)
        except ModuleNotFoundError as error:
            print(f"{name}: left out, {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
