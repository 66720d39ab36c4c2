"""A project's own tests on the routers: mirrors of the primary, in TestCase and TransactionTestCase."""

from __future__ import annotations

from pathlib import Path

from scale.local.servers import Primary, Replica
from tests.runtime.real.application import Application, base_variables, database_variables


def test_django_test_cases_work_with_mirrored_replicas(
    primary: Primary, replicas: list[Replica], servers_folder: Path
) -> None:
    """The test database is made, used by all aliases, and dropped: no connection of a probe holds it."""
    variables = base_variables() | database_variables(primary, replicas)
    runner = Application(servers_folder / "mirror", variables)
    output = runner.manage("test", "--noinput", "tests.runtime.real.mirror_cases")
    assert "Found 4 test(s)" in output
    names = primary.value("SELECT count(*) FROM pg_database WHERE datname LIKE 'test_%'")
    assert names == 0
