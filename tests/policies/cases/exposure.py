"""For each rule a stack that breaks it, and one that nearly does."""

from __future__ import annotations

from policies import tokens as t
from tests.policies.cases.builders import (
    BLOCK,
    Case,
    allow,
    balanced,
    balancer,
    bucket,
    database,
    document,
    ingress,
    inner,
    of_bucket,
    policy,
    serves,
    template,
    vpc,
)
from tests.policies.stacks import resource

EXPOSURE = (
    Case(
        "open-ingress",
        (inner, balancer, ingress(inner, 443)),
        (inner, balancer, ingress(inner, 443, cidr="10.0.0.0/16")),
        "belongs to no load balancer",
    ),
    Case(
        "open-ingress",
        (balanced, balancer, ingress(balanced, 80, 443)),
        (balanced, balancer, ingress(balanced, 443)),
        "more than port 80 or 443",
    ),
    Case(
        "open-ingress",
        (resource(t.SECURITY_GROUP, {"ingress": [{"cidrBlocks": ["0.0.0.0/0"], "fromPort": 22, "toPort": 22}]}),),
        (resource(t.SECURITY_GROUP, {"ingress": [{"cidrBlocks": ["10.0.0.0/8"], "fromPort": 22, "toPort": 22}]}),),
        "lets anyone in",
    ),
    Case(
        "open-ingress",
        (resource(t.SECURITY_GROUP_RULE, {"type": "ingress", "ipv6CidrBlocks": ["::/0"]}),),
        (resource(t.SECURITY_GROUP_RULE, {"type": "egress", "ipv6CidrBlocks": ["::/0"]}),),
        "lets anyone in",
    ),
    Case(
        "imdsv2",
        (template(metadataOptions={"httpTokens": "optional"}),),
        (template(metadataOptions={"httpTokens": "optional", "httpEndpoint": "disabled"}),),
        "metadata service",
    ),
    Case("imdsv2", (template(),), (template(metadataOptions={"httpTokens": "required"}),), "metadata service"),
    Case("public-bucket", (bucket,), (bucket, of_bucket(t.BUCKET_BLOCK, {**BLOCK})), "no public access block"),
    Case(
        "public-bucket",
        (bucket, of_bucket(t.BUCKET_BLOCK, {**BLOCK, "restrictPublicBuckets": False})),
        (bucket, of_bucket(t.BUCKET_BLOCK, {**BLOCK})),
        "restrictPublicBuckets is off",
    ),
    Case(
        "policy-principals",
        (policy(t.BUCKET_POLICY, allow("s3:GetObject", Principal="*")),),
        (
            policy(
                t.BUCKET_POLICY,
                allow("s3:GetObject", Principal="*", Condition={"StringEquals": {"aws:SourceArn": "a"}}),
            ),
        ),
        "to anyone",
    ),
    Case(
        "policy-principals",
        (
            resource(
                t.ROLE,
                {
                    "assumeRolePolicy": document(
                        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
                    )
                },
            ),
        ),
        (
            resource(
                t.ROLE,
                {
                    "assumeRolePolicy": document(
                        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}
                    )
                },
            ),
        ),
        "sts:AssumeRole to anyone",
    ),
    Case(
        "policy-actions",
        (policy(t.ROLE_POLICY, allow(["s3:GetObject", "s3:*"])),),
        (policy(t.ROLE_POLICY, allow(["s3:GetObject", "s3:List*"])),),
        "allows s3:*",
    ),
    Case(
        "policy-resources",
        (policy(t.ROLE_POLICY, allow("secretsmanager:GetSecretValue", "*")),),
        (policy(t.ROLE_POLICY, allow("ecr:GetAuthorizationToken", "*")),),
        "on everything",
    ),
    Case(
        "policy-resources",
        (policy(t.POLICY, allow("cloudwatch:PutMetricData", ["*"])),),
        (
            policy(
                t.POLICY,
                allow("cloudwatch:PutMetricData", ["*"], Condition={"StringEquals": {"cloudwatch:namespace": "A"}}),
            ),
        ),
        "on everything",
    ),
    Case(
        "database-private",
        (database(publiclyAccessible=True),),
        (database(publiclyAccessible=False),),
        "public address",
    ),
    Case(
        "default-security-group",
        (vpc,),
        (vpc, resource(t.DEFAULT_SECURITY_GROUP, uses={"vpcId": [vpc]})),
        "reach each other",
    ),
    Case(
        "default-security-group",
        (vpc, resource(t.DEFAULT_SECURITY_GROUP, {"egress": [{"protocol": "-1"}]}, uses={"vpcId": [vpc]})),
        (vpc, resource(t.DEFAULT_SECURITY_GROUP, {"egress": []}, uses={"vpcId": [vpc]})),
        "with rules",
    ),
    Case("https", (serves("forward"),), (serves("redirect"),), "plain HTTP"),
    Case("https", (serves("redirect", "HTTP"),), (serves("redirect"),), "plain HTTP"),
    Case(
        "tls-policy",
        (resource(t.LISTENER, {"protocol": "HTTPS", "sslPolicy": "ELBSecurityPolicy-2016-08"}),),
        (resource(t.LISTENER, {"protocol": "HTTPS", "sslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06"}),),
        "outdated TLS",
    ),
    Case(
        "invalid-headers",
        (resource(t.LOAD_BALANCER),),
        (resource(t.LOAD_BALANCER, {"loadBalancerType": "network"}),),
        "headers",
    ),
    Case(
        "firewall",
        (balancer,),
        (balancer, resource(t.WEB_ACL_ASSOCIATION, uses={"resourceArn": [balancer]})),
        "no web application firewall",
    ),
    Case(
        "subnet-public-addresses",
        (resource(t.SUBNET, {"mapPublicIpOnLaunch": True}),),
        (resource(t.SUBNET, {"mapPublicIpOnLaunch": False}),),
        "public address",
    ),
    Case(
        "cluster-endpoint",
        (resource(t.CLUSTER, {"vpcConfig": {"endpointPublicAccess": True, "publicAccessCidrs": ["0.0.0.0/0"]}}),),
        (resource(t.CLUSTER, {"vpcConfig": {"endpointPublicAccess": True, "publicAccessCidrs": ["203.0.113.0/24"]}}),),
        "anyone on the internet",
    ),
    Case(
        "cluster-endpoint",
        (resource(t.CLUSTER, {"vpcConfig": {"subnetIds": ["subnet-1"]}}),),
        (resource(t.CLUSTER, {"vpcConfig": {"subnetIds": ["subnet-1"], "endpointPublicAccess": False}}),),
        "anyone on the internet",
    ),
)
