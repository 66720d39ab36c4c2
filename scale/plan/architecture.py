"""What a stack's resources make together: places, what stands in them, and who talks to whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from scale.plan import words
from scale.plan.balancers import arrow, balancer_title, scheme, servers_title
from scale.plan.properties import count, nested, state, text, texts
from scale.plan.recording import Recording, Resource
from scale.plan.servers import security_groups, server_policies, template_id
from scale.plan.values import Value, reveal

Tier = Literal["public", "private", "isolated"]
TIERS: tuple[Tier, ...] = ("public", "private", "isolated")
Kind = Literal["traffic", "compute", "data", "storage", "alarms"]
PODS = "Pods"


@dataclass(frozen=True)
class Subnet:
    """A subnet: `public` has a route to the internet, `private` one through a NAT gateway, `isolated` none."""

    id: str
    zone: str
    cidr: str
    tier: Tier


@dataclass(frozen=True)
class Node:
    """One thing that is drawn. `units` are its servers or nodes, in groups: which of them always run."""

    key: str
    kind: Kind
    title: str
    detail: str
    zones: tuple[str, ...] = ()
    tier: Tier | None = None
    units: tuple[tuple[bool, ...], ...] = ()


@dataclass(frozen=True)
class Edge:
    """`source` opens connections to `target`: keys of nodes, or `internet`, or `outside` for what servers reach."""

    source: str
    target: str
    label: str = ""


@dataclass(frozen=True)
class Architecture:
    """Everything that is drawn, in the order it is drawn."""

    region: str
    vpc: str
    zones: tuple[str, ...]
    subnets: tuple[Subnet, ...]
    nats: tuple[str, ...]
    """The zones that have a NAT gateway."""
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def of(self, kind: Kind) -> list[Node]:
        """Return the nodes of a kind."""
        return [node for node in self.nodes if node.kind == kind]

    def find(self, key: str) -> Node | None:
        """Return the node of that key."""
        return next((node for node in self.nodes if node.key == key), None)


def architecture(update: Recording, region: str) -> Architecture:
    """Return the architecture in the recorded resources of an update, where every id is known."""
    return _Reader(update, region).read()


@dataclass
class _Reader:
    update: Recording
    region: str
    nodes: list[Node] = field(default_factory=list[Node])
    edges: list[Edge] = field(default_factory=list[Edge])
    groups: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """Keys of the nodes in each security group, by its id."""

    def read(self) -> Architecture:
        self.prefix = words.prefix(self.update)
        self.subnets = self._subnets()
        by_id = {subnet.id: subnet for subnet in self.subnets}
        self.by_id = by_id
        self._traffic()
        self._fleets()
        self._clusters()
        self._databases()
        self._caches()
        self._storage()
        self._secrets()
        self._alarms()
        self._connections()
        vpcs = self.update.all("aws:ec2/vpc:Vpc")
        nats = (by_id.get(text(nat, "subnetId")) for nat in self.update.all("aws:ec2/natGateway:NatGateway"))
        return Architecture(
            region=self.region,
            vpc=text(vpcs[0], "cidrBlock") if vpcs else "",
            zones=tuple(sorted({subnet.zone for subnet in self.subnets})),
            subnets=tuple(self.subnets),
            nats=tuple(sorted(subnet.zone for subnet in nats if subnet)),
            nodes=tuple(self.nodes),
            edges=tuple(dict.fromkeys(self.edges)),
        )

    def _subnets(self) -> list[Subnet]:
        table_of = {
            text(link, "subnetId"): text(link, "routeTableId")
            for link in self.update.all("aws:ec2/routeTableAssociation:RouteTableAssociation")
        }
        tiers: dict[str, Tier] = {}
        for route in self.update.all("aws:ec2/route:Route"):
            if text(route, "gatewayId").startswith("igw-"):
                tiers[text(route, "routeTableId")] = "public"
            elif text(route, "natGatewayId"):
                tiers[text(route, "routeTableId")] = "private"
        return [
            Subnet(
                subnet.id,
                text(subnet, "availabilityZone"),
                text(subnet, "cidrBlock"),
                tiers.get(table_of.get(subnet.id, ""), "isolated"),
            )
            for subnet in self.update.all("aws:ec2/subnet:Subnet")
        ]

    def _add(self, node: Node, security_groups: Value = None) -> None:
        self.nodes.append(node)
        for group in texts(security_groups):
            self.groups.setdefault(group, []).append(node.key)

    def _place(self, subnet_ids: Value) -> tuple[tuple[str, ...], Tier | None]:
        found = [self.by_id[identifier] for identifier in texts(subnet_ids) if identifier in self.by_id]
        return tuple(sorted({subnet.zone for subnet in found})), found[0].tier if found else None

    def _own_name(self, resource: Resource) -> str:
        """Return what is a resource's own of its name, or of its component's where that is nothing."""
        return words.without(self.prefix, resource.name)

    def _traffic(self) -> None:
        guarded = {
            text(link, "resourceArn") for link in self.update.all("aws:wafv2/webAclAssociation:WebAclAssociation")
        }
        for balancer in self.update.all("aws:lb/loadBalancer:LoadBalancer"):
            listeners = [
                f"{text(listener, 'protocol')} {text(listener, 'port')}"
                for listener in self.update.all("aws:lb/listener:Listener")
                if text(listener, "loadBalancerArn") == balancer.id
            ]
            if balancer.id in guarded:
                for acl in self.update.all("aws:wafv2/webAcl:WebAcl"):
                    rules = reveal(acl.properties.get("rules"))
                    count = len(rules) if isinstance(rules, list) else 0
                    key = f"firewall:{balancer.id}"
                    self._add(Node(key, "traffic", "Web application firewall", words.number(count, "rule")))
            zones, tier = self._place(balancer.properties.get("subnets"))
            detail = ", ".join(sorted(listeners, reverse=True))
            node = Node(balancer.id, "traffic", balancer_title(balancer), detail, zones, tier)
            self._add(node, balancer.properties.get("securityGroups"))
            self.edges.append(Edge("internet", balancer.id, scheme(listeners)))

    def _fleets(self) -> None:
        templates = {template.id: template for template in self.update.all("aws:ec2/launchTemplate:LaunchTemplate")}
        targets = {group.id: group for group in self.update.all("aws:lb/targetGroup:TargetGroup")}
        for group in self.update.all("aws:autoscaling/group:Group"):
            template = templates.get(template_id(group))
            low, high = count(group, "minSize"), count(group, "maxSize")
            kind = text(template, "instanceType") if template else ""
            zones, tier = self._place(group.properties.get("vpcZoneIdentifiers"))
            units = tuple(place < low for place in range(high))
            number = f"{low} to {high} servers" if high != low else words.number(low, "server")
            detail = ", ".join(part for part in (number, kind) if part)
            title = servers_title(self.update, group)
            node = Node(group.id, "compute", title, detail, zones, tier, (units,))
            self._add(node, security_groups(template) if template else None)
            for arn in texts(group.properties.get("targetGroupArns")):
                port = text(targets[arn], "port") if arn in targets else ""
                for balancer in self.update.all("aws:lb/loadBalancer:LoadBalancer"):
                    self.edges.append(Edge(balancer.id, group.id, arrow(balancer, title, port)))

    def _clusters(self) -> None:
        for cluster in self.update.all("aws:eks/cluster:Cluster"):
            network = reveal(cluster.state.get("vpcConfig"))
            place = network if isinstance(network, dict) else {}
            zones, tier = self._place(place.get("subnetIds"))
            groups = self.update.all("aws:eks/nodeGroup:NodeGroup")
            pools = [each for each in self.update.all() if each.type.endswith(":NodePool")]
            parts = [f"EKS {text(cluster, 'version')}"]
            parts += [words.number(len(groups), "node group")] if groups else []
            parts += [words.number(len(pools), "node pool")] if pools else []
            node = Node(cluster.urn, "compute", PODS, ", ".join(parts), zones, tier)  # Its id is a mere name.
            self._add(node, [place.get("clusterSecurityGroupId")])

    def _databases(self) -> None:
        instances = self.update.all("aws:rds/instance:Instance")
        # The primary first: a replica names the instance that it copies.
        for instance in sorted(instances, key=lambda each: bool(text(each, "replicateSourceDb"))):
            copies = bool(text(instance, "replicateSourceDb"))
            zone = text(instance, "availabilityZone")
            twice = instance.properties.get("multiAz") is True
            zones = (zone,) if zone else tuple(sorted({each.zone for each in self.subnets}))[: 2 if twice else 1]
            name = self._own_name(instance).removeprefix("db-")
            detail = text(instance, "instanceClass") + (", standby in another zone" if twice else "")
            title = f"Replica {name.removeprefix('replica-')}" if copies else "PostgreSQL primary"
            node = Node(instance.id, "data", title, detail, zones, "isolated" if self.subnets else None)
            self._add(node, instance.properties.get("vpcSecurityGroupIds"))

    def _caches(self) -> None:
        subnet_groups = {group.id: group for group in self.update.all("aws:elasticache/subnetGroup:SubnetGroup")}
        for group in self.update.all("aws:elasticache/replicationGroup:ReplicationGroup"):
            shards, replicas = count(group, "numNodeGroups") or 1, count(group, "replicasPerNodeGroup")
            subnets = subnet_groups.get(text(group, "subnetGroupName"))
            zones, tier = self._place(subnets.properties.get("subnetIds") if subnets else None)
            name = self._own_name(group).removesuffix("-group").capitalize()
            copies = f" with {words.number(replicas, 'replica')}" if replicas else ""
            detail = f"{words.number(shards, 'shard')}{copies}, {text(group, 'nodeType')}"
            units = tuple((True, *(False,) * replicas) for _ in range(shards))
            node = Node(group.id, "data", name, detail, zones, tier, units)
            self._add(node, group.properties.get("securityGroupIds"))

    def _storage(self) -> None:
        logs = {
            nested(each, "accessLogs", "bucket"): each.id
            for each in self.update.all("aws:lb/loadBalancer:LoadBalancer")
        }
        policies = server_policies(self.update)
        for bucket in self.update.all("aws:s3/bucket:Bucket"):
            name = self._own_name(bucket).removesuffix("-bucket").replace("-", " ").capitalize()
            self._add(Node(bucket.id, "storage", name, "S3 bucket"))
            if bucket.id in logs:
                self.edges.append(Edge(logs[bucket.id], bucket.id))
            if any(f"arn:aws:s3:::{bucket.id}/" in policy for policy in policies):
                self.edges += [Edge(node.key, bucket.id) for node in self.nodes if node.kind == "compute"]
        buckets = {
            state(bucket, "bucketRegionalDomainName"): bucket.id for bucket in self.update.all("aws:s3/bucket:Bucket")
        }
        for distribution in self.update.all("aws:cloudfront/distribution:Distribution"):
            origins = reveal(distribution.properties.get("origins"))
            self._add(Node(distribution.id, "traffic", "CloudFront", "caches files near the visitors"))
            self.edges.append(Edge("internet", distribution.id, "HTTPS"))
            for origin in origins if isinstance(origins, list) else []:
                domain = str(origin.get("domainName")) if isinstance(origin, dict) else ""
                if domain in buckets:
                    self.edges.append(Edge(distribution.id, buckets[domain]))

    def _secrets(self) -> None:
        secrets = self.update.all("aws:secretsmanager/secret:Secret")
        if not secrets:
            return
        self._add(Node("secrets", "storage", words.number(len(secrets), "secret").capitalize(), "Secrets Manager"))
        if any(secret.id in policy for policy in server_policies(self.update) for secret in secrets):
            own = [node for node in self.nodes if node.kind == "compute" and node.title != PODS]
            self.edges += [Edge(node.key, "secrets") for node in own]

    def _alarms(self) -> None:
        for dashboard in self.update.all("aws:cloudwatch/dashboard:Dashboard"):
            self._add(Node(dashboard.id, "alarms", "Dashboard", f"CloudWatch, {text(dashboard, 'dashboardName')}"))
        for topic in self.update.all("aws:sns/topic:Topic"):
            alarms = [
                alarm
                for alarm in (
                    *self.update.all("aws:cloudwatch/metricAlarm:MetricAlarm"),
                    *self.update.all("aws:cloudwatch/compositeAlarm:CompositeAlarm"),
                )
                if topic.id in texts(alarm.properties.get("alarmActions"))
            ]
            subscribers = [
                each
                for each in self.update.all("aws:sns/topicSubscription:TopicSubscription")
                if text(each, "topic") == topic.id
            ]
            told = words.number(len(subscribers), "subscriber") if subscribers else "nobody subscribed"
            self._add(Node(topic.id, "alarms", words.number(len(alarms), "alarm").capitalize(), f"SNS topic, {told}"))

    def _connections(self) -> None:
        """Add an edge for each rule that lets members of one security group into another."""
        for rule in self.update.all("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"):
            sources = self.groups.get(text(rule, "referencedSecurityGroupId"), [])
            targets = self.groups.get(text(rule, "securityGroupId"), [])
            for source in sources:
                for target in targets:
                    if not any(edge.source == source and edge.target == target for edge in self.edges):
                        self.edges.append(Edge(source, target, text(rule, "fromPort")))

        outside: dict[str, list[str]] = {}
        for rule in self.update.all("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"):
            if text(rule, "cidrIpv4") == "0.0.0.0/0":
                for source in self.groups.get(text(rule, "securityGroupId"), []):
                    outside.setdefault(source, []).append(text(rule, "fromPort"))
        self.edges += [Edge(source, "outside", ", ".join(sorted(ports, key=int))) for source, ports in outside.items()]
