"""What a server does when it starts: the script itself is run."""

from __future__ import annotations

import base64
import bisect
import gzip
import json
import subprocess
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from render.cloud_init import LIMIT_BYTES, Companion, Container, cloud_init, user_data
from tests.render.server import Server

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-password-AbCdEf"
OTHER_ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-key-GhIjKl"
ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"

CONTAINER = Container(
    image="registry.example.com/shop:1",
    region="eu-west-1",
    log_group="/django-scale/shop-prod-web",
    draining_seconds=30,
    secret_generation=1,
    environment={"DB_HOST": "db.example.com"},
    secrets={"DB_PASSWORD": ARN, "DJANGO_SECRET_KEY": OTHER_ARN},
    registries=(),
    nginx=Companion("nginx:1", "events {}\n", 101),
)
IN_ECR = replace(CONTAINER, image=f"{ECR}/shop:1", registries=(ECR,))
POOLED = replace(
    CONTAINER, environment={"DB_USER": "shop"}, pgbouncer=Companion("pgbouncer:1", "[databases]\nshop = host=db\n", 998)
)
SECRETS = {ARN: "correct-horse", OTHER_ARN: "battery-staple"}

AWKWARD = [
    "two words",
    " spaces around ",
    'it\'s "quoted"',
    "$HOME and $(id) and `id`",
    "# not a comment",
    "back\\slash \\n",
    "a=b=c",
    "*?[x]~!&|;<>(){}",
    "",
    "Grüße 你好",
    "END_OF_FILE",
]


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path, SECRETS)


@pytest.mark.parametrize("container", [CONTAINER, IN_ECR, POOLED, replace(CONTAINER, environment={}, secrets={})])
def test_the_script_and_those_it_writes_are_bash(container: Container, tmp_path: Path) -> None:
    checked = subprocess.run(["bash", "-n"], input=cloud_init(container), text=True, capture_output=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    server = Server(tmp_path)
    assert server.boot(container).returncode == 0
    for script in (server.root / "usr/local/bin").iterdir():
        assert subprocess.run(["bash", "-n", script], capture_output=True, check=False).returncode == 0


def test_a_server_boots_without_a_word_of_complaint(server: Server) -> None:
    booted = server.boot(CONTAINER)
    assert (booted.returncode, booted.stderr) == (0, "")


def test_docker_is_installed_before_the_service_starts(server: Server) -> None:
    server.boot(CONTAINER)
    assert [name for name, *_ in server.calls] == ["dnf", "curl", "install", "systemctl", "systemctl"]
    assert server.called("dnf") == [["install", "-y", "docker"]]
    enabled = ["docker", "django-scale-nginx", "django-scale"]
    assert server.called("systemctl") == [["daemon-reload"], ["enable", "--now", *enabled]]


@pytest.mark.parametrize(("command", "calls"), [("dnf", 3), ("curl", 3)])
def test_what_comes_from_the_network_is_tried_again(command: str, calls: int, tmp_path: Path) -> None:
    server = Server(tmp_path, SECRETS, failures={command: calls - 1})
    assert server.boot(CONTAINER).returncode == 0
    assert len(server.called(command)) == calls
    assert server.called("sleep") == [["3"], ["6"]]


@pytest.mark.parametrize("command", ["dnf", "curl"])
def test_after_five_attempts_the_boot_fails_and_starts_nothing(command: str, tmp_path: Path) -> None:
    server = Server(tmp_path, SECRETS, failures={command: 9})
    assert server.boot(CONTAINER).returncode != 0
    assert len(server.called(command)) == 5
    assert server.called("systemctl") == []


def test_the_databases_certificates_are_rdss_own(server: Server) -> None:
    server.boot(CONTAINER)
    ((_, _, address),) = server.called("curl")
    assert address == "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"
    assert server.text("etc/django-scale/rds.pem") == "certificates\n"


@pytest.mark.parametrize("registries", [(ECR,), (ECR, "210987654321.dkr.ecr.us-east-1.amazonaws.com")])
def test_the_ecr_helper_is_there_for_images_in_ecr(registries: tuple[str, ...], server: Server) -> None:
    server.boot(replace(IN_ECR, registries=registries))
    assert server.called("dnf") == [["install", "-y", "docker", "amazon-ecr-credential-helper"]]
    configuration = json.loads(server.text("root/.docker/config.json"))
    assert configuration == {"credHelpers": dict.fromkeys(registries, "ecr-login")}


def test_there_is_no_ecr_helper_for_another_image(server: Server) -> None:
    server.boot(CONTAINER)
    assert not (server.root / "root/.docker").exists()


def test_plain_variables_stand_in_dockers_environment_file_one_a_line(server: Server) -> None:
    server.boot(replace(CONTAINER, environment={"B": "2", "A": "1"}))
    assert server.text("etc/django-scale/environment") == "A=1\nB=2\n"


@pytest.mark.parametrize("value", AWKWARD)
def test_a_plain_value_arrives_unchanged(value: str, server: Server) -> None:
    assert server.boot(replace(CONTAINER, environment={"GREETING": value})).returncode == 0
    # Docker takes all behind the first `=` as it stands (docker run, --env-file).
    assert server.text("etc/django-scale/environment") == f"GREETING={value}\n"


@pytest.mark.parametrize("value", [*AWKWARD, "two\nlines", "%s %d"])
def test_a_secret_value_arrives_unchanged(value: str, tmp_path: Path) -> None:
    server = Server(tmp_path, {**SECRETS, ARN: value})
    server.boot(CONTAINER)
    assert server.start().returncode == 0
    assert server.container_environment["DB_PASSWORD"] == value


def test_each_secret_is_fetched_by_its_arn_in_its_region_at_each_start(server: Server) -> None:
    server.boot(CONTAINER)
    assert server.called("aws") == []
    server.start()
    server.start()
    fetched = [
        [
            "secretsmanager",
            "get-secret-value",
            "--region",
            "eu-west-1",
            "--secret-id",
            arn,
            "--query",
            "SecretString",
            "--output",
            "text",
        ]
        for arn in (ARN, OTHER_ARN)
    ]
    assert server.called("aws") == fetched * 2


def test_secrets_go_by_the_environment_and_stand_in_no_file_and_on_no_command_line(server: Server) -> None:
    server.boot(CONTAINER)
    started = server.start()
    assert server.container_environment["DB_PASSWORD"] == "correct-horse"
    for value in SECRETS.values():
        assert value not in server.files
        assert value not in str(server.calls)
        assert value not in started.stdout + started.stderr


def test_docker_is_told_the_names_of_the_secret_variables_alone(server: Server) -> None:
    server.boot(CONTAINER)
    server.start()
    assert server.containers["django"].all("env") == ["DB_PASSWORD", "DJANGO_SECRET_KEY"]


@pytest.mark.parametrize("missing", [ARN, OTHER_ARN])
def test_a_secret_that_cannot_be_read_stops_the_start_before_any_container(missing: str, tmp_path: Path) -> None:
    server = Server(tmp_path, {arn: value for arn, value in SECRETS.items() if arn != missing})
    server.boot(CONTAINER)
    assert server.start().returncode != 0
    assert server.called("docker") == []


def test_without_the_servers_identity_nothing_starts(server: Server) -> None:
    server.boot(CONTAINER)
    (server.records / "failures" / "curl").write_text("1")
    assert server.start().returncode != 0
    assert server.called("docker") == []


def test_a_container_that_was_left_is_removed_and_the_image_pulled_before_the_new_one_runs(server: Server) -> None:
    server.boot(CONTAINER)
    server.start()
    remove, pull, run = server.called("docker")
    assert remove == ["rm", "--force", "django"]
    assert pull == ["pull", "--quiet", "registry.example.com/shop:1"]
    assert run[0] == "run"


def test_that_there_was_no_container_does_not_matter(tmp_path: Path) -> None:
    server = Server(tmp_path, SECRETS, failures={"docker": 1})
    server.boot(CONTAINER)
    assert server.start().returncode == 0
    assert len(server.called("docker")) == 3


def test_an_image_that_cannot_be_pulled_stops_the_start(tmp_path: Path) -> None:
    server = Server(tmp_path, SECRETS, failures={"docker": 2})
    server.boot(CONTAINER)
    assert server.start().returncode != 0
    assert [call[0] for call in server.called("docker")] == ["rm", "pull"]


LOGS = (
    " --log-driver awslogs --log-opt awslogs-region=eu-west-1 --log-opt awslogs-group=/django-scale/shop-prod-web"
    " --log-opt awslogs-stream=i-0123456789abcdef0/"
)


@pytest.mark.parametrize(
    ("service", "command"),
    [
        (
            "django-scale",
            f"run --rm --name django --network host --security-opt no-new-privileges{LOGS}django --init"
            " --env-file /etc/django-scale/environment --env DB_PASSWORD --env DJANGO_SECRET_KEY"
            " --volume /etc/django-scale/rds.pem:/etc/django-scale/rds.pem:ro --stop-timeout 30"
            " registry.example.com/shop:1",
        ),
        (
            "django-scale-nginx",
            f"run --rm --name nginx --network host --security-opt no-new-privileges{LOGS}nginx"
            " --user 101:101 --cap-drop ALL --read-only --ulimit nofile=65536:65536"
            " --tmpfs /run/nginx:uid=101,mode=0700"
            " --volume /var/lib/django-scale-nginx:/var/lib/nginx/tmp"
            " --volume /etc/django-scale/nginx.conf:/etc/nginx/nginx.conf:ro"
            " --stop-signal SIGQUIT --stop-timeout 30 --entrypoint nginx nginx:1 -e stderr -g daemon off;",
        ),
        (
            "django-scale-pgbouncer",
            f"run --rm --name pgbouncer --network host --security-opt no-new-privileges{LOGS}pgbouncer"
            " --user 998:998 --cap-drop ALL --read-only --ulimit nofile=65536:65536"
            " --volume /run/django-scale-pgbouncer:/run/pgbouncer"
            " --volume /etc/django-scale/pgbouncer.ini:/etc/pgbouncer/pgbouncer.ini:ro"
            " --volume /etc/django-scale/rds.pem:/etc/django-scale/rds.pem:ro"
            " --stop-signal SIGINT --stop-timeout 10 --entrypoint pgbouncer pgbouncer:1 /etc/pgbouncer/pgbouncer.ini",
        ),
    ],
)
def test_the_containers_run_like_this(service: str, command: str, server: Server) -> None:
    server.boot(POOLED)
    assert server.start(service).returncode == 0
    assert " ".join(server.called("docker")[-1]) == command


@pytest.mark.parametrize("service", ["django-scale", "django-scale-nginx", "django-scale-pgbouncer"])
def test_each_service_comes_back_by_itself_and_needs_docker_alone(service: str, server: Server) -> None:
    server.boot(POOLED)
    unit = server.text(f"etc/systemd/system/{service}.service").splitlines()
    assert {"Restart=always", "Requires=docker.service", "WantedBy=multi-user.target"} <= set(unit)
    assert f"ExecStart=/usr/local/bin/{service}-start" in unit
    assert not [line for line in unit if line.startswith(("BindsTo=", "PartOf="))]


def test_the_application_stops_before_what_stands_around_it_and_starts_after_it(server: Server) -> None:
    server.boot(POOLED)
    beside = "django-scale-nginx.service django-scale-pgbouncer.service"
    unit = server.text("etc/systemd/system/django-scale.service").splitlines()
    assert f"After=docker.service network-online.target {beside}" in unit
    assert f"Wants={beside}" in unit
    assert server.called("systemctl")[-1][-4:] == ["docker", *beside.replace(".service", "").split(), "django-scale"]


@pytest.mark.parametrize(("service", "container"), [("django-scale", "django"), ("django-scale-nginx", "nginx")])
@pytest.mark.parametrize("seconds", [0, 30, 3600])
def test_what_serves_requests_has_the_draining_time_to_stop_and_systemd_waits_longer(
    service: str, container: str, seconds: int, server: Server
) -> None:
    server.boot(replace(CONTAINER, draining_seconds=seconds))
    server.start(service)
    unit = server.text(f"etc/systemd/system/{service}.service").splitlines()
    assert server.containers[container].one("stop-timeout") == str(seconds)
    assert f"ExecStop=/usr/bin/docker stop {container}" in unit
    assert f"TimeoutStopSec={seconds + 10}" in unit


def test_without_a_pooler_there_is_nothing_of_it(server: Server) -> None:
    server.boot(CONTAINER)
    assert "pgbouncer" not in server.files
    assert "pgbouncer" not in str(server.calls)


@pytest.mark.parametrize(
    ("path", "text"), [("nginx.conf", "events {}\n"), ("pgbouncer.ini", "[databases]\nshop = host=db\n")]
)
def test_configuration_files_are_written_as_they_were_rendered(path: str, text: str, server: Server) -> None:
    server.boot(POOLED)
    assert server.text(f"etc/django-scale/{path}") == text


@pytest.mark.parametrize("password", ["correct-horse", 'say "x"', "$HOME\\n%s"])
def test_the_poolers_password_goes_into_memory_where_it_alone_may_read_it(password: str, tmp_path: Path) -> None:
    server = Server(tmp_path, {**SECRETS, ARN: password})
    server.boot(POOLED)
    assert password not in server.files
    started = server.start("django-scale-pgbouncer")
    users = server.root / "run/django-scale-pgbouncer/users.txt"
    assert users.read_text() == '"shop" "{}"\n'.format(password.replace('"', '""'))
    assert users.stat().st_mode & 0o777 == 0o600
    assert server.called("chown") == [["998:998", "/run/django-scale-pgbouncer/users.txt"]]
    assert server.called("install")[-1] == ["-d", "-m", "0700", "-o", "998", "-g", "998", "/run/django-scale-pgbouncer"]
    assert password not in started.stdout + started.stderr + server.files + str(server.calls)
    assert "DB_PASSWORD" not in server.container_environment


def test_the_pooler_does_not_start_without_its_password(tmp_path: Path) -> None:
    server = Server(tmp_path, {OTHER_ARN: "battery-staple"})
    server.boot(POOLED)
    assert server.start("django-scale-pgbouncer").returncode != 0
    assert server.called("docker") == []


def test_no_name_from_the_settings_is_a_command(server: Server) -> None:
    trap = "shop:1; touch trapped"
    container = replace(POOLED, image=trap, log_group="$(touch trapped)", environment={"DB_USER": "$(touch trapped)"})
    server.boot(container)
    assert server.start().returncode == 0
    assert server.start("django-scale-pgbouncer").returncode == 0
    assert server.containers["django"].image == trap
    assert not (server.folder / "trapped").exists()


def test_a_new_generation_of_secrets_is_another_script() -> None:
    assert cloud_init(CONTAINER) != cloud_init(replace(CONTAINER, secret_generation=2))


def test_the_same_container_is_the_same_script_whatever_the_order_of_its_variables() -> None:
    there = replace(CONTAINER, environment={"A": "1", "B": "2"})
    back = replace(CONTAINER, environment={"B": "2", "A": "1"}, secrets=dict(reversed(list(CONTAINER.secrets.items()))))
    assert cloud_init(there) == cloud_init(back)


@pytest.mark.parametrize("value", ["two\nlines", "two\rlines", "end\n"])
def test_a_value_of_more_than_one_line_is_refused_by_the_name_of_its_variable(value: str) -> None:
    with pytest.raises(ValueError, match=r"GREETING: must be one line"):
        cloud_init(replace(CONTAINER, environment={"GREETING": value}))


LONG = replace(CONTAINER, environment={"P": "letters " * 2000})


def test_user_data_is_the_script_itself_where_that_fits() -> None:
    """Builds of zlib differ in their output, and other user data replaces the servers."""
    script = cloud_init(POOLED).encode()
    assert len(script) < LIMIT_BYTES
    assert user_data(POOLED) == script


def test_a_script_that_is_too_long_is_compressed() -> None:
    assert len(cloud_init(LONG)) > LIMIT_BYTES
    data = user_data(LONG)
    assert gzip.decompress(data) == cloud_init(LONG).encode()
    assert len(data) < LIMIT_BYTES


def test_compressed_user_data_says_neither_when_nor_where_that_was_done() -> None:
    # RFC 1952: four bytes of time, then extra flags and the operating system.
    assert user_data(LONG)[:10] == bytes.fromhex("1f8b0800 00000000 00 ff")


def padded(bytes_over: int) -> Container:
    """Return a container whose user data has that many bytes more than EC2 takes, by values that do not compress."""
    letters = base64.b64encode(b"".join(sha256(b"%d" % number).digest() for number in range(1000))).decode()

    def with_letters(count: int) -> Container:
        return replace(CONTAINER, environment={"P": letters[:count]})

    def size(count: int) -> int:
        try:
            return len(user_data(with_letters(count)))
        except ValueError as error:
            return int(str(error).split(" has ")[1].split()[0])

    # Up to here the script fits as it is; beyond, its size falls to that of what is compressed, and rises again.
    counts = range(len(letters))
    plain = bisect.bisect_right(counts, LIMIT_BYTES, key=lambda count: len(cloud_init(with_letters(count))))
    low = bisect.bisect_left(counts, LIMIT_BYTES + bytes_over, lo=plain, key=size)
    assert size(low) == LIMIT_BYTES + bytes_over
    return with_letters(low)


def test_user_data_of_16_kib_is_taken() -> None:
    assert len(user_data(padded(0))) == LIMIT_BYTES == 16_384


def test_longer_user_data_is_refused_with_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"has 16385 bytes, EC2 takes 16384: shorten application.environment"):
        user_data(padded(1))
