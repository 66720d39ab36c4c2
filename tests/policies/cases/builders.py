"""The resources that cases are made of."""

from __future__ import annotations

import json
from dataclasses import dataclass

from policies import tokens as t
from policies.view import Resource
from tests.policies.stacks import resource


@dataclass(frozen=True)
class Case:
    """A stack that breaks a rule in these words, and the nearest one that does not."""

    rule: str
    bad: tuple[Resource, ...]
    good: tuple[Resource, ...]
    says: str


def document(*statements: dict[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: object, on: object = "arn:aws:s3:::shop/*", **more: object) -> dict[str, object]:
    return {"Effect": "Allow", "Action": action, "Resource": on, **more}


TLS_ONLY: dict[str, object] = {
    "Effect": "Deny",
    "Action": ["s3:*"],
    "Resource": "*",
    "Principal": {"AWS": "*"},
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}

vpc, bucket = resource(t.VPC), resource(t.BUCKET)
balanced = resource(t.SECURITY_GROUP, name="balancer")
inner = resource(t.SECURITY_GROUP, name="servers")
balancer = resource(t.LOAD_BALANCER, {"loadBalancerType": "application"}, uses={"securityGroups": [balanced]})
subnet_a = resource(t.SUBNET, {"availabilityZone": "eu-west-1a"}, name="a")
subnet_b = resource(t.SUBNET, {"availabilityZone": "eu-west-1b"}, name="b")
subnet_a2 = resource(t.SUBNET, {"availabilityZone": "eu-west-1a"}, name="a2")
targets = resource(
    t.TARGET_GROUP, {"healthCheck": {"healthyThreshold": 2, "interval": 15, "timeout": 5, "matcher": "200"}}
)
step = resource(t.SCALING_POLICY, {"policyType": "StepScaling"}, name="step")
tracking = resource(t.SCALING_POLICY, {"policyType": "TargetTrackingScaling"}, name="tracking")
listener = resource(t.LISTENER, {"protocol": "HTTPS"})
attached = resource(t.GROUP, uses={"targetGroupArns": [targets]})


def database(**values: object) -> Resource:
    return resource(t.DATABASE, values)


def cache(**values: object) -> Resource:
    return resource(t.CACHE, values)


def group(**values: object) -> Resource:
    return resource(t.GROUP, values, uses={"targetGroupArns": [targets]})


def template(**values: object) -> Resource:
    return resource(t.LAUNCH_TEMPLATE, values)


def policy(type_: str, *statements: dict[str, object], **uses: list[Resource]) -> Resource:
    return resource(type_, {"policy": document(*statements)}, uses=uses)


def of_bucket(type_: str, values: dict[str, object]) -> Resource:
    return resource(type_, values, uses={"bucket": [bucket]})


def requests_policy(*used: Resource) -> Resource:
    label = {"predefinedMetricType": "ALBRequestCountPerTarget", "resourceLabel": "app/shop/1/targetgroup/shop/2"}
    values = {
        "policyType": "TargetTrackingScaling",
        "targetTrackingConfiguration": {"predefinedMetricSpecification": label},
    }
    return resource(t.SCALING_POLICY, values, uses={"targetTrackingConfiguration": used})


def replicas(primary_zone: str, *zones: str) -> tuple[Resource, ...]:
    primary = resource(t.DATABASE, {"availabilityZone": primary_zone} if primary_zone else {}, name="primary")
    return primary, *(
        resource(
            t.DATABASE,
            {"availabilityZone": zone, "replicateSourceDb": "primary"},
            name=f"replica-{place}",
            uses={"replicateSourceDb": [primary]},
        )
        for place, zone in enumerate(zones)
    )


def ingress(owner: Resource, port: int, to: int | None = None, cidr: str = "0.0.0.0/0") -> Resource:
    values = {"cidrIpv4": cidr, "fromPort": port, "toPort": to or port, "ipProtocol": "tcp"}
    return resource(t.INGRESS_RULE, values, uses={"securityGroupId": [owner]})


def pod(container: dict[str, object], **spec: object) -> Resource:
    values = {"spec": {"template": {"spec": {"containers": [{"name": "web", **container}], **spec}}}}
    return resource(t.DEPLOYMENT, {"metadata": {"name": "web"}, **values})


def hpa(*metrics: str, name: str = "hpa", most: int = 20, least: int = 3) -> Resource:
    of_metrics: list[dict[str, object]] = [{"type": "Resource", "resource": {"name": metric}} for metric in metrics]
    return _hpa(of_metrics, name, most, least)


def container_hpa(metric: str) -> Resource:
    return _hpa([{"type": "ContainerResource", "containerResource": {"name": metric, "container": "web"}}])


def external_hpa(metric: str) -> Resource:
    return _hpa([{"type": "External", "external": {"metric": {"name": metric}}}])


def _hpa(metrics: list[dict[str, object]], name: str = "hpa", most: int = 20, least: int = 3) -> Resource:
    spec = {"scaleTargetRef": TARGET, "metrics": metrics, "maxReplicas": most, "minReplicas": least}
    return resource(t.HPA, {"spec": spec}, name=name)


def scaled_object(*triggers: str, of: str = "web", least: int = 1) -> Resource:
    spec = {
        "scaleTargetRef": {"name": of},
        "triggers": [{"type": trigger} for trigger in triggers],
        "minReplicaCount": least,
    }
    return resource(t.SCALED_OBJECT, {"spec": spec}, name="scaled")


def budget(**spec: object) -> Resource:
    return resource(t.BUDGET, {"spec": {"selector": {"matchLabels": {"component": "web"}}, **spec}}, name="budget")


def labelled(component: str = "web", **spec: object) -> Resource:
    template = {"metadata": {"labels": {"component": component}}}
    return resource(
        t.DEPLOYMENT, {"metadata": {"name": "web"}, "spec": {"template": template, **spec}}, name="labelled"
    )


def vpa(*controlled: str, mode: str = "Auto") -> Resource:
    policies = {"containerPolicies": [{"containerName": "*", "controlledResources": list(controlled)}]}
    spec = {"targetRef": TARGET, "updatePolicy": {"updateMode": mode}, "resourcePolicy": policies}
    return resource(t.VPA, {"spec": spec}, name="vpa")


def alarm(*actions: Resource, type_: str = t.ALARM) -> Resource:
    return resource(type_, {"alarmActions": ["arn"]}, uses={"alarmActions": actions})


UNSAFE = {"allowPrivilegeEscalation": False}
SIZE = {"cpu": "1", "memory": "1Gi"}
SAFE = {"runAsNonRoot": True, "allowPrivilegeEscalation": False}
BLOCK = {"blockPublicAcls": True, "blockPublicPolicy": True, "ignorePublicAcls": True, "restrictPublicBuckets": True}
FORCED = {"family": "postgres17", "parameters": [{"name": "rds.force_ssl", "value": "1"}]}
LAX = {"family": "postgres17", "parameters": [{"name": "rds.force_ssl", "value": "0"}]}
VERSIONED = of_bucket(t.BUCKET_VERSIONING, {"versioningConfiguration": {"status": "Enabled"}})
KEPT = [{"status": "Enabled", "noncurrentVersionExpiration": {"noncurrentDays": 30}}]
DROPPED = [{"status": "Disabled", "noncurrentVersionExpiration": {"noncurrentDays": 30}}]
PROBE = {"httpGet": {"path": "/health/ready", "port": 8000}}
TAGS = [{"key": key, "value": "x", "propagateAtLaunch": True} for key in ("Application", "Environment")]


def volume(encrypted: str) -> list[dict[str, object]]:
    return [{"deviceName": "/dev/xvda", "ebs": {"encrypted": encrypted}}]


def serves(kind: str, protocol: str = "HTTPS") -> Resource:
    action = {"type": kind, "redirect": {"protocol": protocol, "statusCode": "HTTP_301"}}
    return resource(t.LISTENER, {"protocol": "HTTP", "defaultActions": [action]})


def predictive(buffer: str) -> Resource:
    values = {"maxCapacityBreachBehavior": "IncreaseMaxCapacity", "maxCapacityBuffer": buffer}
    return resource(t.SCALING_POLICY, {"policyType": "PredictiveScaling", "predictiveScalingConfiguration": values})


def refreshed(version: str, rollback: bool = False) -> Resource:
    preferences = {"autoRollback": rollback}
    return group(launchTemplate={"version": version}, instanceRefresh={"preferences": preferences})
