"""The small datasets of the tests of `maskconver new`."""

from tests.unit.planning.first_configuration.conftest import make_dataset

__all__ = ["make_dataset"]
