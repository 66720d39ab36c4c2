"""What is reachable, and what may be done by whom."""

from __future__ import annotations

from collections.abc import Iterator

from policies import tokens as t
from policies.documents import allowed, is_public, listed
from policies.rule import Rule
from policies.view import Properties, Resource, Stack

_ANYWHERE = ("0.0.0.0/0", "::/0")
_WEB_PORTS = (80, 443)

# Policies that let clients speak TLS 1.2 with forward secrecy, or TLS 1.3, and nothing older (Elastic Load Balancing
# guide, "Security policies for your Application Load Balancer").
_TLS_POLICIES = frozenset(
    {
        "ELBSecurityPolicy-TLS13-1-2-2021-06",
        "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
        "ELBSecurityPolicy-TLS13-1-3-2021-06",
        "ELBSecurityPolicy-TLS13-1-2-FIPS-2023-04",
        "ELBSecurityPolicy-TLS13-1-2-Res-FIPS-2023-04",
        "ELBSecurityPolicy-TLS13-1-3-FIPS-2023-04",
        "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09",
        "ELBSecurityPolicy-TLS13-1-2-PQ-2025-09",
        "ELBSecurityPolicy-TLS13-1-3-PQ-2025-09",
    }
)

# Calls that name no resource (Service Authorization Reference, resource types of the services).
_WITHOUT_RESOURCE = frozenset(
    {
        "ecr:GetAuthorizationToken",
        "ec2:DescribeTags",
        "ec2:DescribeInstances",
        "elasticloadbalancing:DescribeTargetHealth",
        "pricing:GetProducts",
        "sts:*",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
)


def _open_ingress(resource: Resource, stack: Stack) -> Iterator[str]:
    if resource.type == t.SECURITY_GROUP:
        rules: list[Properties] = list(resource.groups("ingress"))
        faced = [resource]
    elif resource.type == t.SECURITY_GROUP_RULE:
        rules = [resource] if resource.text("type") == "ingress" else []
        faced = stack.used(resource, "securityGroupId", t.SECURITY_GROUP)
    else:
        rules = [resource]
        faced = stack.used(resource, "securityGroupId", t.SECURITY_GROUP)
    balancer = any(stack.users(group, "securityGroups", t.LOAD_BALANCER) for group in faced)
    for rule in rules:
        sources = {rule.text("cidrIpv4"), rule.text("cidrIpv6"), *_texts(rule, "cidrBlocks", "ipv6CidrBlocks")}
        ports = (rule.number("fromPort"), rule.number("toPort"))
        if not sources & set(_ANYWHERE):
            continue
        if not balancer:
            yield "lets anyone in, and belongs to no load balancer"
        elif ports[0] != ports[1] or ports[0] not in _WEB_PORTS:
            yield "lets anyone in at more than port 80 or 443"


def _texts(rule: Properties, *keys: str) -> set[str]:
    return {str(item) for key in keys for item in rule.list(key)}


def _imdsv2(template: Resource, _: Stack) -> Iterator[str]:
    if template.text("metadataOptions.httpEndpoint") == "disabled":
        return
    if template.text("metadataOptions.httpTokens") != "required":
        yield "gives out its role's keys to any request that reaches the metadata service"


def _public_bucket(bucket: Resource, stack: Stack) -> Iterator[str]:
    if bucket.text("acl").startswith("public-"):
        yield f"is open by its ACL, {bucket.text('acl')}"
    blocks = stack.users(bucket, "bucket", t.BUCKET_BLOCK)
    if not blocks:
        yield "has no public access block"
    for block in blocks:
        keys = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
        off = [key for key in keys if not block.flag(key)]
        if off:
            yield f"can be opened to the public: {', '.join(off)} is off"


def _policy_principals(policy: Resource, _: Stack) -> Iterator[str]:
    for statement in allowed(policy.text("policy") or policy.text("assumeRolePolicy")):
        if is_public(statement):
            yield f"allows {', '.join(listed(statement.get('Action')))} to anyone"


def _policy_actions(policy: Resource, _: Stack) -> Iterator[str]:
    for statement in allowed(policy.text("policy")):
        wide = [action for action in listed(statement.get("Action")) if action == "*" or action.endswith(":*")]
        if wide or "NotAction" in statement:
            yield f"allows {', '.join(wide) or 'all but what it names'}"


def _policy_resources(policy: Resource, _: Stack) -> Iterator[str]:
    for statement in allowed(policy.text("policy")):
        actions = listed(statement.get("Action"))
        if "*" in listed(statement.get("Resource")) and not statement.get("Condition"):
            wide = [action for action in actions if action not in _WITHOUT_RESOURCE]
            if wide:
                yield f"allows {', '.join(wide)} on everything, under no condition"


def _database_private(database: Resource, _: Stack) -> Iterator[str]:
    if database.flag("publiclyAccessible"):
        yield "has a public address"


def _default_security_group(vpc: Resource, stack: Stack) -> Iterator[str]:
    adopted = stack.users(vpc, "vpcId", t.DEFAULT_SECURITY_GROUP)
    if not adopted:
        yield "has a default security group whose members reach each other"
    for group in adopted:
        if group.list("ingress") or group.list("egress"):
            yield "has a default security group with rules"


def _https(listener: Resource, _: Stack) -> Iterator[str]:
    if listener.text("protocol") != "HTTP":
        return
    for action in listener.groups("defaultActions"):
        if action.text("type") != "redirect" or action.text("redirect.protocol") != "HTTPS":
            yield "serves plain HTTP"


def _tls_policy(listener: Resource, _: Stack) -> Iterator[str]:
    if listener.text("protocol") in ("HTTPS", "TLS") and listener.text("sslPolicy") not in _TLS_POLICIES:
        yield f"lets clients use outdated TLS, by {listener.text('sslPolicy') or 'the default policy'}"


def _invalid_headers(balancer: Resource, _: Stack) -> Iterator[str]:
    if balancer.text("loadBalancerType") in ("", "application") and not balancer.flag("dropInvalidHeaderFields"):
        yield "passes on headers that the application may read differently"


def _firewall(balancer: Resource, stack: Stack) -> Iterator[str]:
    if balancer.text("loadBalancerType") not in ("", "application") or balancer.flag("internal"):
        return
    if not stack.users(balancer, "resourceArn", t.WEB_ACL_ASSOCIATION):
        yield "has no web application firewall, and no rate limits, in front of it"


def _subnet_public_addresses(subnet: Resource, _: Stack) -> Iterator[str]:
    if subnet.flag("mapPublicIpOnLaunch"):
        yield "gives every server in it a public address"


def _cluster_endpoint(cluster: Resource, _: Stack) -> Iterator[str]:
    # Public, to everyone, is what EKS makes of a cluster that says nothing.
    if cluster.value("vpcConfig.endpointPublicAccess") is False:
        return
    blocks = [str(block) for block in cluster.list("vpcConfig.publicAccessCidrs")]
    if not blocks or set(blocks) & set(_ANYWHERE):
        yield "has an API that anyone on the internet may knock at"


RULES = (
    Rule(
        "open-ingress",
        "Only the load balancer is for everyone.",
        "Refer to the security group that may connect; open ports 80 and 443 of the load balancer's group alone.",
        (t.INGRESS_RULE, t.SECURITY_GROUP, t.SECURITY_GROUP_RULE),
        _open_ingress,
        control="EC2.18",
        across=True,
    ),
    Rule(
        "imdsv2",
        "A request forged through the application would read the servers' credentials.",
        "metadata_options: http_tokens 'required'.",
        (t.LAUNCH_TEMPLATE,),
        _imdsv2,
        control="EC2.170",
    ),
    Rule(
        "public-bucket",
        "Nothing in a bucket is for everyone: CloudFront hands out what is.",
        "Add a BucketPublicAccessBlock with all four settings true.",
        (t.BUCKET,),
        _public_bucket,
        control="S3.8",
        across=True,
    ),
    Rule(
        "policy-principals",
        "A policy that speaks of anyone opens what it stands on to all accounts.",
        "Name the service or the role, or add a condition such as aws:SourceArn.",
        (t.BUCKET_POLICY, t.TOPIC_POLICY, t.SECRET_POLICY, t.KEY, t.ROLE),
        _policy_principals,
    ),
    Rule(
        "policy-actions",
        "A wildcard grants what the service adds tomorrow.",
        "Name the actions.",
        (t.ROLE_POLICY, t.POLICY),
        _policy_actions,
        control="IAM.21",
    ),
    Rule(
        "policy-resources",
        "A server that is broken into must reach this environment's resources alone.",
        "Name the resources, or add a condition where the action knows none.",
        (t.ROLE_POLICY, t.POLICY),
        _policy_resources,
    ),
    Rule(
        "database-private",
        "A database's only clients are the servers.",
        "publicly_accessible=False.",
        (t.DATABASE,),
        _database_private,
        control="RDS.2",
    ),
    Rule(
        "default-security-group",
        "What is started without a group gets the default one, whose members reach each other.",
        "Adopt it with a DefaultSecurityGroup without rules.",
        (t.VPC,),
        _default_security_group,
        control="EC2.2",
        across=True,
    ),
    Rule(
        "https",
        "Session cookies and passwords must not cross the internet in the clear.",
        "application.domain: the host name; it gives the stack its certificate and the redirect.",
        (t.LISTENER,),
        _https,
        control="ELB.1",
    ),
    Rule(
        "tls-policy",
        "Old versions of TLS can be broken.",
        "ssl_policy: ELBSecurityPolicy-TLS13-1-2-2021-06.",
        (t.LISTENER,),
        _tls_policy,
        control="ELB.17",
    ),
    Rule(
        "invalid-headers",
        "A header that two servers read differently smuggles a request past the first.",
        "drop_invalid_header_fields=True.",
        (t.LOAD_BALANCER,),
        _invalid_headers,
        control="ELB.4",
    ),
    Rule(
        "firewall",
        "Without it nothing holds a client to its share or stops known attacks.",
        "traffic.firewall: {}.",
        (t.LOAD_BALANCER,),
        _firewall,
        across=True,
    ),
    Rule(
        "subnet-public-addresses",
        "A server with a public address is one security group away from everyone.",
        "network.nat: single or per-zone.",
        (t.SUBNET,),
        _subnet_public_addresses,
        "advisory",
        control="EC2.15",
    ),
    Rule(
        "cluster-endpoint",
        "Whoever reaches a cluster's API is one leaked credential, or one flaw of it, away from all its pods.",
        "compute.kubernetes.endpoint.public_cidrs: your own addresses, or none.",
        (t.CLUSTER,),
        _cluster_endpoint,
        control="EKS.1",
    ),
)
