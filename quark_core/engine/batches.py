"""Calibration data: what a batch may be, and how a model is called with one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from quark_core.errors import DataError, QuarkError


def batches_of(calibration: Iterable[Any] | None, limit: int) -> Iterator[Any]:
    """Yield at most ``limit`` batches, and take no more than that from ``calibration``.

    Raises DataError when ``calibration`` is a tensor, cannot be iterated or raises.
    """
    if calibration is None:
        return
    if isinstance(calibration, Tensor | Mapping) or not isinstance(calibration, Iterable):
        kind = type(calibration).__name__
        raise DataError(f"calibration must be an iterable of batches, not one {kind}; write calibration=[batch]")
    iterator = iter(calibration)
    for index in range(limit):
        try:
            batch = next(iterator)
        except StopIteration:
            return
        except QuarkError:
            raise
        except Exception as error:
            raise DataError(f"batch {index}: the calibration data raised {type(error).__name__}: {error}") from error
        yield batch


def call(
    model: nn.Module, batch: Any, index: int, *, through: Callable[[tuple[Any, ...], dict[str, Any]], Any] | None = None
) -> Any:
    """Return ``model(batch)``: a tensor is one argument, a tuple or list the positional ones, a mapping the named ones.

    Tensors are moved to the device of the model's first parameter. ``through`` gets the positional and the named
    arguments and calls the model in its own way. Raises DataError when the model raises.
    """
    device = next((p.device for p in (*model.parameters(), *model.buffers())), torch.device("cpu"))
    args, kwargs = _arguments(batch, index)
    try:
        args, kwargs = mapped((args, kwargs), lambda tensor: tensor.to(device))
        return through(args, kwargs) if through else model(*args, **kwargs)
    except QuarkError:
        raise
    except Exception as error:
        raise DataError(
            f"batch {index} ({_describe(batch)}): the model raised {type(error).__name__}: {error}; "
            "a batch holds the arguments of forward and nothing else (no labels)"
        ) from error


def example_inputs(batch: Any) -> tuple[Any, ...] | dict[str, Any]:
    """Return the arguments of forward that a batch holds, for modes that run the model: positional or named ones."""
    if isinstance(batch, Mapping):
        return {str(name): value for name, value in batch.items()}
    return tuple(batch) if isinstance(batch, tuple | list) else (batch,)


def _arguments(batch: Any, index: int) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if isinstance(batch, Tensor):
        return (batch,), {}
    if isinstance(batch, Mapping):
        return (), {str(name): value for name, value in batch.items()}
    if isinstance(batch, tuple | list):
        return tuple(batch), {}
    raise DataError(f"batch {index} is {_describe(batch)}; give a tensor, a tuple of arguments or a dict of named ones")


def mapped(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """Return ``value`` with every tensor in its tuples, lists and dicts changed; other things stay as they are."""
    if isinstance(value, Tensor):
        return change(value)
    if type(value) in (tuple, list):
        return type(value)(mapped(item, change) for item in value)
    if type(value) is dict:
        return {name: mapped(item, change) for name, item in value.items()}
    return value


def _describe(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"{str(value.dtype).removeprefix('torch.')}{list(value.shape)}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_describe(item)}" for name, item in value.items()) + "}"
    if isinstance(value, tuple | list):
        return "(" + ", ".join(_describe(item) for item in value) + ")"
    return type(value).__name__


def tensors_in(value: Any) -> Iterator[Tensor]:
    """Yield every tensor inside nested tuples, lists and mappings, in their order."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from tensors_in(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from tensors_in(item)


class Digest:
    """SHA-256 of the data that a calibration saw: dtype, shape and bytes of every tensor, in order."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, batch: Any) -> None:
        """Take in one batch."""
        for tensor in tensors_in(batch):
            plain = tensor.detach().cpu().contiguous()
            self._hash.update(f"{plain.dtype}{list(plain.shape)}".encode())
            self._hash.update(plain.reshape(-1).view(torch.uint8).numpy().tobytes())

    def hexdigest(self) -> str:
        """Return the digest so far."""
        return self._hash.hexdigest()
