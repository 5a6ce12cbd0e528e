"""The rules of a tensor config, for the dtypes that are installed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from quark_core.config.condition import AllOf, AnyOf, Is, Not, Value
from quark_core.config.rules import Rule, join_words
from quark_core.config.scaling import ScaleRule
from quark_core.config.type import QSchemeType, ScaleType
from quark_core.plugin.formats import CodecFormat, format_words
from quark_core.plugin.specs import DtypeSpec, ObserverSpec
from quark_core.registry import Registry

Dtypes = tuple[DtypeSpec, ...]


def tensor_rules(registry: Registry) -> tuple[Rule, ...]:
    """Return the rules of every tensor config, for the dtypes in ``registry``."""
    return registry.derived("tensor_rules", partial(_tensor_rules, registry))


def _tensor_rules(registry: Registry) -> tuple[Rule, ...]:
    dtypes = tuple(registry.dtypes().values())
    return (
        *_scheme_rules(dtypes),
        *_scale_rules(dtypes),
        *_dtype_rules(dtypes),
        *_fixed(dtypes),
        *_weight_rules(),
        *_activation_rules(dtypes),
        *_observer_rules(dtypes, registry),
    )


def _is(*qschemes: QSchemeType) -> Is:
    return Is("qscheme", tuple(qscheme.value for qscheme in qschemes))


def _sized(dtypes: Dtypes) -> Is:
    # A plain cast takes no qscheme at all, which is one fault, not two.
    return Is("dtype", tuple(d.name for d in dtypes if d.scaled and not d.is_block))


def _blocks(dtypes: Dtypes) -> Is:
    return Is("dtype", tuple(d.name for d in dtypes if d.is_block))


def _scheme_rules(dtypes: Dtypes) -> Iterator[Rule]:
    per_group, per_block = _is(QSchemeType.per_group), _is(QSchemeType.per_block)
    for scheme, size in ((per_group, "group_size"), (per_block, "block_size")):
        name = scheme.values[0]
        yield Rule(
            f"qscheme {name} needs {size}.",
            when=AllOf((scheme, _sized(dtypes))),
            require=(size,),
            code=f"{size}_missing",
        )
        fixed = (_blocks(dtypes),) if scheme is per_group else ()
        yield Rule(
            f"{size} only applies to qscheme {name}.",
            when=Not(AnyOf((scheme, *fixed))),
            forbid=(size,),
            code=f"{size}_unused",
        )
    grouped = _is(QSchemeType.per_channel, QSchemeType.per_group)
    yield Rule(
        "ch_axis only applies to qscheme per_channel and per_group.",
        when=Not(AnyOf((grouped, _blocks(dtypes)))),
        forbid=("ch_axis",),
        code="ch_axis_unused",
    )
    yield Rule(
        "is_dynamic computes the scale from each batch, so it takes no observer.",
        when=Is("is_dynamic", (True,)),
        forbid=("observer",),
        code="observer_unused",
    )


def _scale_rules(dtypes: Dtypes) -> Iterator[Rule]:
    pof2 = Is("scale_type", (ScaleType.pof2.value,))
    e8m0 = Is("dtype", tuple(d.name for d in dtypes if d.has_e8m0_scale))
    scaled = Is("dtype", tuple(d.name for d in dtypes if d.scaled))
    yield Rule(
        "scale_rule only applies to power-of-two scales.",
        when=AllOf((scaled, Not(AnyOf((pof2, e8m0))))),
        forbid=("scale_rule",),
        code="scale_rule_unused",
    )
    yield Rule(
        "scale_type pof2: scale_rule can only be round, ceil or floor.",
        when=AllOf((pof2, _sized(dtypes))),
        allow={"scale_rule": (ScaleRule.round.value, ScaleRule.ceil.value, ScaleRule.floor.value)},
        code="scale_rule_pof2",
    )
    if e8m0.values:
        yield Rule(
            f"{join_words(e8m0.values)}: scale_rule can only be floor, even or rceil.",
            when=e8m0,
            allow={"scale_rule": (ScaleRule.floor.value, ScaleRule.even.value, ScaleRule.rceil.value)},
            code="scale_rule_mx",
        )
    yield Rule(
        "scale_dtype only applies to float scales.",
        when=AllOf((scaled, AnyOf((pof2, _blocks(dtypes))))),
        forbid=("scale_dtype",),
        code="scale_dtype_unused",
    )


def _dtype_rules(dtypes: Dtypes) -> Iterator[Rule]:
    if casts := tuple(d.name for d in dtypes if not d.scaled):
        yield Rule(
            f"{join_words(casts)}: a plain cast takes no qscheme, no scale, no observer and no is_dynamic.",
            when=Is("dtype", casts),
            forbid=("qscheme", "scale_type", "scale_rule", "scale_dtype", "observer", "is_dynamic"),
            code="cast",
        )
    if codecs := tuple(d.name for d in dtypes if isinstance(d.format, CodecFormat)):
        yield Rule(
            f"{join_words(codecs)}: rounds in a way of its own, so there is no round_method.",
            when=Is("dtype", codecs),
            forbid=("round_method",),
            code="codec_rounding",
        )
    if symmetric := tuple(d.name for d in dtypes if d.only_symmetric):
        yield Rule(
            f"{join_words(symmetric)}: always symmetric, the zero point is 0.",
            when=Is("dtype", symmetric),
            allow={"symmetric": (True,)},
            code="symmetric_only",
        )
    if blocks := _blocks(dtypes).values:
        yield Rule(
            f"{join_words(blocks)}: each block computes its own scale, so there is no observer and no is_dynamic.",
            when=_blocks(dtypes),
            forbid=("observer", "is_dynamic"),
            code="block_scale",
        )


def _fixed(dtypes: Dtypes) -> Iterator[Rule]:
    # Dtypes with the same restriction share one rule, so the schema grows with restrictions, not with dtypes.
    restrictions: dict[tuple[str, tuple[Value, ...]], list[str]] = {}
    for spec in dtypes:
        if not spec.scaled:
            continue
        if set(spec.allowed_qschemes) != set(QSchemeType):
            restrictions.setdefault(("qscheme", tuple(q.value for q in spec.allowed_qschemes)), []).append(spec.name)
        if set(spec.allowed_scale_types) != set(ScaleType):
            allowed = tuple(s.value for s in spec.allowed_scale_types)
            restrictions.setdefault(("scale_type", allowed), []).append(spec.name)
        if spec.group_size is not None:
            restrictions.setdefault(("group_size", (spec.group_size,)), []).append(spec.name)
    for (name, values), names in restrictions.items():
        yield Rule(
            f"{join_words(names)}: {name} can only be {join_words(values, 'or')}.",
            when=Is("dtype", tuple(names)),
            allow={name: values},
            code=f"{name}_fixed",
        )


def _weight_rules() -> Iterator[Rule]:
    yield Rule(
        "is_dynamic is for input and output: a weight or bias is known when the model is quantized.",
        allow={"is_dynamic": (False,)},
        roles=("weight", "bias"),
        code="is_dynamic_unused",
    )
    yield Rule(
        "qscheme per_token is for input and output, where each token has a scale of its own.",
        allow={"qscheme": tuple(q.value for q in QSchemeType if q is not QSchemeType.per_token)},
        roles=("weight", "bias"),
        code="per_token_unused",
    )
    yield Rule(
        "qscheme per_block is for weight.",
        allow={"qscheme": tuple(q.value for q in QSchemeType if q is not QSchemeType.per_block)},
        roles=("bias", "input", "output"),
        code="per_block_unused",
    )


def _activation_rules(dtypes: Dtypes) -> Iterator[Rule]:
    for qscheme, what in ((QSchemeType.per_group, "groups"), (QSchemeType.per_token, "tokens")):
        yield Rule(
            f"qscheme {qscheme} on input and output needs is_dynamic: true, "
            f"since the number of {what} follows the batch.",
            when=AllOf((_is(qscheme), _sized(dtypes))),
            allow={"is_dynamic": (True,)},
            absent_is_default=True,
            roles=("input", "output"),
            code=f"{qscheme}_static",
        )


def _observer_rules(dtypes: Dtypes, registry: Registry) -> Iterator[Rule]:
    observers = [spec for spec in registry.specs(ObserverSpec.kind).values() if isinstance(spec, ObserverSpec)]
    # Plain casts and blocks take no observer at all, which is one fault, not two.
    observed = [spec for spec in dtypes if spec.scaled and not spec.is_block]
    for observer in observers:
        if observer.formats is None:
            continue
        others = tuple(spec.name for spec in observed if not isinstance(spec.format, observer.formats))
        yield Rule(
            f"observer {observer.name} is for {join_words(format_words(observer.formats))} formats only.",
            when=Is("dtype", others),
            allow={"observer": tuple(spec.name for spec in observers if spec is not observer)},
            code="observer_format",
        )
