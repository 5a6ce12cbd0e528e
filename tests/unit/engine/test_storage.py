"""Which tensors stand for a quantized model in a file."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from quark_core.engine.quantizer import quantizers
from quark_core.engine.storage import float_entries, quantizer_entries, restore_quantizer, restored_parameter
from quark_core.errors import ArtifactError
from tests.unit.engine.sample_nets import INT8, ROWS8, Tied, convnet, images, run


def entries(settings: dict[str, Any], role: str = "weight") -> dict[str, Tensor]:
    """Return what is stored for one tensor of a 4 x 64 linear layer."""
    torch.manual_seed(1)
    final = run(nn.Linear(64, 4), torch.randn(2, 64), **{role: settings}).model
    (quantizer,) = quantizers(final)
    return {name.removeprefix(f"quantized/{role}/"): t for name, t in quantizer_entries(quantizer).items()}


GROUPS = {"dtype": "int4", "qscheme": "per_group", "group_size": 16}
E8M0 = (torch.uint8, (8,))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (INT8, {"codes": 256, "scale": (torch.float32, (1,))}),
        (ROWS8, {"codes": 256, "scale": (torch.float32, (4,))}),
        (GROUPS, {"codes": 128, "scale": (torch.float32, (16,))}),
        (
            {"dtype": "uint4", "symmetric": False},
            {"codes": 128, "scale": (torch.float32, (1,)), "zero_point": (torch.int32, (1,))},
        ),
        ({"dtype": "fp8_e4m3"}, {"codes": 256, "scale": (torch.float32, (1,))}),
        ({"dtype": "bfloat16"}, {"codes": 512}),
        ({"dtype": "mx"}, {"codes": 256, "scale": E8M0}),
    ],
)
def test_what_is_stored_for_a_weight(settings: dict[str, Any], expected: dict[str, Any]) -> None:
    found = entries(settings)
    codes = found.pop("codes")
    assert codes.numel() * codes.element_size() == expected.pop("codes")
    assert {name: (t.dtype, tuple(t.shape)) for name, t in found.items()} == expected


def test_what_is_stored_for_an_activation() -> None:
    assert set(entries(INT8, "input")) == {"scale"}
    assert set(entries({"dtype": "uint8", "symmetric": False}, "input")) == {"scale", "zero_point"}
    assert entries({"dtype": "int8", "is_dynamic": True}, "input") == {}
    assert entries({"dtype": "mx"}, "input") == {}


def test_restoring_gives_the_same_values() -> None:
    torch.manual_seed(1)
    layer = nn.Linear(64, 4)
    for settings in (INT8, GROUPS, {"dtype": "uint4", "symmetric": False}, {"dtype": "mx"}, {"dtype": "float16"}):
        final, other = (run(layer, weight=settings).model for _ in range(2))
        (source,), (target,) = quantizers(final), quantizers(other)
        target.scale, target.zero_point, target.packed = None, None, None
        restore_quantizer(target, quantizer_entries(source))
        assert torch.equal(restored_parameter(target, layer.weight), final.get_parameter("weight"))


def test_what_stayed_float_is_stored_once() -> None:
    final = run(convnet(), images(), weight=ROWS8, input=INT8).model
    assert set(float_entries(final)) == {
        "float/0.bias",
        *(f"float/1.{name}" for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")),
        "float/4.bias",
    }
    tied = run(Tied(), bias=INT8).model
    assert set(float_entries(tied)) == {"float/embed.weight"}


class Stateful(nn.Linear):
    """Keeps a state that is no tensor."""

    def get_extra_state(self) -> Any:
        return {"step": 3}

    def set_extra_state(self, state: Any) -> None:
        self.step = state["step"]


def test_a_state_that_needs_pickle_can_be_quantized_but_not_saved(tmp_path: Any) -> None:
    made = run(nn.Sequential(Stateful(4, 4)), torch.randn(2, 4), weight=INT8)
    assert made.report.stored_bytes == 16 + 4 + 16
    with pytest.raises(ArtifactError, match=r"^0\._extra_state: a state of type dict cannot be saved without pickle"):
        made.save(tmp_path / "out")
