"""What ``--model`` and ``--data`` name: ``package.module:function``, or files."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quark_core.errors import ArtifactError, DataError, ModelError, UsageError

if TYPE_CHECKING:
    import torch
    from torch import nn

_REFERENCE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


def called(reference: str, what: str) -> Any:
    """Return the result of calling ``package.module:function``; modules of the working folder are found too.

    Raises UsageError, which names ``what`` (``--model``), when it cannot be imported or called, or raises.
    """
    if not _REFERENCE.fullmatch(reference):
        raise UsageError(f"{what} {reference!r}: write package.module:function, or the path of something that exists")
    module_name, _, path = reference.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        function: Any = import_module(module_name)
        for part in path.split("."):
            function = getattr(function, part)
        return function()
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"{what} {reference!r}: {type(error).__name__}: {error}; it must name a function without arguments"
        ) from error


def model_from(reference: str, architecture: str | None) -> nn.Module:
    """Return a model: what a function returns, or the network of ``architecture`` with the values of a saved folder.

    From a folder comes a plain network whose parameters have the quantized values, so that it can be quantized again.
    Raises UsageError, ArtifactError, ModelError.
    """
    from torch import nn

    from quark_core.engine.artifact import MANIFEST, read
    from quark_core.engine.loading import load
    from quark_core.engine.modules.replace import restore_modules

    folder = Path(reference)
    if folder.is_dir() and not (folder / MANIFEST).is_file():
        raise ArtifactError(f"{folder}: is not a folder that Quark Core saved: there is no {MANIFEST} in it")
    if folder.is_dir():
        if architecture is None:
            noted = read(folder)[0].get("architecture")
            hint = f"it notes {noted!r}: if you trust that, add" if noted else "add"
            raise UsageError(
                f"--model {folder}: a saved folder holds no code; {hint} --architecture package.module:function"
            )
        made = _module(called(architecture, "--architecture"), architecture, nn.Module)
        return restore_modules(load(folder, made))
    return _module(called(reference, "--model"), reference, nn.Module)


def _module(made: Any, reference: str, cls: type[nn.Module]) -> nn.Module:
    if not isinstance(made, cls):
        raise ModelError(f"{reference} returned a {type(made).__name__}; a torch.nn.Module is needed")
    return made


def data_from(reference: str, batch_size: int) -> Iterable[Any]:
    """Return batches: what a function returns, or the arrays of a file (.npz, .safetensors) cut along their first axis.

    One array is the model's only argument; ``arr_0, arr_1, …`` are positional; other names are the arguments' names.
    Raises DataError, UsageError.
    """
    path = Path(reference)
    if path.suffix in (".npz", ".safetensors") or path.exists():
        return _cut(path, _arrays(path), batch_size)
    made = called(reference, "--data")
    if not isinstance(made, Iterable):
        raise DataError(f"--data {reference}: returned a {type(made).__name__}; an iterable of batches is needed")
    return made


def _arrays(path: Path) -> dict[str, torch.Tensor]:
    import numpy as np
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        if path.suffix == ".safetensors":
            return dict(load(path.read_bytes()))
        if path.suffix == ".npz":
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (SafetensorError, ValueError, TypeError, EOFError, KeyError, AttributeError) as error:
        raise DataError(f"{path}: is not a readable {path.suffix} file: {error}") from error
    except Exception as error:
        # numpy raises zipfile and zlib errors that share no base class.
        raise DataError(f"{path}: is damaged: {type(error).__name__}: {error}") from error
    raise DataError(f"{path}: unknown kind {path.suffix!r}; give .npz, .safetensors or package.module:function")


def _cut(path: Path, arrays: dict[str, torch.Tensor], size: int) -> Iterator[Any]:
    if not arrays:
        raise DataError(f"{path}: holds no arrays")
    lengths = {name: array.shape[0] if array.dim() else 0 for name, array in arrays.items()}
    if len(set(lengths.values())) > 1 or not min(lengths.values()):
        raise DataError(f"{path}: arrays need one common first axis of at least 1 sample; they have {lengths}")
    positional = all(re.fullmatch(r"arr_\d+", name) for name in arrays)
    for start in range(0, max(lengths.values()), size):
        batch = {name: array[start : start + size] for name, array in arrays.items()}
        if len(batch) == 1:
            yield next(iter(batch.values()))
        elif positional:
            yield tuple(batch[name] for name in sorted(batch, key=lambda n: int(n[4:])))
        else:
            yield batch
