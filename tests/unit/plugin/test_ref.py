"""A Ref is checked when it is written and imported when it is needed."""

import pytest

from quark_core.plugin import Ref


def test_it_imports_what_it_names() -> None:
    loaded: type = Ref[type]("collections.abc:Mapping").load()
    assert loaded.__name__ == "Mapping"


@pytest.mark.parametrize(
    "path", ["", "module", "module:", ":Name", "a.b.C", "a b:C", "a:b:C", "a..b:C", ".a:C", "1a:C", "a:C.d", "a:C\n"]
)
def test_other_texts_are_refused_at_once(path: str) -> None:
    with pytest.raises(ValueError, match=r"write it as 'package\.module:Name'"):
        Ref[type](path)


def test_what_the_import_raises_comes_through() -> None:
    with pytest.raises(ModuleNotFoundError):
        Ref[type]("no_such_module:Name").load()
    with pytest.raises(AttributeError):
        Ref[type]("math:Name").load()
