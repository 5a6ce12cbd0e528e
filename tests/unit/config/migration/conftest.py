from tests.unit.config.migration.old_format import past as past  # noqa: PLC0414 - a fixture to all tests here
