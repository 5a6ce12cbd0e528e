"""Hypothesis strategies for configs that are right: plain data, as a file would hold them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from quark_core.config.condition import plain
from quark_core.plugin.capability import ROLES, Capability
from quark_core.plugin.specs import DeviceSpec, DtypeSpec
from quark_core.registry import current

Data = dict[str, Any]

_NAME = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=":\r\n"), min_size=1, max_size=12)
_SAFE_NAME = st.sampled_from(["features.0.conv", "head", "yes", "no", "null", "1e3", "0x1f", "2024-01-01", "é.ß", "~"])
_RE = st.sampled_from([r".*head", r"layers\.\d+\.(q|k)_proj", r"[a-z]+", r"x{2,3}", "'\"#", "(?i:fc)"])


def patterns() -> st.SearchStrategy[str]:
    """Layer patterns of every kind, the regular expressions valid."""
    return st.one_of(
        _SAFE_NAME,
        _NAME,
        _NAME.map("glob:{}".format),
        st.sampled_from(["Linear", "Conv2d"]).map("type:{}".format),
        _RE.map("re:{}".format),
    )


def wholes(low: int, high: int) -> st.SearchStrategy[int | float]:
    """Integers, now and then written as floats, which count as integers too."""
    return st.one_of(st.integers(low, high), st.integers(low, high), st.integers(low, high).map(float))


def observers() -> st.SearchStrategy[str | Data]:
    """The bundled observers, by name and with options."""
    momentum = st.one_of(st.just(0), st.floats(0, 1, exclude_max=True))
    percentile = st.one_of(st.integers(51, 100), st.floats(50, 100, exclude_min=True))
    return st.one_of(
        st.sampled_from(["min_max", "moving_average", "percentile"]),
        st.fixed_dictionaries({"name": st.just("min_max")}),
        st.fixed_dictionaries({"name": st.just("moving_average")}, optional={"momentum": momentum}),
        st.fixed_dictionaries({"name": st.just("percentile")}, optional={"percentile": percentile}),
    )


def choices(kind: str) -> st.SearchStrategy[str | Data]:
    """Extensions of a kind that need no options: the name, or an object with the name."""
    names = st.sampled_from(sorted(current().specs(kind)))
    return st.one_of(names, names.map(lambda name: {"name": name}))


@st.composite
def tensors(draw: st.DrawFn, role: str = "weight", device: str | Data = "CPU") -> Data:
    """Tensor configs that a role may have on a device."""
    rows = _rows(role, device)
    known = current().dtypes()
    names = sorted({name for row in rows for name in row.dtypes if name in known} if rows is not None else known)
    spec = known[draw(st.sampled_from(names))]
    row = next((row for row in rows or () if spec.name in row.dtypes), None)
    return draw(_cast(spec) if not spec.scaled else _block(spec) if spec.is_block else _counted(spec, role, row))


def _rows(role: str, device: str | Data) -> list[Capability] | None:
    spec = current().get("device", str(plain(device)))
    if not isinstance(spec, DeviceSpec):
        return None
    rows = spec.rows(dict(spec.options.model_validate(device if isinstance(device, dict) else {"name": device})))
    return None if rows is None else [row for row in rows if role in row.roles]


def _cast(spec: DtypeSpec) -> st.SearchStrategy[Data]:
    return st.fixed_dictionaries(
        {"dtype": st.just(spec.name)}, optional={"symmetric": st.just(value=True), "round_method": choices("rounding")}
    )


def _block(spec: DtypeSpec) -> st.SearchStrategy[Data]:
    return st.fixed_dictionaries(
        {"dtype": st.just(spec.name)},
        optional={
            "qscheme": st.sampled_from([q.value for q in spec.allowed_qschemes]),
            "group_size": st.just(spec.group_size),
            "scale_type": st.sampled_from([s.value for s in spec.allowed_scale_types]),
            "ch_axis": wholes(-8, 7),
            "symmetric": st.just(value=True),
            "round_method": choices("rounding"),
            **({"scale_rule": st.sampled_from(["floor", "even", "rceil"])} if spec.has_e8m0_scale else {}),
        },
    )


_ROLES_OF = {"per_token": ("input", "output"), "per_block": ("weight",)}


@st.composite
def _counted(draw: st.DrawFn, spec: DtypeSpec, role: str, row: Capability | None) -> Data:
    qschemes = [q for q in spec.allowed_qschemes if row is None or row.qschemes is None or q in row.qschemes]
    qschemes = [q for q in qschemes if role in _ROLES_OF.get(q.value, ROLES)]
    scales = [s for s in spec.allowed_scale_types if row is None or row.scale_types is None or s in row.scale_types]
    dynamics = {True, False} if role in ("input", "output") else {False}
    dynamics &= set(row.is_dynamic) if row is not None and row.is_dynamic is not None else dynamics
    symmetric = {True} if spec.only_symmetric else {True, False}
    symmetric &= set(row.symmetric) if row is not None and row.symmetric is not None else symmetric
    qscheme = draw(st.sampled_from([q.value for q in qschemes]))
    is_dynamic = draw(st.sampled_from(sorted(dynamics)))
    if qscheme in ("per_group", "per_token") and role in ("input", "output"):
        is_dynamic = True
    scale = draw(st.sampled_from([s.value for s in scales]))
    data: Data = {"dtype": spec.name}
    data |= _said(draw, "qscheme", qscheme, "per_tensor" if "per_tensor" in spec.allowed_qschemes else None)
    data |= _said(draw, "scale_type", scale, "float")
    data |= _said(draw, "is_dynamic", is_dynamic, default=False)
    data |= _said(draw, "symmetric", draw(st.sampled_from(sorted(symmetric))), default=True)
    if qscheme == "per_group":
        data["group_size"] = draw(wholes(1, 256))
    if qscheme == "per_block":
        data["block_size"] = draw(st.lists(wholes(1, 256), min_size=2, max_size=2))
    if scale == "pof2":
        data |= draw(st.fixed_dictionaries({}, optional={"scale_rule": st.sampled_from(["round", "ceil", "floor"])}))
    else:
        stored = st.sampled_from(["float32", "float16", "bfloat16"])
        data |= draw(st.fixed_dictionaries({}, optional={"scale_dtype": stored}))
    if qscheme in ("per_channel", "per_group"):
        data |= draw(st.fixed_dictionaries({}, optional={"ch_axis": wholes(-8, 7)}))
    if not is_dynamic:
        data |= draw(st.fixed_dictionaries({}, optional={"observer": observers()}))
    return data | draw(st.fixed_dictionaries({}, optional={"round_method": _roundings(row)}))


def _roundings(row: Capability | None) -> st.SearchStrategy[str | Data]:
    if row is None or row.round_methods is None:
        return choices("rounding")
    names = st.sampled_from(row.round_methods)
    return st.one_of(names, names.map(lambda name: {"name": name}))


def _said(draw: st.DrawFn, name: str, value: Any, default: Any) -> Data:
    # A default is said in some configs and left out in others: both must survive a round trip.
    return {name: value} if value != default or draw(st.booleans()) else {}


def layers(device: str | Data = "CPU") -> st.SearchStrategy[Data]:
    """Entries of ``layers``."""
    match = st.one_of(patterns(), st.lists(patterns(), min_size=1, max_size=3))
    skip = st.lists(st.sampled_from(ROLES), max_size=2)
    return st.fixed_dictionaries({"match": match}, optional={"skip": skip, **_roles(device)})


def _roles(device: str | Data) -> dict[str, st.SearchStrategy[Data]]:
    return {role: tensors(role, device) for role in ROLES if _rows(role, device) != []}


@st.composite
def valid_configs(draw: st.DrawFn) -> Data:
    """Whole configs: every field, dtype, scheme, observer and device comes up."""
    profiles = [{"name": "IPU"}, *({"name": "IPU", "profile": name} for name in ("xint8", "a8w8", "bf16"))]
    device: Any = draw(st.sampled_from(["CPU", {"name": "CPU"}, "IPU", *profiles]))
    data: Data = {"device": device} if plain(device) != "CPU" or draw(st.booleans()) else {}
    if plain(device) == "IPU" and (device == "IPU" or device.get("profile", "xint8") == "xint8"):
        data["mode"] = draw(st.sampled_from(["fx_graph_mode", {"name": "fx_graph_mode"}]))
    optional: dict[str, st.SearchStrategy[Any]] = {
        "$schema": st.sampled_from(["quark.schema.json", "https://example.org/quark.schema.json"]),
        "version": st.sampled_from([1, 1, 1.0]),
        **({} if "mode" in data else {"mode": choices("mode")}),
        **_roles(device),
        "layers": st.lists(layers(device), max_size=3),
        "exclude": st.lists(patterns(), max_size=3),
        "calibration": st.fixed_dictionaries({}, optional={"batches": wholes(1, 10_000)}),
        "verify": st.fixed_dictionaries(
            {},
            optional={
                "probe_batches": wholes(0, 100),
                "min_sqnr_db": st.floats(-10, 100),
                "min_agreement": st.one_of(st.sampled_from([0, 1]), st.floats(0, 1)),
            },
        ),
        "requires": st.lists(st.sampled_from(["pydantic>=2", "packaging", "quark-core >=0.1,<99"]), max_size=2),
    }
    return data | draw(st.fixed_dictionaries({}, optional=optional))
