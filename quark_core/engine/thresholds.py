"""What a config's ``verify`` demands of the report."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import MISSING

from quark_core.config.models import QuantConfig
from quark_core.engine.report import LayerReport, Report, decibels
from quark_core.errors import DataError, VerificationError


def check_thresholds(config: QuantConfig, report: Report) -> None:
    """Raise VerificationError where the outputs fall short, with the worst layers; DataError where nothing tells."""
    faults = [*_sqnr(config, report), *_agreement(config, report)]
    if faults:
        worst = ", ".join(f"{layer.name} {decibels(_last(layer))} dB" for layer in _worst(report.layers))
        text = f"{'; '.join(faults)}. The layers with the most noise: {worst or 'not known'}"
        text += ". Give these more bits or finer scales in layers, or exclude them"
        if report.adjustments:
            text += f"; the device also made {len(report.adjustments)} changes, which the report lists"
        raise VerificationError(text, report)


def _sqnr(config: QuantConfig, report: Report) -> Iterator[str]:
    least = config.verify.min_sqnr_db
    if least is MISSING:
        return
    found = report.final.output_sqnr_db if report.final else report.output_sqnr_db
    if found is None:
        raise DataError(f"{_where(config, 'min_sqnr_db')}: {_unknown(report, 'floating-point outputs')}")
    # Not `found < least`, which a NaN would pass.
    if not found >= least:
        yield f"{_where(config, 'min_sqnr_db')}: the outputs have {decibels(found)} dB, at least {least:g} are asked"


def _agreement(config: QuantConfig, report: Report) -> Iterator[str]:
    least = config.verify.min_agreement
    if least is MISSING:
        return
    found = report.final.agreement if report.final else report.agreement
    if found is None:
        raise DataError(f"{_where(config, 'min_agreement')}: {_unknown(report, 'outputs with rows of several values')}")
    if found < least:
        yield (
            f"{_where(config, 'min_agreement')}: {found:.4f} of the rows have the same largest value, "
            f"at least {least:g} are asked"
        )


def _where(config: QuantConfig, name: str) -> str:
    place = config.place("verify", name)
    return f"{place}: verify.{name}" if place else f"verify.{name}"


def _unknown(report: Report, needed: str) -> str:
    if report.probe_batches:
        return f"the model has no {needed}, so this cannot be checked; remove it"
    return "nothing was replayed, so this cannot be checked; give calibration data, and probe_batches above 0"


def _last(layer: LayerReport) -> float | None:
    return layer.final_db if layer.final_db is not None else layer.cumulative_db


def _worst(layers: tuple[LayerReport, ...], count: int = 3) -> list[LayerReport]:
    known = [(db, layer) for layer in layers if (db := _last(layer)) is not None]
    return [layer for _, layer in sorted(known, key=lambda item: item[0])[:count]]
