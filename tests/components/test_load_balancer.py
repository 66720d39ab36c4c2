"""Listeners, certificate, target group, access logs: with a domain and without one."""

from __future__ import annotations

from functools import cache
from typing import Any

import pulumi
import pytest

from components.load_balancer import LoadBalancer
from scale.testing import Recording, Resource, run
from tests.components.building import (
    BUCKET,
    BUCKET_POLICY,
    NAME,
    SUBNETS,
    component,
    counts,
    get,
    settings,
    statements,
    waits_for,
)

BALANCER = "aws:lb/loadBalancer:LoadBalancer"
TARGETS = "aws:lb/targetGroup:TargetGroup"
LISTENER = "aws:lb/listener:Listener"
CERTIFICATE = "aws:acm/certificate:Certificate"
VALIDATION = "aws:acm/certificateValidation:CertificateValidation"
RECORD = "aws:route53/record:Record"
USER = "aws:ssm/parameter:Parameter"
ZONE = "Z123"
DOMAIN = "shop.example.com"


@cache
def built(domain: str | None = DOMAIN, **traffic: Any) -> Recording:
    parsed = settings(application={"domain": domain, "port": 8080}, traffic=traffic)

    def program() -> None:
        balancer = LoadBalancer(
            NAME,
            parsed.traffic,
            parsed.application,
            parsed.compute,
            vpc_id="vpc-1",
            subnet_ids=SUBNETS,
            security_group_id="sg-1",
            hosted_zone_id=ZONE if domain else None,
        )
        assert balancer.servers is not None
        pulumi.export("resource_label", balancer.servers.resource_label)
        pulumi.export("target_group_arn", balancer.servers.arn)
        pulumi.export("dimensions", balancer.metric_dimensions)
        pulumi.export("target_dimensions", balancer.servers.metric_dimensions)

    return run(program)


def test_with_a_domain_it_has_exactly_these_resources() -> None:
    assert counts(built()) == {
        "Bucket": 1,
        "BucketLifecycleConfiguration": 1,
        "BucketOwnershipControls": 1,
        "BucketPolicy": 1,
        "BucketPublicAccessBlock": 1,
        "BucketServerSideEncryptionConfiguration": 1,
        "Certificate": 1,
        "CertificateValidation": 1,
        "Listener": 2,
        "LoadBalancer": 1,
        "Record": 2,
        "TargetGroup": 1,
    }
    assert len(built().children(component(built(), "LoadBalancer"))) == 9


def test_the_domains_records_stay_when_haproxy_takes_the_balancers_place() -> None:
    former = f"urn:pulumi:{built().stack}::{built().project}::django-scale:traffic:HaproxyEdge::{NAME}"
    for record in built().all(RECORD):
        assert former in {alias.parent for alias in record.aliases}, record.name


def test_without_a_domain_there_is_neither_certificate_nor_record_and_one_listener() -> None:
    without = counts(built(None))
    assert without["Listener"] == 1
    assert not {"Certificate", "CertificateValidation", "Record"} & without.keys()


def test_it_faces_the_internet_in_the_public_subnets_behind_its_group() -> None:
    balancer = built().one(BALANCER)
    assert get(balancer, "loadBalancerType") == "application"
    assert get(balancer, "internal") is False
    assert get(balancer, "subnets") == SUBNETS
    assert get(balancer, "securityGroups") == ["sg-1"]


def test_it_drops_invalid_headers_and_defends_against_request_smuggling() -> None:
    assert get(built().one(BALANCER), "dropInvalidHeaderFields") is True
    assert get(built().one(BALANCER), "desyncMitigationMode") == "defensive"


def test_it_speaks_http_2_and_waits_as_long_as_the_settings_say() -> None:
    assert get(built().one(BALANCER), "enableHttp2") is True
    assert get(built().one(BALANCER), "idleTimeout") == 60
    assert get(built(idle_timeout_seconds=120).one(BALANCER), "idleTimeout") == 120


@pytest.mark.parametrize("protection", [True, False])
def test_deletion_protection_keeps_the_balancer_and_its_logs(protection: bool) -> None:
    plan = built(deletion_protection=protection)
    assert get(plan.one(BALANCER), "enableDeletionProtection") is protection
    assert get(plan.one(BUCKET), "forceDestroy") is not protection


@pytest.mark.parametrize("type_", [BALANCER, TARGETS])
def test_names_are_generated_within_the_services_32_characters(type_: str) -> None:
    resource = built().one(type_)
    assert "name" not in resource.properties
    # 17 characters of prefix at most, and Pulumi's hyphen and seven digits.
    assert len(resource.name.replace(NAME, "x" * 17)) + 8 <= 32


def test_access_logs_are_on_and_go_to_the_bucket_of_their_own() -> None:
    plan = built()
    assert get(plan.one(BALANCER), "accessLogs") == {"bucket": plan.one(BUCKET).id, "enabled": True}


def test_only_the_log_delivery_service_may_write_to_the_bucket() -> None:
    plan = built()
    refusal, delivery = statements(plan.one(BUCKET_POLICY))
    assert refusal["Effect"] == "Deny"
    assert delivery == {
        "Effect": "Allow",
        "Action": ["s3:PutObject"],
        "Resource": [f"{plan.one(BUCKET).state['arn']}/*"],
        "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
    }


def test_the_balancer_waits_until_its_logs_may_be_written() -> None:
    plan = built()
    assert plan.one(BUCKET_POLICY).urn in plan.one(BALANCER).depends_on


def test_access_logs_are_deleted_after_the_days_of_the_settings() -> None:
    lifecycle = built(access_log_days=30).one("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
    assert [rule.get("expiration") for rule in get(lifecycle, "rules")] == [None, {"days": 30}]


def test_targets_are_the_servers_on_the_applications_port() -> None:
    targets = built().one(TARGETS)
    assert (get(targets, "port"), get(targets, "protocol")) == (8080, "HTTP")
    assert (get(targets, "targetType"), get(targets, "vpcId")) == ("instance", "vpc-1")


def test_health_is_what_the_settings_say() -> None:
    assert get(built().one(TARGETS), "healthCheck") == {
        "path": "/health/ready",
        "protocol": "HTTP",
        "matcher": "200",
        "interval": 15,
        "timeout": 5,
        "healthyThreshold": 2,
        "unhealthyThreshold": 3,
    }


def test_a_server_that_leaves_finishes_its_requests() -> None:
    assert get(built().one(TARGETS), "deregistrationDelay") == 30
    assert get(built(draining_seconds=0).one(TARGETS), "deregistrationDelay") == 0


@pytest.mark.parametrize(
    ("algorithm", "mitigation"),
    [("least_outstanding_requests", "off"), ("round_robin", "off"), ("weighted_random", "on")],
)
def test_anomaly_mitigation_goes_with_weighted_random_alone(algorithm: str, mitigation: str) -> None:
    targets = built(algorithm=algorithm).one(TARGETS)
    assert get(targets, "loadBalancingAlgorithmType") == algorithm
    assert get(targets, "loadBalancingAnomalyMitigation") == mitigation


def test_slow_start_is_off_or_as_the_settings_say() -> None:
    assert get(built().one(TARGETS), "slowStart") == 0
    assert get(built(algorithm="round_robin", slow_start_seconds=60).one(TARGETS), "slowStart") == 60


def test_https_forwards_to_the_targets_under_a_policy_of_tls_1_2_and_1_3() -> None:
    plan = built()
    listener = plan.one(LISTENER, f"{NAME}-https")
    assert (get(listener, "port"), get(listener, "protocol")) == (443, "HTTPS")
    assert get(listener, "sslPolicy") == "ELBSecurityPolicy-TLS13-1-2-2021-06"
    assert get(listener, "loadBalancerArn") == plan.one(BALANCER).state["arn"]
    assert get(listener, "defaultActions") == [{"type": "forward", "targetGroupArn": plan.one(TARGETS).state["arn"]}]


def test_http_redirects_to_https_for_good() -> None:
    listener = built().one(LISTENER, f"{NAME}-http")
    assert (get(listener, "port"), get(listener, "protocol")) == (80, "HTTP")
    assert get(listener, "defaultActions") == [
        {"type": "redirect", "redirect": {"protocol": "HTTPS", "port": "443", "statusCode": "HTTP_301"}}
    ]


def test_without_a_domain_http_forwards_to_the_targets() -> None:
    plan = built(None)
    listener = plan.one(LISTENER)
    assert (get(listener, "port"), get(listener, "protocol")) == (80, "HTTP")
    assert get(listener, "defaultActions.0.targetGroupArn") == plan.one(TARGETS).state["arn"]
    assert "certificateArn" not in listener.properties
    assert "sslPolicy" not in listener.properties


def test_the_certificate_is_for_the_domain_and_proved_by_dns() -> None:
    certificate = built().one(CERTIFICATE)
    assert (get(certificate, "domainName"), get(certificate, "validationMethod")) == (DOMAIN, "DNS")


def test_the_proof_stands_in_the_hosted_zone_and_may_be_there_already() -> None:
    plan = built()
    proof: Any = plan.one(CERTIFICATE).state["domainValidationOptions"]
    record = plan.one(RECORD, f"{NAME}-certificate")
    assert get(record, "zoneId") == ZONE
    assert get(record, "name") == proof[0]["resourceRecordName"]
    assert get(record, "type") == "CNAME"
    assert get(record, "records") == [proof[0]["resourceRecordValue"]]
    assert get(record, "allowOverwrite") is True


def test_https_begins_when_the_certificate_is_proved() -> None:
    plan = built()
    validation, listener = plan.one(VALIDATION), plan.one(LISTENER, f"{NAME}-https")
    assert waits_for(plan, validation, plan.one(RECORD, f"{NAME}-certificate"))
    assert validation.urn in listener.property_dependencies["certificateArn"]
    assert get(listener, "certificateArn") == plan.one(CERTIFICATE).state["arn"]


def test_the_domain_points_to_the_balancer_while_it_is_healthy() -> None:
    plan = built()
    record, balancer = plan.one(RECORD, f"{NAME}-domain"), plan.one(BALANCER)
    assert (get(record, "name"), get(record, "type"), get(record, "zoneId")) == (DOMAIN, "A", ZONE)
    assert get(record, "aliases") == [
        {"name": balancer.state["dnsName"], "zoneId": balancer.state["zoneId"], "evaluateTargetHealth": True}
    ]


def suffix(resource: Resource) -> str:
    return str(resource.state["arnSuffix"])


@pytest.mark.parametrize("domain", [DOMAIN, None])
def test_the_resource_label_is_made_of_both_suffixes(domain: str | None) -> None:
    plan = built(domain)
    label = str(plan.outputs["resource_label"])
    assert label == f"{suffix(plan.one(BALANCER))}/{suffix(plan.one(TARGETS))}"
    assert label.startswith("app/")
    assert "/targetgroup/" in label


@pytest.mark.parametrize(("domain", "role"), [(DOMAIN, "https"), (None, "http")])
@pytest.mark.parametrize("output", ["resource_label", "arn"])
def test_whoever_measures_or_joins_the_targets_waits_for_the_listener_that_forwards(
    domain: str | None, role: str, output: str
) -> None:
    parsed = settings(application={"domain": domain})

    def program() -> None:
        import pulumi_aws as aws

        balancer = LoadBalancer(
            NAME,
            parsed.traffic,
            parsed.application,
            parsed.compute,
            vpc_id="vpc-1",
            subnet_ids=SUBNETS,
            security_group_id="sg-1",
            hosted_zone_id=ZONE if domain else None,
        )
        aws.ssm.Parameter("user", type="String", value=getattr(balancer.servers, output))

    plan = run(program)
    assert plan.one(LISTENER, f"{NAME}-{role}").urn in plan.one(USER).dependencies


def test_metrics_are_known_by_the_suffixes_and_not_by_the_arns() -> None:
    plan = built()
    assert plan.outputs["dimensions"] == {"LoadBalancer": suffix(plan.one(BALANCER))}
    assert plan.outputs["target_dimensions"] == {
        "LoadBalancer": suffix(plan.one(BALANCER)),
        "TargetGroup": suffix(plan.one(TARGETS)),
    }


@pytest.mark.parametrize("domain", [DOMAIN, None])
def test_a_preview_registers_the_same_resources(domain: str | None) -> None:
    parsed = settings(application={"domain": domain})

    def program() -> None:
        LoadBalancer(
            NAME,
            parsed.traffic,
            parsed.application,
            parsed.compute,
            vpc_id="vpc-1",
            subnet_ids=SUBNETS,
            security_group_id="sg-1",
            hosted_zone_id=ZONE if domain else None,
        )

    assert run(program, "preview").resources.keys() == run(program).resources.keys()
