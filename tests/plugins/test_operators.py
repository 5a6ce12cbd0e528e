"""The names of operators that authors are told are those that the bundled modes tell."""

from quark_core.engine.modules import operators
from quark_core.plugin.operators import OPERATORS
from quark_fx import catalog
from quark_fx.kinds import Role


def test_the_list_is_what_the_modes_know() -> None:
    eager = {operator.name for operator in operators.OPERATORS}
    kinds = {*catalog.FUNCTIONS.values(), *catalog.METHODS.values(), *catalog.MODULES.values(), *catalog.ATEN.values()}
    graph = {kind.name for kind in kinds if kind.role is not Role.moving}
    assert sorted(OPERATORS) == sorted(eager | graph)
