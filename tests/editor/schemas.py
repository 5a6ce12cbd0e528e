"""The schemas that the engines are given."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any, Literal

from pydantic import Field, create_model

from quark_core.config.schema import config_schema, published_text
from quark_core.plugin import DtypeSpec, IntFormat, ObserverSpec, Options, Ref, hookimpl
from quark_core.registry import Registry
from tests.contract.acme import acme_registry, bundled_registry


def schemas() -> dict[str, Any]:
    return {
        "bundled": config_schema(bundled_registry()),
        "published": json.loads(published_text()),
        "acme": config_schema(acme_registry()),
        "many": config_schema(many_plugins(200)),
    }


def many_plugins(count: int) -> Registry:
    """Return the bundled plugins and ``count`` more, each with a dtype and an observer that has an option."""
    registry = bundled_registry()
    for number in range(count):
        registry.add(_plugin(number), f"acme{number}", f"quark-acme{number} 0.1")
    return registry


def _plugin(number: int) -> ModuleType:
    name = f"acme{number}.observer"
    fields: dict[str, Any] = {
        "name": (Literal[name], name),
        f"strength_{number}": (float, Field(1.0, ge=0, description="How strong.")),
    }
    options = create_model("MyOptions", __base__=Options, __doc__=f"Observer {number}.", **fields)

    @hookimpl
    def quark_dtypes() -> list[DtypeSpec]:
        return [DtypeSpec(f"acme{number}.int", IntFormat(2 + number % 7), f"Format {number}.")]

    @hookimpl
    def quark_observers() -> list[ObserverSpec]:
        return [ObserverSpec(options, Ref(f"quark_acme{number}:Observer"))]

    module = ModuleType(f"quark_acme{number}")
    module.__dict__.update(QUARK_API=1, quark_dtypes=quark_dtypes, quark_observers=quark_observers)
    return module
