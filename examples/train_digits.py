"""Trains the demo's digits network on scikit-learn's digits and writes its weights and data.

    python examples/train_digits.py [folder]

Needs scikit-learn; takes seconds. Writes digits.safetensors and digits.npz into quark_core/demo by default.
Data: Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, CC BY 4.0.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from sklearn.datasets import load_digits
from torch.nn import functional

from quark_core.demo.network import DigitsNet

EPOCHS, BATCH, HELD_OUT, CALIBRATION = 12, 32, 500, 256
DEFAULT = Path(__file__).parent.parent / "quark_core" / "demo"


def train(folder: Path) -> float:
    """Train with seed 0, write both files into ``folder`` and return the share of held-out digits that are right."""
    torch.manual_seed(0)
    torch.set_num_threads(1)  # the same sums in the same order on every machine
    pixels, labels = load_digits(return_X_y=True)
    images = pixels.reshape(-1, 8, 8).astype(np.uint8)
    order = np.random.default_rng(0).permutation(len(labels))
    test, rest = order[:HELD_OUT], order[HELD_OUT:]
    x, y = torch.from_numpy(images[rest]).float().div_(16).unsqueeze(1), torch.from_numpy(labels[rest]).long()
    net = DigitsNet()
    optimizer = torch.optim.AdamW(net.parameters(), lr=8e-3, weight_decay=1e-2)
    steps = EPOCHS * -(-len(y) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 8e-3, total_steps=steps)
    for _ in range(EPOCHS):
        for part in torch.split(torch.randperm(len(y)), BATCH):
            moved = torch.roll(x[part], int(torch.randint(-1, 2, ())), 3)
            optimizer.zero_grad()
            functional.cross_entropy(net(moved), y[part]).backward()  # type: ignore[no-untyped-call]  # torch's own
            optimizer.step()
            schedule.step()
    (folder / "digits.safetensors").write_bytes(save(net.state_dict()))
    few = rest[:CALIBRATION]
    np.savez_compressed(
        folder / "digits.npz",
        calibration_images=images[few],
        calibration_labels=labels[few].astype(np.uint8),
        test_images=images[test],
        test_labels=labels[test].astype(np.uint8),
    )
    held_out = torch.from_numpy(images[test]).float().div_(16).unsqueeze(1)
    right = net.eval()(held_out).argmax(1) == torch.from_numpy(labels[test])
    return float(right.float().mean())


if __name__ == "__main__":
    where = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    print(f"held-out accuracy {train(where):.3f}, written to {where}")
