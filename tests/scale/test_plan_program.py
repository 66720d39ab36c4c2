"""Running a stack's program: both ways, in one process, and how it may fail."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pulumi
import pytest

from scale.plan.program import run_stack
from scale.plan.stackfile import ProgramError
from scale.testing import UNKNOWN, Secret, run
from tests.scale.projects import VPC, project


def test_a_program_is_run_as_a_preview_and_as_an_update(tmp_path: Path) -> None:
    passes = run_stack(project(tmp_path, VPC + '    pulumi.export("vpc", Net("net").vpc.id)\n'), "dev")

    assert passes.preview.outputs["vpc"] is UNKNOWN
    assert passes.update.outputs["vpc"] == passes.update.one("aws:ec2/vpc:Vpc").id
    assert list(passes.preview.resources) == list(passes.update.resources)


def test_a_program_sees_its_project_stack_configuration_and_mode(tmp_path: Path) -> None:
    program = """
        import pulumi
        config = pulumi.Config()
        pulumi.export("where", [pulumi.get_project(), pulumi.get_stack(), config.require("size")])
        pulumi.export("token", config.require_secret("token"))
        pulumi.export("dry", pulumi.runtime.is_dry_run())
    """
    passes = run_stack(project(tmp_path, program, "{shop:size: 3, shop:token: {secure: v1:AAAA}}"), "dev")

    assert passes.update.outputs["where"] == ["shop", "dev", "3"]
    assert passes.update.outputs["token"] == Secret(next(iter(passes.update.markers)))
    assert passes.preview.outputs["token"] == Secret(UNKNOWN)
    assert (passes.preview.outputs["dry"], passes.update.outputs["dry"]) == (True, False)


def test_a_program_imports_modules_beside_it_and_reads_files_from_there(tmp_path: Path) -> None:
    program = """
        from pathlib import Path
        import pulumi
        import module_of_this_test_alone
        pulumi.export("file", Path("Pulumi.yaml").read_text().splitlines(keepends=True)[0])
    """
    (tmp_path / "module_of_this_test_alone.py").write_text("")
    before, path = Path.cwd(), list(sys.path)

    passes = run_stack(project(tmp_path, program), "dev")

    assert passes.update.outputs["file"] == "name: shop\n"
    assert (Path.cwd(), sys.path) == (before, path)


def test_a_run_error_is_told_in_its_own_words(tmp_path: Path) -> None:
    program = 'import pulumi\nraise pulumi.RunError("2 settings are wrong:\\n  a\\n  b")\n'

    with pytest.raises(ProgramError) as failure:
        run_stack(project(tmp_path, program), "dev")

    assert str(failure.value) == "2 settings are wrong:\n  a\n  b"


def test_any_other_exception_is_told_with_the_programs_last_place(tmp_path: Path) -> None:
    program = """
        def build():
            return {}["subnet"]

        build()
    """
    with pytest.raises(ProgramError) as failure:
        run_stack(project(tmp_path, program), "dev")

    assert str(failure.value) == "KeyError: 'subnet'\n  at __main__.py:3 in build"


def test_an_exception_inside_apply_is_told_too(tmp_path: Path) -> None:
    program = VPC + '    pulumi.export("x", Net("net").vpc.id.apply(lambda value: 1 / 0))\n'

    with pytest.raises(ProgramError, match=r"ZeroDivisionError: division by zero\n  at __main__.py:\d+ in <lambda>"):
        run_stack(project(tmp_path, program), "dev")


def test_a_lookup_that_a_plan_cannot_do_is_named(tmp_path: Path) -> None:
    program = "import pulumi_aws as aws\naws.ec2.get_vpcs()\n"

    with pytest.raises(ProgramError, match="looks up aws:ec2/getVpcs"):
        run_stack(project(tmp_path, program), "dev")


def test_a_program_that_ends_itself_has_failed(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="the program ended itself: no account"):
        run_stack(project(tmp_path, 'import sys\nsys.exit("no account")\n'), "dev")


def test_a_failed_run_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "good").mkdir()
    bad = project(tmp_path / "bad", VPC + '    Net("net").vpc.id.apply(lambda value: 1 / 0)\n')
    good = project(tmp_path / "good", VPC + '    Net("net")\n')
    for _ in range(3):
        with pytest.raises(ProgramError):
            run_stack(bad, "dev")
        assert len(run_stack(good, "dev").update.all()) == 2


def test_the_hooks_on_outputs_are_gone_after_a_run() -> None:
    before = dict(vars(pulumi.Output))

    run(lambda: None)

    assert dict(vars(pulumi.Output)) == before


def test_a_run_is_not_held_back_by_a_loop_that_was_closed_before() -> None:
    asyncio.run(asyncio.sleep(0))

    assert run(lambda: pulumi.export("x", pulumi.Output.from_input(1))).outputs == {"x": 1}


def test_resources_come_in_the_same_order_every_time() -> None:
    def build() -> None:
        for name in "abcdef":
            pulumi.ComponentResource("test:index:Thing", name)

    orders = {tuple(resource.name for resource in run(build).all()) for _ in range(5)}

    assert orders == {("a", "b", "c", "d", "e", "f")}
