"""HAProxy servers behind a Network Load Balancer: listeners, target groups, role, template and group."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pulumi
import pytest

from components.haproxy_edge import HaproxyEdge
from scale.testing import Recording, Resource, run
from scale.user_data import script
from tests.components.building import (
    LOG_GROUP,
    NAME,
    ROLE_POLICY,
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
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
GROUP = "aws:autoscaling/group:Group"
PROFILE = "aws:iam/instanceProfile:InstanceProfile"
DOMAIN = "shop.example.com"
ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
PUBLIC, PRIVATE = ["subnet-1", "subnet-2"], ["subnet-3", "subnet-4"]
HAPROXY: dict[str, Any] = {"balancer": "haproxy", "firewall": None}
SCALING: dict[str, Any] = {"requests_per_target": None, "response_time": None}


@cache
def built(domain: str | None = DOMAIN) -> Recording:
    return register(domain)


def register(domain: str | None = DOMAIN, image: str | None = None, **traffic: Any) -> Recording:
    parsed = settings(
        application={"domain": domain, "port": 8000},
        traffic={**HAPROXY, **traffic},
        scaling=SCALING,
        images={} if image is None else {"haproxy": image},
    )

    def program() -> None:
        edge = HaproxyEdge(
            NAME,
            parsed,
            vpc_id="vpc-1",
            balancer_subnet_ids=PUBLIC,
            balancer_group_id="sg-balancer",
            server_subnet_ids=PRIVATE,
            server_group_id="sg-proxies",
            image_id="ami-0123456789abcdef0",
            hosted_zone_id="Z123" if domain else None,
        )
        pulumi.export("dns_name", edge.dns_name)
        pulumi.export("servers", edge.servers.arn)
        pulumi.export("dimensions", edge.servers.metric_dimensions)
        pulumi.export("proxy_dimensions", edge.proxies.metric_dimensions)

    return run(program)


def one(kind: str, role: str, plan: Recording | None = None) -> Resource:
    return (plan or built()).one(kind, f"{NAME}-{role}")


def user_data(plan: Recording) -> str:
    return script(get(one(TEMPLATE, "edge-template", plan), "userData")) or ""


def test_it_has_exactly_these_resources() -> None:
    common = {
        "Group": 1,
        "InstanceProfile": 1,
        "LaunchTemplate": 1,
        "LoadBalancer": 1,
        "LogGroup": 1,
        "Role": 1,
        "RolePolicy": 1,
        "RolePolicyAttachment": 1,
    }
    assert counts(built(None)) == common | {"Listener": 2, "TargetGroup": 2}
    certified = {"Certificate": 1, "CertificateValidation": 1, "Record": 2}
    assert counts(built()) == dict(sorted((common | certified | {"Listener": 3, "TargetGroup": 3}).items()))


def test_everything_is_below_the_component() -> None:
    plan = built()
    edge = component(plan, "HaproxyEdge")
    below = {each.urn for each in plan.descendants(edge)}
    assert {each.urn for each in plan.all() if each.custom and not each.is_provider} <= below


def test_the_balancer_passes_on_connections_from_all_zones_in_the_public_subnets() -> None:
    balancer = built().one(BALANCER)
    assert get(balancer, "loadBalancerType") == "network"
    assert get(balancer, "internal") is False
    assert get(balancer, "subnets") == PUBLIC
    assert get(balancer, "securityGroups") == ["sg-balancer"]
    assert get(balancer, "enableCrossZoneLoadBalancing") is True
    assert get(balancer, "enableDeletionProtection") is True
    assert get(register(deletion_protection=False).one(BALANCER), "enableDeletionProtection") is False


@pytest.mark.parametrize(
    ("role", "port", "group"), [("http", 80, "http"), ("https", 443, "https"), ("health", 8000, "web")]
)
def test_each_listener_passes_on_to_its_group(role: str, port: int, group: str) -> None:
    listener = one(LISTENER, role)
    assert (get(listener, "port"), get(listener, "protocol")) == (port, "TCP")
    assert get(listener, "loadBalancerArn") == built().one(BALANCER).state["arn"]
    assert get(listener, "defaultActions") == [{"type": "forward", "targetGroupArn": one(TARGETS, group).state["arn"]}]


@pytest.mark.parametrize(("role", "port"), [("http", 8080), ("https", 8443)])
def test_haproxy_sees_the_clients_address_and_says_itself_whether_it_is_well(role: str, port: int) -> None:
    targets = one(TARGETS, role)
    assert (get(targets, "port"), get(targets, "protocol"), get(targets, "targetType")) == (port, "TCP", "instance")
    assert get(targets, "preserveClientIp") == "true"
    assert get(targets, "proxyProtocolV2") is None
    assert get(targets, "healthCheck.path") == "/health"
    assert get(targets, "healthCheck.port") == "8405"
    assert "accept-proxy" not in user_data(built())
    assert f"bind *:{port}" in user_data(built())
    assert "bind *:8405" in user_data(built())


def test_the_applications_servers_are_judged_as_the_settings_say() -> None:
    check = {"path": "/ok", "interval_seconds": 20, "timeout_seconds": 4, "healthy": 3, "unhealthy": 5}
    targets = one(TARGETS, "web", register(health_check=check, draining_seconds=45))
    assert get(targets, "deregistrationDelay") == 45
    assert get(targets, "healthCheck") == {
        "path": "/ok",
        "protocol": "HTTP",
        "matcher": "200",
        "interval": 20,
        "timeout": 4,
        "healthyThreshold": 3,
        "unhealthyThreshold": 5,
    }


def test_the_servers_group_is_given_once_a_listener_uses_it() -> None:
    plan = built()
    assert plan.outputs["servers"] == one(TARGETS, "web").state["arn"]
    for output, group in (("dimensions", "web"), ("proxy_dimensions", "http")):
        assert plan.outputs[output] == {
            "LoadBalancer": plan.one(BALANCER).state["arnSuffix"],
            "TargetGroup": one(TARGETS, group).state["arnSuffix"],
        }


def test_two_servers_stand_where_the_application_does_and_join_both_groups() -> None:
    group = one(GROUP, "edge-group")
    assert (get(group, "minSize"), get(group, "maxSize")) == (2, 2)
    assert get(group, "vpcZoneIdentifiers") == PRIVATE
    assert get(group, "targetGroupArns") == [one(TARGETS, role).state["arn"] for role in ("http", "https")]
    assert get(group, "healthCheckType") == "ELB"
    template = one(TEMPLATE, "edge-template")
    assert get(group, "launchTemplate") == {"id": template.id, "version": str(template.state["latestVersion"])}
    for role in ("http", "https"):
        assert waits_for(built(), group, one(LISTENER, role))


def test_a_new_one_serves_before_an_old_one_goes() -> None:
    group = one(GROUP, "edge-group")
    bounds = {"minHealthyPercentage": 100, "maxHealthyPercentage": 150}
    assert get(group, "instanceMaintenancePolicy") == bounds
    assert get(group, "instanceRefresh.preferences") == bounds | {
        "instanceWarmup": "0",
        "skipMatching": True,
        "autoRollback": False,
    }


@pytest.mark.parametrize(
    ("application", "haproxy", "expected"),
    [
        ({}, {}, "t4g.small"),
        ({"architecture": "x86_64"}, {}, "t3.small"),
        ({}, {"instance_type": "c7g.large"}, "c7g.large"),
    ],
)
def test_the_type_is_the_settings_or_a_small_one_of_the_same_processors(
    application: dict[str, Any], haproxy: dict[str, Any], expected: str
) -> None:
    traffic = {**HAPROXY, "haproxy": haproxy}
    servers = {"instance_type": "m7g.large" if not application else "m7i.large"}
    found = settings(application=application, traffic=traffic, scaling=SCALING, servers=servers)
    assert found.traffic.haproxy.type_for(found.application.architecture) == expected


def test_the_group_may_take_as_long_to_go_as_its_servers_drain() -> None:
    assert one(GROUP, "edge-group").custom_timeouts.delete == "930s"


def test_servers_are_closed_encrypted_and_tagged() -> None:
    template = one(TEMPLATE, "edge-template")
    assert get(template, "instanceType") == "t4g.small"
    assert get(template, "metadataOptions") == {
        "httpEndpoint": "enabled",
        "httpTokens": "required",
        "httpPutResponseHopLimit": 1,
    }
    assert get(template, "blockDeviceMappings.0.ebs.encrypted") == "true"
    assert get(template, "vpcSecurityGroupIds") == ["sg-proxies"]
    assert get(template, "tagSpecifications.0.tags.Name") == f"{NAME}-edge"


def test_the_role_may_look_export_this_certificate_and_log() -> None:
    logs = built().one(LOG_GROUP)
    looking, exporting = statements(built().one(ROLE_POLICY))[1:]
    assert statements(built().one(ROLE_POLICY))[0]["Resource"] == [f"{logs.state['arn']}:*"]
    assert looking == {
        "Effect": "Allow",
        "Action": ["elasticloadbalancing:DescribeTargetHealth", "ec2:DescribeInstances"],
        "Resource": ["*"],
    }
    assert exporting == {
        "Effect": "Allow",
        "Action": ["acm:ExportCertificate"],
        "Resource": [built().one(VALIDATION).state["certificateArn"]],
    }
    assert waits_for(built(), built().one(PROFILE), built().one(ROLE_POLICY))


def test_the_domains_records_stay_when_aws_s_load_balancer_takes_haproxys_place() -> None:
    former = f"urn:pulumi:{built().stack}::{built().project}::django-scale:traffic:LoadBalancer::{NAME}"
    for record in built().all("aws:route53/record:Record"):
        assert former in {alias.parent for alias in record.aliases}, record.name


def test_without_a_domain_there_is_nothing_to_export() -> None:
    assert "acm:" not in json.dumps(statements(built(None).one(ROLE_POLICY)))
    assert "acm" not in user_data(built(None)).partition("django-scale-haproxy-watch <<")[2]


def test_an_image_in_ecr_may_be_pulled() -> None:
    plan = register(image=f"{ECR}/haproxy:3.0")
    assert statements(plan.one(ROLE_POLICY))[3]["Resource"] == ["arn:aws:ecr:eu-west-1:123456789012:repository/haproxy"]
    assert f'{{"credHelpers": {{"{ECR}": "ecr-login"}}}}' in user_data(plan)
    assert "ecr" not in json.dumps(statements(built().one(ROLE_POLICY)))


def test_the_certificate_is_an_exportable_one_and_the_domain_leads_to_the_balancer() -> None:
    certificate, balancer = built().one(CERTIFICATE), built().one(BALANCER)
    assert get(certificate, "domainName") == DOMAIN
    assert get(certificate, "options") == {"export": "ENABLED"}
    record = one(RECORD, "domain")
    assert get(record, "name") == DOMAIN
    assert get(record, "aliases.0.name") == balancer.state["dnsName"]


def test_user_data_names_the_group_to_learn_from_and_the_certificate() -> None:
    text = user_data(built())
    assert f"watch --target-group {one(TARGETS, 'web').state['arn']} --port 8000 " in text
    assert f"--certificate {built().one(VALIDATION).state['certificateArn']} " in text
    assert "--interval 10 " in text
    assert "--interval 5 " in user_data(register(haproxy={"interval_seconds": 5}))
    assert "awslogs-group=/django-scale/shop-prod-edge" in text
    assert "server-template web 1-18 127.0.0.1:8000 disabled" in text
