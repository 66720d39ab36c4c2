"""For each rule a stack that AWS refuses, and one that it nearly does."""

from __future__ import annotations

from tests.refusals.cases.builders import WINDOWS, Case, database, replica

DATABASE = (
    Case(
        "database-identifier", (database(identifier="shop--db"),), (database(identifier="shop-db"),), "single hyphens"
    ),
    Case("database-identifier", (database(identifier="d" * 64),), (database(identifier="d" * 63),), "1 to 63"),
    Case("database-port", (database(port=1149),), (database(port=1150),), "Port 1149 is invalid"),
    Case(
        "database-storage",
        (database(allocatedStorage=100, maxAllocatedStorage=109),),
        (database(allocatedStorage=100, maxAllocatedStorage=110),),
        "at least 10 percent",
    ),
    Case(
        "database-zone",
        (database(multiAz=True, availabilityZone="eu-west-1a"),),
        (database(multiAz=False, availabilityZone="eu-west-1a"),),
        "not valid for Multi-AZ",
    ),
    Case(
        "database-monitoring",
        (database(monitoringInterval=60),),
        (database(monitoringInterval=0),),
        "MonitoringRoleARN value is required",
    ),
    Case(
        "database-insights",
        (database(performanceInsightsEnabled=True, performanceInsightsRetentionPeriod=30),),
        (database(performanceInsightsEnabled=True, performanceInsightsRetentionPeriod=31),),
        "multiple of 31",
    ),
    Case(
        "database-insights",
        (
            database(
                databaseInsightsMode="advanced", performanceInsightsEnabled=True, performanceInsightsRetentionPeriod=7
            ),
        ),
        (
            database(
                databaseInsightsMode="advanced", performanceInsightsEnabled=True, performanceInsightsRetentionPeriod=465
            ),
        ),
        "465 days",
    ),
    Case("database-user", (database(username="Admin"),), (database(username="adminer"),), "reserved word"),
    Case("database-name", (database(dbName="table"),), (database(dbName="tables"),), "reserved word"),
    Case(
        "database-password",
        (database(manageMasterUserPassword=True, password="x"),),
        (database(manageMasterUserPassword=True),),
        "MasterUserPassword",
    ),
    Case(
        "database-windows",
        (database(**{**WINDOWS, "maintenanceWindow": "sun:03:59-sun:05:00"}),),
        (database(**WINDOWS),),
        "must not overlap",
    ),
    Case(
        "database-windows",
        (database(backupWindow="23:30-00:30", maintenanceWindow="mon:00:00-mon:01:00"),),
        (database(backupWindow="23:30-00:30", maintenanceWindow="mon:00:30-mon:01:00"),),
        "must not overlap",
    ),
    Case("replica", replica({}, username="app"), replica({}), "takes no username"),
    Case("replica", replica({"backupRetentionPeriod": 0}), replica({"backupRetentionPeriod": 1}), "at least 1 day"),
    Case(
        "replica",
        replica({"manageMasterUserPassword": True, "engine": "postgres"}),
        replica({"manageMasterUserPassword": True, "engine": "sqlserver-ee"}),
        "where ManageMasterUserPassword is enabled is not supported",
    ),
)
