"""A server in a folder: the user data is really run, with commands that write down how they were called."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from render.cloud_init import Container, cloud_init

_FAKES = {
    # Fails as often as the file `failures/<name>` says.
    "dnf": "",
    "systemctl": "",
    "sleep": "",
    "aws": 'arn="$(printf "%s" "$6" | tr -c "A-Za-z0-9\\n" "_")"; cat "$RECORDS/secrets/$arn"',
    "curl": """
case "$*" in
  *-fsSo*) echo certificates > "$2" ;;
  *api/token*) printf the-token ;;
  *"X-aws-ec2-metadata-token: the-token"*instance-id*) printf i-0123456789abcdef0 ;;
  *) exit 22 ;;
esac""",
    "docker": '[ "$1" = run ] && env -0 > "$RECORDS/container-environment" || true',
}

_FAKE = """#!/bin/bash
name="$(basename "$0")"
{{ printf '%s\\0' "$name" "$@"; printf '\\n'; }} >> "$RECORDS/calls"
left="$(cat "$RECORDS/failures/$name" 2>/dev/null || echo 0)"
if [ "$left" -gt 0 ]; then echo $((left - 1)) > "$RECORDS/failures/$name"; exit 1; fi
{behaviour}
"""


@dataclass
class Server:
    """A root folder, and beside it what the commands recorded."""

    folder: Path
    secrets: Mapping[str, str] = field(default_factory=dict[str, str])
    """The secrets' values by ARN; another one is refused."""
    failures: Mapping[str, int] = field(default_factory=dict[str, int])
    """How often a command fails before it works."""

    def __post_init__(self) -> None:
        self.root, self.records, commands = (self.folder / name for name in ("root", "records", "commands"))
        for made in ("etc/systemd/system", "usr/local/bin", "root"):
            (self.root / made).mkdir(parents=True)
        for made in (self.records / "secrets", self.records / "failures", commands):
            made.mkdir(parents=True)
        for arn, value in self.secrets.items():
            # As the AWS CLI prints text: with a line break at its end.
            (self.records / "secrets" / re.sub(r"[^A-Za-z0-9]", "_", arn)).write_text(f"{value}\n")
        for name, count in self.failures.items():
            (self.records / "failures" / name).write_text(str(count))
        for name, behaviour in _FAKES.items():
            (commands / name).write_text(_FAKE.format(behaviour=behaviour))
            (commands / name).chmod(0o755)
        # The collector's package brings this one.
        shutil.copy(commands / "systemctl", self._agent())
        self._environment = {"PATH": f"{commands}:/usr/bin:/bin", "RECORDS": str(self.records)}

    def _agent(self) -> Path:
        path = self.root / "opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl"
        path.parent.mkdir(parents=True)
        return path

    def boot(self, container: Container) -> subprocess.CompletedProcess[str]:
        """Run the user data, with the server's folders below the root folder."""
        script = re.sub(r"(?<![\w.:/])/(?=(etc|opt|root|usr/local)/)", f"{self.root}/", cloud_init(container))
        return self._run(["bash", "-c", script])

    def start(self) -> subprocess.CompletedProcess[str]:
        """Run what the service runs at each start."""
        return self._run([str(self.root / "usr/local/bin/django-scale-start")])

    def text(self, path: str) -> str:
        """Return a file of the server."""
        return (self.root / path).read_text()

    @property
    def calls(self) -> list[list[str]]:
        """The commands that were run, each with its arguments, in order."""
        recorded = self.records / "calls"
        lines = recorded.read_text().split("\0\n")[:-1] if recorded.exists() else []
        return [line.split("\0") for line in lines]

    def called(self, name: str) -> list[list[str]]:
        """Return the arguments of each call of a command."""
        return [arguments for command, *arguments in self.calls if command == name]

    @property
    def container_environment(self) -> dict[str, str]:
        """What docker had in its own environment when it started the container, for `--env NAME` to pass on."""
        recorded = (self.records / "container-environment").read_text().split("\0")[:-1]
        return dict(entry.split("=", 1) for entry in recorded)

    @property
    def files(self) -> str:
        """All that stands in the server's files."""
        return "\n".join(each.read_text() for each in self.root.rglob("*") if each.is_file())

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env=self._environment, cwd=self.folder, capture_output=True, text=True, check=False, timeout=30
        )
