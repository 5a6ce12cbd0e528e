import torch

import quark_acme
from quark_core import TensorConfig
from quark_core.functional import QParams, quantize
from quark_core.testing import DtypeTests


class TestInt3(DtypeTests):
    spec = quark_acme.INT3


def test_codes_reach_from_minus_4_to_3() -> None:
    params = QParams(torch.ones(1), torch.zeros(1))
    codes = quantize(torch.tensor([-9.0, -4.0, 0.4, 3.0, 9.0]), TensorConfig(dtype="acme.int3"), params)
    assert codes.tolist() == [-4, -4, 0, 3, 3]
