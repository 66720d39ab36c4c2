"""An image into a stack's file: its digest, and an edit that leaves everything else as it was."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from scale.cli import app
from scale.local.servers import free_port
from scale.operate.account import open_account
from scale.operate.boto import boto3
from scale.operate.release.digest import in_ecr, in_registry
from scale.operate.release.edit import edit_image
from scale.operate.release.reference import ImageError, parse
from tests.scale.operate.stacks import stack

DIGEST = "sha256:" + "ab" * 32
OTHER = "sha256:" + "cd" * 32


@pytest.mark.parametrize(
    ("image", "registry", "repository", "tag"),
    [
        ("nginx:1.27", "docker.io", "library/nginx", "1.27"),
        ("example/shop:1.4.0", "docker.io", "example/shop", "1.4.0"),
        ("ghcr.io/example/shop:1.4.0", "ghcr.io", "example/shop", "1.4.0"),
        ("localhost/shop:1", "localhost", "shop", "1"),
        ("registry.example.com:5000/team/shop:1", "registry.example.com:5000", "team/shop", "1"),
        (f"ghcr.io/example/shop@{DIGEST}", "ghcr.io", "example/shop", ""),
    ],
)
def test_the_parts_of_an_image_are_dockers(image: str, registry: str, repository: str, tag: str) -> None:
    found = parse(image)
    assert (found.registry, found.repository, found.tag) == (registry, repository, tag)
    assert found.at(DIGEST).endswith(f"@{DIGEST}")


@pytest.mark.parametrize("image", ["ghcr.io/Shop:1", "ghcr.io/shop@sha256:12", "ghcr.io/shop:!", "", "a b"])
def test_what_is_no_image_is_refused(image: str) -> None:
    with pytest.raises(ImageError):
        parse(image)


def test_a_repository_in_ecr_is_known_by_its_registry() -> None:
    assert parse("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop:1").ecr == ("123456789012", "eu-west-1")
    assert parse("ghcr.io/shop:1").ecr is None


def test_ecr_says_the_digest_of_a_tag(aws: str, tmp_path: Path) -> None:
    ecr = boto3.client("ecr", region_name="eu-central-1")
    ecr.create_repository(repositoryName="shop")
    kind = "application/vnd.oci.image.manifest.v1+json"
    manifest = json.dumps({"schemaVersion": 2, "config": {"digest": OTHER}})
    made = ecr.put_image(repositoryName="shop", imageManifest=manifest, imageManifestMediaType=kind, imageTag="1.5.0")
    account = open_account(stack(tmp_path))
    name = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop"
    assert in_ecr(parse(f"{name}:1.5.0"), account) == made["image"]["imageId"]["imageDigest"]
    with pytest.raises(RuntimeError, match=r"ecr:DescribeImages: |has no image"):
        in_ecr(parse(f"{name}:1.6.0"), account)


MANIFEST = b'{"schemaVersion": 2}'


@dataclass
class Registry:
    """A registry that wants a token first, as public ones do."""

    port: int
    asked: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    names_digest: bool = True
    status: int = 200
    login: str = ""

    @property
    def name(self) -> str:
        """The registry as it stands in an image's name."""
        return f"127.0.0.1:{self.port}"


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    found = Registry(free_port())
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer()

        def do_GET(self) -> None:
            self.answer()

        def answer(self) -> None:
            given = self.headers.get("Authorization", "")
            found.asked.append((self.command, self.path, given))
            if self.path.startswith("/token"):
                self.say(200 if given == found.login else 401, b'{"token": "let-me-in"}')
            elif given != "Bearer let-me-in":
                realm = f'Bearer realm="http://{found.name}/token",service="here",scope="repository:shop:pull"'
                self.say(401, b"", ("WWW-Authenticate", realm))
            elif self.path == "/v2/shop/manifests/1.5.0":
                named = [("Docker-Content-Digest", DIGEST)] if found.names_digest else []
                self.say(found.status, MANIFEST, *named)
            else:
                self.say(404, b"")

        def say(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
            self.send_response(status)
            for key, value in (*headers, ("Content-Length", str(len(body)))):
                self.send_header(key, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", found.port), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_registry_says_the_digest_to_who_brings_its_token(registry: Registry) -> None:
    assert in_registry(parse(f"{registry.name}/shop:1.5.0")) == DIGEST
    assert [each[0] for each in registry.asked] == ["HEAD", "GET", "HEAD"]
    assert registry.asked[1][1] == "/token?service=here&scope=repository%3Ashop%3Apull"


def test_without_the_header_the_digest_is_the_manifests_hash(registry: Registry) -> None:
    registry.names_digest = False
    assert in_registry(parse(f"{registry.name}/shop:1.5.0")) == f"sha256:{hashlib.sha256(MANIFEST).hexdigest()}"


def test_what_docker_login_kept_gets_the_token(registry: Registry, tmp_path: Path) -> None:
    registry.login = f"Basic {base64.b64encode(b'someone:something').decode()}"
    with pytest.raises(ImageError, match=r"gives no token .*run `docker login`"):
        in_registry(parse(f"{registry.name}/shop:1.5.0"))
    (tmp_path / "docker").mkdir()
    kept = {"auths": {registry.name: {"auth": registry.login.removeprefix("Basic ")}}}
    (tmp_path / "docker" / "config.json").write_text(json.dumps(kept))
    assert in_registry(parse(f"{registry.name}/shop:1.5.0")) == DIGEST


@pytest.mark.parametrize(
    ("status", "says"),
    [(403, "does not show .* --digest"), (429, "had enough requests"), (500, "answers 500 .* --digest")],
)
def test_a_registry_that_refuses_is_one_line(registry: Registry, status: int, says: str) -> None:
    registry.status = status
    with pytest.raises(ImageError, match=says) as raised:
        in_registry(parse(f"{registry.name}/shop:1.5.0"))
    assert "\n" not in str(raised.value)


def test_a_tag_that_is_not_there_is_to_be_pushed(registry: Registry) -> None:
    with pytest.raises(ImageError, match=r"has no .*/shop:9: push it first"):
        in_registry(parse(f"{registry.name}/shop:9"))


def test_a_registry_that_nobody_answers_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with pytest.raises(ImageError, match=r"does not answer .*--digest"):
        in_registry(parse(f"127.0.0.1:{free_port()}/shop:1"))


FLOW = """
  django-scale:application: {name: shop, image: "ghcr.io/example/shop:1.4.0", workers: 2}  # two are enough
"""
BLOCK = """
  # The application.
  django-scale:application:
    name: shop
    image: ghcr.io/example/shop:1.4.0 # the last of its line
    workers: 2

  django-scale:servers: {min: 2, max: 4}
"""
NEW = f"ghcr.io/example/shop:1.5.0@{DIGEST}"


@pytest.mark.parametrize("settings", [FLOW, BLOCK, FLOW.replace("django-scale:", ""), BLOCK.replace("\n", "\r\n")])
def test_only_the_image_changes(tmp_path: Path, settings: str) -> None:
    file = stack(tmp_path, settings=settings).file
    file.path.write_bytes(file.path.read_text().replace("\n", "\r\n" if "\r" in settings else "\n").encode())
    before = file.path.read_bytes().decode()
    edit_image(file, NEW).write()
    old = '"ghcr.io/example/shop:1.4.0"' if '"' in before else "ghcr.io/example/shop:1.4.0"
    assert file.path.read_bytes().decode() == before.replace(old, f'"{NEW}"')


def test_a_file_s_permissions_stay(tmp_path: Path) -> None:
    file = stack(tmp_path).file
    file.path.chmod(0o640)
    edit_image(file, NEW).write()
    assert file.path.stat().st_mode & 0o777 == 0o640


def test_a_write_that_fails_leaves_the_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = stack(tmp_path).file
    edit, before, names = edit_image(file, NEW), file.path.read_bytes(), sorted(tmp_path.iterdir())

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        edit.write()
    assert (file.path.read_bytes(), sorted(tmp_path.iterdir())) == (before, names)


def test_an_image_that_stands_elsewhere_too_is_set_by_hand(tmp_path: Path) -> None:
    settings = """
  shop:other: {image: &image "ghcr.io/example/shop:1.4.0"}
  django-scale:application: {name: shop, image: *image}
"""
    with pytest.raises(ImageError, match="set it by hand"):
        edit_image(stack(tmp_path, settings=settings).file, NEW)


def release(directory: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["release", "prod", *arguments, "--cwd", str(directory)])


def test_the_command_sets_the_digest_and_says_the_way_back(registry: Registry, tmp_path: Path) -> None:
    found = stack(tmp_path / "project")
    done = release(found.file.directory, f"{registry.name}/shop:1.5.0")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [
        f"Pulumi.prod.yaml: application.image is {registry.name}/shop:1.5.0@{DIGEST}",
        "It was ghcr.io/example/shop:1.4.0",
        "The way back: scale release prod ghcr.io/example/shop:1.4.0, and pulumi up -s prod",
        "Now: pulumi up -s prod; then: scale release prod --wait",
    ]
    assert f"{registry.name}/shop:1.5.0@{DIGEST}" in found.file.path.read_text()


def test_a_digest_that_is_given_asks_nobody(tmp_path: Path) -> None:
    found = stack(tmp_path)
    done = release(found.file.directory, "registry.invalid/shop:2", "--digest", DIGEST)
    assert done.exit_code == 0, done.output
    assert f'image: "registry.invalid/shop:2@{DIGEST}"' in found.file.path.read_text()
    again = release(found.file.directory, f"registry.invalid/shop:2@{DIGEST}")
    assert "has registry.invalid/shop:2@" in again.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["registry.invalid/shop"], "name a tag other than latest, or a digest"),
        (["registry.invalid/shop:latest"], "name a tag other than latest, or a digest"),
        (["registry.invalid/shop:2", "--digest", "sha256:12"], "the digest must be sha256: and 64 hexadecimal digits"),
        ([], "name the image, or ask for --status or --wait"),
    ],
)
def test_what_is_wrong_is_refused_and_nothing_written(tmp_path: Path, arguments: list[str], says: str) -> None:
    found = stack(tmp_path)
    before = found.file.path.read_bytes()
    done = release(found.file.directory, *arguments)
    assert (done.exit_code, found.file.path.read_bytes()) == (2, before)
    assert says in done.stderr


def test_a_pinned_launch_template_version_stands_in_the_way(tmp_path: Path) -> None:
    found = stack(tmp_path, "django-scale:servers: {launch_template_version: 41}")
    done = release(found.file.directory, "registry.invalid/shop:2", "--digest", DIGEST)
    assert done.exit_code == 2
    assert "take it out of Pulumi.prod.yaml first" in done.stderr


def test_up_needs_the_cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = stack(tmp_path / "project")
    monkeypatch.setenv("PATH", str(tmp_path))
    before = found.file.path.read_bytes()
    done = release(found.file.directory, "registry.invalid/shop:2", "--digest", DIGEST, "--up")
    assert (done.exit_code, found.file.path.read_bytes()) == (2, before)
    assert "the Pulumi CLI is not installed" in done.stderr
