"""What a plan shows: on a terminal, as JSON, as a page, and against another stack."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from scale.plan import page, report
from scale.plan.architecture import architecture
from scale.plan.differences import differences
from scale.plan.document import document
from scale.plan.plan import Plan, make_plan
from scale.testing import UNKNOWN
from tests.scale.projects import VPC, own_plan, project

STACKS = ("dev", "staging", "prod")


def text(plan: Plan, *, full: bool = False) -> str:
    stream = io.StringIO()
    report.write(plan, stream, full=full)
    return stream.getvalue()


@pytest.mark.parametrize("stack", STACKS)
def test_a_healthy_stack_fits_on_a_screen_without_colours(stack: str) -> None:
    lines = text(own_plan(stack)).splitlines()

    assert len(lines) < 40
    assert max(len(line) for line in lines) <= 80
    assert all(line == line.rstrip() and "\x1b" not in line for line in lines)


@pytest.mark.parametrize("stack", STACKS)
def test_the_projects_own_stacks_have_no_errors(stack: str) -> None:
    assert [finding for finding in own_plan(stack).findings if finding.severity != "info"] == []


def test_the_report_names_every_outer_component_and_the_full_one_every_resource() -> None:
    plan = own_plan("prod")
    short, full = text(plan), text(plan, full=True)

    for component in plan.update.children(plan.update.stack_urn):
        assert component.type.rpartition(":")[2] in short
    for resource in plan.update.all():
        assert resource.name in full or resource.is_component
    assert "DB_REPLICA_1_HOST" in full
    assert "DB_REPLICA_1_HOST" not in short


def test_the_report_is_the_same_every_time() -> None:
    plan = own_plan("dev")

    assert text(plan) == text(plan)


def test_findings_are_shown_with_their_resource_and_counted(tmp_path: Path) -> None:
    program = VPC + '    Net("net")\n    aws.sns.Topic("alarms")\n'

    plan = make_plan(project(tmp_path, program), "dev")

    shown = " ".join(text(plan).split())
    assert "topic alarms stands outside any component" in shown
    assert shown.endswith("1 error, 0 warnings, 1 note")
    assert plan.failed


def test_what_the_program_warns_of_is_shown(tmp_path: Path) -> None:
    program = 'import pulumi\npulumi.log.warn("the zone is full")\nprint("hello")\n'

    plan = make_plan(project(tmp_path, program), "dev")

    assert "warning: the zone is full" in text(plan)
    assert "hello" not in text(plan)
    assert "hello" in text(plan, full=True)


def test_the_document_has_its_parts_and_is_json() -> None:
    plan = own_plan("prod")

    given = json.loads(json.dumps(document(plan)))

    assert {"stack", "resources", "outputs", "findings", "capacity"} <= set(given)
    assert given["stack"] == "prod"
    assert {"urn", "type", "name", "parent", "properties", "dependencies"} <= set(given["resources"][0])
    assert {each["urn"] for each in given["resources"]} == {resource.urn for resource in plan.update.all()}
    assert given["outputs"]["url"] == "https://shop.example.com"
    assert {each["instance"] for each in given["capacity"]["connections"]} == {"primary", "reports", "reads"}
    assert all(each["fits"] for each in given["capacity"]["connections"])


def test_the_document_hides_secrets_and_knows_everything_else() -> None:
    plan = own_plan("prod")

    given = json.dumps(document(plan))

    assert plan.update.markers
    assert not any(marker in given for marker in plan.update.markers)
    assert "[unknown]" not in given
    passwords = {
        each["properties"].get("password")
        for each in json.loads(given)["resources"]
        if each["type"] == "aws:rds/instance:Instance"
    }
    assert passwords == {"[secret]", None}


def markup(plan: Plan) -> ElementTree.Element:
    """Return the page as XML, which it is but for its first line."""
    return ElementTree.fromstring(page.render(plan).removeprefix("<!DOCTYPE html>\n"))  # noqa: S314 # our own


@pytest.mark.parametrize("stack", STACKS)
def test_the_page_is_well_formed_and_stands_alone(stack: str) -> None:
    root = markup(own_plan(stack))

    assert root.tag == "html"
    assert not list(root.iter("script"))
    assert not [each for each in root.iter() if "src" in each.attrib or "href" in each.attrib]
    assert "url(http" not in page.render(own_plan(stack))


@pytest.mark.parametrize("stack", STACKS)
def test_the_page_names_every_component_and_draws_every_node(stack: str) -> None:
    plan = own_plan(stack)
    shown = page.render(plan)

    for resource in plan.update.all():
        assert resource.name in shown
    for node in architecture(plan.update, "eu-west-1").nodes:
        assert node.title in shown


def test_the_page_shows_no_secret() -> None:
    plan = own_plan("prod")

    assert not any(marker in page.render(plan) for marker in plan.update.markers)


SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("stack", STACKS)
def test_nothing_in_the_picture_overlaps(stack: str) -> None:
    boxes: list[tuple[float, float, float, float]] = []
    for each in markup(own_plan(stack)).iter(f"{SVG}rect"):
        if each.attrib["class"].startswith(("node", "chip")):
            x, y, width, height = (float(each.attrib[key]) for key in ("x", "y", "width", "height"))
            boxes.append((x, y, x + width, y + height))

    assert len(boxes) > 8
    for place, (left, top, right, bottom) in enumerate(boxes):
        assert 0 <= left < right <= 1200
        for other in boxes[place + 1 :]:
            assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top


def test_the_architecture_is_read_from_the_resources() -> None:
    built = architecture(own_plan("prod").update, "eu-west-1")
    titles = {node.key: node.title for node in built.nodes} | {"internet": "internet", "outside": "outside"}
    talks = {(titles[edge.source], titles[edge.target]) for edge in built.edges}

    assert built.zones == built.nats == ("eu-west-1a", "eu-west-1b", "eu-west-1c")
    assert sorted(subnet.tier for subnet in built.subnets) == ["isolated"] * 3 + ["private"] * 3 + ["public"] * 3
    assert {
        ("internet", "Application Load Balancer"),
        ("internet", "CloudFront"),
        ("Application Load Balancer", "Servers"),
        ("Servers", "PostgreSQL primary"),
        ("Servers", "Replica reports"),
        ("Servers", "Cache"),
        ("CloudFront", "Static"),
    } <= talks
    assert ("internet", "Servers") not in talks
    fleet = built.of("compute")[0]
    assert (sum(fleet.units[0]), len(fleet.units[0])) == (3, 20)


def test_a_stack_without_a_network_has_a_page_too(tmp_path: Path) -> None:
    plan = make_plan(project(tmp_path, "import pulumi\npulumi.export('x', 1)\n"), "dev")

    assert markup(plan).tag == "html"


def test_a_stack_does_not_differ_from_itself() -> None:
    assert differences(own_plan("prod"), own_plan("prod")) == {}


def test_what_differs_is_grouped_by_component_without_the_prefix() -> None:
    groups = differences(own_plan("prod"), own_plan("staging"))

    fleet = [(each.path, each.here, each.there) for each in groups["Fleet web"].properties]
    assert ("maxSize", 20, 4) in fleet
    assert "subnet public-3" in groups["Network"].only_here
    assert "database instance db-replica-1" in groups["Database db"].only_there
    values = [value for group in groups.values() for each in group.properties for value in (each.here, each.there)]
    assert UNKNOWN not in values


def test_the_differences_are_written_and_in_the_document() -> None:
    stream = io.StringIO()
    report.write_differences(own_plan("prod"), own_plan("dev"), stream)

    assert re.match(r"prod against dev: \d+ resources only in prod, \d+ only in dev", stream.getvalue())
    assert "maxSize: 20 | 2" in stream.getvalue()
    given = document(own_plan("prod"), own_plan("dev"))
    assert given["against"] == "dev"
    assert "Fleet web" in given["differences"]
