"""The bill, and `scale cost` as it is called."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from scale.cli import app
from scale.cost.bill import bill
from scale.cost.estimate import estimate, sentence
from scale.cost.items import Item, Levels, always
from scale.cost.prices import Price, Rate, Tier, flat
from scale.cost.usage import replay
from scale.simulate import prices, stacks
from tests.scale.cost.pricelist import PriceList, node, product, server
from tests.scale.projects import ROOT, own_plan

PRICES = {
    Rate("server"): flat(0.1, "a list", "2026-01-01"),
    Rate("egress"): Price((Tier(0, 0.09), Tier(100, 0.05)), "a list", "2026-01-01"),
}


def item(kind: str, levels: Levels, component: str = "Fleet", label: str = "") -> Item:
    return Item(component, label or kind, Rate(kind), "units", levels)


def cost(*arguments: str, project: str = ".") -> tuple[int, str, str]:
    found = CliRunner().invoke(app, ["cost", *arguments, "--cwd", str(ROOT / project)], env={"COLUMNS": "100"})
    return found.exit_code, found.stdout, found.stderr


def test_a_sum_is_of_what_is_known_and_says_what_it_is_without() -> None:
    found = bill(
        [item("server", (10, None, 30)), item("spot-server", always(5)), item("egress", always(200))], PRICES.get
    )
    assert [found.sum(level) for level in range(3)] == pytest.approx([1 + 14, 14, 3 + 14])
    assert [len(found.unknown(level)) for level in range(3)] == [1, 2, 1]


def test_nothing_of_what_has_no_price_costs_nothing() -> None:
    assert bill([item("spot-server", (0, 0, 5))], PRICES.get).lines[0].costs == (0, 0, None)


def test_the_same_thing_twice_is_one_line() -> None:
    lines = bill([item("egress", (60, 60, None)), item("egress", (60, 60, 60))], PRICES.get).lines
    assert [line.item.levels for line in lines] == [(120, 120, None)]
    assert lines[0].costs[0] == pytest.approx(100 * 0.09 + 20 * 0.05), "tiers are of the whole"


# --- the plan and the simulation take the same prices


def test_the_plan_says_what_it_costs_in_one_line() -> None:
    plan = own_plan("prod")
    assert re.fullmatch(
        r"\$[\d,]+ to \$[\d,]+ a month, but for \d+ without a volume \(scale cost prod\)",
        sentence(plan.cost, plan.stack),
    )


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_the_table_has_all_prices_of_the_stacks_that_come_with_it(stack: str) -> None:
    assert [str(line.item.rate) for line in own_plan(stack).cost.lines if line.price is None] == []


def test_a_plan_of_what_is_free_says_nothing_of_cost() -> None:
    assert sentence(estimate(replace(own_plan("dev").update, resources={}), "eu-west-1"), "dev") == ""


def test_a_simulation_takes_the_table_s_price() -> None:
    plan = own_plan("prod")
    (line,) = [line for line in plan.cost.lines if line.item.rate == Rate("server", "m7g.large")]
    assert line.price is not None
    assert prices.hourly("eu-west-1", "m7g.large") == line.price.first
    assert prices.hourly("eu-west-1", "m1.huge") is None


# --- the trace


def test_a_month_of_the_trace_is_its_mean_day_thirty_times() -> None:
    settings = stacks.load(ROOT, "prod")
    traffic = replay(settings)
    assert traffic.requests == pytest.approx(35_665_720 * 730 / 48, rel=1e-6)
    assert 3 * 730 < traffic.server_hours < 20 * 730
    assert traffic.peak_requests > traffic.requests
    assert traffic.balancer_units is None


def test_capacity_units_follow_the_larger_of_connections_and_bytes() -> None:
    settings = stacks.load(ROOT, "prod")
    small, large = replay(settings, response_kib=1), replay(settings, response_kib=100)
    assert small.balancer_units == pytest.approx(small.requests / 25 / 3600)
    assert large.balancer_units == pytest.approx(large.requests * 102400 / 1e9)
    assert large.peak_balancer_units == pytest.approx(large.peak_requests * 102400 / 1e9)


def test_a_trace_with_gaps_is_as_if_they_were_like_the_rest(tmp_path: Path) -> None:
    lines = ["time,requests", *(f"2026-01-01T{hour:02}:{minute:02}:00Z,600" for hour in (0, 2) for minute in range(60))]
    (tmp_path / "trace.csv").write_text("\n".join(lines))
    traffic = replay(stacks.load(ROOT, "dev"), tmp_path / "trace.csv")
    assert traffic.requests == pytest.approx(600 * 60 * 730)
    assert np.isfinite(traffic.server_hours)


# --- the command


def test_without_the_network_the_table_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    code, out, err = cost("prod", "--no-network")
    assert (code, err) == (0, "")
    assert re.search(r"m7g\.large +199\.29 +[\d.]+ +1,328\.60 +0\.091  \[1\]", out)
    assert re.search(r"Sum, without \d+ unknown +[\d,]+\.\d\d", out)
    assert re.search(r"primary db\.r6g\.large Multi-AZ +367\.92 +367\.92 +367\.92 +0\.504", out)
    assert re.search(r"data to the internet +GB: give --egress-gb", out)


def test_what_the_table_has_no_price_of_is_listed_with_its_quantity() -> None:
    code, out, _ = cost("servers", "--no-network", project="example/moving")
    assert code == 0
    assert re.search(r"Database db +primary db\.m7g\.large Multi-AZ +730 hours: no price", out)


def test_the_document_has_each_figure_with_source_and_date() -> None:
    code, out, _ = cost("prod", "--no-network", "--json")
    document = json.loads(out)
    assert code == 0
    assert (document["currency"], document["hours"], document["region"]) == ("USD", 730, "eu-west-1")
    for line in document["lines"]:
        known = [value for value in line["cost"].values() if value]
        assert not known or (line["price"]["source"] and line["price"]["date"]), line
    assert document["sums"]["typical"] == pytest.approx(
        sum(line["cost"]["typical"] or 0 for line in document["lines"]), abs=0.01
    )
    assert document["unknown"]["typical"] == sum(line["cost"]["typical"] is None for line in document["lines"])


def test_prices_of_the_list_are_asked_for_once_and_kept(price_list: PriceList, identity: None) -> None:
    price_list.products = [
        server("m7g.large", "0.095"),
        node("cache.r7g.large", "0.1946"),
        product(
            "AmazonRDS",
            "EU-Multi-AZUsage:db.r6g.large",
            "Hrs",
            {"0": "0.5"},
            instanceType="db.r6g.large",
            databaseEngine="PostgreSQL",
            deploymentOption="Multi-AZ",
        ),
    ]
    code, out, err = cost("prod")
    assert (code, err) == (0, "")
    assert "Price List API: AmazonEC2 20261102100000" in out
    assert re.search(r"primary db\.r6g\.large Multi-AZ +365\.00 +365\.00 +365\.00", out)
    asked = len(price_list.requests)
    assert asked > 20
    assert cost("prod")[1] == out
    assert len(price_list.requests) == asked


def test_without_permission_the_table_stands_in_and_the_bill_is_made(price_list: PriceList, identity: None) -> None:
    price_list.refusal = "AccessDeniedException"
    code, out, _ = cost("prod")
    assert code == 0
    assert "pricing:GetProducts is not allowed" in " ".join(out.split())
    assert re.search(r"m7g\.large +199\.29", out)


def test_without_credentials_the_table_stands_in(
    no_identity: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    code, out, _ = cost("dev")
    assert code == 0
    assert "there are no AWS credentials" in " ".join(out.split())


@pytest.mark.parametrize(("budget", "status"), [("100000", 0), ("100", 1)])
def test_a_budget_decides_the_exit_status(budget: str, status: int) -> None:
    code, out, _ = cost("prod", "--no-network", "--budget", budget)
    assert code == status
    assert ("above the budget" in out) == bool(status)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere",), "Pulumi.nowhere.yaml does not exist"),
        (("prod", "--trace", "none.csv"), "none.csv"),
        (("prod", "--calibration", "none.json"), "none.json"),
    ],
)
def test_what_is_wrong_is_a_message_and_status_2(arguments: tuple[str, ...], message: str) -> None:
    code, out, err = cost(*arguments, "--no-network")
    assert code == 2
    assert message in err
    assert "Traceback" not in out + err
