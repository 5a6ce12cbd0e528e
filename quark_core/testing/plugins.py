"""The suite for a plugin as a whole: its manifest and everything that it adds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import FrozenInstanceError
from typing import Any, ClassVar

import jsonschema
import pytest
from pydantic import ValidationError

from quark_core.plugin import DtypeSpec, Options
from quark_core.plugin.collect import collect
from quark_core.plugin.discovery import Found, chosen_entry_points
from quark_core.plugin.hooks import QUARK_API
from quark_core.plugin.specs import Spec
from quark_core.registry import Registry
from quark_core.testing.options import SpecWithOptions, make, newer_keywords, numbers_without_bounds
from quark_core.testing.signatures import faults, promise
from quark_core.testing.suite import Suite

IMPORT = """
import sys
from importlib.metadata import EntryPoint
from quark_core.registry import Registry
Registry().add(EntryPoint({name!r}, {value!r}, "quark.plugins").load(), {name!r}, bundled={bundled!r})
sys.exit("torch" in sys.modules)
"""


class PluginTests(Suite, abstract=True):
    """Checks an installed plugin. Set ``module``; ``options`` where an extension has options without defaults."""

    required = {"module": str}
    module: ClassVar[str]
    """The manifest, as the entry point names it."""
    bundled: ClassVar[bool] = False
    """Only for what Quark Core ships."""
    options: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Name of an extension -> a valid example of its options."""

    def found(self) -> Found:
        """Return the installed entry point."""
        found = [f for f in chosen_entry_points() if f.entry_point.value.partition(":")[0] == self.module]
        assert found, (
            f"no installed distribution names {self.module}: add '[project.entry-points.\"quark.plugins\"]' with "
            f"'<name> = \"{self.module}\"' to its pyproject.toml and run 'pip install -e .'"
        )
        return found[0]

    def specs(self) -> list[Spec]:
        """Return what the plugin adds."""
        found = self.found()
        return collect(found.entry_point.load(), found.name, found.dist, None if self.bundled else f"{found.name}.")

    def made(self) -> list[tuple[SpecWithOptions, Options]]:
        """Return every extension that has options, with an example of them."""
        with_options = [spec for spec in self.specs() if not isinstance(spec, DtypeSpec)]
        return [(spec, make(spec, self.options.get(spec.name, {}))) for spec in with_options]

    def test_it_is_installed_once(self) -> None:
        same = [f.dist for f in chosen_entry_points() if f.name == self.found().name]
        assert len(same) == 1, f"distributions {same} use the same entry point name; choose another or uninstall one"

    def test_it_says_which_api_it_was_written_for(self) -> None:
        said = getattr(self.found().entry_point.load(), "QUARK_API", None)
        assert said == QUARK_API, f"write QUARK_API = {QUARK_API} into {self.module}; it says {said!r}"

    def test_it_registers(self) -> None:
        found, registry = self.found(), Registry()
        added = registry.add(found.entry_point.load(), found.name, found.dist, bundled=self.bundled).adds
        assert added, f"the hooks of {self.module} return nothing; return at least one spec"

    def test_reading_it_does_not_import_torch(self) -> None:
        found = self.found()
        code = IMPORT.format(name=found.name, value=found.entry_point.value, bundled=self.bundled)
        env = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        ran = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, (
            f"reading {self.module} imports torch; import it only in modules that a Ref names\n{ran.stderr}"
        )

    def test_its_names_carry_its_prefix(self) -> None:
        prefix = self.found().name + "."
        wrong = [spec.name for spec in self.specs() if spec.name.startswith(prefix) == self.bundled]
        assert not wrong, f"{wrong}: third parties prefix names with {prefix!r}, bundled plugins do not"

    def test_its_hooks_return_the_same_each_time(self) -> None:
        assert self.specs() == self.specs(), "make specs once, at the top of the module, and return them"

    def test_its_specs_are_hashable_and_frozen(self) -> None:
        for spec in self.specs():
            hash(spec)
            try:
                spec.kind = "other"  # type: ignore[misc] # that it is refused is the point
            except FrozenInstanceError:
                continue
            pytest.fail(f"{spec.name}: its spec can be changed; use the classes of quark_core.plugin as they are")

    def test_every_extension_is_described(self) -> None:
        silent = [spec.name for spec in self.specs() if not spec.summary.strip()]
        inherited = [spec.name for spec, _ in self.made() if not vars(spec.options).get("__doc__")]
        assert not silent + inherited, (
            f"{silent + inherited}: give a dtype a summary and an option class a docstring; editors show them"
        )

    def test_every_ref_leads_to_a_class_that_keeps_its_protocol(self) -> None:
        for spec in self.specs():
            if promised := promise(spec):
                ref, protocol = promised
                wrong = list(faults(ref, protocol))
                assert not wrong, f"{spec.kind} {spec.name}: {ref.path}: {'; '.join(wrong)}"

    def test_every_option_is_described(self) -> None:
        for spec, options in self.made():
            silent = [n for n, f in type(options).model_fields.items() if n != "name" and not f.description]
            assert not silent, f"{spec.name}: write a docstring below the option {silent[0]!r}; editors show it"

    def test_every_number_has_bounds(self) -> None:
        for spec, options in self.made():
            loose = list(numbers_without_bounds(type(options).model_json_schema()))
            assert not loose, (
                f"{spec.name}: the option {loose[0]!r} takes any number; give it bounds, such as Field(…, ge=0), which "
                "editors check"
            )

    def test_every_default_is_valid(self) -> None:
        for spec, options in self.made():
            fields = type(options).model_fields
            defaults = {n: f.get_default(call_default_factory=True) for n, f in fields.items() if not f.is_required()}
            try:
                type(options).model_validate({**options.model_dump(), **defaults})
            except ValidationError as error:
                pytest.fail(f"{spec.name}: a default is outside of its own bounds or type: {error}")

    def test_options_survive_a_file(self) -> None:
        for spec, options in self.made():
            written = options.model_dump(mode="json")
            try:
                again = type(options).model_validate(written)
            except ValidationError as error:
                pytest.fail(f"{spec.name}: {written} cannot be read back; give the field Field(strict=False): {error}")
            assert again == options, f"{spec.name}: {written} reads back as something else; use types that JSON has"

    def test_options_are_frozen(self) -> None:
        for spec, options in self.made():
            try:
                options.name = "other"
            except ValidationError:
                continue
            pytest.fail(f"{spec.name}: its options can be changed; leave model_config as it is")

    def test_unknown_options_are_refused(self) -> None:
        for spec, options in self.made():
            refused = ""
            try:
                type(options).model_validate({**options.model_dump(), "no_such_option": 1})
            except ValidationError as error:
                refused = str(error)
            assert "no_such_option" in refused, f"{spec.name}: it takes an unknown option; leave model_config as it is"

    def test_options_have_a_schema_that_editors_read(self) -> None:
        for spec, options in self.made():
            schema = type(options).model_json_schema()
            _check_schema(schema, spec.name)
            jsonschema.Draft7Validator(schema).validate(options.model_dump(mode="json"))
            newer = list(newer_keywords(schema))
            assert not newer, f"{spec.name}: its schema uses {newer[0]!r}, which draft-07 lacks; use a simpler type"

    def test_its_part_of_the_config_schema_is_valid(self) -> None:
        from quark_core.config.schema import config_schema

        found, registry = self.found(), Registry()
        registry.add(found.entry_point.load(), found.name, found.dist, bundled=self.bundled)
        schema = config_schema(registry)
        _check_schema(schema, found.name)
        text = json.dumps(schema)
        missing = [spec.name for spec in self.specs() if f'"{spec.name}"' not in text]
        assert not missing, f"editors would not complete {missing}"


def _check_schema(schema: Any, what: str) -> None:
    try:
        jsonschema.Draft7Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        pytest.fail(
            f"{what}: its JSON Schema is none: {error.message} at {error.json_path}; mend what the option's "
            "json_schema_extra adds"
        )
