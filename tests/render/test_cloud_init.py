"""What a server does when it starts: the script itself is run."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from render.cloud_init import LIMIT_BYTES, Container, cloud_init
from tests.render.server import Server

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-password-AbCdEf"
OTHER_ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-key-GhIjKl"
ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"

CONTAINER = Container(
    image="registry.example.com/shop:1",
    port=8080,
    region="eu-west-1",
    log_group="/django-scale/shop-prod-web",
    draining_seconds=30,
    secret_generation=1,
    environment={"DB_HOST": "db.example.com"},
    secrets={"DB_PASSWORD": ARN, "DJANGO_SECRET_KEY": OTHER_ARN},
    ecr_registry=None,
)
IN_ECR = replace(CONTAINER, image=f"{ECR}/shop:1", ecr_registry=ECR)
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


@pytest.mark.parametrize("container", [CONTAINER, IN_ECR, replace(CONTAINER, environment={}, secrets={})])
def test_the_script_and_the_one_it_writes_are_bash(container: Container, tmp_path: Path) -> None:
    checked = subprocess.run(["bash", "-n"], input=cloud_init(container), text=True, capture_output=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    server = Server(tmp_path)
    assert server.boot(container).returncode == 0
    script = server.root / "usr/local/bin/django-scale-start"
    assert subprocess.run(["bash", "-n", script], capture_output=True, check=False).returncode == 0


def test_a_server_boots_without_a_word_of_complaint(server: Server) -> None:
    booted = server.boot(CONTAINER)
    assert (booted.returncode, booted.stderr) == (0, "")


def test_docker_is_installed_before_the_service_starts(server: Server) -> None:
    server.boot(CONTAINER)
    assert [name for name, *_ in server.calls] == ["dnf", "curl", "systemctl", "systemctl"]
    assert server.called("dnf") == [["install", "-y", "docker"]]
    assert server.called("systemctl") == [["daemon-reload"], ["enable", "--now", "docker", "django-scale"]]


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


def test_the_ecr_helper_is_there_for_an_image_in_ecr(server: Server) -> None:
    server.boot(IN_ECR)
    assert server.called("dnf") == [["install", "-y", "docker", "amazon-ecr-credential-helper"]]
    assert server.text("root/.docker/config.json") == f'{{"credHelpers": {{"{ECR}": "ecr-login"}}}}\n'


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
    run = server.called("docker")[-1]
    assert [run[place + 1] for place, word in enumerate(run) if word == "--env"] == [
        "DB_PASSWORD",
        "DJANGO_SECRET_KEY",
    ]


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


def test_the_container_runs_like_this(server: Server) -> None:
    server.boot(CONTAINER)
    server.start()
    run = " ".join(server.called("docker")[-1]).replace(str(server.root), "")
    assert run == (
        "run --rm --init --name django --publish 8080:8080 --env-file /etc/django-scale/environment"
        " --env DB_PASSWORD --env DJANGO_SECRET_KEY"
        " --volume /etc/django-scale/rds.pem:/etc/django-scale/rds.pem:ro --stop-timeout 30"
        " --log-driver awslogs --log-opt awslogs-region=eu-west-1"
        " --log-opt awslogs-group=/django-scale/shop-prod-web --log-opt awslogs-stream=i-0123456789abcdef0"
        " registry.example.com/shop:1"
    )


def test_the_service_comes_back_and_stops_within_the_draining_time(server: Server) -> None:
    server.boot(CONTAINER)
    unit = server.text("etc/systemd/system/django-scale.service").splitlines()
    assert "Restart=always" in unit
    assert "Requires=docker.service" in unit
    assert "TimeoutStopSec=40" in unit
    assert "ExecStop=/usr/bin/docker stop django" in unit
    assert f"ExecStart={server.root}/usr/local/bin/django-scale-start" in unit
    assert "WantedBy=multi-user.target" in unit


def test_no_name_from_the_settings_is_a_command(server: Server) -> None:
    trap = "shop:1; touch trapped"
    server.boot(replace(CONTAINER, image=trap, log_group="$(touch trapped)"))
    assert server.start().returncode == 0
    assert server.called("docker")[-1][-1] == trap
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


def padded(size: int) -> Container:
    """Return a container whose script has that many bytes."""
    return replace(
        CONTAINER, environment={"P": "x" * (size - len(cloud_init(replace(CONTAINER, environment={"P": ""}))))}
    )


def test_a_script_of_16_kib_is_taken() -> None:
    assert len(cloud_init(padded(LIMIT_BYTES))) == LIMIT_BYTES == 16_384


def test_a_longer_script_is_refused_with_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"has 16385 bytes, EC2 takes 16384: shorten application.environment"):
        cloud_init(padded(LIMIT_BYTES + 1))


def test_the_limit_is_in_bytes_and_not_in_characters() -> None:
    with pytest.raises(ValueError, match="EC2 takes 16384"):
        cloud_init(replace(CONTAINER, environment={"P": "ü" * (LIMIT_BYTES // 2)}))
