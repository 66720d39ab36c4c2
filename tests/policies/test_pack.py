"""The policy pack as a process, asked over the engine's own protocol."""

# gRPC and the protocol's generated modules come without complete types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest
import yaml
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import proxy

from policies.catalogue import RULES
from policies.view import Resource
from scale.plan.program import run_stack
from tests.policies.analyzer import PACK, ROOT, Analyzer, analyze_request, analyzer, of_recording, stack_request, start
from tests.policies.cases import CASES, Case

ACROSS = [case for case in CASES if RULES[case.rule].across]
ALONE = [case for case in CASES if not RULES[case.rule].across]


@pytest.fixture(scope="module")
def pack() -> Generator[Analyzer]:
    with analyzer() as running:
        yield running


def violations(response: analyzer_pb2.AnalyzeResponse) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for diagnostic in response.diagnostics:
        found.setdefault(diagnostic.policyName, []).append(diagnostic.message)
    return found


def subject(case: Case, resources: tuple[Resource, ...]) -> Resource:
    return next(each for each in resources if each.type in RULES[case.rule].types)


def test_it_tells_the_engine_of_every_rule(pack: Analyzer) -> None:
    info = pack.stub.GetAnalyzerInfo(empty_pb2.Empty())

    assert info.name == "django-scale"
    assert {policy.name for policy in info.policies} == set(RULES)
    for policy in info.policies:
        rule = RULES[policy.name]
        assert policy.description == rule.why
        assert policy.remediation_steps == rule.mend
        assert analyzer_pb2.EnforcementLevel.Name(policy.enforcementLevel) == rule.enforcement.upper()
        assert (policy.policy_type == analyzer_pb2.POLICY_TYPE_STACK) == rule.across
        assert policy.framework.name == ("AWS Foundational Security Best Practices" if rule.control else "")


@pytest.mark.parametrize("case", ALONE, ids=lambda case: f"{case.rule}: {case.says}")
def test_it_judges_a_resource(pack: Analyzer, case: Case) -> None:
    bad = violations(pack.stub.Analyze(analyze_request(subject(case, case.bad))))
    good = violations(pack.stub.Analyze(analyze_request(subject(case, case.good))))

    assert case.says in bad[case.rule][0]
    assert RULES[case.rule].mend in bad[case.rule][0]
    assert case.rule not in good


@pytest.mark.parametrize("case", ACROSS, ids=lambda case: f"{case.rule}: {case.says}")
def test_it_judges_a_stack(pack: Analyzer, case: Case) -> None:
    bad = violations(pack.stub.AnalyzeStack(stack_request(case.bad)))
    good = violations(pack.stub.AnalyzeStack(stack_request(case.good)))

    assert any(case.says in message for message in bad[case.rule])
    assert case.rule not in good


def test_a_violation_names_its_resource(pack: Analyzer) -> None:
    case = next(case for case in ACROSS if case.rule == "flow-logs")

    response = pack.stub.AnalyzeStack(stack_request(case.bad))

    urns = {each.urn for each in response.diagnostics if each.policyName == "flow-logs"}
    assert urns == {case.bad[0].urn}


def test_it_skips_what_is_not_known_yet_with_a_note(pack: Analyzer) -> None:
    case = next(case for case in ALONE if case.rule == "database-encrypted")
    request = analyze_request(case.bad[0])
    request.properties["storageEncrypted"] = proxy.UNKNOWN_BOOLEAN_VALUE

    response = pack.stub.Analyze(request)

    assert "database-encrypted" not in violations(response)
    notes = {note.policy_name: note.reason for note in response.not_applicable}
    assert notes["database-encrypted"].startswith("storageEncrypted is not known yet")


def test_its_levels_are_the_stack_s_own() -> None:
    with analyzer({"database-encrypted": "disabled", "database-multi-az": "advisory"}) as pack:
        response = pack.stub.Analyze(analyze_request(Resource({}, type="aws:rds/instance:Instance", name="it")))

    levels = {each.policyName: each.enforcementLevel for each in response.diagnostics}
    assert "database-encrypted" not in levels
    assert levels["database-multi-az"] == analyzer_pb2.ADVISORY
    assert levels["database-backups"] == analyzer_pb2.MANDATORY


def test_its_levels_are_the_pack_s_configuration_when_the_engine_brings_one() -> None:
    with analyzer({"database-multi-az": "disabled"}) as pack:
        request = analyzer_pb2.ConfigureAnalyzerRequest()
        request.policyConfig["database-multi-az"].enforcementLevel = analyzer_pb2.MANDATORY
        request.policyConfig["database-backups"].enforcementLevel = analyzer_pb2.DISABLED
        pack.stub.Configure(request)
        response = pack.stub.Analyze(analyze_request(Resource({}, type="aws:rds/instance:Instance", name="it")))

    levels = {each.policyName: each.enforcementLevel for each in response.diagnostics}
    assert levels["database-multi-az"] == analyzer_pb2.MANDATORY
    assert "database-backups" not in levels


@pytest.mark.parametrize("mode", ["preview", "update"])
def test_production_passes_as_the_engine_sees_it(pack: Analyzer, mode: str) -> None:
    passes = run_stack(ROOT, "prod")
    recording = passes.preview if mode == "preview" else passes.update
    resources = of_recording(recording, proxy.UNKNOWN_STRING_VALUE)

    found = violations(pack.stub.AnalyzeStack(stack_request(resources)))
    for resource in resources:
        found |= violations(pack.stub.Analyze(analyze_request(resource)))

    assert found == {}


def test_a_level_that_does_not_exist_stops_it_with_the_stack_s_own_key() -> None:
    process = start("127.0.0.1:1", {"database-multi-as": "disabled"})

    output, errors = process.communicate(timeout=30)

    assert process.returncode == 1
    assert output == ""
    assert "policies.database-multi-as: is not a rule; did you mean 'database-multi-az'?" in errors


def test_it_runs_in_the_project_s_own_environment() -> None:
    options = yaml.safe_load((PACK / "PulumiPolicy.yaml").read_text())["runtime"]["options"]

    assert (PACK / options["virtualenv"]).resolve() == (ROOT / ".venv").resolve()
    python = Path(PACK / options["virtualenv"] / "bin" / "python")
    done = subprocess.run([python, "-c", "import pulumi_policy, policies"], cwd=PACK, capture_output=True, text=True)
    assert done.stderr == ""
