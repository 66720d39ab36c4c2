"""Whatever the settings are, as long as they are valid, the program plans, and cleanly."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings

from model.settings import Settings
from policies.kubernetes import RULES
from scale import user_data
from scale.plan.plan import Plan, make_plan
from scale.testing import Recording
from tests.components.building import get
from tests.components.kubernetes.cluster_building import CONFIG_MAP
from tests.components.kubernetes.schemas import objects, problems
from tests.strategies import Stack, stacks

ROOT = Path(__file__).parents[1]
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
OF_PODS = {rule.id for rule in RULES}
OF_A_CLUSTER = ("kubernetes:", "pulumi:providers:kubernetes", "aws:eks/", "aws:sqs/", "django-scale:kubernetes:")

# What only a fault of the program brings about. An environment may be too small, without a domain or unprotected.
ABOUT_THE_PROGRAM = {
    "name-collision",
    "name-length",
    "no-outputs",
    "outside-component",
    "passes-differ",
    "secret-in-clear",
    "secret-in-plain-property",
    "unknown-decision",
    "urn-collision",
}


class _Quoting(yaml.SafeDumper):
    """Puts every text in quotes, as `1e100` is a number to Pulumi and a text to this dumper."""


def _quoted(_: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return yaml.ScalarNode("tag:yaml.org,2002:str", text, style='"')


_Quoting.add_representer(str, _quoted)


def plan(stack: Stack) -> Plan:
    """Plan the project's own program with a stack's file of its own."""
    with TemporaryDirectory() as folder:
        directory = Path(folder)
        config = yaml.safe_load((ROOT / "Pulumi.yaml").read_text()) | {"main": os.path.relpath(ROOT, directory)}
        (directory / "Pulumi.yaml").write_text(yaml.safe_dump(config))
        (directory / f"Pulumi.{stack.name}.yaml").write_text(yaml.dump({"config": _config(stack)}, Dumper=_Quoting))
        try:
            return make_plan(directory, stack.name)
        finally:
            shutil.rmtree(directory / "__pycache__", ignore_errors=True)


def _config(stack: Stack) -> dict[str, object]:
    """Return a stack's configuration as its file holds it, encrypted values as Pulumi writes them."""
    groups: dict[str, object] = {
        key: {name: {"secure": f"v1:{name}"} for name in value} if key in stack.secret else value
        for key, value in stack.config.items()
    }
    return {"aws:region": stack.region, **{f"django-scale:{key}": value for key, value in groups.items()}}


def holds(stack: Stack) -> None:
    """Assert that the stack plans: the checks look at URNs, names and their lengths, secrets, and the two passes."""
    planned = plan(stack)
    assert [each for each in planned.findings if each.rule in ABOUT_THE_PROGRAM] == []
    assert planned.update.outputs["environment"]
    runs_on(stack.settings(), planned)
    alarms = [each for each in planned.update.all() if each.type.endswith("Alarm")]
    runbooks = stack.settings().alarms.runbooks
    assert [
        each.name for each in alarms if not _leads_to_a_page(str(each.properties["alarmDescription"]), runbooks)
    ] == []
    assert alarms


def runs_on(settings: Settings, planned: Plan) -> None:
    """Assert that servers and pods have the same variables, that the cluster takes its objects, or that none is."""
    update = planned.update
    variables = [get(each, "data") for each in update.all(CONFIG_MAP) if each.name.endswith("-variables")]
    if settings.compute.servers:
        variables.append(of_a_server(update))
    assert variables == [update.outputs["environment"]] * len(variables)
    assert len(variables) == settings.compute.servers + (settings.compute.kubernetes is not None)
    if settings.compute.kubernetes is None:
        # Queues come with the pods' workers only.
        assert [each.type for each in update.all() if each.type.startswith(OF_A_CLUSTER)] == []
        assert {"cluster", "namespace"}.isdisjoint(update.outputs)
        return
    said = [each for each in planned.findings if each.rule in OF_PODS and each.severity != "info"]
    assert said == []
    found = objects(update)
    assert [problem for each in found for problem in problems(each, settings.compute.kubernetes.version)] == []
    assert "token" not in json.loads(get(update.one("pulumi:providers:kubernetes"), "kubeconfig"))["users"][0]["user"]


def of_a_server(plan: Recording) -> dict[str, str]:
    """Return the plain variables of a server, out of its user data."""
    (template,) = [each for each in plan.all(TEMPLATE) if each.name.endswith("-web-template")]
    script = user_data.script(str(get(template, "userData"))) or ""
    block = re.search(r"/etc/django-scale/environment <<'END_OF_FILE'\n(.*?)END_OF_FILE", script, re.DOTALL)
    assert block is not None
    return dict(line.split("=", 1) for line in block[1].split("\n") if line)


def _leads_to_a_page(description: str, runbooks: str) -> bool:
    """Return whether an alarm's description ends in the address of a page that exists, and fits (PutMetricAlarm)."""
    _, found, page = description.partition(f" What to do: {runbooks}/")
    return bool(found) and (ROOT / "docs" / "runbooks" / page).is_file() and len(description) <= 1024


@given(stack=stacks())
@hypothesis_settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_any_valid_stack_plans_cleanly(stack: Stack) -> None:
    holds(stack)


@pytest.mark.soak
@given(stack=stacks())
@hypothesis_settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_hundreds_of_valid_stacks_plan_cleanly(stack: Stack) -> None:
    holds(stack)
