"""The schema takes exactly what the model takes, by two validators that share no code.

What JSON Schema cannot say is not generated here: keys that are no strings, NaN and infinity (JSON has neither),
duplicate keys (the loader's), what ``requires`` asks for and layers that patterns match (the command line's).
"""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from quark_core.config.models import QuantConfig
from quark_core.config.schema import config_schema
from quark_core.config.schema.choices import PREFIXED
from quark_core.plugin.capability import ROLES
from quark_core.registry import KINDS, Registry, use
from tests.contract.acme import acme_registry, bundled_registry
from tests.contract.mutate import Mutator, nodes
from tests.unit.config.strategies import valid_configs

REGISTRIES = {"bundled": bundled_registry(), "acme": acme_registry()}
CONFIGS = 150
MUTATIONS = 10
PYTHON_EVERY = 4
"""jsonschema takes as long as everything else together, so it sees one mutation in four; jsonschema_rs sees all."""


class Judges:
    """The model and two validators of its schema."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        schema = config_schema(registry)
        self.python = jsonschema.Draft7Validator(schema)
        self.rust = jsonschema_rs.Draft7Validator(schema)
        self.open = jsonschema_rs.Draft7Validator(config_schema(registry, open_names=True))

    def model(self, data: Any) -> bool:
        with use(self.registry):
            try:
                QuantConfig.model_validate(data)
            except ValidationError:
                return False
        return True

    def foreign(self, data: Any) -> bool:
        texts = [node for _, node in nodes(data) if isinstance(node, str) and re.search(PREFIXED, node)]
        return any(text not in self.registry.specs(kind) for text in texts for kind in KINDS)

    def agree(self, data: Any, *, python: bool = True) -> bool:
        """Return the common verdict; fail where there is none."""
        verdicts = {"model": self.model(data), "rust": self.rust.is_valid(data)}
        # Where the open schema takes more, some name must have a prefix that no plugin here has.
        if verdicts["model"] or not self.foreign(data):
            verdicts["open"] = self.open.is_valid(data)
        if python:
            verdicts["python"] = self.python.is_valid(data)
        assert len(set(verdicts.values())) == 1, f"{verdicts} on {json.dumps(data)}"
        return verdicts["model"]


JUDGES = {name: Judges(registry) for name, registry in REGISTRIES.items()}


@pytest.mark.parametrize("name", list(REGISTRIES))
def test_on_valid_configs_and_their_mutations(name: str) -> None:
    judges = JUDGES[name]
    seen = {True: 0, False: 0}

    # No shrinking: a mutation names itself in the message, and is small because its config is.
    @settings(max_examples=CONFIGS, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
    @given(config=valid_configs(), seed=st.integers(0, 2**32))
    def check(config: Any, seed: int) -> None:
        config = json.loads(json.dumps(config))
        assert judges.agree(config), config
        mutator = Mutator(judges.registry, seed)
        for number in range(MUTATIONS):
            seen[judges.agree(mutator.damage(config), python=number % PYTHON_EVERY == 0)] += 1

    with use(judges.registry):
        check()
    # Damage that always breaks, or never does, would test only half of the agreement.
    assert min(seen.values()) > 200, seen


TENSOR: dict[str, list[Any]] = {
    "qscheme": [None, "per_tensor", "per_channel", "per_group", "per_token", "per_block"],
    "block_size": [None, None, [16, 16], [16], [0, 1]],
    "scale_rule": [None, None, "round", "floor", "even"],
    "scale_dtype": [None, None, "float32", "float16"],
    "scale_type": [None, "float", "pof2", "pof2"],
    "symmetric": [None, True, False],
    "is_dynamic": [None, True, False],
    "group_size": [None, 16, 32],
    "ch_axis": [None, 0],
    "observer": [None, "min_max", {"name": "percentile"}],
    "round_method": [None, "floor", {"name": "half_even"}, {"name": "acme.stochastic", "seed": 1.0}],
}


OPTIONS: dict[str, list[Any]] = {
    "CPU": [],
    "IPU": [{"name": "IPU"}, {"name": "IPU"}, {"name": "IPU", "profile": "a8w8"}, {"name": "IPU", "profile": "bf16"}],
    "acme.npu": [
        {"name": "acme.npu"},
        {"name": "acme.npu", "cores": 1},
        {"name": "acme.npu", "cores": 2, "fast": True},
        {"name": "acme.npu", "cores": 4, "fast": False},
        {"name": "acme.npu", "cores": 3},
    ],
}


@pytest.mark.parametrize("device", ["CPU", "IPU", "acme.npu"])
@pytest.mark.parametrize("role", ROLES)
def test_on_single_tensors_where_every_rule_fires(role: str, device: str) -> None:
    judges = JUDGES["acme"]
    random = Random(f"{role} {device}")  # noqa: S311 - no secret hangs on it
    seen = {True: 0, False: 0}
    for number in range(400):
        every = list(judges.registry.dtypes())
        # Devices take int8 and little else, so it is as frequent as all others together.
        tensor: dict[str, Any] = {"dtype": random.choice([*every, *["int8"] * len(every)])}
        for field in random.sample(list(TENSOR), random.randint(0, 5)):
            if (value := random.choice(TENSOR[field])) is not None:
                tensor[field] = value
        config: Any = {"device": random.choice([device, *OPTIONS[device]])} if device != "CPU" else {}
        if random.random() < 0.5:
            config["mode"] = random.choice(["eager_mode", "fx_graph_mode", {"name": "fx_graph_mode"}])
        config |= {role: tensor} if number % 2 else {"layers": [{"match": "x", role: tensor}]}
        seen[judges.agree(config, python=number % PYTHON_EVERY == 0)] += 1
    assert seen[False] > 50
    assert seen[True] > 0
