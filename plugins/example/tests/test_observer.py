import torch

import quark_acme
from quark_acme.ema import Ema
from quark_core.testing import ObserverTests


class TestEma(ObserverTests):
    spec = quark_acme.EMA


def test_the_last_batch_weighs_most() -> None:
    ema = Ema(quark_acme.EmaOptions(momentum=0.5))
    for value in (1.0, 4.0):
        ema.observe(torch.tensor([[0.0, value]]))
    # (0.5 * 1 + 4) / (0.5 + 1)
    assert [bound.item() for bound in ema.range()] == [0, 3]
