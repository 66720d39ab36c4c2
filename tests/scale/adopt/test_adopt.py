"""`scale adopt` on what a team built by hand, over HTTP."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from typer.testing import CliRunner

from model.settings import Settings
from scale.adopt.changes import RANKS
from scale.adopt.settings import image_in
from scale.cli import app
from scale.operate.boto import boto3
from scale.plan import stackfile
from scale.plan.program import run_file
from scale.plan.recording import Recording
from tests.scale.adopt.byhand import NAME, REGION, SCRIPT, ByHand
from tests.scale.adopt.conftest import identify
from tests.scale.projects import ROOT

STACK = "production"

# What AWS holds here is one for a process: the tests that build something in it take turns.


def adopt(out: Path, *arguments: str) -> tuple[int, str, str]:
    """Run the command for everything that is named as the script names it."""
    command = ["adopt", STACK, "--region", REGION, "--cwd", str(ROOT), "--out", str(out), *arguments]
    found = CliRunner().invoke(app, command, env={"COLUMNS": "160"})
    return found.exit_code, found.stdout, found.stderr


def everything(out: Path, *arguments: str) -> dict[str, Any]:
    code, stdout, stderr = adopt(out, "--name", f"{NAME}*", "--application", "shop", "--json", *arguments)
    assert (code, stderr) == (1, "")
    return json.loads(stdout)


@dataclass(frozen=True)
class Adopted:
    """One adoption of everything, which several tests look at."""

    out: Path
    document: dict[str, Any]
    ids: dict[str, Any]


@pytest.fixture(scope="module")
def adopted(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Adopted:
    out = tmp_path_factory.mktemp("adopted")
    requests.post(f"{endpoint}/moto-api/reset", timeout=10).raise_for_status()
    with pytest.MonkeyPatch.context() as patch:
        identify(patch, out / "none")
        patch.setenv("AWS_ENDPOINT_URL", endpoint)
        built = ByHand.build()
        return Adopted(out, everything(out), built.ids)


def configuration(out: Path) -> dict[str, Any]:
    loaded = yaml.safe_load((out / f"Pulumi.{STACK}.yaml").read_text())["config"]
    return {key.removeprefix("django-scale:"): value for key, value in loaded.items()}


def planned(out: Path) -> Recording:
    loaded = yaml.safe_load((out / f"Pulumi.{STACK}.yaml").read_text())["config"]
    return run_file(stackfile.supposed(ROOT, STACK, loaded), "update")


def urns(document: dict[str, Any], project: str = "django-scale") -> dict[str, str | None]:
    """Return the URNs that the CLI makes of an import file, with their ids, by the rules of `parseImportFile`."""
    by_name = {entry["name"]: entry for entry in document["resources"]}
    assert len(by_name) == len(document["resources"]), "a parent is referred to by a name that is no other's"

    def path(entry: dict[str, Any]) -> str:
        parent = entry.get("parent")
        return f"{path(by_name[parent])}${entry['type']}" if parent else entry["type"]

    found: dict[str, str | None] = {}
    for entry in document["resources"]:
        assert bool(entry.get("component")) != ("id" in entry), entry
        assert "component" in entry or entry["provider"] in document["nameTable"]
        found[f"urn:pulumi:{STACK}::{project}::{path(entry)}::{entry['logicalName']}"] = entry.get("id")
    return found


def test_the_settings_describe_what_was_built(adopted: Adopted) -> None:
    config = configuration(adopted.out)
    assert config.pop("aws:region") == REGION
    settings = Settings.parse(config, stack=STACK, region=REGION)
    assert settings.deployment.account == "123456789012"
    assert settings.application.image == "registry.example.com/django-app:3.2.1"
    assert (settings.servers.instance_type, settings.servers.min, settings.servers.max) == ("m7g.large", 1, 10)
    assert settings.servers.ami == adopted.ids["image"]
    assert (settings.scaling.cpu_percent, settings.scaling.requests_per_target) == (70, 1000)
    connections, response = settings.scaling.database_connections, settings.scaling.response_time
    assert connections
    assert response
    assert (connections.above, connections.periods, connections.period_seconds) == (80, 2, 300)
    assert (response.above_seconds, response.periods) == (2.0, 3)
    check = settings.traffic.health_check
    assert (check.path, check.interval_seconds, check.timeout_seconds) == ("/health/", 30, 6)
    database = settings.database
    assert (database.engine_version, database.instance_class, database.storage_gib) == ("16.3", "db.t4g.medium", 40)
    assert (database.name, database.user, database.multi_az, database.backup_days) == ("shop", "shop", False, 3)
    assert [(each.name, each.instance_class) for each in database.replicas] == [("reports", "db.t4g.large")]
    assert settings.cache.engine == "redis"
    assert settings.cache.sessions is None
    assert str(settings.network.cidr) == "10.30.0.0/16"
    assert settings.network.nat == "none"


def test_the_import_file_has_the_urns_of_the_program(adopted: Adopted) -> None:
    document = json.loads((adopted.out / "import.json").read_text())
    update = planned(adopted.out)
    found = urns(document)
    assert set(found) <= set(update.resources)
    assert all(update.resources[urn].custom == (identifier is not None) for urn, identifier in found.items())
    assert set(document["nameTable"].values()) <= set(update.resources)


def test_each_resource_is_imported_by_the_id_that_its_provider_takes(adopted: Adopted) -> None:
    ids = adopted.ids
    found = urns(json.loads((adopted.out / "import.json").read_text()))
    assert {urn.rpartition("::")[2]: identifier for urn, identifier in found.items() if identifier} == {
        "shop-production-vpc": ids["vpc"],
        "shop-production-internet": ids["gateway"],
        "shop-production-public-1": ids["subnets"][0],
        "shop-production-alb": ids["balancer"],
        "shop-production-web": ids["target"],
        "shop-production-http": ids["listener"],
        "shop-production-web-template": ids["template"],
        "shop-production-web-group": "django-asg",
        "shop-production-web-cpu": "django-asg/django-asg-scale-up",
        "shop-production-web-requests": "django-asg/django-asg-request-count",
        "shop-production-web-database-connections": "django-asg-db-connections",
        "shop-production-web-response-time": "django-asg-response-time",
        "shop-production-db-primary": "django-db",
        "shop-production-db-reports": "django-db-reports",
        "shop-production-db-subnets": "django-subnets",
        "shop-production-cache-group": "django-cache",
        "shop-production-static-bucket": "django-static-files",
        "shop-production-media-bucket": "django-media-files",
        "shop-production-media-versioning": "django-media-files",
    }


def test_what_would_change_is_told_most_dangerous_first(adopted: Adopted) -> None:
    found = adopted.document["changes"]
    ranks = [RANKS.index(change["rank"]) for change in found]
    assert ranks == sorted(ranks)
    told = {(change["rank"], change["resource"], change["property"]) for change in found}
    primary = "database instance shop-production-db-primary"
    assert ("loses data", primary, "storageEncrypted") in told
    assert ("loses data", primary, "identifier") in told
    assert ("refused", "subnet shop-production-public-2", "cidrBlock") in told
    assert ("interrupts", primary, "password") in told
    assert ("interrupts", "launch template shop-production-web-template", "userData") in told
    assert ("tags", "Auto Scaling group shop-production-web-group", "tags") in told


def test_what_the_plan_will_object_to_is_told(adopted: Adopted, tmp_path: Path) -> None:
    told = {(each["rule"], each["resource"].rpartition("::")[2]) for each in adopted.document["objections"]}
    assert ("firewall", "shop-production-alb") in told
    assert ("https", "shop-production-http") in told
    assert ("database-multi-az", "shop-production-db-primary") in told
    # AWS no longer creates the version that runs: what is there is not created.
    assert "refused-value" not in {rule for rule, _ in told}
    for name in ("Pulumi.yaml", "__main__.py", "components", "model", "render"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / f"Pulumi.{STACK}.yaml").write_text((adopted.out / f"Pulumi.{STACK}.yaml").read_text())
    plan = json.loads(CliRunner().invoke(app, ["plan", STACK, "--cwd", str(tmp_path), "--json"]).stdout)
    errors = {each["rule"] for each in plan["findings"] if each["severity"] == "error"}
    assert errors - {"refused-value"} == {rule for rule, _ in told}


def test_what_is_the_same_is_no_change(adopted: Adopted) -> None:
    changed = {(change["resource"], change["property"]) for change in adopted.document["changes"]}
    group, primary = "Auto Scaling group shop-production-web-group", "database instance shop-production-db-primary"
    for resource, same in (
        (group, ("minSize", "maxSize", "targetGroupArns", "launchTemplate.id", "healthCheckType")),
        (
            primary,
            ("engineVersion", "instanceClass", "allocatedStorage", "dbName", "username", "multiAz", "availabilityZone"),
        ),
        ("target group shop-production-web", ("vpcId", "port", "healthCheck.path", "healthCheck.interval")),
        ("database instance shop-production-db-reports", ("replicateSourceDb", "instanceClass")),
        ("listener shop-production-http", ("loadBalancerArn", "port")),
        ("launch template shop-production-web-template", ("imageId", "instanceType")),
        ("scaling policy shop-production-web-cpu", ("targetTrackingConfiguration.targetValue", "autoscalingGroupName")),
        ("metric alarm shop-production-web-response-time", ("threshold", "period", "evaluationPeriods")),
    ):
        assert not {(resource, key) for key in same} & changed, resource
    label = "targetTrackingConfiguration.predefinedMetricSpecification.resourceLabel"
    assert ("scaling policy shop-production-web-requests", label) not in changed


def test_an_alarm_that_invokes_a_target_tracking_policy_is_said(adopted: Adopted) -> None:
    notes = adopted.document["notes"]
    assert any("django-asg-db-connections invokes no step policy" in note for note in notes)


def test_what_has_no_place_in_the_program_is_listed(adopted: Adopted) -> None:
    document = adopted.document
    assert {"kind": "bucket", "name": "django-invoices"} in document["unmatched"]
    assert any("aws:cloudfront/distribution:Distribution" in urn for urn in document["created"])


def test_a_seed_is_enough_and_the_rest_is_followed(built: ByHand, tmp_path: Path) -> None:
    code, out, _ = adopt(tmp_path, "--arn", built.ids["balancer"], "--json")
    document = json.loads(out)
    assert code == 0, "no database is touched, and the program makes one"
    types = {each["type"] for each in document["matched"]}
    assert "aws:autoscaling/group:Group" in types
    assert "aws:rds/instance:Instance" not in types
    assert "database: none was found, and the program makes one" in document["notes"]


def test_tags_find_a_group_and_a_database(built: ByHand, tmp_path: Path) -> None:
    code, out, err = adopt(tmp_path, "--tag", "Environment=production", "--json")
    assert (code, err) == (1, "")
    ids = {each["id"] for each in json.loads(out)["matched"]}
    assert {"django-asg", "django-db", "django-db-reports", built.ids["target"]} <= ids


READS = re.compile(r"(Describe|List|Get|Head)[A-Z]\w*")


def test_it_only_reads(built: ByHand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    make = boto3.session.Session.client

    def note(model: Any, **_: Any) -> None:
        calls.append(model.name)

    def recording(self: Any, *arguments: Any, **options: Any) -> Any:
        client = make(self, *arguments, **options)
        client.meta.events.register("before-call", note)
        return client

    monkeypatch.setattr(boto3.session.Session, "client", recording)
    everything(tmp_path)
    assert len(set(calls)) > 20
    assert [call for call in calls if not READS.fullmatch(call)] == []


def test_the_report_ends_with_what_to_do(built: ByHand, tmp_path: Path) -> None:
    code, out, _ = adopt(tmp_path, "--name", f"{NAME}*", "--application", "shop")
    assert code == 1
    heads = [
        "Would be built anew, and what is in it is gone",
        "AWS would refuse",
        "Interrupts the service",
        "Would be changed in place",
        "Tags",
        "scale plan production will object",
        "Found, and not in the program",
        "Matched",
        "Would be built beside",
    ]
    places = [out.index(head) for head in heads]
    assert places == sorted(places)
    assert "pulumi import -s production --file" in out
    assert "--new-db-instance-identifier" in out


def test_files_that_are_there_are_not_overwritten(built: ByHand, tmp_path: Path) -> None:
    (tmp_path / f"Pulumi.{STACK}.yaml").write_text("mine")
    code, _, err = adopt(tmp_path, "--name", f"{NAME}*")
    assert code == 2
    assert "overwrite it (--force)" in err
    assert (tmp_path / f"Pulumi.{STACK}.yaml").read_text() == "mine"
    everything(tmp_path, "--force")
    assert "aws:region" in configuration(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "say what to adopt"),
        (("--name", "nothing-like-it"), "nothing is found in eu-west-1 of account 123456789012"),
        (("--tag", "Environment"), "--tag must be KEY=VALUE"),
        (("--name", "django*", "--image", "shop:latest"), "application.image"),
    ],
)
def test_what_is_wrong_is_a_line_and_status_2(
    built: ByHand, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    code, out, err = adopt(tmp_path, *arguments)
    assert code == 2
    assert message in err
    assert "Traceback" not in out + err
    assert not list(tmp_path.iterdir())


def test_an_image_without_a_tag_has_to_be_given(empty: None, tmp_path: Path) -> None:
    ByHand.build(script=SCRIPT.replace(":3.2.1", ":latest"))
    code, _, err = adopt(tmp_path, "--name", f"{NAME}*")
    assert code == 2
    assert "runs registry.example.com/django-app:latest: give the application's image" in err


def test_an_image_that_the_script_makes_up_has_to_be_given(empty: None, tmp_path: Path) -> None:
    ByHand.build(script=SCRIPT.replace(":3.2.1", ":$TAG"))
    code, _, err = adopt(tmp_path, "--name", f"{NAME}*")
    assert code == 2
    assert "runs registry.example.com/django-app:$TAG: give the application's image" in err


def test_no_credentials_are_a_line_and_status_2(no_identity: None, tmp_path: Path) -> None:
    code, _, err = adopt(tmp_path, "--name", "django*")
    assert code == 2
    assert err.startswith("there are no AWS credentials")


@pytest.mark.parametrize(
    ("script", "image"),
    [
        (SCRIPT, "registry.example.com/django-app:3.2.1"),
        ("docker run --rm -e A=b --network=host shop@sha256:00 gunicorn", "shop@sha256:00"),
        ("docker container run -dit --init --security-opt no-new-privileges -p8000:8000 shop:1", "shop:1"),
        ("exec docker run --read-only --tmpfs /tmp -e 'GREETING=good morning' -u 10 \\\n  \"shop:2\" serve", "shop:2"),
        ('docker run -d --add-host db:10.0.0.2 -e A="b shop:3', "shop:3"),
        ("# docker run old:1\ndocker pull x\n/usr/bin/docker run new:2", "new:2"),
        ("docker run --rm $REGISTRY/shop:$TAG", "$REGISTRY/shop:$TAG"),
        ("systemctl start nginx", None),
    ],
)
def test_the_image_is_read_from_the_start_script(script: str, image: str | None) -> None:
    assert image_in(script) == image
