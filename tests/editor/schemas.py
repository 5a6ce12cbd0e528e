"""The schemas that the engines are given."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any, Literal

from pydantic import Field, create_model

from quark_core.config.schema import config_schema, published_text
from quark_core.plugin import ObserverSpec, Options, Ref, hookimpl
from quark_core.registry import Registry
from tests.contract.acme import acme_registry, bundled_registry


def schemas() -> dict[str, Any]:
    return {
        "bundled": config_schema(bundled_registry()),
        "published": json.loads(published_text()),
        "acme": config_schema(acme_registry()),
        "many": config_schema(_many()),
    }


def _many() -> Registry:
    def options(number: int) -> type[Options]:
        name = f"acme.observer_{number}"
        fields: dict[str, Any] = {
            "name": (Literal[name], name),
            f"strength_{number}": (float, Field(1.0, ge=0, description="How strong.")),
        }
        return create_model(f"Options{number}", __base__=Options, __doc__=f"Observer {number}.", **fields)

    module = ModuleType("quark_many")

    @hookimpl
    def quark_observers() -> list[ObserverSpec]:
        return [ObserverSpec(options(number), Ref("quark_many:Observer")) for number in range(200)]

    module.__dict__.update(QUARK_API=1, quark_observers=quark_observers)
    registry = bundled_registry()
    registry.add(module, "acme", "quark-many 0.1")
    return registry
