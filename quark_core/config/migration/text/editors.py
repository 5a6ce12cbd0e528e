"""What works on the texts of each format; a format's parser is imported when it is first needed."""

from __future__ import annotations

from quark_core.config.migration.text.patches import Editor
from quark_core.config.reading.document import Document


def editor(document: Document) -> Editor:
    """Return what can change a document's text, which was read without problems. Raises Refused."""
    if document.source.format == "yaml":
        from quark_core.config.migration.text.yaml_editor import YamlEditor

        return YamlEditor(document)
    if document.source.format == "toml":
        from quark_core.config.migration.text.toml_editor import TomlEditor

        return TomlEditor(document)
    from quark_core.config.migration.text.json_editor import JsonEditor

    return JsonEditor(document)
