import torch

import quark_acme
from quark_acme.truncate import Truncate
from quark_core.testing import RoundingTests


class TestTruncate(RoundingTests):
    spec = quark_acme.TRUNCATE


def test_both_signs_move_toward_zero() -> None:
    truncate = Truncate(quark_acme.TruncateOptions())
    assert truncate(torch.tensor([1.9, -1.9, 0.5])).tolist() == [1, -1, 0]
