"""The VPC, its subnets and what leaves it."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components import permissions
from model.network import Network as NetworkModel


class Network(pulumi.ComponentResource):
    """A VPC with a public, a private and an isolated subnet in each zone."""

    vpc_id: pulumi.Output[str]
    public_subnet_ids: list[pulumi.Output[str]]
    """Subnets that the internet reaches, a zone each; resolved once their route to it stands."""
    server_subnet_ids: list[pulumi.Output[str]]
    """Subnets for servers, a zone each; resolved once servers there reach the internet."""
    isolated_subnet_ids: list[pulumi.Output[str]]
    """Subnets with no way out, for databases and caches, a zone each."""
    zone_names: list[pulumi.Output[str]]
    """The zones in which the subnets really are."""

    def __init__(
        self,
        name: str,
        network: NetworkModel,
        region: str,
        zone_names: Sequence[pulumi.Input[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Build the network in `zone_names`, one for each of the model's zones."""
        super().__init__("django-scale:network:Network", name, None, opts)
        self._name = name
        self._model = network
        self._child = pulumi.ResourceOptions(parent=self)
        self._zone_names = zone_names
        self._vpc = self._create_vpc()
        self.vpc_id = self._vpc.id
        public = self._create_subnets("public", public=network.nat == "none")
        private = self._create_subnets("private") if network.nat != "none" else []
        isolated = self._create_subnets("isolated")
        self.zone_names = [subnet.availability_zone for subnet in isolated]
        public_table, self.public_subnet_ids = self._route_public(public)
        private_tables, private_ids = self._route_private(private)
        isolated_table, self.isolated_subnet_ids = self._route_isolated(isolated)
        self.server_subnet_ids = private_ids if private else self.public_subnet_ids
        self._create_endpoint(region, [public_table, *private_tables, isolated_table])
        if network.flow_logs:
            self._create_flow_log()
        self.register_outputs(
            {
                "vpc_id": self.vpc_id,
                "public_subnet_ids": self.public_subnet_ids,
                "server_subnet_ids": self.server_subnet_ids,
                "isolated_subnet_ids": self.isolated_subnet_ids,
            }
        )

    def _create_vpc(self) -> aws.ec2.Vpc:
        vpc = aws.ec2.Vpc(
            f"{self._name}-vpc",
            cidr_block=str(self._model.cidr),
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags={"Name": f"{self._name}-vpc"},
            opts=self._child,
        )
        # A VPC's default security group lets its members talk to each other. Adopted with no rule, it lets nothing.
        aws.ec2.DefaultSecurityGroup(
            f"{self._name}-default", vpc_id=vpc.id, tags={"Name": f"{self._name}-unused"}, opts=self._child
        )
        return vpc

    def _create_subnets(self, tier: str, *, public: bool = False) -> list[aws.ec2.Subnet]:
        blocks = getattr(self._model.subnets, tier)
        # The zones come from a lookup in the order AWS gives them; a subnet that exists stays in its own.
        opts = pulumi.ResourceOptions(parent=self, ignore_changes=["availabilityZone"])
        return [
            aws.ec2.Subnet(
                f"{self._name}-{tier}-{place}",
                vpc_id=self._vpc.id,
                cidr_block=str(block),
                availability_zone=zone,
                map_public_ip_on_launch=public,
                tags={"Name": f"{self._name}-{tier}-{place}", "Tier": tier},
                opts=opts,
            )
            for place, (block, zone) in enumerate(zip(blocks, self._zone_names, strict=True), start=1)
        ]

    def _route_public(self, subnets: list[aws.ec2.Subnet]) -> tuple[aws.ec2.RouteTable, list[pulumi.Output[str]]]:
        gateway = aws.ec2.InternetGateway(
            f"{self._name}-internet", vpc_id=self._vpc.id, tags={"Name": f"{self._name}-internet"}, opts=self._child
        )
        table = self._create_table("public")
        route = aws.ec2.Route(
            f"{self._name}-public-internet",
            route_table_id=table.id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway.id,
            opts=self._child,
        )
        return table, [self._associate(subnet, table, place, "public", route) for place, subnet in _numbered(subnets)]

    def _route_private(
        self, subnets: list[aws.ec2.Subnet]
    ) -> tuple[list[aws.ec2.RouteTable], list[pulumi.Output[str]]]:
        """Give each private subnet a way out through its own zone's NAT gateway, or through the only one."""
        tables: list[aws.ec2.RouteTable] = []
        ids: list[pulumi.Output[str]] = []
        gateways: list[aws.ec2.NatGateway] = []
        for place, subnet in _numbered(subnets):
            if not gateways or self._model.nat == "per-zone":
                gateways.append(self._create_nat(place))
            table = self._create_table(f"private-{place}")
            route = aws.ec2.Route(
                f"{self._name}-private-{place}-internet",
                route_table_id=table.id,
                destination_cidr_block="0.0.0.0/0",
                nat_gateway_id=gateways[-1].id,
                opts=self._child,
            )
            tables.append(table)
            ids.append(self._associate(subnet, table, place, "private", route))
        return tables, ids

    def _route_isolated(self, subnets: list[aws.ec2.Subnet]) -> tuple[aws.ec2.RouteTable, list[pulumi.Output[str]]]:
        table = self._create_table("isolated")
        return table, [self._associate(subnet, table, place, "isolated") for place, subnet in _numbered(subnets)]

    def _create_nat(self, place: int) -> aws.ec2.NatGateway:
        address = aws.ec2.Eip(
            f"{self._name}-nat-{place}", domain="vpc", tags={"Name": f"{self._name}-nat-{place}"}, opts=self._child
        )
        return aws.ec2.NatGateway(
            f"{self._name}-nat-{place}",
            allocation_id=address.id,
            # Resolved with the route to the internet gateway: a NAT gateway of a VPC that has none attached fails
            # (terraform-provider-aws#709), and on the way down the gateway is not detached while addresses use it.
            subnet_id=self.public_subnet_ids[place - 1],
            tags={"Name": f"{self._name}-nat-{place}"},
            opts=self._child,
        )

    def _create_table(self, role: str) -> aws.ec2.RouteTable:
        return aws.ec2.RouteTable(
            f"{self._name}-{role}", vpc_id=self._vpc.id, tags={"Name": f"{self._name}-{role}"}, opts=self._child
        )

    def _associate(
        self,
        subnet: aws.ec2.Subnet,
        table: aws.ec2.RouteTable,
        place: int,
        tier: str,
        route: aws.ec2.Route | None = None,
    ) -> pulumi.Output[str]:
        """Return the subnet's id, resolved once its table, and the way out in it, are in place."""
        association = aws.ec2.RouteTableAssociation(
            f"{self._name}-{tier}-{place}", subnet_id=subnet.id, route_table_id=table.id, opts=self._child
        )
        ready = [association.id] if route is None else [association.id, route.id]
        return pulumi.Output.all(subnet.id, *ready).apply(_first)

    def _create_endpoint(self, region: str, tables: list[aws.ec2.RouteTable]) -> None:
        aws.ec2.VpcEndpoint(
            f"{self._name}-s3",
            vpc_id=self._vpc.id,
            service_name=f"com.amazonaws.{region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[table.id for table in tables],
            tags={"Name": f"{self._name}-s3"},
            opts=self._child,
        )

    def _create_flow_log(self) -> None:
        group = aws.cloudwatch.LogGroup(
            f"{self._name}-flow",
            name=f"/django-scale/{self._name}/flow",
            retention_in_days=self._model.flow_log_retention_days,
            opts=self._child,
        )
        role = aws.iam.Role(
            f"{self._name}-flow",
            assume_role_policy=permissions.assume("vpc-flow-logs.amazonaws.com"),
            opts=self._child,
        )
        grant = aws.iam.RolePolicy(
            f"{self._name}-flow",
            role=role.id,
            policy=permissions.document(
                permissions.allow(
                    ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
                    permissions.log_streams(group),
                ),
            ),
            opts=self._child,
        )
        aws.ec2.FlowLog(
            f"{self._name}-flow",
            vpc_id=self._vpc.id,
            traffic_type="ALL",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            max_aggregation_interval=600,
            tags={"Name": f"{self._name}-flow"},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[grant]),
        )


def _numbered(subnets: list[aws.ec2.Subnet]) -> enumerate[aws.ec2.Subnet]:
    return enumerate(subnets, start=1)


def _first(values: Sequence[str]) -> str:
    return values[0]
