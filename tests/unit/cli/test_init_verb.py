"""``quark init``: every first config is valid, says what it does, and quantizes a real network."""

import io
import json
import os
import pty
import re
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import quark_core as qc
from quark_core.config.dump import dumps
from quark_core.config.load import check_file, load_config, loads_config
from quark_core.config.schema import schema_text
from quark_core.demo.network import calibration_batches, digits_net
from quark_core.registry import installed
from tests.unit.cli.conftest import Quark

COMMAND = Path(sys.executable).with_name("quark")
DEVICES = list(installed().specs("device"))
BITS = ["4", "8", "16", *installed().dtypes()]
WHATS = ["weights", "weights-and-activations", "dynamic"]


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask nothing in this process, whatever the tests themselves run on."""
    monkeypatch.setattr(sys, "stdin", io.StringIO())


def suggested(text: str) -> str:
    """Return a config with every suggestion taken."""
    head, rest = text.split("\n", 1)
    return head + "\n" + re.sub(r"^(\s*)#(?=[^ \n])", r"\1", rest, flags=re.MULTILINE)


@pytest.mark.parametrize(("device", "what"), list(product(DEVICES, WHATS)))
def test_every_combination_is_valid_or_refused_with_what_can_be_done(
    quark: Quark, work: Path, device: str, what: str
) -> None:
    refused = set()
    for bits, suffix in product(BITS, ("yaml", "toml", "json")):
        file = work / f"made_{bits}.{suffix}"
        ran = quark("init", file.name, "--device", device, "--bits", bits, "--quantize", what, "--no-schema")
        if ran.code:
            assert ran.code == 1
            assert re.match(
                rf"error: device {device} cannot do {what} in \S+: (for|with) \S+ it (can do|takes) ", ran.err
            )
            assert not file.exists()
            refused.add(bits)
            continue
        assert ran.out.splitlines()[0] == f"wrote {file.name}"
        assert check_file(file) == ()
        config = load_config(file)
        again = loads_config(
            dumps(config, suffix), "yaml" if suffix == "yaml" else "toml" if suffix == "toml" else "json"
        )
        assert again == config
        text = file.read_text(encoding="utf-8")
        if suffix != "json":
            # Suggestions are valid too, all at once, and add to what was said.
            (work / f"more.{suffix}").write_text(suggested(text), encoding="utf-8")
            assert check_file(work / f"more.{suffix}") == ()
            more = load_config(work / f"more.{suffix}")
            assert (more.exclude, len(more.layers), more.device) == (("lm_head",), 1, config.device)
    unscaled = {"16", "bfloat16", "float16", "mx", "nvfp4", *(name for name in BITS if name.startswith("mx"))}
    able = {"CPU": set(BITS) - (unscaled if what == "dynamic" else set()), "IPU": {"8", "int8", "16", "bfloat16"}}
    able["IPU"] -= unscaled if what == "dynamic" else set()
    assert set(BITS) - refused == able[device]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (
            (),
            {
                "mode": "eager_mode",
                "device": "CPU",
                "weight": {"dtype": "int8", "qscheme": "per_channel"},
                "input": {"dtype": "uint8", "symmetric": False},
                "calibration": {"batches": 32},
            },
        ),
        (
            ("--bits", "4", "--quantize", "dynamic"),
            {
                "mode": "eager_mode",
                "device": "CPU",
                "weight": {"dtype": "int4", "qscheme": "per_channel"},
                "input": {"dtype": "uint8", "symmetric": False, "is_dynamic": True},
            },
        ),
        (
            ("--bits", "16"),
            {"mode": "eager_mode", "device": "CPU", "weight": {"dtype": "bfloat16"}, "input": {"dtype": "bfloat16"}},
        ),
        (
            ("--device", "IPU"),
            {
                "mode": "fx_graph_mode",
                "device": "IPU",
                "weight": {"dtype": "int8", "scale_type": "pof2"},
                "bias": {"dtype": "int8", "scale_type": "pof2", "scale_rule": "ceil"},
                "input": {"dtype": "int8", "scale_type": "pof2"},
                "output": {"dtype": "int8", "scale_type": "pof2"},
                "calibration": {"batches": 32},
            },
        ),
        (
            ("--device", "IPU", "--bits", "16"),
            {
                "mode": "eager_mode",
                "device": {"name": "IPU", "profile": "bf16"},
                **{role: {"dtype": "bfloat16"} for role in ("weight", "bias", "input", "output")},
            },
        ),
        (
            ("--device", "IPU", "--quantize", "dynamic"),
            {
                "mode": "eager_mode",
                "device": {"name": "IPU", "profile": "a8w8"},
                "weight": {"dtype": "int8"},
                "input": {"dtype": "int8", "is_dynamic": True},
            },
        ),
        (
            ("--bits", "nf4", "--quantize", "weights"),
            {"mode": "eager_mode", "device": "CPU", "weight": {"dtype": "nf4", "qscheme": "per_channel"}},
        ),
    ],
)
def test_what_is_said(quark: Quark, work: Path, args: tuple[str, ...], said: dict[str, Any]) -> None:
    assert quark("init", "a.json", *args, "--no-schema").code == 0
    assert json.loads((work / "a.json").read_text(encoding="utf-8")) == {"version": 1, **said}


def test_files_explain_every_line(quark: Quark, work: Path) -> None:
    ran = quark("init")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "wrote quark.schema.json\nwrote quark.yaml\nnext: quark plan quark.yaml --model package.module:function\n"
    )
    assert (work / "quark.schema.json").read_text(encoding="utf-8") == schema_text(installed())
    text = (work / "quark.yaml").read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=./quark.schema.json\n")
    keys = [line for line in text.splitlines() if re.search(r"\w: \S", line) and not line.startswith("# ")]
    assert len(keys) == 15
    assert all(re.search(r"\S  # \S", line) for line in keys)
    assert quark("init", "a.toml").out.splitlines()[:2] == ["quark.schema.json: nothing to change", "wrote a.toml"]
    assert (work / "a.toml").read_text(encoding="utf-8").startswith("#:schema ./quark.schema.json\n")
    ran = quark("init", "a.json")
    assert "JSON has no comments: explanations and suggestions come with .yaml and .toml\n" in ran.out
    assert json.loads((work / "a.json").read_text(encoding="utf-8"))["$schema"] == "./quark.schema.json"
    assert quark("init", "b.yaml", "--no-schema").out.startswith("wrote b.yaml\n")
    assert "$schema" not in (work / "b.yaml").read_text(encoding="utf-8")
    assert quark("validate", "quark.yaml", "a.toml", "a.json", "b.yaml").code == 0


def test_nothing_is_overwritten_without_force(quark: Quark, work: Path) -> None:
    before = (work / "int8.yaml").read_bytes()
    ran = quark("init", "int8.yaml")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "error: int8.yaml: exists already; choose another name, or overwrite it with --force\n"
    assert (work / "int8.yaml").read_bytes() == before
    assert quark("init", "int8.yaml", "--force").code == 0
    assert (work / "int8.yaml").read_bytes() != before
    (work / "quark.schema.json").write_text("{}", encoding="utf-8")
    ran = quark("init", "new.yaml")
    assert (ran.code, (work / "quark.schema.json").read_text(encoding="utf-8")) == (1, "{}")
    assert ran.err.startswith("error: quark.schema.json: is no schema of Quark Core's; ")
    assert not (work / "new.yaml").exists()
    assert quark("init", "new.yaml", "--force").code == 0
    # An old schema of ours makes way for the one that fits.
    (work / "quark.schema.json").write_text(schema_text(installed()).replace("int8", "int0"), encoding="utf-8")
    assert quark("init", "newer.yaml").out.startswith("wrote quark.schema.json\n")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("a.ini",), "a.ini: '.ini' does not say the format; end the name in one of .yaml, .yml, .json, .toml"),
        (("no/a.yaml",), "no/a.yaml: there is no folder 'no'; make it first"),
        (("folder.yaml", "--force"), "folder.yaml: is a folder; name a file"),
        (("a.yaml", "--device", "TPU"), "no installed plugin adds device 'TPU'; did you mean 'IPU'?"),
        (("a.yaml", "--bits", "int9"), "no installed plugin adds dtype 'int9'; did you mean 'int8'?"),
        (("a.yaml", "--bits", "5"), "--bits 5: write one of 8, 4, 16, or the name of a dtype: `quark show dtype`"),
        (
            ("a.yaml", "--device", "IPU", "--bits", "4", "--quantize", "weights"),
            "device IPU cannot do weights in int4: for weights it takes int8 or bfloat16",
        ),
        (
            ("a.yaml", "--bits", "mx", "--quantize", "dynamic"),
            "device CPU cannot do dynamic in mx: with mx it can do weights-and-activations or weights",
        ),
    ],
)
def test_mistakes_are_explained(quark: Quark, work: Path, args: tuple[str, ...], said: str) -> None:
    (work / "folder.yaml").mkdir()
    ran = quark("init", *args)
    assert (ran.code, ran.out, ran.err) == (1, "", f"error: {said}\n")
    assert not (work / "a.yaml").exists()


@pytest.mark.parametrize(
    ("args", "roles"),
    [
        ((), {"weight", "input"}),
        (("--bits", "4", "--quantize", "weights"), {"weight"}),
        (("--quantize", "dynamic"), {"weight", "input"}),
        (("--device", "IPU"), {"weight", "input", "output", "bias"}),
        (("--device", "IPU", "--bits", "16"), {"weight", "input", "output", "bias"}),
        (("--bits", "fp8_e4m3"), {"weight", "input"}),
    ],
)
def test_a_real_network_is_quantized(quark: Quark, work: Path, args: tuple[str, ...], roles: set[str]) -> None:
    assert quark("init", *args).code == 0
    config = qc.load_config(work / "quark.yaml")
    assert {role for role in ("weight", "input", "output", "bias") if config.role(role)} == roles
    result = qc.quantize(digits_net(), config, calibration=calibration_batches())
    layers = result.report.coverage
    assert (layers.quantized_parameters > 0, layers.quantized_layers) == (True, layers.layers)


def answered(work: Path, args: list[str], *answers: str) -> tuple[int, str]:
    """Run the installed command on a terminal of its own, answer its questions, and return its exit code and text."""
    terminal, end = pty.openpty()
    process = subprocess.Popen([str(COMMAND), *args], cwd=work, stdin=end, stdout=end, stderr=end, close_fds=True)
    os.close(end)
    shown = b""
    waiting = list(answers)
    try:
        while piece := os.read(terminal, 4096):
            shown += piece
            # What is typed before the question is there may be thrown away.
            if shown.endswith(b"]: "):
                # The end of input, where there is no answer left, ends the command.
                os.write(terminal, waiting.pop(0).encode() if waiting else b"\x04")
    except OSError:  # Linux says so when the other end is closed
        pass
    code = process.wait()
    os.close(terminal)
    assert waiting == []
    return code, shown.decode().replace("\r\n", "\n")


def test_a_terminal_is_asked(work: Path) -> None:
    code, shown = answered(work, ["init", "a.yaml"], "TPU\n", "IPU\n", "4\n", "8\n", "dynamic\n")
    assert code == 0
    assert "For which device (CPU, IPU) [CPU]: " in shown
    assert "'TPU' is not one of" in shown
    assert "Weights can be: 8, 16, int8, bfloat16\n" in shown
    assert "How many bits, or which dtype, for weights [8]: " in shown
    assert "'4' is not one of" in shown
    assert "What is quantized (weights-and-activations, weights, dynamic) [weights-and-activations]: " in shown
    assert shown.endswith("wrote a.yaml\nnext: quark plan a.yaml --model package.module:function\n")
    config = load_config(work / "a.yaml")
    assert config.to_dict()["device"] == {"name": "IPU", "profile": "a8w8"}
    assert config.to_dict()["input"] == {"dtype": "int8", "is_dynamic": True}


def test_a_terminal_is_asked_only_for_what_is_open(work: Path) -> None:
    code, shown = answered(work, ["init", "a.yaml", "--device", "CPU", "--bits", "4"], "\n")
    assert (code, shown.count("[")) == (0, 1)
    assert "What is quantized" in shown
    code, shown = answered(work, ["init", "b.yaml", "--device", "CPU", "--bits", "4", "--quantize", "weights"])
    assert (code, shown.count("[")) == (0, 0)
    assert load_config(work / "a.yaml").to_dict()["input"] == {"dtype": "uint8", "symmetric": False}
    assert load_config(work / "b.yaml").role("input") is None


def test_leaving_the_questions_writes_nothing(work: Path) -> None:
    code, shown = answered(work, ["init", "a.yaml"], "\x04")
    assert (code, "Traceback" in shown) == (130, False)
    assert not (work / "a.yaml").exists()
    assert not (work / "quark.schema.json").exists()


def test_it_starts_without_torch(work: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None\nfrom quark_core.cli import main\n"
        "try: main(sys.argv[1:])\nexcept SystemExit as e: sys.exit(e.code)"
    )
    for args in (
        ["init", "a.yaml", "--device", "IPU"],
        ["schema", "--install", "vscode"],
        ["schema", "--install", "jetbrains"],
        ["schema", "--install", "modeline", "a.yaml"],
        ["completion", "bash"],
    ):
        ran = subprocess.run(
            [sys.executable, "-c", code, *args], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        assert (ran.returncode, ran.stderr) == (0, ""), args
