"""Ways to get a production stack wrong: what is changed in its settings, and what the plan says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Wrong:
    """A change of prod's settings by dotted keys, and the rule, the words and the setting of the only error.

    The rule `settings` is the model: such a value stops the program before there is a plan.
    """

    name: str
    change: Mapping[str, object]
    rule: str
    says: str
    setting: str


WRONG = (
    Wrong(
        "a database class that does not exist",
        {"database.instance_class": "db.m77g.large", "database.max_connections": 1000},
        "refused-value",
        "InvalidParameterCombination: RDS does not support creating a DB instance with the following combination: "
        "DBInstanceClass=db.m77g.large, Engine=postgres, EngineVersion=17 in eu-west-1",
        "database.instance_class",
    ),
    Wrong(
        "a database class that the region does not have",
        {"aws:region": "ap-southeast-3", "database.instance_class": "db.m8g.large"},
        "refused-value",
        "DBInstanceClass=db.m8g.large, Engine=postgres, EngineVersion=17 in ap-southeast-3",
        "database.instance_class",
    ),
    Wrong(
        "a database class that the version does not run on",
        {"database.engine_version": "13.23", "database.instance_class": "db.r8a.large"},
        "refused-value",
        "DBInstanceClass=db.r8a.large, Engine=postgres, EngineVersion=13.23",
        "database.instance_class",
    ),
    Wrong(
        "a replica's class that does not exist",
        {
            "database.replicas": [{"name": "reports"}, {"name": "reads", "instance_class": "db.r7g.huge"}],
            "database.max_connections": 1000,
        },
        "refused-value",
        "DBInstanceClass=db.r7g.huge",
        "database.replicas[1].instance_class",
    ),
    Wrong(
        "a version of PostgreSQL that there never was",
        {"database.engine_version": "17.99"},
        "refused-value",
        "InvalidParameterCombination: Cannot find version 17.99 for postgres",
        "database.engine_version",
    ),
    Wrong(
        "a version of PostgreSQL that RDS has withdrawn",
        {"database.engine_version": "16.2"},
        "refused-value",
        "Cannot find version 16.2 for postgres",
        "database.engine_version",
    ),
    Wrong(
        "a user name that PostgreSQL reserves",
        {"database.user": "user"},
        "database-user",
        "InvalidParameterValue: MasterUsername user cannot be used as it is a reserved word used by the engine",
        "database.user",
    ),
    Wrong(
        "a database name that PostgreSQL reserves",
        {"database.name": "order"},
        "database-name",
        "DBName order cannot be used",
        "database.name",
    ),
    Wrong(
        "a port below those of RDS",
        {"database.port": 1100},
        "database-port",
        "Port 1100 is invalid",
        "database.port",
    ),
    Wrong(
        "a cache node type that does not exist",
        {"cache.data.node_type": "cache.r77g.large"},
        "refused-value",
        "CreateReplicationGroup would answer InvalidParameterValue: cache.r77g.large is not a node type of eu-west-1",
        "cache.data.node_type",
    ),
    Wrong(
        "a node type for sessions that does not exist",
        {"cache.sessions.node_type": "cache.m7g.tiny"},
        "refused-value",
        "cache.m7g.tiny",
        "cache.sessions.node_type",
    ),
    Wrong(
        "a node type that needs data tiering",
        {"cache.data.node_type": "cache.r6gd.xlarge"},
        "settings",
        "must not tier data to disks",
        "cache.data.node_type",
    ),
    Wrong(
        "an instance type that does not exist",
        {"servers.instance_type": "m77g.large"},
        "refused-value",
        "RunInstances would answer Unsupported: The requested configuration is currently not supported: "
        "eu-west-1 has no m77g.large (near it: m7g.large",
        "servers.instance_type",
    ),
    Wrong(
        "an instance type that the region does not have",
        {"aws:region": "ap-southeast-3", "servers.instance_type": "m9g.large"},
        "refused-value",
        "ap-southeast-3 has no m9g.large",
        "servers.instance_type",
    ),
    Wrong(
        "a node type that the region does not have",
        {"aws:region": "ap-southeast-3", "cache.data.node_type": "cache.c7gn.large"},
        "refused-value",
        "cache.c7gn.large is not a node type of ap-southeast-3",
        "cache.data.node_type",
    ),
    Wrong(
        "a further instance type that does not exist",
        {"servers.spot_percent": 50, "servers.other_instance_types": ["m6g.large", "m66g.large"]},
        "refused-value",
        "eu-west-1 has no m66g.large",
        "servers.other_instance_types[1]",
    ),
    Wrong(
        "hibernation of too much memory",
        {
            "servers.instance_type": "r7g.8xlarge",
            "servers.root_volume_gib": 300,
            "servers.warm_pool": {"state": "hibernated"},
        },
        "hibernation",
        "hibernation takes less than 150",
        "servers.warm_pool.state",
    ),
    Wrong(
        "a minute that no clock has",
        {"scaling.scheduled": [{"name": "morning", "cron": "60 6 * * 1", "min": 6}]},
        "settings",
        "must be a cron expression whose minute is 0 to 59",
        "scaling.scheduled[0].cron",
    ),
    Wrong(
        "a time zone that there is not",
        {
            "scaling.scheduled": [
                {"name": "morning", "cron": "30 6 * * 1", "min": 6},
                {"name": "evening", "cron": "0 20 * * 1", "time_zone": "Europe/Dubling", "min": 3},
            ]
        },
        "time-zone",
        "Europe/Dubling is not a time zone",
        "scaling.scheduled[1].time_zone",
    ),
    Wrong(
        "subnets too small for the fleet at its maximum",
        {"network.cidr": "10.20.0.0/23", "servers.max": 120},
        "subnet-size",
        "InsufficientFreeAddressesInSubnet: shop-prod-private-1 has 59 addresses for 90",
        "network.cidr",
    ),
    Wrong(
        "a network on Docker's own bridge",
        {"network.cidr": "172.17.0.0/16"},
        "settings",
        "which is Docker's on the servers",
        "network.cidr",
    ),
    Wrong(
        "three zones where an account has two",
        {"aws:region": "us-west-1"},
        "zones",
        "us-west-1 gives a new account 2 zones",
        "network.zones",
    ),
    Wrong(
        "a region that there is not",
        {"aws:region": "eu-west-9"},
        "region",
        "there is no region eu-west-9",
        "aws:region",
    ),
    Wrong(
        "a domain too long for a certificate",
        {
            "application.domain": "the-shop-of-the-department-of-redundancy-department.shop.example.com",
            "application.hosted_zone": "example.com",
        },
        "certificate-name",
        "The first domain name can have at most 64 characters",
        "application.domain",
    ),
    Wrong(
        "a tag with characters that no tag may have",
        {"tags": {"Owner": "shop & friends"}},
        "settings",
        "must be letters, digits, spaces",
        "tags",
    ),
    Wrong(
        "a database without a standby",
        {"database.multi_az": False},
        "database-multi-az",
        "has no standby in another zone",
        "database.multi_az",
    ),
    Wrong(
        "backups kept too short",
        {"database.backup_days": 3},
        "database-backups",
        "keeps backups for 3 days",
        "database.backup_days",
    ),
    Wrong(
        "a health check that a new server cannot pass in time",
        {"servers.grace_seconds": 60, "traffic.health_check": {"healthy": 10, "interval_seconds": 30}},
        "passable-health-check",
        "gives a new server 60 s, and shop-prod-web needs 300 s to find it healthy",
        "servers.grace_seconds",
    ),
    Wrong("no firewall", {"traffic.firewall": None}, "firewall", "has no web application firewall", "traffic.firewall"),
    Wrong(
        "a group that cannot grow",
        {"servers.max": 6, "servers.min": 6},
        "room-to-scale",
        "cannot grow: its maximum is 6 and its minimum 6",
        "servers.max",
    ),
    Wrong(
        "more servers than anyone means",
        {"servers.max": 500, "database.max_connections": 10000, "network.cidr": "10.20.0.0/16"},
        "bounded-maximum",
        "may start 500 servers",
        "servers.max",
    ),
)
