"""``quark quantize`` end to end, with data of every kind, and what is said of bad models and data."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from quark_core import load
from tests.unit.cli.conftest import GRAPH, Quark

MODEL = ("int8.yaml", "--model", "some_nets:net", "--out", "out")


def samples(count: int = 20) -> np.ndarray:
    return np.random.default_rng(1).standard_normal((count, 6)).astype(np.float32)


def test_from_file_to_folder_and_back(quark: Quark, work: Path) -> None:
    np.savez(work / "data.npz", samples())
    ran = quark("quantize", *MODEL, "--data", "data.npz", "--batch-size", 8)
    assert (ran.code, ran.err) == (0, "")
    assert "dB over the first of 3 batches" in ran.out
    assert ran.out.endswith("\nsaved to out\n")
    manifest = json.loads((work / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["architecture"] == "some_nets:net"
    from some_nets import net  # type: ignore[import-not-found]  # the fixture writes it

    model = load("out", net())
    x = torch.from_numpy(samples())
    assert torch.allclose(model(x), net()(x), atol=0.05)
    assert not torch.equal(model(x), net()(x))


def test_the_same_command_writes_the_same_bytes(quark: Quark, work: Path) -> None:
    def written() -> dict[str, bytes]:
        assert quark("quantize", *MODEL, "--data", "some_nets:batches").code == 0
        return {path.name: path.read_bytes() for path in (work / "out").iterdir()}

    assert written() == written()


def test_named_and_numbered_arrays_are_arguments(quark: Quark, work: Path) -> None:
    a, b = samples(), samples() * 2
    np.savez(work / "numbered.npz", a, b)
    np.savez(work / "named.npz", b=b, a=a)
    save_file({"a": torch.from_numpy(a), "b": torch.from_numpy(b)}, work / "named.safetensors")
    found = set()
    for name in ("numbered.npz", "named.npz", "named.safetensors"):
        model = ("int8.yaml", "--model", "some_nets:two", "--out", f"out {name}")
        assert quark("quantize", *model, "--data", name).code == 0
        manifest = json.loads((work / f"out {name}" / "manifest.json").read_text(encoding="utf-8"))
        found.add(str([row["sqnr_db"] for row in manifest["report"]["tensors"] if row["role"] == "input"]))
    assert len(found) == 1


def test_no_data_are_needed_for_weights_alone(quark: Quark, work: Path) -> None:
    (work / "int8.yaml").write_text("weight: {dtype: int8}\n", encoding="utf-8")
    ran = quark("quantize", *MODEL)
    assert ran.code == 0
    assert "not measured, there was no data" in ran.out


def test_missing_data_are_a_fault(quark: Quark, work: Path) -> None:
    ran = quark("quantize", *MODEL)
    assert ran.code == 1
    assert ran.err.startswith("error: calibration data are needed: 0.input and 1 more")
    assert not (work / "out").exists()


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("some_nets:nothing", "AttributeError: module 'some_nets' has no attribute 'nothing'; it must name a function"),
        ("no_such_module:net", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("some_nets:broken", "RuntimeError: no weights here"),
        ("some_nets:leaves", "SystemExit: 7"),
        ("some_nets:needs", "TypeError: needs() missing 1 required positional argument: 'path'"),
        ("some_nets:NETS", "AttributeError"),
        ("some_nets.net", "write package.module:function, or the path of something that exists"),
        ("__import__('os'):getcwd", "write package.module:function"),
        ("nowhere/model", "write package.module:function"),
    ],
)
def test_a_bad_model_reference_is_a_fault(quark: Quark, reference: str, said: str) -> None:
    ran = quark("quantize", "int8.yaml", "--model", reference, "--out", "out")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"error: --model {reference!r}: ")
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_what_is_no_network_is_a_fault(quark: Quark) -> None:
    ran = quark("quantize", "int8.yaml", "--model", "some_nets:text", "--out", "out")
    assert ran.err.startswith("error: some_nets:text returned a str; a torch.nn.Module is needed")


def _text(path: Path) -> None:
    path.write_text("no arrays here", encoding="utf-8")


def _truncated(path: Path) -> None:
    np.savez(path, samples(200))
    path.write_bytes(path.read_bytes()[:-300])


def _objects(path: Path) -> None:
    np.savez(path, np.array([{"a": 1}], dtype=object))


def _strings(path: Path) -> None:
    np.savez(path, np.array(["a", "b"]))


def _plain_array(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, samples())


def _corrupt(path: Path) -> None:
    np.savez_compressed(path, samples(200))
    data = bytearray(path.read_bytes())
    data[400:460] = bytes(60)
    path.write_bytes(bytes(data))


def _uneven(path: Path) -> None:
    np.savez(path, a=samples(3), b=samples(4))


BAD: list[tuple[Callable[[Path], None], str, str]] = [
    (_text, "data.npz", "is not a readable .npz file"),
    (_text, "data.safetensors", "is not a readable .safetensors file"),
    (_text, "data.csv", "unknown kind '.csv'; give .npz, .safetensors or package.module:function"),
    (_truncated, "data.npz", "is damaged: BadZipFile"),
    (_corrupt, "data.npz", "is damaged"),
    (_objects, "data.npz", "is not a readable .npz file: Object arrays cannot be loaded"),
    (_strings, "data.npz", "is not a readable .npz file"),
    (_plain_array, "data.npz", "is not a readable .npz file"),
    (_uneven, "data.npz", "arrays need one common first axis of at least 1 sample; they have {'a': 3, 'b': 4}"),
    (lambda p: np.savez(p, samples(0)), "data.npz", "arrays need one common first axis of at least 1 sample"),
    (lambda p: np.savez(p, np.float32(1)), "data.npz", "arrays need one common first axis of at least 1 sample"),
    (np.savez, "data.npz", "holds no arrays"),
    (lambda p: p.mkdir(), "data.npz", "cannot be read: Is a directory"),
    (lambda p: p.mkdir(), "folder", "unknown kind ''"),
    (lambda p: None, "data.npz", "cannot be read: No such file or directory"),
]


@pytest.mark.parametrize("index", range(len(BAD)))
def test_bad_data_files_are_named(quark: Quark, work: Path, index: int) -> None:
    make, name, said = BAD[index]
    make(work / name)
    ran = quark("quantize", *MODEL, "--data", name)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"error: {name}: ")
    assert said in ran.err


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("some_nets:number", "--data some_nets:number: returned a int; an iterable of batches is needed"),
        ("some_nets:failing", "batch 1: the calibration data raised ValueError: disk is gone"),
        ("nowhere", "--data 'nowhere': write package.module:function, or the path of something that exists"),
    ],
)
def test_bad_data_functions_are_named(quark: Quark, data: str, said: str) -> None:
    ran = quark("quantize", *MODEL, "--data", data)
    assert ran.code == 1
    assert ran.err.startswith(f"error: {said}")


def test_data_of_another_type_say_which(quark: Quark, work: Path) -> None:
    np.savez(work / "data.npz", samples().astype(np.float64))
    assert (
        "error: batch 0 (float64[20, 6]): the model raised RuntimeError"
        in quark("quantize", *MODEL, "--data", "data.npz").err
    )


def test_a_foreign_folder_is_refused_before_the_work(quark: Quark, work: Path) -> None:
    (work / "out").mkdir()
    (work / "out" / "thesis.txt").touch()
    ran = quark("quantize", "int8.yaml", "--model", "some_nets:broken", "--out", "out")
    assert ran.err.startswith("error: out: exists and holds other things than Quark Core wrote")


def test_a_saved_folder_as_model_needs_its_architecture(quark: Quark, work: Path) -> None:
    assert quark("quantize", *MODEL, "--data", "some_nets:batches").code == 0
    ran = quark("plan", "int8.yaml", "--model", "out")
    assert ran.err.startswith(
        "error: --model out: a saved folder holds no code; it notes 'some_nets:net': if you trust"
    )
    ran = quark("plan", "int8.yaml", "--model", "out", "--architecture", "some_nets:net")
    assert ran.code == 0
    assert "coverage: layers 2/2" in ran.out
    (work / "empty").mkdir()
    ran = quark("plan", "int8.yaml", "--model", "empty")
    assert ran.err.startswith("error: empty: is not a folder that Quark Core saved: there is no manifest.json in it")
    ran = quark("plan", "int8.yaml", "--model", "out", "--architecture", "some_nets:text")
    assert ran.err.startswith("error: some_nets:text returned a str")


def test_shared_quantizers_are_named_in_the_report_and_saved(quark: Quark, work: Path) -> None:
    (work / "graph.yaml").write_text(GRAPH, encoding="utf-8")
    args = ("graph.yaml", "--model", "some_nets:powers", "--data", "some_nets:batches", "--out", "out")
    ran = quark("quantize", *args)
    assert ran.code == 0
    assert "= first.output" in ran.out
    assert "3 x pow" in ran.out
    report = json.loads((work / "out" / "manifest.json").read_text(encoding="utf-8"))["report"]
    assert {row["key"]: row["shared"] for row in report["tensors"]}["second.input"] == "first.output"
