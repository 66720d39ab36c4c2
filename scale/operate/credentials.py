"""A boto3 session that acts as the provider of the stack's file would."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

from scale.operate.boto import FAILURES, Config, boto3, botocore_credentials, botocore_session
from scale.operate.errors import AccountError, CredentialsError, one_line

CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 5, 20, 5
"""The limits of one request: connecting, waiting for the next byte of the answer, and how often it is made."""


@dataclass(frozen=True)
class _Assumed:
    """The credentials of a role, assumed anew before they expire: one of botocore's credential providers."""

    refresh: Callable[[], Mapping[str, str]]
    METHOD: ClassVar[str] = "assume-role"
    CANONICAL_NAME: ClassVar[None] = None

    def load(self) -> Any:
        return botocore_credentials.DeferredRefreshableCredentials(self.refresh, self.METHOD)


@dataclass(frozen=True)
class Provider:
    """The keys of a stack's file after `aws:`, by name without it."""

    values: Mapping[str, Any]
    secret: frozenset[str] = frozenset()
    """Keys whose values the file encrypts: only Pulumi can read them, and they are passed over."""

    def text(self, key: str) -> str | None:
        """Return a plain value."""
        value = self.values.get(key)
        return str(value) if value is not None and key not in self.secret else None

    def group(self, key: str) -> Any:
        """Return a value that the engine hands over as JSON. Raises AccountError where it is none."""
        value = self.values.get(key)
        if value is None or key in self.secret:
            return None
        try:
            return json.loads(value) if isinstance(value, str) else value
        except json.JSONDecodeError as error:
            raise AccountError(f"aws:{key}: must be a number, true, false or a group, is {value!r}") from error

    def groups(self, key: str) -> list[dict[str, Any]]:
        """Return a list of groups, also where the file has one group in its place. Raises AccountError."""
        value = self.group(key)
        found = cast("list[Any]", value if isinstance(value, list) else [value] if value else [])
        if not all(isinstance(each, dict) for each in found):
            raise AccountError(f"aws:{key}: must be a list of groups, is {value!r}")
        return found

    def texts(self, key: str) -> list[str]:
        """Return a list of texts."""
        value = self.group(key)
        return [str(each) for each in cast("list[object]", value)] if isinstance(value, list) else []


def config(provider: Provider) -> Any:
    """Return how requests are made (botocore's Config): time-limited, tried again, over the provider's proxies."""
    proxies = {
        scheme: url for scheme in ("http", "https") if (url := provider.text(f"{scheme}Proxy")) is not None
    } or None
    attempts = provider.group("maxRetries")
    return Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "adaptive", "total_max_attempts": ATTEMPTS if attempts is None else int(attempts) + 1},
        proxies=proxies,
        use_fips_endpoint=provider.group("useFipsEndpoint"),
        use_dualstack_endpoint=provider.group("useDualstackEndpoint"),
        user_agent_extra="django-scale",
        max_pool_connections=20,
    )


def session(provider: Provider, region: str) -> Any:
    """Return a session with the provider's profile or keys, and with its roles assumed one after another.

    What the file does not say is looked for where AWS's own tools look. Nothing is asked of AWS yet. Raises what
    botocore raises for a profile that does not exist.
    """
    underneath = botocore_session.Session(profile=provider.text("profile"))
    for key, variable in (("sharedConfigFiles", "config_file"), ("sharedCredentialsFiles", "credentials_file")):
        if files := provider.texts(key):
            underneath.set_config_variable(variable, str(Path(files[0]).expanduser()))
    if bundle := provider.text("customCaBundle"):
        underneath.set_config_variable("ca_bundle", bundle)
    access, secret = provider.text("accessKey"), provider.text("secretKey")
    if access and secret:
        underneath.set_credentials(access, secret, provider.text("token"))
    found = boto3.session.Session(botocore_session=underneath, region_name=region)
    web = provider.group("assumeRoleWithWebIdentity")
    if isinstance(web, dict):
        found = _assuming(found, provider, region, "assume_role_with_web_identity", cast("dict[str, Any]", web))
    for role in provider.groups("assumeRoles"):
        found = _assuming(found, provider, region, "assume_role", role)
    return found


def find(session: Any) -> None:
    """Have a session find its credentials, so that what is wrong with them is not taken for a call's failure.

    A process is run, a role assumed, a code asked for, as the session's profile says; none at all is no error yet.
    Raises CredentialsError, or what botocore raises.
    """
    try:
        found = session.get_credentials()
        if found is not None:
            found.get_frozen_credentials()
    except FAILURES:
        raise
    except (OSError, ValueError, EOFError) as error:
        # A file that is not there, a process that writes no JSON, nobody who types the code.
        text = one_line(str(error)) or "the input ended"
        raise CredentialsError(f"the AWS credentials cannot be read: {text}") from error


def _assuming(base: Any, provider: Provider, region: str, operation: str, role: Mapping[str, Any]) -> Any:
    client: Any = base.client("sts", region_name=provider.text("stsRegion") or region, config=config(provider))

    def refresh() -> Mapping[str, str]:
        answer: dict[str, Any] = getattr(client, operation)(**_role_arguments(role))
        given = answer["Credentials"]
        return {
            "access_key": given["AccessKeyId"],
            "secret_key": given["SecretAccessKey"],
            "token": given["SessionToken"],
            "expiry_time": given["Expiration"].isoformat(),
        }

    underneath = botocore_session.Session()
    underneath.register_component("credential_provider", botocore_credentials.CredentialResolver([_Assumed(refresh)]))
    return boto3.session.Session(botocore_session=underneath, region_name=region)


_ROLE_ARGUMENTS = {
    "roleArn": "RoleArn",
    "externalId": "ExternalId",
    "policy": "Policy",
    "sourceIdentity": "SourceIdentity",
    "transitiveTagKeys": "TransitiveTagKeys",
    "webIdentityToken": "WebIdentityToken",
}


def _role_arguments(role: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of AssumeRole from the provider's group of them."""
    arguments: dict[str, Any] = {"RoleSessionName": role.get("sessionName") or "django-scale"}
    arguments |= {ours: role[theirs] for theirs, ours in _ROLE_ARGUMENTS.items() if role.get(theirs)}
    if duration := role.get("duration"):
        arguments["DurationSeconds"] = _seconds(str(duration))
    if policies := role.get("policyArns"):
        arguments["PolicyArns"] = [{"arn": arn} for arn in policies]
    if tags := role.get("tags"):
        arguments["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]
    if path := role.get("webIdentityTokenFile"):
        arguments["WebIdentityToken"] = Path(path).read_text(encoding="utf-8")
    if "RoleArn" not in arguments:
        raise AccountError("aws:assumeRoles: an entry has no roleArn")
    return arguments


def _seconds(text: str) -> int:
    """Return Go's `1h30m` in seconds. Raises AccountError for anything else."""
    total, number = 0, ""
    for letter in text:
        if letter.isdigit():
            number += letter
        elif number and letter in "hms":
            total += int(number) * {"h": 3600, "m": 60, "s": 1}[letter]
            number = ""
        else:
            raise AccountError(f"aws:assumeRoles: duration must be such as 1h30m, is {text!r}")
    return total + int(number or 0)
