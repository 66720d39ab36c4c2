"""Tells HAProxy of the application's servers and of its certificate, through its control socket, while it runs.

`certificate` fetches the certificate once, before HAProxy starts. `watch` asks again and again for the servers in the
target group, and once a day for the certificate. It needs Python 3.9, the AWS CLI and OpenSSL.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

BACKEND, TOLD = "django", "told/told"
# What `show servers state` says was decided of a server, in bits: taken out by command or by a name; drained.
MAINTAINED, DRAINED = 0x21, 0x08
DAY_SECONDS = 86_400
# Of a target group: registered, and not on its way out.
HERE = ("initial", "healthy", "unhealthy", "unhealthy.draining", "unavailable")


def aws(*words: str) -> Any:
    """The answer of an AWS command. Raises CalledProcessError, TimeoutExpired or ValueError."""
    command = ["aws", *words, "--output", "json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=60, check=True, text=True)  # noqa: S603
    return json.loads(done.stdout)


class HAProxy:
    """A running HAProxy, by its control socket."""

    def __init__(self, path: str) -> None:
        self.path = path

    def ask(self, command: str) -> str:
        """The answer to a command. OSError where nobody listens."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(self.path)
            connection.sendall(command.encode() + b"\n")
            parts = list[bytes]()
            while part := connection.recv(65536):
                parts.append(part)
        return b"".join(parts).decode(errors="replace").strip()

    def tell(self, command: str) -> None:
        """Give a command that changes something. RuntimeError where HAProxy refuses it."""
        answer = self.ask(command)
        # What was done is said of addresses and certificates alone.
        if answer and not any(word in answer for word in ("changed", "Transaction", "Success", "no need to change")):
            raise RuntimeError(f"{command.splitlines()[0]}: {answer}")

    def servers(self) -> dict[str, tuple[str, str]]:
        """The address of each place for a server, and what is decided of it: `maint`, `drain` or `ready`."""
        found = dict[str, tuple[str, str]]()
        for line in self.ask(f"show servers state {BACKEND}").splitlines():
            words = line.split()
            # Columns of version 1: backend id and name, server id, name and address, state of the check, of the admin.
            if len(words) > 6 and words[1] == BACKEND:
                decided = int(words[6])
                found[words[3]] = (
                    words[4],
                    "maint" if decided & MAINTAINED else "drain" if decided & DRAINED else "ready",
                )
        return found


def targets(group: str, known: dict[str, str]) -> dict[str, str]:
    """What each server in the target group is for HAProxy, by address: `ready` or `drain`.

    `known` holds the addresses of instances and is completed.
    """
    described = aws("elbv2", "describe-target-health", "--target-group-arn", group)
    states = {each["Target"]["Id"]: each["TargetHealth"]["State"] for each in described["TargetHealthDescriptions"]}
    wanted = {name: "ready" if state in HERE else "drain" for name, state in states.items() if state != "unused"}
    missing = sorted(set(wanted) - set(known))
    if missing:
        answer = aws("ec2", "describe-instances", "--instance-ids", *missing)
        for reservation in answer["Reservations"]:
            for instance in reservation["Instances"]:
                if "PrivateIpAddress" in instance:
                    known[instance["InstanceId"]] = instance["PrivateIpAddress"]
    for name in set(known) - set(states):
        del known[name]
    return {known[name]: state for name, state in wanted.items() if name in known}


def tell_servers(haproxy: HAProxy, wanted: dict[str, str], port: int) -> list[str]:
    """Bring HAProxy's places to what is wanted, and give what was changed. Nothing wanted changes nothing.

    A server joins as one that its checks have yet to find well. RuntimeError where there are too few places.
    """
    if not wanted:
        return []
    changes, places = list[str](), haproxy.servers()
    held = {address: name for name, (address, state) in places.items() if state != "maint"}
    free = [name for name, (_, state) in places.items() if state == "maint"]

    def put(name: str, address: str, state: str) -> None:
        haproxy.tell(f"set server {BACKEND}/{name} state {state}")
        changes.append(f"{address} {state} ({name})")

    for address, name in held.items():
        if address not in wanted:
            put(name, address, "maint")
        elif places[name][1] != wanted[address]:
            put(name, address, wanted[address])
    for address in sorted(set(wanted) - set(held)):
        if wanted[address] == "drain":
            continue
        if not free:
            raise RuntimeError(f"no place is left for {address}: {len(places)} are taken")
        name = free.pop(0)
        haproxy.tell(f"set server {BACKEND}/{name} addr {address} port {port}")
        put(name, address, "ready")
        haproxy.tell(f"set server {BACKEND}/{name} health down")
    haproxy.tell(f"set server {TOLD} state ready")
    return changes


def certificate(arn: str, path: Path) -> str:
    """Fetch the certificate, its chain and its key, and write them to `path`; give them where they are new, else ""."""
    # It guards the key on its way alone, and is another each time.
    passphrase = path.with_suffix(".passphrase")
    passphrase.touch(mode=0o600)
    try:
        passphrase.write_text(secrets.token_hex(32))
        words = ("acm", "export-certificate", "--certificate-arn", arn, "--passphrase", f"fileb://{passphrase}")
        exported = aws(*words)
        key = subprocess.run(  # noqa: S603
            ["openssl", "pkey", "-passin", f"file:{passphrase}"],  # noqa: S607
            input=exported["PrivateKey"],
            stdout=subprocess.PIPE,
            timeout=60,
            check=True,
            text=True,
        ).stdout
    finally:
        passphrase.unlink()
    parts = [exported["Certificate"], exported["CertificateChain"], key]
    # An empty line would end it on the control socket.
    pem = "\n".join(line for part in parts for line in part.splitlines() if line.strip()) + "\n"
    if path.exists() and path.read_text() == pem:
        return ""
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(pem)
    owner = path.parent.stat()
    os.chown(fresh, owner.st_uid, owner.st_gid)
    fresh.replace(path)
    return pem


def tell_certificate(haproxy: HAProxy, name: str, pem: str) -> None:
    """Give HAProxy another certificate in the place of the one it knows as `name`: no connection is closed."""
    haproxy.tell(f"set ssl cert {name} <<\n{pem}")
    haproxy.tell(f"commit ssl cert {name}")


def watch(options: argparse.Namespace) -> None:
    """Go on until the process is ended. What fails is said and tried again: HAProxy keeps what it knows."""
    haproxy, known = HAProxy(options.socket), dict[str, str]()
    next_certificate = time.monotonic() + DAY_SECONDS
    while True:
        try:
            for change in tell_servers(haproxy, targets(options.target_group, known), options.port):
                print(change, flush=True)
            if options.certificate and time.monotonic() >= next_certificate:
                pem = certificate(options.certificate, Path(options.file))
                if pem:
                    tell_certificate(haproxy, options.name, pem)
                    print("the certificate is a new one", flush=True)
                next_certificate = time.monotonic() + DAY_SECONDS
        except (OSError, RuntimeError, ValueError, KeyError, subprocess.SubprocessError) as error:
            print(f"not told: {error}", file=sys.stderr, flush=True)
        time.sleep(options.interval)


def main() -> None:
    """Run one of the two commands."""
    parser = argparse.ArgumentParser(description="Tells HAProxy of its servers and its certificate")
    parser.add_argument("command", choices=("certificate", "watch"))
    parser.add_argument("--target-group", help="its ARN")
    parser.add_argument("--port", type=int, help="of the servers")
    parser.add_argument("--socket", help="HAProxy's")
    parser.add_argument("--interval", type=float, default=10, help="seconds")
    parser.add_argument("--certificate", help="its ARN")
    parser.add_argument("--file", help="where the certificate is written")
    parser.add_argument("--name", help="the same file, as HAProxy knows it")
    options = parser.parse_args()
    if options.command == "certificate":
        certificate(options.certificate, Path(options.file))
    else:
        watch(options)


if __name__ == "__main__":
    main()
