"""What guard rails and refusals add to a plan: `python bench/policies.py`, median of several runs, each a new process.

A new process pays for importing the rules and reading the tables, as `scale plan` does; cfn-lint's and botocore's own
imports, which are not paid, stand beside it.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
RUNS = 7

_PLAN = """
import json, time, warnings
warnings.simplefilter("ignore")
from pathlib import Path
from scale.plan import capacity, program
passes = program.run_stack(Path("."), "prod")
settings = capacity.settings_of(passes.file)
start = time.perf_counter()
from scale.plan.guard_rails import guard_rails
from scale.plan.refusals import refusals
imported = time.perf_counter()
guard_rails(passes.update, settings.deployment.policies)
ruled = time.perf_counter()
refusals(passes.update, settings, settings.region)
first = time.perf_counter()
refusals(passes.update, settings, settings.region)
second = time.perf_counter()
print(json.dumps({
    "imports": imported - start,
    "guard rails": ruled - imported,
    "refusals, tables read": first - ruled,
    "all": first - start,
    "refusals, tables in memory": second - first,
}))
"""
_IMPORT = """
import json, time
start = time.perf_counter()
import {}
print(json.dumps({{"import {}": time.perf_counter() - start}}))
"""


def main() -> None:
    """Print each part's median in seconds."""
    for code in (_PLAN, *(_IMPORT.format(name, name) for name in ("cfnlint.api", "botocore.session"))):
        runs = [_run(code) for _ in range(RUNS)]
        for part in runs[0]:
            times = [run[part] for run in runs]
            print(f"{part:28} {statistics.median(times):7.3f} s  ({min(times):.3f} to {max(times):.3f})")


def _run(code: str) -> dict[str, float]:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 # our own code
    return json.loads(done.stdout)


if __name__ == "__main__":
    main()
