"""What a batch may be, how many are taken, and what is said of bad ones."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from quark_core.engine.batches import Digest, batches_of, call, example_inputs, mapped, tensors_in
from quark_core.errors import DataError, ModelError
from tests.unit.engine.sample_nets import mlp

X = torch.ones(2, 6)


class Sum(nn.Module):
    def forward(self, a: Tensor, b: Tensor | None = None, *, scale: float = 1.0) -> Tensor:
        return (a if b is None else a + b) * scale


@pytest.mark.parametrize(
    ("batch", "expected"),
    [
        (X, 1.0),
        ((X,), 1.0),
        ([X, X], 2.0),
        ((X, X), 2.0),
        ({"a": X, "b": X, "scale": 3.0}, 6.0),
        (OrderedDict(b=X, a=X), 2.0),
    ],
)
def test_what_a_batch_may_be(batch: Any, expected: float) -> None:
    assert torch.equal(call(Sum(), batch, 0), X * expected)


@pytest.mark.parametrize(("batch", "kind"), [("text", "str"), (3, "int"), (None, "NoneType"), (X.numpy(), "ndarray")])
def test_what_it_may_not_be(batch: Any, kind: str) -> None:
    with pytest.raises(DataError, match=f"batch 4 is {kind}; give a tensor, a tuple of arguments or a dict of named"):
        call(Sum(), batch, 4)


def test_a_batch_that_the_model_cannot_take_is_described() -> None:
    expected = r"batch 1 \(\(float32\[2, 6\], int64\[2\]\)\): the model raised TypeError: .* \(no labels\)$"
    with pytest.raises(DataError, match=expected):
        call(mlp(), (X, torch.zeros(2, dtype=torch.int64)), 1)
    with pytest.raises(DataError, match=r"batch 0 \(\{x: float32\[2, 6\], n: int\}\): the model raised TypeError"):
        call(mlp(), {"x": X, "n": 3}, 0)


def test_errors_of_our_own_pass_as_they_are() -> None:
    class Raises(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise ModelError("ours")

    with pytest.raises(ModelError, match=r"^ours$"):
        call(Raises(), X, 0)


def test_no_more_batches_are_taken_than_are_run() -> None:
    taken: list[int] = []

    def endless() -> Iterator[int]:
        while True:
            taken.append(1)
            yield len(taken)

    assert list(batches_of(endless(), 3)) == [1, 2, 3]
    assert len(taken) == 3


def test_fewer_batches_than_the_limit_are_fine() -> None:
    assert list(batches_of([1, 2], 5)) == [1, 2]
    assert list(batches_of(None, 5)) == []


@pytest.mark.parametrize(("data", "kind"), [(X, "Tensor"), ({"a": X}, "dict"), (3, "int")])
def test_one_batch_alone_is_not_a_calibration_set(data: Any, kind: str) -> None:
    with pytest.raises(
        DataError, match=f"must be an iterable of batches, not one {kind}; write calibration=\\[batch\\]"
    ):
        list(batches_of(data, 3))


def test_data_that_raise_are_named() -> None:
    def broken() -> Iterator[Tensor]:
        yield X
        raise ValueError("bad file")

    with pytest.raises(DataError, match="batch 1: the calibration data raised ValueError: bad file"):
        list(batches_of(broken(), 3))


def test_data_errors_of_our_own_pass_as_they_are() -> None:
    def broken() -> Iterator[Tensor]:
        raise DataError("ours")
        yield X

    with pytest.raises(DataError, match=r"^ours$"):
        list(batches_of(broken(), 3))


@pytest.mark.parametrize(("batch", "inputs"), [(X, (X,)), ((X, X), (X, X)), ([X], (X,)), ({"a": X}, {"a": X})])
def test_example_inputs_are_the_arguments_of_forward(batch: Any, inputs: Any) -> None:
    made = example_inputs(batch)
    assert type(made) is type(inputs)
    assert list(made) == list(inputs)


def test_tensors_are_found_in_nested_outputs() -> None:
    a, b, c = torch.zeros(1), torch.ones(1), torch.ones(2)
    assert [x.numel() for x in tensors_in({"a": a, "n": 1, "rest": [(b, None), {"c": c}]})] == [1, 1, 2]


def test_mapping_reaches_nested_tensors_and_keeps_the_rest() -> None:
    made = mapped(({"a": X, "n": 3}, [X, (X,)], "text", OrderedDict(a=X)), lambda x: x * 2)
    assert [float(x.sum()) for x in tensors_in(made)] == [24.0, 24.0, 24.0, 12.0]
    assert (made[0]["n"], made[2], type(made[1]), type(made[1][1])) == (3, "text", list, tuple)


def test_the_digest_tells_data_apart() -> None:
    def digest(*batches: Any) -> str:
        made = Digest()
        for batch in batches:
            made.add(batch)
        return made.hexdigest()

    others = [X * 2, X.double(), X.reshape(3, 4), X.to(torch.bfloat16), X.bool(), torch.ones(12)]
    assert digest(X) == digest(X.clone()) == digest((X,)) == digest(X.t().contiguous().t())
    assert len({digest(X), *(digest(x) for x in others)}) == 1 + len(others)
    assert digest(X, X * 2) != digest(X * 2, X)
    assert digest(torch.tensor(1.0)) != digest(torch.tensor([1.0]))
