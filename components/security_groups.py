"""Who may talk to whom: a security group for each role, each rule a resource of its own."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from model.environment import CACHE_PORT
from model.haproxy import HEALTH_PORT, HTTP_PORT, HTTPS_PORT

_ANYWHERE = "0.0.0.0/0"


class SecurityGroups(pulumi.ComponentResource):
    """Internet to balancer, balancer to servers, servers to database and caches, and nothing else inward."""

    balancer_id: pulumi.Output[str]
    servers_id: pulumi.Output[str] | None
    """The servers' group; None where no servers run."""
    proxies_id: pulumi.Output[str] | None
    """The HAProxy servers' group; None where there are none."""
    database_id: pulumi.Output[str]
    cache_id: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        vpc_id: pulumi.Input[str],
        *,
        application_port: int,
        database_port: int,
        https: bool,
        servers: bool = True,
        proxies: bool = False,
        egress_ports: Sequence[int] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Build the groups in a VPC; with `https` the balancer is reached on port 443 besides port 80.

        Without `servers` there is no group of theirs: pods have the cluster's. With `proxies` HAProxy servers stand
        between the balancer and the servers, which the balancer reaches for its health checks. Servers may open
        connections to anywhere on `egress_ports` too.
        """
        super().__init__("django-scale:network:SecurityGroups", name, None, opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        balancer = self._create_group("balancer", vpc_id, "The load balancer, from anywhere")
        fleet = self._create_group("servers", vpc_id, "The servers, from the load balancer") if servers else None
        database = self._create_group("database", vpc_id, "The database, from the servers")
        cache = self._create_group("cache", vpc_id, "The caches, from the servers")
        for port in (80, 443) if https else (80,):
            self._allow_from_anywhere(balancer, port)
        if fleet is not None:
            self._allow("balancer", balancer, "servers", fleet, application_port)
            self._allow("servers", fleet, "database", database, database_port)
            self._allow("servers", fleet, "cache", cache, CACHE_PORT)
            # Package repositories, registries and AWS's own services; what a server may do there is its role's matter.
            for port in (80, 443, *egress_ports):
                self._allow_to_anywhere("servers", fleet, port)
        edge = self._create_group("proxies", vpc_id, "HAProxy, from the load balancer") if proxies else None
        if edge is not None and fleet is not None:
            for port in (HTTP_PORT, HTTPS_PORT, HEALTH_PORT) if https else (HTTP_PORT, HEALTH_PORT):
                self._allow("balancer", balancer, "proxies", edge, port, f"-{port}")
            self._allow("proxies", edge, "servers", fleet, application_port)
            for port in (80, 443):
                self._allow_to_anywhere("proxies", edge, port)
        self.proxies_id = None if edge is None else edge.id
        self.balancer_id = balancer.id
        self.servers_id = None if fleet is None else fleet.id
        self.database_id, self.cache_id = database.id, cache.id
        self.register_outputs(
            {
                "balancer_id": self.balancer_id,
                **({} if self.servers_id is None else {"servers_id": self.servers_id}),
                **({} if self.proxies_id is None else {"proxies_id": self.proxies_id}),
                "database_id": self.database_id,
                "cache_id": self.cache_id,
            }
        )

    def _create_group(self, role: str, vpc_id: pulumi.Input[str], description: str) -> aws.ec2.SecurityGroup:
        return aws.ec2.SecurityGroup(
            f"{self._name}-{role}",
            vpc_id=vpc_id,
            description=description,
            revoke_rules_on_delete=True,
            tags={"Name": f"{self._name}-{role}"},
            opts=self._child,
        )

    def _allow(
        self,
        source_role: str,
        source: aws.ec2.SecurityGroup,
        target_role: str,
        target: aws.ec2.SecurityGroup,
        port: int,
        suffix: str = "",
    ) -> None:
        """Let `source` open connections to `target`: a rule out of the one, a rule into the other."""
        aws.vpc.SecurityGroupEgressRule(
            f"{self._name}-{source_role}-to-{target_role}{suffix}",
            security_group_id=source.id,
            referenced_security_group_id=target.id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description=f"To the {target_role}",
            opts=self._child,
        )
        aws.vpc.SecurityGroupIngressRule(
            f"{self._name}-{target_role}-from-{source_role}{suffix}",
            security_group_id=target.id,
            referenced_security_group_id=source.id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description=f"From the {source_role}",
            opts=self._child,
        )

    def _allow_from_anywhere(self, group: aws.ec2.SecurityGroup, port: int) -> None:
        aws.vpc.SecurityGroupIngressRule(
            f"{self._name}-balancer-from-internet-{port}",
            security_group_id=group.id,
            cidr_ipv4=_ANYWHERE,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description="From anywhere",
            opts=self._child,
        )

    def _allow_to_anywhere(self, role: str, group: aws.ec2.SecurityGroup, port: int) -> None:
        aws.vpc.SecurityGroupEgressRule(
            f"{self._name}-{role}-to-internet-{port}",
            security_group_id=group.id,
            cidr_ipv4=_ANYWHERE,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description="To anywhere",
            opts=self._child,
        )
