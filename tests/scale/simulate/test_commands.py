"""The commands: what they print, what they refuse; tuning, the page."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from model.scaling import ScalingPolicy, Scheduled
from model.servers import Servers
from scale.simulate import page, report, stacks
from scale.simulate.cli import register
from scale.simulate.outcome import judge
from scale.simulate.plant.service import Plant
from scale.simulate.run import Scenario, simulate
from scale.simulate.slo import Slo
from scale.simulate.traces import Trace
from scale.simulate.tune import Problem, score, settings, split, tune

ROOT = Path(__file__).parents[3]
MINUTES = np.arange(1440.0)
DAY = Trace("a day", 897264000.0, 60.0, 6000 - 5000 * np.cos(MINUTES / 1440 * 2 * np.pi))


def invoke(*arguments: str) -> tuple[int, str, str]:
    app = typer.Typer()
    register(app)
    found = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "120"})
    return found.exit_code, found.stdout, found.stderr


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_each_stack_is_simulated_at_once(stack: str) -> None:
    code, out, err = invoke("simulate", stack, "--cwd", str(ROOT), "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert document["trace"]["minutes"] == 2880
    assert document["policies"][0]["name"] == stack


def test_the_summary_says_what_is_assumed_and_what_never_acted() -> None:
    code, out, _ = invoke("simulate", "prod", "--cwd", str(ROOT))
    assert code == 0
    assert "assumed, not measured" in out
    assert "price of" not in out
    assert "All servers hold 240 connections at most, and the alarm waits for more than 300" in " ".join(out.split())


def test_a_calibration_is_used_and_named(tmp_path: Path) -> None:
    path = tmp_path / "measured.json"
    path.write_text(json.dumps({"mean_seconds": 0.08, "source": "a load test of 3 March"}), encoding="utf-8")
    document = json.loads(invoke("simulate", "prod", "--cwd", str(ROOT), "--calibration", str(path), "--json")[1])
    assert document["policies"][0]["source"] == "a load test of 3 March"
    assert document["policies"][0]["response"]["p50"] < 0.1
    assert not any("assumed" in note for note in document["notes"])


def test_an_instance_without_a_price_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scale.cost.table.TABLE", {})
    _, out, _ = invoke("simulate", "prod", "--cwd", str(ROOT))
    assert "The price of m7g.large is not known here; give it with --price." in " ".join(out.split())


def test_policies_are_set_side_by_side() -> None:
    _, out, _ = invoke("simulate", "prod", "--cwd", str(ROOT), "--compare", "--json")
    assert [each["name"] for each in json.loads(out)["policies"]] == ["prod", "guide", "AWS defaults"]


def test_a_price_and_a_peak_are_taken() -> None:
    _, out, _ = invoke("simulate", "prod", "--cwd", str(ROOT), "--price", "0.1", "--peak", "3000", "--json")
    document = json.loads(out)
    assert document["trace"]["peak_requests_a_minute"] == pytest.approx(3000)
    assert document["policies"][0]["cost"] == pytest.approx(document["policies"][0]["instance_hours"] / 10)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere",), "Pulumi.nowhere.yaml"),
        (("prod", "--slo", "fast"), "p95<500ms"),
        (("prod", "--slo", "p95<100ms"), "met by no fleet"),
        (("prod", "--trace", "none.csv"), "none.csv"),
        (("prod", "--refresh-at", "noon"), "noon"),
        (("prod", "--refresh-at", "2030-01-01"), "not within the trace, 1998-06-08 00:00 to 1998-06-10 00:00 UTC"),
        (("prod", "--kubernetes", "--refresh-at", "1998-06-08"), "--refresh-at: is of servers"),
        (("prod", "--html", "nowhere/page.html"), "--html: nowhere is not a folder"),
        (("prod", "--html", "."), "--html: . is a folder"),
        (("prod", "--peak", "inf"), "--peak: must be a number"),
        (("prod", "--price", "inf"), "--price: must be a number"),
        (("prod", "--calibration", "none.json"), "none.json"),
    ],
)
def test_what_is_wrong_is_a_message_and_status_2(arguments: tuple[str, ...], message: str) -> None:
    code, out, err = invoke("simulate", *arguments, "--cwd", str(ROOT))
    assert code == 2
    assert message in err
    assert "Traceback" not in out + err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("tune", "prod", "--output", "nowhere/tuned.yaml"), "--output: nowhere is not a folder"),
        (("tune", "prod", "--html", "nowhere/page.html"), "--html: nowhere is not a folder"),
        (("trace", "prod", "--output", "."), "--output: . is a folder"),
    ],
)
def test_a_place_that_cannot_be_written_to_is_said_before_the_work(arguments: tuple[str, ...], message: str) -> None:
    code, out, err = invoke(*arguments, "--cwd", str(ROOT))
    assert (code, out, err) == (2, "", f"{message}\n")


def test_an_objective_that_no_fleet_meets_is_said_before_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("scale.simulate.tune.tune")
    code, _, err = invoke("tune", "prod", "--cwd", str(ROOT), "--slo", "p95<100ms")
    assert (code, "met by no fleet" in err) == (2, True)


def test_pods_alone_are_simulated_without_a_word_and_not_tuned(tmp_path: Path) -> None:
    config: dict[str, object] = {
        "aws:region": "eu-west-1",
        "shop:application": {"image": "shop:1"},
        "shop:database": {"instance_class": "db.r7g.large"},
        "shop:compute": {"servers": False, "kubernetes": {}},
    }
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n", encoding="utf-8")
    (tmp_path / "__main__.py").touch()
    (tmp_path / "Pulumi.dev.yaml").write_text(json.dumps({"config": config}), encoding="utf-8")
    code, out, _ = invoke("simulate", "dev", "--cwd", str(tmp_path), "--peak", "3000", "--json")
    assert (code, json.loads(out)["policies"][0]["unit"]) == (0, "pod")
    code, _, err = invoke("tune", "dev", "--cwd", str(tmp_path))
    assert (code, err) == (2, "compute.servers is false: what is tuned is the policy of servers\n")


def test_policies_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    paths = [tmp_path / "a" / "prod.yaml", tmp_path / "b" / "prod.yaml"]
    for cpu, path in zip((40, 60), paths, strict=True):
        path.parent.mkdir()
        path.write_text(f"shop:scaling: {{cpu_percent: {cpu}}}\n", encoding="utf-8")
    options = [option for path in paths for option in ("--policy", str(path))]
    found = json.loads(invoke("simulate", "prod", "--cwd", str(ROOT), *options, "--json")[1])["policies"]
    assert [each["name"] for each in found] == ["prod", *map(str, paths)]
    assert [each["settings"].get("cpu_percent") for each in found] == [None, 40, 60]


def test_the_page_is_well_formed_and_fetches_nothing(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    assert invoke("simulate", "prod", "--cwd", str(ROOT), "--compare", "--html", str(path))[0] == 0
    text = path.read_text(encoding="utf-8")
    pictures = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert len(pictures) == 9
    for picture in pictures:
        ElementTree.fromstring(picture)  # noqa: S314 - our own
    assert not re.search(r"(src|href)\s*=|url\(|@import|<script", text)
    assert text.count("<circle") == sum(
        len(each["decisions_made"])
        for each in json.loads(invoke("simulate", "prod", "--cwd", str(ROOT), "--compare", "--json")[1])["policies"]
    )


def test_a_page_of_gaps_is_still_a_page() -> None:
    empty = Trace("gaps", 0.0, 60.0, np.full(10, np.nan))
    run = simulate(Scenario("x", ScalingPolicy(), Servers(), Plant()), empty)
    pair = (run, judge(run, Slo()))
    assert "<svg" in page.render([pair])
    assert json.dumps(report.document([pair]))


def problem(**fields: object) -> Problem:
    train, held_out = split(DAY)
    base = Problem(ScalingPolicy(), Servers(min=2, max=12), Plant(), train, held_out, Slo(), 1)
    return replace(base, **fields)  # pyright: ignore[reportArgumentType]


def test_the_part_kept_aside_is_not_searched_on() -> None:
    train, held_out = split(DAY)
    assert (len(train.counts), len(held_out.counts)) == (1008, 432)
    assert held_out.start == train.start + train.seconds


def test_the_same_seed_finds_the_same_on_any_number_of_processors() -> None:
    one = tune(problem(), rounds=2, each=6, workers=1)
    two = tune(problem(), rounds=2, each=6, workers=2)
    assert one.candidate == two.candidate
    assert one.tried == two.tried == 12


def test_what_is_returned_was_run_and_is_at_least_as_good_as_the_stacks_own() -> None:
    case = problem()
    seen: list[tuple[int, int]] = []
    found = tune(case, rounds=2, each=6, workers=1, progress=lambda done, of: seen.append((done, of)))
    again = case.run(found.candidate, case.train, "tuned")
    own = case.run(case.own, case.train, "own")
    assert judge(again, case.slo) == found.train
    assert score(again, case.slo) <= score(own, case.slo)
    assert seen[-1] == (12, 12)


def test_a_tuned_policy_keeps_to_what_the_settings_allow() -> None:
    policy = ScalingPolicy(scheduled=(Scheduled(name="night", cron="0 0 * * *", max=3),))
    found = tune(problem(policy=policy), rounds=2, each=8, workers=1)
    assert found.candidate.minimum <= 3
    ScalingPolicy.model_validate(found.candidate.policy(policy).model_dump())


def test_without_a_target_there_is_nothing_to_tune() -> None:
    policy = ScalingPolicy(cpu_percent=None, requests_per_target=None)
    with pytest.raises(ValueError, match="no target"):
        tune(problem(policy=policy), rounds=1, each=2, workers=1)


def test_a_policy_that_fails_on_the_part_kept_aside_is_not_recommended(tmp_path: Path) -> None:
    calm, surge = np.full(1400, 2000.0), np.tile([2000.0, 20_000.0], 300)
    path = tmp_path / "surge.txt"
    path.write_text("\n".join(f"{each / 60:.3f}" for each in np.repeat(np.concatenate([calm, surge]), 60)))
    arguments = ("--trace", str(path), "--rounds", "2", "--each", "8", "--slo", "p75<500ms")
    found = invoke("tune", "prod", "--cwd", str(ROOT), *arguments)[1]
    document = json.loads(invoke("tune", "prod", "--cwd", str(ROOT), *arguments, "--json")[1])
    own, best = (each["met"] for each in document["policies"][:2])
    assert ("not recommended" in found) is (own and not best)


def test_only_what_differs_is_pasted() -> None:
    case = problem()
    assert settings(case, case.own) == {}


def test_a_stack_is_read_without_the_engine() -> None:
    found = stacks.load(ROOT, "prod")
    assert (found.stack, found.region, found.servers.max) == ("prod", "eu-west-1", 20)


def test_an_account_in_digits_is_read_as_the_program_reads_it(tmp_path: Path) -> None:
    config = {"aws:region": "eu-west-1", "shop:account": "123456789012", "shop:application": {"image": "shop:1"}}
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n", encoding="utf-8")
    (tmp_path / "__main__.py").touch()
    (tmp_path / "Pulumi.dev.yaml").write_text(json.dumps({"config": config}), encoding="utf-8")
    assert stacks.load(tmp_path, "dev").deployment.account == "123456789012"


def test_a_refresh_costs_hours() -> None:
    def hours(*arguments: str) -> float:
        found = json.loads(invoke("simulate", "prod", "--cwd", str(ROOT), "--json", *arguments)[1])
        return found["policies"][0]["instance_hours"]

    assert hours("--refresh-at", "1998-06-08T12:00") > hours()


def test_what_tune_writes_is_compared_by_simulate(tmp_path: Path) -> None:
    path = tmp_path / "tuned.yaml"
    arguments = ("--rounds", "1", "--each", "8", "--seed", "3", "--output", str(path))
    code, out, _ = invoke("tune", "prod", "--cwd", str(ROOT), "--compare", *arguments)
    assert code == 0
    assert "AWS defaults" in out
    found = json.loads(invoke("simulate", "prod", "--cwd", str(ROOT), "--policy", str(path), "--json")[1])
    assert [each["name"] for each in found["policies"]] == ["prod", "tuned"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scaling: {cpu_percent: 5}", "cpu_percent"),
        ("cache: {}", "cache"),
        ("- 1", "scaling or servers"),
        ("servers: {min: 9, max: 2}", "max"),
    ],
)
def test_a_wrong_policy_to_compare_with_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    code, _, err = invoke("simulate", "prod", "--cwd", str(ROOT), "--policy", str(path))
    assert code == 2
    assert message in err
