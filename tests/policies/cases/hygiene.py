"""For each rule a stack that breaks it, and one that nearly does."""

from __future__ import annotations

from policies import tokens as t
from tests.policies.cases.builders import (
    DROPPED,
    KEPT,
    TAGS,
    VERSIONED,
    Case,
    bucket,
    group,
    hpa,
    of_bucket,
    predictive,
    template,
    vpc,
)
from tests.policies.stacks import resource

HYGIENE = (
    Case(
        "tags",
        (resource(t.PROVIDER, {"defaultTags": '{"tags": {"Application": "shop"}}'}),),
        (resource(t.PROVIDER, {"defaultTags": '{"tags": {"Application": "shop", "Environment": "prod"}}'}),),
        "no tag Environment",
    ),
    Case(
        "instance-tags",
        (group(tags=[{**TAGS[0], "propagateAtLaunch": False}, TAGS[1]]),),
        (group(tags=TAGS),),
        "servers",
    ),
    Case(
        "instance-tags",
        (template(tagSpecifications=[{"resourceType": "instance", "tags": {"Application": "", "Environment": ""}}]),),
        (template(tagSpecifications=[{"resourceType": "volume", "tags": {"Application": "", "Environment": ""}}]),),
        "volumes",
    ),
    Case("log-retention", (resource(t.LOG_GROUP),), (resource(t.LOG_GROUP, {"retentionInDays": 1}),), "for ever"),
    Case("bounded-maximum", (group(maxSize=201),), (group(maxSize=200),), "more than 200"),
    Case("bounded-maximum", (predictive("51"),), (predictive("50"),), "51 percent"),
    Case("bounded-maximum", (hpa("cpu", most=1001),), (hpa("cpu", most=1000),), "1001 pods"),
    Case(
        "version-lifecycle",
        (bucket, VERSIONED, of_bucket(t.BUCKET_LIFECYCLE, {"rules": DROPPED})),
        (bucket, VERSIONED, of_bucket(t.BUCKET_LIFECYCLE, {"rules": KEPT})),
        "every version",
    ),
    Case(
        "access-logs",
        (resource(t.LOAD_BALANCER, {"accessLogs": {"bucket": "logs", "enabled": False}}),),
        (resource(t.LOAD_BALANCER, {"accessLogs": {"bucket": "logs", "enabled": True}}),),
        "no access log",
    ),
    Case(
        "access-logs",
        (resource(t.LOAD_BALANCER, {"loadBalancerType": "application"}),),
        (resource(t.LOAD_BALANCER, {"loadBalancerType": "network"}),),
        "no access log",
    ),
    Case("flow-logs", (vpc,), (vpc, resource(t.FLOW_LOG, uses={"vpcId": [vpc]})), "none of its connections"),
    Case(
        "key-rotation", (resource(t.KEY),), (resource(t.KEY, {"customerMasterKeySpec": "RSA_4096"}),), "never rotated"
    ),
    Case(
        "cluster-logs",
        (resource(t.CLUSTER, {"enabledClusterLogTypes": ["api", "scheduler"]}),),
        (resource(t.CLUSTER, {"enabledClusterLogTypes": ["audit"]}),),
        "audit log is off",
    ),
)
