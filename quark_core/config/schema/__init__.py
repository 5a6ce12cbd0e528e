"""The JSON Schema of config files, composed from the models, the rules and the plugins."""

from quark_core.config.schema.compose import config_schema, schema_text
from quark_core.config.schema.keywords import ANNOTATIONS
from quark_core.config.schema.published import published_text

__all__ = ["ANNOTATIONS", "config_schema", "published_text", "schema_text"]
