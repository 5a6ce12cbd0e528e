import mmap

import pytest
import torch

from quark_core.engine import fresh


@pytest.mark.parametrize("shape", [(), (0,), (3, 5), (1024, 1025)], ids=str)
def test_a_new_tensor_is_like_the_other(shape: tuple[int, ...]) -> None:
    x = torch.randn(shape).bfloat16()
    result = fresh.fresh_like(x.t() if x.dim() == 2 else x)
    assert (result.shape[::-1] if x.dim() == 2 else result.shape) == x.shape
    assert result.dtype == x.dtype
    assert result.stride() == (x.t() if x.dim() == 2 else x).stride()
    result.fill_(1.0)
    assert bool((result == 1.0).all())


def test_only_whole_pages_of_large_tensors_are_advised(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[int, int, int]] = []

    def madvise(address: int, size: int, advice: int) -> int:
        calls.append((address, size, advice))
        return -1

    monkeypatch.setattr(fresh, "_madvise", lambda: madvise)
    monkeypatch.setattr(mmap, "MADV_HUGEPAGE", 14, raising=False)
    fresh.fresh_like(torch.empty(1000))
    assert calls == []
    result = fresh.fresh_like(torch.empty(1 << 20))
    [(address, size, _)] = calls
    page = mmap.PAGESIZE
    assert address % page == size % page == 0
    assert 0 <= address - result.data_ptr() < page
    assert address + size <= result.data_ptr() + (4 << 20) < address + size + page


def test_systems_without_it_do_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fresh, "_madvise", lambda: None)
    assert fresh.fresh_like(torch.empty(1 << 20)).shape == (1 << 20,)
