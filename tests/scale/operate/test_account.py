"""The shared ground: whose account it is, what every failure says, all pages, all tries."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from scale.operate.account import open_account
from scale.operate.boto import exceptions
from scale.operate.credentials import ATTEMPTS, Provider, config, session
from scale.operate.errors import (
    AccountError,
    CredentialsError,
    DeniedError,
    MissingError,
    UnavailableError,
    translate,
)
from tests.scale.operate.conftest import ACCOUNT
from tests.scale.operate.stacks import stack


def test_an_account_says_whose_it_is(aws: str, tmp_path: Path) -> None:
    account = open_account(stack(tmp_path))
    assert (account.id, account.region) == (ACCOUNT, "eu-west-1")
    assert account.caller.startswith(f"arn:aws:sts::{ACCOUNT}:")


def test_the_account_that_the_stack_names_is_accepted(aws: str, tmp_path: Path) -> None:
    assert open_account(stack(tmp_path, f'django-scale:account: "{ACCOUNT}"')).id == ACCOUNT


@pytest.mark.parametrize(
    "line",
    [
        'django-scale:account: "210987654321"',
        'aws:allowedAccountIds: ["210987654321"]',
        f'aws:forbiddenAccountIds: ["{ACCOUNT}"]',
    ],
)
def test_another_account_is_refused_in_one_line(aws: str, tmp_path: Path, line: str) -> None:
    with pytest.raises(CredentialsError, match=rf"^the credentials are of account {ACCOUNT}.*$"):
        open_account(stack(tmp_path, line))


def test_no_credentials(no_identity: None, tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match=r"^there are no AWS credentials: set AWS_PROFILE or aws:profile, "):
        open_account(stack(tmp_path))


def test_a_profile_that_does_not_exist(no_identity: None, tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match=r"shop-prod.* could not be found: change aws:profile"):
        open_account(stack(tmp_path, "aws:profile: shop-prod"))


PROFILES = """
[profile process]
credential_process = /bin/false
[profile no-json]
credential_process = /bin/echo nonsense
[profile no-program]
credential_process = /nonexistent
[profile source]
role_arn = arn:aws:iam::123456789012:role/x
source_profile = gone
[profile token]
role_arn = arn:aws:iam::123456789012:role/x
web_identity_token_file = /nonexistent
[profile half]
aws_access_key_id = AKIAEXAMPLE
[profile login]
login_session = arn:aws:iam::123456789012:user/x
[profile sso]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = developer
[sso-session corp]
sso_start_url = https://corp.example.com/start
sso_region = eu-west-1
"""


@pytest.mark.parametrize(
    ("profile", "text"),
    [
        ("process", "cannot be read: Error when retrieving credentials from custom-process"),
        ("no-json", "cannot be read: Expecting value"),
        ("no-program", "cannot be read: .*/nonexistent"),
        ("source", 'cannot be read: The source_profile "gone" .* does not exist'),
        ("token", "cannot be read: .*/nonexistent"),
        ("half", "cannot be read: Partial credentials .* missing: aws_secret_access_key"),
        ("login", r"cannot be read: .* pip install \"botocore\[crt\]\""),
        ("sso", "session has expired or was never begun .*: run `aws sso login`"),
    ],
)
def test_credentials_that_cannot_be_had_are_one_line(
    no_identity: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profile: str, text: str
) -> None:
    (tmp_path / "profiles").write_text(PROFILES)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "profiles"))
    with pytest.raises(CredentialsError, match=f"^the AWS (credentials )?{text}") as refused:
        open_account(stack(tmp_path, f"aws:profile: {profile}"))
    assert len(str(refused.value).splitlines()) == 1


def test_the_profile_of_the_stacks_file_is_used(
    no_identity: None, endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    (tmp_path / "credentials").write_text("[shop]\naws_access_key_id = a\naws_secret_access_key = b\n")
    assert open_account(stack(tmp_path / "project", "aws:profile: shop")).id == ACCOUNT


def test_the_roles_of_the_stacks_file_are_assumed(aws: str, tmp_path: Path) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/reader"
    account = open_account(stack(tmp_path, f'aws:assumeRoles: [{{roleArn: "{arn}", duration: 30m}}]'))
    assert account.caller == f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/django-scale"


def test_what_only_pulumi_can_decrypt_is_passed_over(aws: str, tmp_path: Path) -> None:
    lines = "aws:accessKey: {secure: v1:abc}\naws:secretKey: {secure: v1:def}"
    assert open_account(stack(tmp_path, lines)).id == ACCOUNT
    assert Provider({"accessKey": "marker"}, frozenset({"accessKey"})).text("accessKey") is None


def test_a_list_is_read_to_its_last_page(aws: str, tmp_path: Path) -> None:
    account = open_account(stack(tmp_path, region="eu-north-1"))
    for place in range(120):
        account.call("sns", "create_topic", Name=f"topic-{place}")
    assert len(account.items("sns", "list_topics")) == 120


def test_a_list_without_a_paginator_is_read_to_its_last_page(aws: str, tmp_path: Path) -> None:
    account = open_account(stack(tmp_path))
    pages = iter([{"Entries": [{"a": 1}], "NextToken": "x"}, {"Entries": [{"a": 2}]}])
    asked: list[object] = []

    class Client:
        def can_paginate(self, _: str) -> bool:
            return False

        def describe(self, **arguments: object) -> object:
            asked.append(arguments)
            return next(pages)

    account._clients["autoscaling", "eu-west-1"] = Client()  # pyright: ignore[reportPrivateUsage]
    assert account.items("autoscaling", "describe", "Entries", Name="web") == [{"a": 1}, {"a": 2}]
    assert asked == [{"Name": "web"}, {"Name": "web", "NextToken": "x"}]


def test_a_list_with_pages_is_not_read_by_a_call(aws: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="describe_alarms has pages"):
        open_account(stack(tmp_path)).call("cloudwatch", "describe_alarms")


def test_threads_share_an_account(aws: str, tmp_path: Path) -> None:
    account = open_account(stack(tmp_path))
    clients: list[object] = []
    threads = [threading.Thread(target=lambda: clients.append(account.client("sns"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(client) for client in clients}) == 1


def test_what_is_not_there_is_missing(aws: str, tmp_path: Path) -> None:
    account = open_account(stack(tmp_path))
    with pytest.raises(MissingError, match=r"^elbv2:DescribeTargetHealth: .*not found"):
        account.call("elbv2", "describe_target_health", TargetGroupArn="arn:aws:elasticloadbalancing:eu-west-1:1:x")


def test_an_endpoint_that_nobody_answers_at(identity: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{held.getsockname()[1]}")
        with pytest.raises(UnavailableError, match=r"^sts in eu-west-1 cannot be reached .*check the network"):
            open_account(stack(tmp_path, "aws:maxRetries: 0"))


def test_an_address_that_is_none(identity: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "nonsense")
    with pytest.raises(AccountError, match=r"^Invalid endpoint: nonsense: change AWS_ENDPOINT_URL"):
        open_account(stack(tmp_path))


def test_the_page_of_a_proxy_is_no_answer_of_aws(aws: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"{aws}/moto-api/")
    with pytest.raises(UnavailableError, match=r"^sts:GetCallerIdentity was answered by something that is not AWS"):
        open_account(stack(tmp_path, "aws:maxRetries: 0"))


def test_a_region_that_does_not_have_a_service() -> None:
    error = exceptions.EndpointConnectionError(endpoint_url="https://x.eu-north-9.amazonaws.com/")
    found = translate(error, service="elasticache", operation="X", region="eu-north-9", regions=lambda _: ["eu-west-1"])
    assert str(found) == "eu-north-9 is not a region with elasticache: change aws:region, or do without it"


REFUSALS = [
    ("ExpiredToken", CredentialsError, "the AWS credentials have expired: run `aws sso login`"),
    ("ExpiredTokenException", CredentialsError, "the AWS credentials have expired"),
    ("InvalidClientTokenId", CredentialsError, "does not accept the credentials in eu-west-1"),
    ("AuthFailure", CredentialsError, "the region is enabled"),
    ("AccessDenied", DeniedError, "^cloudwatch:DescribeAlarms is not allowed: add it to the role's policy"),
    ("AccessDeniedException", DeniedError, "cloudwatch:DescribeAlarms is not allowed"),
    ("UnauthorizedOperation", DeniedError, "cloudwatch:DescribeAlarms is not allowed"),
    ("DBInstanceNotFound", MissingError, "cloudwatch:DescribeAlarms: the text"),
    ("ValidationError", AccountError, "cloudwatch:DescribeAlarms: ValidationError: the text"),
]


@pytest.fixture
def refusing(identity: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """An AWS that refuses every request with the first code of this list; it holds the number of requests."""
    codes: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = f"<ErrorResponse><Error><Code>{codes[0]}</Code><Message>the text.</Message></Error></ErrorResponse>"
            codes.append("asked")
            self.send_response(400)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{server.server_port}")
    yield codes
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(("code", "kind", "text"), REFUSALS)
def test_a_refusal_is_one_line_that_says_what_to_do(code: str, kind: type[AccountError], text: str) -> None:
    error = exceptions.ClientError({"Error": {"Code": code, "Message": "the text."}}, "DescribeAlarms")
    found = translate(error, service="cloudwatch", operation="DescribeAlarms", region="eu-west-1", regions=lambda _: [])
    assert type(found) is kind
    assert len(str(found).splitlines()) == 1
    with pytest.raises(kind, match=text):
        raise found


def test_an_expired_token_as_sts_refuses_it(refusing: list[str], tmp_path: Path) -> None:
    refusing.append("ExpiredToken")
    with pytest.raises(CredentialsError, match="have expired"):
        open_account(stack(tmp_path))
    assert refusing.count("asked") == 1


def test_throttling_is_tried_again_and_then_said(refusing: list[str], tmp_path: Path) -> None:
    refusing.append("Throttling")
    with pytest.raises(UnavailableError, match="throttled: wait"):
        open_account(stack(tmp_path, "aws:maxRetries: 1"))
    assert refusing.count("asked") == 2


def test_requests_are_limited_in_time_and_number() -> None:
    found = config(Provider({}))
    assert found.retries == {"mode": "adaptive", "total_max_attempts": ATTEMPTS}
    assert (found.connect_timeout, found.read_timeout) == (5, 20)


def test_the_endpoints_of_the_stacks_file_are_used(
    identity: None, endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert open_account(stack(tmp_path, f'aws:endpoints: [{{sts: "{endpoint}"}}]')).id == ACCOUNT


ROLE = "aws:assumeRoles: [{roleArn: 'arn:aws:iam::123456789012:role/deploy'}]"


def test_a_role_that_may_not_be_assumed_is_told_from_a_call_that_is_not_allowed(
    refusing: list[str], tmp_path: Path
) -> None:
    refusing.append("AccessDenied")
    with pytest.raises(CredentialsError, match=r"^the role may not be assumed \(the text\): check .*aws:assumeRoles"):
        open_account(stack(tmp_path, ROLE))


def test_a_network_that_is_down_is_no_missing_region(
    identity: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(UnavailableError, match=r"^sts in eu-west-1 cannot be reached"):
        open_account(stack(tmp_path, f"aws:maxRetries: 0\n{ROLE}"))


def test_roles_have_to_be_groups(aws: str, tmp_path: Path) -> None:
    with pytest.raises(AccountError, match=r"^aws:assumeRoles: must be a list of groups"):
        open_account(stack(tmp_path, 'aws:assumeRoles: ["arn:aws:iam::123456789012:role/deploy"]'))


def test_a_role_needs_an_arn(aws: str, tmp_path: Path) -> None:
    with pytest.raises(AccountError, match="an entry has no roleArn"):
        open_account(stack(tmp_path, "aws:assumeRoles: [{sessionName: x}]"))


def test_nothing_is_asked_before_it_is_needed(no_identity: None) -> None:
    assert session(Provider({"accessKey": "a", "secretKey": "b"}), "eu-west-1").get_credentials().access_key == "a"
