import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from quark_core.engine.packing import pack, packed_size, unpack
from quark_core.errors import UsageError


def stream_of(codes: list[int], bits: int) -> list[int]:
    """Return the bytes by way of one big integer."""
    number = sum((code & ((1 << bits) - 1)) << (i * bits) for i, code in enumerate(codes))
    return list(number.to_bytes((len(codes) * bits + 7) // 8, "little"))


@pytest.mark.parametrize("bits", range(1, 17))
@given(data=st.data())
def test_round_trip(bits: int, data: st.DataObject) -> None:
    signed = data.draw(st.booleans())
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    codes = data.draw(st.lists(st.integers(low, high), max_size=40))
    packed = pack(torch.tensor(codes, dtype=torch.int32), bits)
    assert packed.tolist() == stream_of(codes, bits)
    unpacked = unpack(packed, bits, len(codes), signed=signed)
    if bits == 16 and not signed:
        assert [code & 0xFFFF for code in unpacked.tolist()] == codes
    else:
        assert unpacked.tolist() == codes


@pytest.mark.parametrize("bits", range(1, 17))
def test_across_chunks(bits: int) -> None:
    shape = (3, 400_001)
    codes = torch.randint(0, 1 << bits, shape, dtype=torch.int32, generator=torch.Generator().manual_seed(bits))
    unpacked = unpack(pack(codes, bits), bits, shape)
    assert unpacked.shape == shape
    assert torch.equal(unpacked.int() & ((1 << bits) - 1), codes)


@pytest.mark.parametrize("bits", range(1, 17))
def test_strided_memory(bits: int) -> None:
    codes = torch.randint(0, 1 << bits, (13, 7), dtype=torch.int32, generator=torch.Generator().manual_seed(bits))
    packed = pack(codes.t(), bits)
    assert packed.tolist() == stream_of(codes.t().flatten().tolist(), bits)
    strided = torch.stack([packed, packed]).t()[:, 1]
    unpacked = unpack(strided, bits, (7, 13))
    assert torch.equal(unpacked.int() & ((1 << bits) - 1), codes.t())


@pytest.mark.parametrize("count", [16, 21])
@pytest.mark.parametrize("bits", range(1, 17))
def test_results_have_memory_of_their_own_and_no_more_than_they_show(bits: int, count: int) -> None:
    codes = torch.zeros(count, dtype=torch.uint8 if bits <= 8 else torch.int16)
    packed = pack(codes, bits)
    unpacked = unpack(packed, bits, count)
    assert packed.untyped_storage().nbytes() == packed.numel()
    assert unpacked.untyped_storage().nbytes() == unpacked.numel() * unpacked.itemsize
    assert len({t.untyped_storage().data_ptr() for t in (codes, packed, unpacked)}) == 3


def test_dtypes() -> None:
    packed = pack(torch.tensor([-1, 1], dtype=torch.int8), 4)
    assert packed.tolist() == [0x1F]
    assert unpack(packed, 4, 2, signed=True).dtype == torch.int8
    assert unpack(packed, 4, 2).dtype == torch.uint8
    assert unpack(pack(torch.tensor([-1], dtype=torch.int16), 9), 9, 1, signed=True).dtype == torch.int16


def test_nothing() -> None:
    assert pack(torch.empty(0, 3, dtype=torch.int8), 5).shape == (0,)
    assert unpack(torch.empty(0, dtype=torch.uint8), 5, (0, 3)).shape == (0, 3)
    assert packed_size(3, 3) == 2


def test_errors() -> None:
    with pytest.raises(UsageError, match="1 to 16"):
        pack(torch.zeros(1, dtype=torch.int8), 17)
    with pytest.raises(UsageError, match="integer codes"):
        pack(torch.zeros(1), 8)
    with pytest.raises(UsageError, match="3 codes of 4 bits are 2 bytes"):
        unpack(torch.zeros(3, dtype=torch.uint8), 4, 3)
