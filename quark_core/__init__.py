"""Quark Core: declarative, plugin-extensible quantization for PyTorch.

>>> import quark_core as qc
>>> config = qc.load_config("int8.yaml")
>>> result = qc.quantize(model, config, calibration=batches)
>>> result.save("out/")

Importing this package imports nothing heavy; torch comes with the first verb that needs it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quark_core.config.dump import dump, dumps
    from quark_core.config.load import load_config
    from quark_core.config.models import CalibrationConfig, LayerConfig, QuantConfig, TensorConfig, VerifyConfig
    from quark_core.config.scaling import ScaleDtype, ScaleRule
    from quark_core.config.type import DeviceType, Dtype, QSchemeType, QuantizationMode, RoundType, ScaleType
    from quark_core.engine.loading import load
    from quark_core.engine.pipeline import quantize
    from quark_core.engine.report import Report
    from quark_core.engine.result import Result
    from quark_core.errors import QuarkError
    from quark_core.plan import Plan, make_plan
    from quark_core.registry import Registry, installed

_HOME = {
    "CalibrationConfig": "quark_core.config.models",
    "DeviceType": "quark_core.config.type",
    "Dtype": "quark_core.config.type",
    "LayerConfig": "quark_core.config.models",
    "Plan": "quark_core.plan",
    "QSchemeType": "quark_core.config.type",
    "QuantConfig": "quark_core.config.models",
    "QuantizationMode": "quark_core.config.type",
    "QuarkError": "quark_core.errors",
    "Registry": "quark_core.registry",
    "Report": "quark_core.engine.report",
    "Result": "quark_core.engine.result",
    "RoundType": "quark_core.config.type",
    "ScaleDtype": "quark_core.config.scaling",
    "ScaleRule": "quark_core.config.scaling",
    "ScaleType": "quark_core.config.type",
    "TensorConfig": "quark_core.config.models",
    "VerifyConfig": "quark_core.config.models",
    "dump": "quark_core.config.dump",
    "dumps": "quark_core.config.dump",
    "installed": "quark_core.registry",
    "load": "quark_core.engine.loading",
    "load_config": "quark_core.config.load",
    "make_plan": "quark_core.plan",
    "quantize": "quark_core.engine.pipeline",
}

__all__ = [
    "CalibrationConfig",
    "DeviceType",
    "Dtype",
    "LayerConfig",
    "Plan",
    "QSchemeType",
    "QuantConfig",
    "QuantizationMode",
    "QuarkError",
    "Registry",
    "Report",
    "Result",
    "RoundType",
    "ScaleDtype",
    "ScaleRule",
    "ScaleType",
    "TensorConfig",
    "VerifyConfig",
    "dump",
    "dumps",
    "installed",
    "load",
    "load_config",
    "make_plan",
    "quantize",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
