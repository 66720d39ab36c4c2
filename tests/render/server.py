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
    # Gives nothing to anyone: the numbers of the containers' users are nobody's here.
    "chown": "",
    "install": 'mkdir -p "${@: -1}"',
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

# A server's folders; those of the containers, which look alike, stand behind a colon or in a configuration file.
_FOLDERS = re.compile(
    r"(?<![\w.:/])/(?=(?:etc/django-scale|etc/systemd/|opt/|root/|run/django-scale|usr/local/|var/lib/django-scale))"
)


@dataclass(frozen=True)
class Run:
    """A container as docker was told to run it."""

    name: str
    options: tuple[tuple[str, str], ...]
    """The options that have values, in order, without their leading hyphens; flags have none."""
    image: str
    command: tuple[str, ...]

    def all(self, option: str) -> list[str]:
        """Return the values of an option."""
        return [value for name, value in self.options if name == option]

    def one(self, option: str) -> str:
        """Return the value of an option that is given once."""
        (value,) = self.all(option)
        return value

    @property
    def volumes(self) -> dict[str, str]:
        """The folders and files of the server, by their place in the container."""
        pairs = [volume.split(":") for volume in self.all("volume")]
        return {inside: outside for outside, inside, *_ in pairs}


_FLAGS = ("--rm", "--init", "--read-only")


def parse_run(arguments: list[str]) -> Run:
    """Return what `docker run` with these arguments is."""
    rest, options = iter(arguments[1:]), list[tuple[str, str]]()
    for word in rest:
        if word in _FLAGS:
            options.append((word[2:], ""))
        elif word.startswith("--"):
            options.append((word[2:], next(rest)))
        else:
            return Run(dict(options)["name"], tuple(options), word, tuple(rest))
    raise AssertionError(f"no image: {arguments}")


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
        for made in ("etc/systemd/system", "usr/local/bin", "root", "run"):
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
        return self.boot_script(cloud_init(container))

    def boot_script(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a script with the server's folders below the root folder."""
        return self._run(["bash", "-c", _FOLDERS.sub(f"{self.root}/", script)])

    def start(self, service: str = "django-scale") -> subprocess.CompletedProcess[str]:
        """Run what a service runs at each start."""
        unit = self.text(f"etc/systemd/system/{service}.service")
        (command,) = [line.removeprefix("ExecStart=/") for line in unit.splitlines() if line.startswith("ExecStart=")]
        return self._run([str(self.root / command)])

    def text(self, path: str) -> str:
        """Return a file of the server, as it would be without the root folder."""
        return (self.root / path).read_text().replace(f"{self.root}/", "/")

    @property
    def calls(self) -> list[list[str]]:
        """The commands that were run, each with its arguments, in order."""
        recorded = self.records / "calls"
        text = recorded.read_text().replace(f"{self.root}/", "/") if recorded.exists() else ""
        lines = text.split("\0\n")[:-1]
        return [line.split("\0") for line in lines]

    def called(self, name: str) -> list[list[str]]:
        """Return the arguments of each call of a command."""
        return [arguments for command, *arguments in self.calls if command == name]

    @property
    def containers(self) -> dict[str, Run]:
        """The containers that were run, the last of each name."""
        runs = [parse_run(arguments) for arguments in self.called("docker") if arguments[0] == "run"]
        return {run.name: run for run in runs}

    @property
    def container_environment(self) -> dict[str, str]:
        """What docker had in its own environment when it started the container, for `--env NAME` to pass on."""
        recorded = (self.records / "container-environment").read_text().split("\0")[:-1]
        return dict(entry.split("=", 1) for entry in recorded)

    @property
    def files(self) -> str:
        """All that stands in the server's files; what is below /run is in memory."""
        found = (each for each in self.root.rglob("*") if each.is_file() and self.root / "run" not in each.parents)
        return "\n".join(each.read_text() for each in found)

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env=self._environment, cwd=self.folder, capture_output=True, text=True, check=False, timeout=30
        )
