"""Where a stack's live resources are: from its outputs, else from the names and tags that its program gives."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from model.capacity import database_classes
from model.settings import Settings
from scale.operate.account import Account, Stack
from scale.operate.errors import AccountError

PULUMI_SECONDS = 60
"""How long the CLI may take to say a stack's outputs."""


class OutputsError(RuntimeError):
    """The file of outputs that was named is none; the text says why."""


@dataclass(frozen=True)
class Outputs:
    """A stack's outputs; none where it was never deployed from here, with the reason."""

    values: Mapping[str, Any]
    missing: str = ""

    def text(self, key: str) -> str | None:
        """Return an output that is a text."""
        value = self.values.get(key)
        return value if isinstance(value, str) and value else None

    def texts(self, key: str) -> dict[str, str]:
        """Return an output that is a group of texts, empty where it is none."""
        value = self.values.get(key)
        group = cast("dict[str, object]", value) if isinstance(value, dict) else {}
        return {name: each for name, each in group.items() if isinstance(each, str)}


def read_outputs(stack: Stack, file: Path | None = None) -> Outputs:
    """Return a stack's outputs from a file as `pulumi stack output --json` writes it, else from that command itself.

    Raises OutputsError for a file that cannot be read. Without a CLI that knows the stack there are none.
    """
    if file is not None:
        try:
            loaded: object = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise OutputsError(f"{file} cannot be read as the JSON of `pulumi stack output --json`: {error}") from error
        if not isinstance(loaded, dict):
            raise OutputsError(f"{file} must hold what `pulumi stack output --json` writes: one group")
        return Outputs(cast("dict[str, Any]", loaded))
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        return Outputs({}, "the Pulumi CLI is not installed")
    command = [pulumi, "stack", "output", "--json", "--non-interactive", "--stack", stack.name]
    try:
        done = subprocess.run(  # noqa: S603 # the CLI that the user deploys with
            command,
            cwd=stack.file.directory,
            capture_output=True,
            text=True,
            check=False,
            timeout=PULUMI_SECONDS,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode != 0:
            said = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
            return Outputs({}, f"pulumi stack output: {said[-1]}")
        return Outputs(cast("dict[str, Any]", json.loads(done.stdout)))
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return Outputs({}, f"pulumi stack output: {error}")


@dataclass(frozen=True)
class Finder:
    """Finds each resource of a stack when it is asked for. Failures are AccountErrors, as the account's."""

    account: Account
    settings: Settings
    outputs: Outputs

    @cached_property
    def tags(self) -> dict[str, str]:
        """The tags that tell this environment's resources from all others."""
        return {key: self.settings.tags[key] for key in ("Application", "Environment", "ManagedBy")}

    @cached_property
    def tagged(self) -> list[str]:
        """The ARNs of all that has the environment's tags and the Resource Groups Tagging API knows."""
        filters = [{"Key": key, "Values": [value]} for key, value in self.tags.items()]
        found = self.account.items("resourcegroupstaggingapi", "get_resources", TagFilters=filters)
        return list(dict.fromkeys(entry["ResourceARN"] for entry in found))

    def arns(self, service: str, kind: str = "") -> list[str]:
        """Return the tagged ARNs of a kind: `arns("elasticache", "replicationgroup")`; of a service without a kind."""
        found: list[str] = []
        for arn in self.tagged:
            parts = arn.split(":", 5)
            if parts[2] == service and (not kind or parts[5].startswith((f"{kind}:", f"{kind}/"))):
                found.append(arn)
        return found

    @cached_property
    def group(self) -> str | None:
        """The name of the Auto Scaling group."""
        if named := self.outputs.text("group"):
            return named
        # The group's own filters: it is none of the resources that the tagging API lists.
        # The name tells the application's group from that of HAProxy servers.
        tags = {**self.tags, "Name": f"{self.settings.prefix}-web"}
        filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
        found = self.account.items("autoscaling", "describe_auto_scaling_groups", Filters=filters)
        return _only("Auto Scaling groups", [group["AutoScalingGroupName"] for group in found])

    @cached_property
    def balancer(self) -> str | None:
        """The ARN of the load balancer."""
        named = self.outputs.text("load_balancer")
        kind = "app" if self.settings.traffic.balancer == "alb" else "net"
        return named or _only("load balancers", self.arns("elasticloadbalancing", f"loadbalancer/{kind}"))

    @cached_property
    def databases(self) -> dict[str, str]:
        """The identifiers of the primary and the replicas, by name."""
        named = self.outputs.texts("database")
        return named or {name: f"{self.settings.prefix}-db-{name}" for name in database_classes(self.settings.database)}

    @cached_property
    def caches(self) -> dict[str, str]:
        """The ids of the replication groups: `cache`, and `sessions` where there is one."""
        if named := self.outputs.texts("cache"):
            return named
        wanted = {"cache": self.settings.cache.data, "sessions": self.settings.cache.sessions}
        ids = [arn.rsplit(":", 1)[1] for arn in self.arns("elasticache", "replicationgroup")]
        found: dict[str, str] = {}
        for role in (role for role, group in wanted.items() if group is not None):
            begins = f"{self.settings.prefix}-{role}-group-"
            one = _only(f"{role} replication groups", [each for each in ids if each.startswith(begins)])
            if one is not None:
                found[role] = one
        return found

    @cached_property
    def url(self) -> str | None:
        """The address of the application."""
        if named := self.outputs.text("url"):
            return named
        if self.settings.application.domain is not None:
            return f"https://{self.settings.application.domain}"
        if self.balancer is None:
            return None
        (found,) = self.account.items("elbv2", "describe_load_balancers", LoadBalancerArns=[self.balancer])
        return f"http://{found['DNSName']}"

    @cached_property
    def cluster(self) -> str | None:
        """The name of the Kubernetes cluster, where the stack has one."""
        if self.outputs.values:
            return self.outputs.text("cluster")
        return _only("clusters", [arn.rpartition("/")[2] for arn in self.arns("eks", "cluster")])


def _only(what: str, found: list[str]) -> str | None:
    """Return the one that was found, None for none. Raises AccountError where there is a choice."""
    if len(found) > 1:
        raise AccountError(
            f"{len(found)} {what} have this environment's tags ({', '.join(sorted(found))}): take the tags off those "
            "that are not its own, or name the outputs (--outputs)"
        )
    return found[0] if found else None
