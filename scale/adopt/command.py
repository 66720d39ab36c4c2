"""What `scale adopt` does: it reads, and writes files."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from model.settings import Settings
from scale.adopt import details, importfile, inventory, report, settings
from scale.adopt.changes import changes, created
from scale.adopt.details import Details
from scale.adopt.matching import Match, matches, unmatched
from scale.adopt.report import Adoption
from scale.adopt.selection import AdoptError, Seeds, Selection, select
from scale.adopt.settings import Asked, Told
from scale.operate.account import Account, Stack, open_account
from scale.operate.credentials import Provider
from scale.plan import capacity, stackfile
from scale.plan.findings import Finding, ordered
from scale.plan.guard_rails import guard_rails
from scale.plan.program import run_file
from scale.plan.recording import Recording
from scale.plan.refusals import refusals

SAFE, LOSES_DATA = 0, 1
"""The exit status: nothing that holds data would be built anew; something would."""


@dataclass(frozen=True)
class Request:
    """What the user asked for."""

    stack: str
    region: str
    directory: Path = field(default_factory=Path)
    names: Sequence[str] = ()
    arns: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    application: str | None = None
    image: str | None = None
    profile: str | None = None
    out: Path = Path("adopted")
    force: bool = False
    as_json: bool = False


@dataclass(frozen=True)
class _Found:
    selection: Selection
    details: Details
    told: Told
    asked: Asked
    unread: Mapping[str, str]


def run(request: Request) -> int:
    """Write the files, say what would become of what was found, and return the exit status.

    Raises AdoptError, ProgramError, SettingsError or AccountError, each with a text for the user.
    """
    directory = request.directory.resolve()
    project = stackfile.project_name(directory)
    if not (request.names or request.arns or request.tags):
        raise AdoptError("say what to adopt: --name 'shop-*', --tag Environment=production, or --arn ...")
    paths = request.out / f"Pulumi.{request.stack}.yaml", request.out / "import.json"
    taken = [path for path in paths if path.exists()]
    if taken and not request.force:
        raise AdoptError(f"{taken[0]} exists: name another folder (--out), or overwrite it (--force)")
    found = _find(_account(directory, request), request)
    described = settings.parse(found.told.config, found.asked)
    text = settings.text(found.told.config, found.asked, project)
    update = _plan(directory, request.stack, text)
    adoption = _adoption(found, update, described, paths)
    _write(paths, text, importfile.document(update, adoption.matches))
    if request.as_json:
        print(json.dumps(report.document(adoption), indent=2))
    else:
        Console(highlight=False, markup=False, soft_wrap=False).print(report.summary(adoption))
    return LOSES_DATA if adoption.loses_data else SAFE


def _account(directory: Path, request: Request) -> Account:
    """Open the account with a stack that has nothing but its region: there is no file of it yet."""
    bare = Settings.parse({"application": {"image": "none:0"}}, stack=request.stack, region=request.region)
    provider = Provider({"profile": request.profile} if request.profile else {})
    return open_account(Stack(stackfile.supposed(directory, request.stack, {}), bare, provider))


def _find(account: Account, request: Request) -> _Found:
    listed = inventory.read(account)
    seeds = Seeds(request.names, request.arns, request.tags)
    arns = inventory.tagged(account, request.tags) if request.tags else []
    selection = select(listed, seeds, arns)
    if not selection.found:
        refused = "; ".join(f"{kind}: {why}" for kind, why in listed.unread.items())
        raise AdoptError(f"nothing is found in {account.region} of account {account.id}{refused and f' ({refused})'}")
    asked = Asked(request.stack, account.region, account.id, request.application, request.image)
    more = details.read(account, selection)
    return _Found(selection, more, settings.describe(selection, more, asked), asked, {**listed.unread, **more.unread})


def _plan(directory: Path, stack: str, text: str) -> Recording:
    """Run the program on the settings that were written, so that names and parents are its own."""
    loaded: Any = yaml.safe_load(text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The SDK warns of what it also logs.
        return run_file(stackfile.supposed(directory, stack, loaded["config"]), "update")


def _adoption(found: _Found, update: Recording, described: Settings, files: Sequence[Path]) -> Adoption:
    matched = matches(update, found.selection, found.details)
    return Adoption(
        stack=update.stack,
        matches=matched,
        changes=changes(update, matched, found.details, found.asked.region),
        created=created(update, matched),
        unmatched=unmatched(matched, found.selection),
        notes=found.told.notes,
        unread=dict(found.unread),
        files=files,
        provider=importfile.provider_urn(update),
        objections=_objections(update, described, matched),
    )


def _objections(update: Recording, described: Settings, matched: Sequence[Match]) -> list[Finding]:
    """Return the errors of the plan; not that AWS would not create what is there already."""
    there = {match.resource.urn for match in matched}
    refused = refusals(update, described, described.region)
    findings = [
        *capacity.check_settings(described)[1],
        *guard_rails(update, described.deployment.policies),
        *(each for each in refused if each.resource not in there),
    ]
    return [finding for finding in ordered(findings) if finding.severity == "error"]


def _write(paths: tuple[Path, Path], text: str, imports: Mapping[str, Any]) -> None:
    try:
        paths[0].parent.mkdir(parents=True, exist_ok=True)
        paths[0].write_text(text, encoding="utf-8")
        paths[1].write_text(json.dumps(imports, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise AdoptError(f"{error.filename} cannot be written: {error.strerror}") from error
