"""A stack's configuration, as the engine would give it to the program."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pulumi.runtime import rpc

from scale.plan.markers import marker
from scale.plan.stackfile import Configuration, ProgramError, read, settings
from tests.scale.projects import project


def configuration(directory: Path, config: str, mode: str = "update") -> Configuration:
    return read(project(directory, "", config), "dev").configuration("preview" if mode == "preview" else "update")


def test_values_are_text_and_groups_are_json(tmp_path: Path) -> None:
    given = configuration(tmp_path, "{aws:region: eu-west-1, shop:size: 3, shop:on: true, shop:db: {gib: 20}}")

    assert given.values == {"aws:region": "eu-west-1", "shop:size": "3", "shop:on": "true", "shop:db": '{"gib": 20}'}
    assert given.region == "eu-west-1"


def test_a_key_without_a_namespace_is_the_projects(tmp_path: Path) -> None:
    assert configuration(tmp_path, "{size: 3}").values == {"shop:size": "3"}


@pytest.mark.parametrize("text", ["on", "12:30", "yes", "2024-01-01"])
def test_text_that_only_old_yaml_reads_as_something_else_stays_text(tmp_path: Path, text: str) -> None:
    assert configuration(tmp_path, f"{{shop:key: {text}}}").values["shop:key"] == text


def test_an_encrypted_value_is_a_marker_in_an_update_and_unknown_in_a_preview(tmp_path: Path) -> None:
    config = "{shop:token: {secure: v1:AAAA}}"

    update = configuration(tmp_path, config)
    preview = configuration(tmp_path, config, "preview")

    assert update.secret_keys == preview.secret_keys == ("shop:token",)
    assert update.values["shop:token"] == marker("the configuration's token")
    assert update.markers == {update.values["shop:token"]: "the configuration's token"}
    assert preview.values["shop:token"] == rpc.UNKNOWN


def test_an_encrypted_value_deep_in_a_group_makes_its_key_secret(tmp_path: Path) -> None:
    given = configuration(tmp_path, "{shop:a: {b: [{secure: v1:AAAA}, plain]}, shop:c: {secure: [1]}}")

    assert given.secret_keys == ("shop:a",)
    inner = json.loads(given.values["shop:a"])["b"]
    assert given.markers[inner[0]] == "the configuration's a.b[0]"
    assert inner[1] == "plain"
    assert json.loads(given.values["shop:c"]) == {"secure": [1]}


def test_the_projects_own_values_and_defaults_are_below_the_stacks(tmp_path: Path) -> None:
    project(tmp_path, "", "{shop:size: 5}")
    (tmp_path / "Pulumi.yaml").write_text(
        "name: shop\nruntime: python\nconfig: {aws:region: {value: eu-north-1}, size: {default: 2}, kind: small}\n"
    )

    assert read(tmp_path, "dev").configuration("update").values == {
        "aws:region": "eu-north-1",
        "shop:size": "5",
        "shop:kind": "small",
    }


def test_a_stack_that_does_not_exist_is_named_with_those_that_do(tmp_path: Path) -> None:
    project(tmp_path, "")

    with pytest.raises(ProgramError, match=r"Pulumi\.prod\.yaml does not exist; the stacks are dev$"):
        read(tmp_path, "prod")


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("Pulumi.yaml", "[]", r"Pulumi\.yaml must be a group of keys"),
        ("Pulumi.yaml", "runtime: python", "has no name"),
        ("Pulumi.dev.yaml", "config: [1]", r"Pulumi\.dev\.yaml: config must be a group"),
        ("Pulumi.dev.yaml", "config: {", r"Pulumi\.dev\.yaml is not YAML"),
        ("Pulumi.dev.yaml", "config:\n\tsize: 1", r"Pulumi\.dev\.yaml is not YAML: line 2: a tab, where YAML takes"),
        ("Pulumi.dev.yaml", "config:\n  size: 1\n  size: 2", "is not YAML: line 3: size is there twice"),
        ("Pulumi.dev.yaml", "config:\n  a: {b: 1, b: 2}", "is not YAML: line 2: b is there twice"),
        ("Pulumi.dev.yaml", "config: {a: \xff}", "is not text in UTF-8: invalid start byte at byte 12"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_named(tmp_path: Path, file: str, text: str, message: str) -> None:
    project(tmp_path, "")
    (tmp_path / file).write_text(text, encoding="latin-1")

    with pytest.raises(ProgramError, match=message):
        read(tmp_path, "dev")


def test_a_group_may_be_merged_into_another_that_has_keys_of_its_own(tmp_path: Path) -> None:
    config = "{shop:small: &small {min: 1, max: 2}, shop:large: {<<: *small, max: 9}}"

    assert json.loads(configuration(tmp_path, config).values["shop:large"]) == {"min": 1, "max": 9}


def test_a_directory_without_a_project_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="not a Pulumi project"):
        read(tmp_path, "dev")


def test_main_names_another_directory_for_the_program(tmp_path: Path) -> None:
    project(tmp_path, "")
    (tmp_path / "infra").mkdir()
    (tmp_path / "__main__.py").rename(tmp_path / "infra" / "__main__.py")
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\nmain: infra\n")

    assert read(tmp_path, "dev").program == tmp_path / "infra" / "__main__.py"


def test_what_is_in_no_group_reaches_the_settings(tmp_path: Path) -> None:
    config = """{aws:region: eu-west-1, shop:application: {image: "shop:1"}, shop:secret_generation: 2,
        shop:account: 123456789012}"""
    found = settings(read(project(tmp_path, "", config), "dev")).deployment

    assert (found.secret_generation, found.account) == (2, "123456789012")
