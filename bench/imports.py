"""What importing the SDK costs a whole process: `python bench/imports.py [RUNS]`.

Each variant is a process of its own that imports what a production stack uses, and resolves the types that registering
its resources would. The variants take turns, so that a busy machine slows all of them; the medians are printed.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

RESOURCES = {
    "acm": "Certificate CertificateValidation",
    "autoscaling": "Group Policy Schedule",
    "cloudfront": "Distribution OriginAccessControl ResponseHeadersPolicy",
    "cloudwatch": "CompositeAlarm Dashboard LogGroup MetricAlarm",
    "ec2": "DefaultSecurityGroup Eip FlowLog InternetGateway LaunchTemplate NatGateway Route RouteTable "
    "RouteTableAssociation SecurityGroup Subnet Vpc VpcEndpoint",
    "elasticache": "ParameterGroup ReplicationGroup SubnetGroup User UserGroup",
    "iam": "InstanceProfile Role RolePolicy RolePolicyAttachment",
    "kms": "Key",
    "lb": "Listener ListenerRule LoadBalancer TargetGroup",
    "rds": "Instance ParameterGroup SubnetGroup",
    "route53": "Record",
    "s3": "Bucket BucketLifecycleConfiguration BucketOwnershipControls BucketPolicy BucketPublicAccessBlock "
    "BucketServerSideEncryptionConfiguration BucketVersioning",
    "secretsmanager": "Secret SecretVersion",
    "sns": "Topic TopicPolicy TopicSubscription",
    "ssm": "Parameter",
    "vpc": "SecurityGroupEgressRule SecurityGroupIngressRule",
    "wafv2": "WebAcl WebAclAssociation WebAclLoggingConfiguration",
}
WITHOUT_WAF = {service: names for service, names in RESOURCES.items() if service != "wafv2"}


def use(resources: dict[str, str]) -> None:
    import pulumi_aws
    from pulumi import _types  # pyright: ignore[reportPrivateUsage]

    for service, names in resources.items():
        for name in names.split():
            _types.resource_types(getattr(getattr(pulumi_aws, service), name))
            _types.input_type_types(getattr(getattr(pulumi_aws, service), f"{name}Args"))


def ordinary() -> None:
    use(RESOURCES)


def lean() -> None:
    from components import lean_sdk

    lean_sdk.install()
    use(RESOURCES)


def ordinary_uncollected() -> None:
    import gc

    gc.disable()
    ordinary()


def lean_uncollected() -> None:
    import gc

    gc.disable()
    lean()


def ordinary_without_waf() -> None:
    use(WITHOUT_WAF)


def lean_without_waf() -> None:
    from components import lean_sdk

    lean_sdk.install()
    use(WITHOUT_WAF)


def pulumi_alone() -> None:
    import pulumi

    _ = pulumi.Output


def pulumi_alone_uncollected() -> None:
    import gc

    gc.disable()
    pulumi_alone()


def python_alone() -> None:
    pass


VARIANTS: list[Callable[[], None]] = [
    *(python_alone, pulumi_alone, pulumi_alone_uncollected),
    *(ordinary, ordinary_uncollected, lean, lean_uncollected, ordinary_without_waf, lean_without_waf),
]
COLUMNS = ("seconds", "of them processor", "largest resident set, MB")


def measure(variant: str, environment: dict[str, str]) -> tuple[float, float, float]:
    """The columns for one process."""
    script = (
        f"import json, resource; from bench.imports import {variant}; {variant}(); "
        "used = resource.getrusage(resource.RUSAGE_SELF); "
        "print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))"
    )
    command = [sys.executable, "-c", script]
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)  # noqa: S603
    processor, megabytes = json.loads(done.stdout)
    return time.perf_counter() - started, processor, megabytes


def table(runs: int, environment: dict[str, str]) -> None:
    taken: dict[str, list[tuple[float, float, float]]] = {variant.__name__: [] for variant in VARIANTS}
    for _ in range(runs):
        for variant, measured in taken.items():
            measured.append(measure(variant, environment))
    print(f"{'median of ' + str(runs):<28}" + "".join(f"{column:>26}" for column in COLUMNS))
    for variant, measured in taken.items():
        columns = [statistics.median(column) for column in zip(*measured, strict=True)]
        print(f"{variant:<28}{columns[0]:>26.2f}{columns[1]:>26.2f}{columns[2]:>26.0f}")


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as cache:
        for variant in VARIANTS:
            measure(variant.__name__, environment | {"PYTHONPYCACHEPREFIX": cache})
        print("with compiled bytecode")
        table(runs, environment | {"PYTHONPYCACHEPREFIX": cache})
    with tempfile.TemporaryDirectory() as empty:
        print("without (PYTHONDONTWRITEBYTECODE=1 and no cache, as on a first run or in many containers)")
        table(runs, environment | {"PYTHONPYCACHEPREFIX": empty, "PYTHONDONTWRITEBYTECODE": "1"})


if __name__ == "__main__":
    main()
