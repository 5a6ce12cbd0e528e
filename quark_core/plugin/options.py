"""Options of an extension: a pydantic model whose ``name`` is the extension's name in config files."""

from typing import Any, get_args

from pydantic import BaseModel, ConfigDict

from quark_core.errors import QuarkError


def _require_name(schema: dict[str, Any]) -> None:
    # The default of `name` serves Python callers; an object in a config file must say which extension it is.
    schema["required"] = sorted({*schema.get("required", ()), "name"})
    schema["properties"]["name"].pop("default", None)


class Options(BaseModel):
    """Base of every option model.

    A subclass redefines ``name`` as a one-value ``Literal`` with that value as its default. The class docstring and the
    field docstrings are what editors show. An option without a default has ``Field(examples=[…])``, of which the
    conformance kit takes the first.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        json_schema_extra=_require_name,
    )
    name: str


def option_name(options: type[Options]) -> str:
    """Return the name that ``options`` gives its extension; raise QuarkError when it gives none."""
    field = options.model_fields["name"]
    values = get_args(field.annotation)
    if len(values) != 1 or not isinstance(values[0], str) or field.default != values[0]:
        raise QuarkError(
            f"{options.__module__}.{options.__qualname__}: `name` must be one Literal and its default, "
            'such as `name: Literal["acme.ema"] = "acme.ema"`'
        )
    return values[0]
