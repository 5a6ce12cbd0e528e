"""Kernels that add pairs of products in 16 bits: never run with 8-bit activations, in a process that has only these."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from quark_core import QuantConfig, make_plan
from quark_core.plugin import Adjustment
from quark_cpu import CpuOptions
from quark_cpu.device import Cpu
from quark_cpu.reduced import reduced
from tests.plugins.cpu.shared import INT8, ROWS8, UINT8
from tests.unit.outlines import NET

SCRIPT = """
import json, warnings
import torch
from torch import nn
from quark_core import QuantConfig, quantize
from quark_cpu.kernels import LinearKernel, saturating

ones = torch.ones(1, 512)
raw = LinearKernel(torch.full((1, 512), 127, dtype=torch.int8), torch.tensor([1 / 127]), None)(ones, 1 / 255, 0)
found = {"saturating": saturating(), "raw": raw.item()}
line = nn.Sequential(nn.Linear(512, 1, bias=False))
image = nn.Sequential(nn.Conv2d(512, 1, 1, bias=False))
for net, x in ((line, ones), (image, ones.view(1, 512, 1, 1))):
    nn.init.ones_(net[0].weight)
    for isa in ("auto", "vnni", "avx2"):
        for mode in ("eager_mode", "fx_graph_mode"):
            config = QuantConfig.model_validate(
                {"device": {"name": "CPU", "isa": isa}, "mode": mode, "weight": {"dtype": "int8"},
                 "input": {"dtype": "uint8"}, "output": {"dtype": "uint8"}}
            )
            result = quantize(net, config, calibration=[x], lower=True, progress=False)
            [layer] = result.report.layers
            found[f"{type(net[0]).__name__} {isa} {mode}"] = [
                round(result.lowered(x).item(), 3), result.plan.layers[0].tensors[1].settings.dtype.name, layer.path,
                layer.why, len(result.report.adjustments)
            ]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """What happens where neither library uses more than AVX2; on machines without VNNI that is everywhere."""
    narrow = {**os.environ, "FBGEMM_ENABLE_INSTRUCTIONS": "AVX2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
    ran = subprocess.run([sys.executable, "-c", SCRIPT], env=narrow, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    read: dict[str, Any] = json.loads(ran.stdout)
    return read


def test_the_trap_is_there(found: dict[str, Any]) -> None:
    assert found["saturating"] is True
    # 512 ones add up to 259, silently.
    assert found["raw"] == pytest.approx(259, abs=0.1)


@pytest.mark.parametrize("layer", ["Linear", "Conv2d"])
@pytest.mark.parametrize("mode", ["eager_mode", "fx_graph_mode"])
def test_nobody_steps_into_it(found: dict[str, Any], layer: str, mode: str) -> None:
    kernel = "fbgemm linear" if layer == "Linear" else "oneDNN conv2d"
    for isa in ("auto", "avx2"):
        assert found[f"{layer} {isa} {mode}"] == [512.0, "uint7", "kernel", kernel, 2]
    value, dtype, path, why, changed = found[f"{layer} vnni {mode}"]
    assert (value, dtype, path, changed) == (512.0, "uint8", "simulated", 0)
    assert why.startswith(
        "8-bit activations would saturate in this machine's kernels; quantize with device: {name: CPU"
    )


def test_a_plan_with_7_bits() -> None:
    config = QuantConfig.model_validate({"weight": ROWS8, "input": INT8, "layers": [{"match": "head", "input": UINT8}]})
    plan, changes = reduced(make_plan(config, NET))
    why = "kernels without VNNI add pairs of products in 16 bits, which 8-bit activations would exceed"
    assert changes == [
        Adjustment("body.0.input", "int8", "int7", why),
        Adjustment("body.2.input", "int8", "int7", why),
        Adjustment("head.input", "uint8", "uint7", why),
    ]
    assert [t.settings.dtype.name for t in plan.tensors() if t.role == "weight"] == ["int8"] * 3
    assert [t.settings.symmetric for t in plan.tensors() if t.role == "input"] == [True, True, False]
    assert reduced(plan) == (plan, [])


def test_without_lowering_nothing_depends_on_the_machine() -> None:
    assert Cpu(CpuOptions()).resolve(lowering=False).isa == "vnni"
    for isa in ("avx2", "vnni"):
        options = CpuOptions(isa=isa)
        assert Cpu(options).resolve(lowering=True) == options
        assert Cpu(options).resolve(lowering=False) == options
