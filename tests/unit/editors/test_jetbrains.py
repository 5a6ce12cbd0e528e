"""The mappings of JetBrains IDEs: read back with another parser than the one that finds the places."""

from pathlib import Path

import pytest

from quark_core.editors.globs import DEFAULT
from quark_core.editors.jetbrains import jetbrains_files, merged
from quark_core.errors import UsageError
from tests.unit.editors.mappings import mappings

NAMES = [f"{stem}.{extension}" for extension in ("yaml", "yml", "json", "toml") for stem in ("quark", "*.quark")]
NAMED = 'name="JsonSchemaMappingsProjectConfiguration"'
OTHER = """<?xml version="1.0" encoding="UTF-8"?>
<project version="4">
  <component name="Elsewhere"><state><map/></state></component>
  <!-- ours: <map> -->
  <component name="JsonSchemaMappingsProjectConfiguration">
    <state>
      <map>
        <entry key="häx &gt; 1">
          <value>
            <SchemaInfo>
              <option name="name" value="häx > 1" />
              <option name="relativePathToSchema" value="häx.json" />
            </SchemaInfo>
          </value>
        </entry>
      </map>
    </state>
  </component>
</project>
"""


def ours(names: list[str]) -> tuple[str, str, list[tuple[str, str]]]:
    return ("Quark Core", ".idea/quark.schema.json", [("Pattern", name) for name in names])


def test_a_new_file() -> None:
    text = jetbrains_files(Path("nowhere"), "s", DEFAULT)[Path("nowhere/.idea/jsonSchemas.xml")].decode()
    assert mappings(text) == {"Quark Core": ours(NAMES)}
    assert '<option name="schemaVersion" value="JSON Schema version 7" />' in text
    assert merged("j.xml", text, DEFAULT) == text


def test_other_mappings_stay_to_the_byte() -> None:
    new = merged("j.xml", OTHER, ["**/a.yaml"])
    end = "        </entry>\n"
    head, _, tail = OTHER.rpartition(end)
    assert new.startswith(head + end)
    assert new.endswith(tail)
    assert mappings(new) == {"häx > 1": ("häx > 1", "häx.json", []), "Quark Core": ours(["a.yaml"])}
    assert merged("j.xml", new, ["**/a.yaml"]) == new


@pytest.mark.parametrize(
    "text",
    [
        '<project version="4"/>',
        '<project version="4"></project>',
        f"<project><component {NAMED} /></project>",
        f"<project>\n  <component {NAMED}><state/></component>\n</project>",
        f'<project><component a=">" {NAMED}><state><map/></state></component></project>',
        f"<project><component {NAMED}><state><map>\n</map></state></component></project>",
    ],
)
def test_whatever_is_missing_is_added(text: str) -> None:
    new = merged("j.xml", text, DEFAULT)
    assert mappings(new) == {"Quark Core": ours(NAMES)}
    assert merged("j.xml", new, DEFAULT) == new


def test_a_mapping_of_ours_is_extended_and_keeps_what_was_added_to_it() -> None:
    once = merged("j.xml", OTHER.replace("\n", "\r\n"), ["**/a.yaml"])
    mine = once.replace('name="path" value="a.yaml"', 'name="path" value="mine.yaml"')
    new = merged("j.xml", mine, ["**/a.yaml", "**/configs/*.toml"])
    assert mappings(new)["Quark Core"] == ours(["mine.yaml", "a.yaml", "configs/*.toml"])
    assert new.count("\n") == new.count("\r\n")


def test_a_mapping_of_ours_to_another_schema_is_replaced() -> None:
    once = merged("j.xml", OTHER, ["**/a.yaml"])
    moved = once.replace(".idea/quark.schema.json", "old.json")
    assert merged("j.xml", moved, ["**/a.yaml"]) == once


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<project>\n  <a>\n</project>", "j.xml:3:3: not XML: mismatched tag"),
        ("", "j.xml:1:1: not XML: no element found"),
        ("<settings/>", "j.xml: holds <settings> where <project> is due"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><project>&b;</project>', "j.xml: has a DOCTYPE"),
        (" " * (1 << 20) + "<project/>", "j.xml: is longer than 1,048,576 characters"),
    ],
)
def test_what_is_broken_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        merged("j.xml", text, DEFAULT)
    assert str(refused.value).startswith(said)
    assert "was left as it is" in str(refused.value)
