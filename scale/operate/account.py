"""A stack's account: where every command that asks AWS begins.

    account = open_account(stack)          # region, profile and roles of the stack's file; the account is checked
    groups = account.items("autoscaling", "describe_auto_scaling_groups", Filters=[...])   # all pages
    health = account.call("elbv2", "describe_target_health", TargetGroupArn=arn)["TargetHealthDescriptions"]

Every failure is an AccountError whose text is one line that says what to do (`errors`). A request is time-limited and
tried again at the pace that AWS allows. `AWS_ENDPOINT_URL` leads to another endpoint, as for AWS's own tools. Several
threads may use one Account.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar, cast

from model.configuration import under
from model.settings import Settings
from scale.operate import credentials
from scale.operate.boto import FAILURES, botocore_loaders, xform_name
from scale.operate.credentials import Provider
from scale.operate.errors import AccountError, CredentialsError, one_line, translate
from scale.plan import stackfile
from scale.plan.stackfile import StackFile

T = TypeVar("T")


@dataclass(frozen=True)
class Stack:
    """A stack as its files describe it."""

    file: StackFile
    settings: Settings
    provider: Provider

    @property
    def name(self) -> str:
        """The stack's name, as in `Pulumi.<name>.yaml`."""
        return self.file.stack


def read_stack(directory: Path, stack: str) -> Stack:
    """Read a stack of the project in `directory`; nothing is asked of AWS.

    Raises scale.plan.stackfile.ProgramError where there is none, model.errors.SettingsError for wrong settings.
    """
    file = stackfile.read(directory.resolve(), stack)
    configuration = file.configuration("update")
    secret = frozenset(key.removeprefix("aws:") for key in configuration.secret_keys)
    return Stack(file, stackfile.settings(file), Provider(under(configuration.values, "aws"), secret))


@dataclass(frozen=True)
class Account:
    """Calls to AWS as one identity, in one region unless a call names another."""

    id: str
    caller: str
    """The ARN of the identity that asks."""
    region: str
    session: Any
    """boto3's."""
    config: Any
    """botocore's: limits of time and of tries."""
    verify: bool | None = None
    endpoints: Mapping[str, str] = field(default_factory=dict[str, str])
    """The endpoints that the stack's file names, by service."""
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict[tuple[str, str], Any], init=False, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False)

    def client(self, service: str, region: str | None = None) -> Any:
        """Return boto3's own client. Its failures are botocore's: prefer `call` and `items`."""
        place = service, region or self.region
        with self._lock:  # Making a client is what botocore does not let two threads do at once.
            if place not in self._clients:
                self._clients[place] = self._new_client(*place)
            return self._clients[place]

    def _new_client(self, service: str, region: str) -> Any:
        try:
            return self.session.client(
                service,
                region_name=region,
                config=self.config,
                verify=self.verify,
                endpoint_url=self.endpoints.get(service),
            )
        except FAILURES:
            raise
        except ValueError as error:  # botocore's for an address that is none.
            text = one_line(str(error))
            raise AccountError(f"{text}: change AWS_ENDPOINT_URL, or aws:endpoints in the stack's file") from error

    def sign_in(self) -> None:
        """Have the credentials found, and roles assumed. Raises CredentialsError, or another AccountError."""
        self._asking("sts", "get_caller_identity", None, lambda: credentials.find(self.session))

    def call(self, service: str, operation: str, *, region: str | None = None, **arguments: object) -> dict[str, Any]:
        """Return the answer to one request, such as `describe_target_health`. Raises AccountError.

        A list with pages is read by `items` or `first_page`, and is a ValueError here.
        """

        def ask() -> dict[str, Any]:
            client = self.client(service, region)
            if client.can_paginate(operation):
                raise ValueError(f"{operation} has pages")
            return getattr(client, operation)(**arguments)

        return self._asking(service, operation, region, ask)

    def first_page(
        self, service: str, operation: str, key: str, *, region: str | None = None, **arguments: object
    ) -> list[dict[str, Any]]:
        """Return the first page of a list whose first entries are the newest, and enough. Raises AccountError."""
        return self._asking(
            service, operation, region, lambda: getattr(self.client(service, region), operation)(**arguments)[key]
        )

    def items(
        self, service: str, operation: str, key: str | None = None, *, region: str | None = None, **arguments: object
    ) -> list[dict[str, Any]]:
        """Return all entries of a list, over all pages. Raises AccountError.

        `key` names the list in the answer where it has several; by default it is the paginator's own first.
        """
        return self._asking(
            service, operation, region, lambda: list(_entries(self.client(service, region), operation, key, arguments))
        )

    def _asking(self, service: str, operation: str, region: str | None, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except FAILURES as error:
            raise translate(
                error,
                service=service,
                operation=api_name(service, operation),
                region=region or self.region,
                regions=lambda name: _regions(self.session, name),
            ) from error


def open_account(stack: Stack) -> Account:
    """Return the account that a stack's file leads to, once AWS has said that it is the right one.

    Raises CredentialsError where there are no credentials, or the account is not the one that the file names.
    """
    provider, region = stack.provider, stack.settings.region
    try:
        session = credentials.session(provider, region)
    except FAILURES as error:
        raise translate(error, service="sts", operation="GetCallerIdentity", region=region, regions=_none) from error
    opened = Account(
        "",
        "",
        region,
        session,
        credentials.config(provider),
        verify=False if provider.group("insecure") else None,
        endpoints=_endpoints(provider),
    )
    opened.sign_in()
    identity = opened.call("sts", "get_caller_identity", region=provider.text("stsRegion") or region)
    known = replace(opened, id=str(identity["Account"]), caller=str(identity["Arn"]))
    _check(stack, known)
    return known


def _check(stack: Stack, account: Account) -> None:
    wanted = stack.settings.deployment.account
    allowed = [wanted] if wanted else stack.provider.texts("allowedAccountIds")
    if allowed and account.id not in allowed:
        raise CredentialsError(
            f"the credentials are of account {account.id}, and {stack.name} belongs to {' or '.join(allowed)}: "
            "change the profile, or `account` in the stack's file"
        )
    if account.id in stack.provider.texts("forbiddenAccountIds"):
        raise CredentialsError(f"the credentials are of account {account.id}, which aws:forbiddenAccountIds excludes")


@functools.cache
def api_name(service: str, operation: str) -> str:
    """Return the API's name for a method: `DescribeDBInstances` for `describe_db_instances`."""
    # From the service's own model, as no client can be made where its credentials are what failed.
    model: Mapping[str, Any] = botocore_loaders.Loader().load_service_model(service, "service-2")
    return next((name for name in model["operations"] if xform_name(name) == operation), operation)


def _entries(client: Any, operation: str, key: str | None, arguments: Mapping[str, object]) -> Iterator[dict[str, Any]]:
    if client.can_paginate(operation):
        paginator = client.get_paginator(operation)
        for page in paginator.paginate(**arguments):
            yield from page.get(key or paginator.result_keys[0].expression, [])
        return
    # A few lists have pages and no paginator in botocore: DescribeInstanceRefreshes.
    if key is None:
        raise ValueError(f"{operation} has no paginator: name the list in its answer")
    token: dict[str, object] = {}
    while True:
        page: Mapping[str, Any] = getattr(client, operation)(**arguments, **token)
        yield from page.get(key, [])
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}


def _regions(session: Any, service: str) -> list[str]:
    return cast("list[str]", session.get_available_regions(service))


def _none(_: str) -> list[str]:
    return []


def _endpoints(provider: Provider) -> dict[str, str]:
    """Return the endpoints of the provider's configuration: a list with one group of services."""
    groups = provider.groups("endpoints")
    return {_SERVICES.get(service, service): url for group in groups for service, url in group.items()}


_SERVICES = {"resourcegroupstagging": "resourcegroupstaggingapi"}
"""boto3's name of a service where the provider's is another."""
