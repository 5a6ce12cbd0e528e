"""Mistakes of plugin authors, one for each message that reading a plugin can give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

HEAD = """
from typing import Literal
from pydantic import Field, create_model
from quark_core.config.type import *
from quark_core.plugin import *

QUARK_API = 1
"""
GOOD = HEAD + "\n@hookimpl\ndef quark_dtypes():\n    return [DtypeSpec('acme.int3', IntFormat(3), 'Words.')]\n"


@dataclass(frozen=True)
class Mistake:
    """One mistake: what was done, in words, and the manifest of plugin ``acme`` with it."""

    did: str
    source: str
    modules: Mapping[str, str] = field(default_factory=dict)
    """Further modules that are installed beside it."""
    twice: bool = False
    """Whether another distribution has a plugin of the same name, which adds the same."""


def _returns(value: str, hook: str = "quark_dtypes") -> str:
    return HEAD + f"\n@hookimpl\ndef {hook}():\n    return {value}\n"


def _dtype(fmt: str, more: str = "") -> str:
    return _returns(f"[DtypeSpec('acme.x', {fmt}, 'Words.'{more})]")


def _observer(options: str, impl: str = 'Ref("json:dumps")') -> str:
    return HEAD + f"\n{options}\n\n@hookimpl\ndef quark_observers():\n    return [ObserverSpec(Made, {impl})]\n"


def _device(row: str) -> str:
    options = _options("acme.chip")
    hook = f'@hookimpl\ndef quark_devices():\n    return [DeviceSpec(Made, Ref("json:dumps"), ({row}))]\n'
    return f"{HEAD}{options}\n{hook}"


def _options(name: str) -> str:
    return f'class Made(Options):\n    """Words."""\n    name: Literal["{name}"] = "{name}"\n'


_FUNCTION = """
    call: type(print) = print
    model_config = {"arbitrary_types_allowed": True}
"""
_ODD = """
class Odd(DtypeSpec):
    name = property(lambda self: 1 / 0)
    format = IntFormat(3)
    __init__ = lambda self: None
    __hash__ = lambda self: 1
"""
_MANY = '{f"o{n}": (float, Field(0.0, ge=0, description="Words. " * 20)) for n in range(2000)}'
_HUGE = f'Made = create_model("Made", __base__=Options, name=(Literal["acme.x"], "acme.x"), **{_MANY})'
_ODD_SPEC = _returns("[Odd()]").replace("\n@hookimpl", _ODD + "\n@hookimpl")

MISTAKES = (
    Mistake("the manifest imports what is not installed", "import not_there"),
    Mistake("the manifest ends the process", "raise SystemExit(1)"),
    Mistake("no `QUARK_API`", GOOD.replace("QUARK_API = 1", "")),
    Mistake("written for another contract", GOOD.replace("QUARK_API = 1", "QUARK_API = 2")),
    Mistake("no function is marked with `@hookimpl`", GOOD.replace("@hookimpl", "")),
    Mistake("the name of a hook is misspelt", GOOD.replace("quark_dtypes", "quark_dtype")),
    Mistake("a hook takes arguments", GOOD.replace("quark_dtypes()", "quark_dtypes(registry)")),
    Mistake("a hook raises", _returns("1 / 0")),
    Mistake("a hook returns no list", _returns("None")),
    Mistake("a hook returns something else than its specs", _returns("['int3']")),
    Mistake("a hook returns specs without end", _returns("iter(lambda: DtypeSpec('acme.x', IntFormat(3)), None)")),
    Mistake("a name without the prefix", _returns("[DtypeSpec('int3', IntFormat(3))]")),
    Mistake("a name with other characters", _returns("[DtypeSpec('acme.3 bits', IntFormat(3))]")),
    Mistake("a name is used twice", _returns("[DtypeSpec('acme.x', IntFormat(n)) for n in (3, 5)]")),
    Mistake("another distribution adds the same name", GOOD, twice=True),
    Mistake("a format that is none", _dtype("8")),
    Mistake("a spec that holds a list", _dtype("IntFormat(3)", ", qschemes=[QSchemeType.per_tensor]")),
    Mistake("`impl` is the class itself", _observer(_options("acme.x"), "dict")),
    Mistake(
        "formats that are none",
        _observer(_options("acme.x")).replace("ObserverSpec(Made, ", "ObserverSpec(Made, formats=(int,), impl="),
    ),
    Mistake("options that are no `Options`", _observer("class Made: pass")),
    Mistake("options without a name", _observer("class Made(Options): pass")),
    Mistake("options that JSON Schema cannot say", _observer(_options("acme.x") + _FUNCTION)),
    Mistake("very many options", _observer(_HUGE)),
    Mistake("a spec that cannot even be asked", _ODD_SPEC),
    Mistake("a Ref that is no path", _observer(_options("acme.x"), 'Ref("json.dumps")')),
    Mistake("a Ref to a module that is not there", _observer(_options("acme.x"), 'Ref("quark_acme_plugin.ema:Ema")')),
    Mistake(
        "a Ref to a name that is not there", _observer(_options("acme.x"), 'Ref("acme_code:Ema")'), {"acme_code": ""}
    ),
    Mistake("an integer of too many bits", _dtype("IntFormat(17)")),
    Mistake("a float of too many bits", _dtype("FloatFormat(8, 23)")),
    Mistake("a float whose NaN takes all", _dtype("FloatFormat(4, 0, 'fn')")),
    Mistake(
        "a float that overflows to an infinity that it lacks", _dtype("FloatFormat(4, 3, 'fn', overflow='infinity')")
    ),
    Mistake("a float with misspelt specials", _dtype("FloatFormat(4, 3, 'fnuz')")),
    Mistake("a float beyond float32", _dtype("FloatFormat(5, 2, bias=200)")),
    Mistake("blocks of nothing", _dtype("BlockFormat(FloatFormat(2, 1, 'none'), block_size=0)")),
    Mistake("blocks of unsigned integers", _dtype("BlockFormat(IntFormat(8, signed=False))")),
    Mistake("blocks whose elements overflow", _dtype("BlockFormat(FloatFormat(5, 2, overflow='infinity'))")),
    Mistake("a codebook of one value", _dtype("CodebookFormat((1.0,))")),
    Mistake("a codebook that is not sorted", _dtype("CodebookFormat((1.0, 0.0))")),
    Mistake("a codebook with an infinity", _dtype("CodebookFormat((0.0, float('inf')))")),
    Mistake("a codebook with values too close", _dtype("CodebookFormat((1.0, 1.0 + 1e-12))")),
    Mistake("a codec of too many bits", _dtype("CodecFormat(17, 1.0, Ref('json:dumps'))")),
    Mistake("a codec without a largest value", _dtype("CodecFormat(8, 0.0, Ref('json:dumps'))")),
    Mistake("a codec whose NaN has no code", _dtype("CodecFormat(8, 1.0, Ref('json:dumps'), nan_code=256)")),
    Mistake("a codec whose range is beyond its codes", _dtype("CodecFormat(8, 2.0, Ref('json:dumps'), largest=1.0)")),
    Mistake("a plain cast to integers", _dtype("IntFormat(8)", ", scaled=False")),
    Mistake("a zero point of floats", _dtype("FloatFormat(4, 3)", ", symmetric_only=False")),
    Mistake("a dtype without schemes", _dtype("IntFormat(8)", ", qschemes=()")),
    Mistake("a capability for a role that is none", _device("Capability(('weights',), ('int8',)),")),
    Mistake("a capability that takes nothing", _device("Capability(('weight',), ('int8',), qschemes=()),")),
    Mistake("a capability without a tuple", _device("Capability(('weight',), ('int8',), group_sizes=32),")),
    Mistake("a capability with words", _device("Capability(('weight',), ('int8',), scale_dtypes=('float16',)),")),
    Mistake(
        "two capabilities for the same tensors",
        _device("Capability(('weight',), ('int8',)), Capability(('weight',), ('int8', 'int4')),"),
    ),
)
