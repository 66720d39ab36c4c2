"""Live attributes by the provider's names for them, so that they compare with the plan's inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scale.adopt.inventory import Entry
from scale.adopt.selection import template_reference

State = dict[str, Any]


def template(data: Mapping[str, Any]) -> State:
    """A launch template's version."""
    mappings: Sequence[Entry] = data.get("BlockDeviceMappings", ())
    ebs: Entry = mappings[0].get("Ebs", {}) if mappings else {}
    return {
        "imageId": data.get("ImageId"),
        "instanceType": data.get("InstanceType"),
        "vpcSecurityGroupIds": list(data.get("SecurityGroupIds", ())),
        "iamInstanceProfile": data.get("IamInstanceProfile"),
        "metadataOptions.httpTokens": data.get("MetadataOptions", {}).get("HttpTokens", "optional"),
        "monitoring.enabled": bool(data.get("Monitoring", {}).get("Enabled")),
        "blockDeviceMappings.ebs.encrypted": bool(ebs.get("Encrypted")),
        "userData": data.get("UserData"),
    }


def group(entry: Entry) -> State:
    """An Auto Scaling group."""
    return {
        "minSize": entry["MinSize"],
        "maxSize": entry["MaxSize"],
        "healthCheckType": entry.get("HealthCheckType"),
        "healthCheckGracePeriod": entry.get("HealthCheckGracePeriod"),
        "defaultInstanceWarmup": entry.get("DefaultInstanceWarmup"),
        "vpcZoneIdentifiers": [each for each in str(entry.get("VPCZoneIdentifier", "")).split(",") if each],
        "targetGroupArns": list(entry.get("TargetGroupARNs", ())),
        "launchTemplate.id": template_reference(entry).get("LaunchTemplateId"),
        "launchTemplate.version": template_reference(entry).get("Version"),
        "tags": [
            {"key": each["Key"], "value": each["Value"], "propagateAtLaunch": each.get("PropagateAtLaunch")}
            for each in entry.get("Tags", ())
        ],
    }


def policy(entry: Entry) -> State:
    """A scaling policy."""
    state: State = {"autoscalingGroupName": entry["AutoScalingGroupName"], "policyType": entry["PolicyType"]}
    if tracking := entry.get("TargetTrackingConfiguration"):
        state["targetTrackingConfiguration.targetValue"] = tracking["TargetValue"]
        state["targetTrackingConfiguration.disableScaleIn"] = bool(tracking.get("DisableScaleIn"))
        label = tracking.get("PredefinedMetricSpecification", {}).get("ResourceLabel")
        if label:
            state["targetTrackingConfiguration.predefinedMetricSpecification.resourceLabel"] = label
    return state


def schedule(entry: Entry) -> State:
    """A scheduled action."""
    return {
        "scheduledActionName": entry["ScheduledActionName"],
        "recurrence": entry.get("Recurrence"),
        "minSize": entry.get("MinSize", -1),
        "maxSize": entry.get("MaxSize", -1),
        "desiredCapacity": entry.get("DesiredCapacity", -1),
    }


def alarm(entry: Entry) -> State:
    """A metric alarm."""
    return {
        "namespace": entry.get("Namespace"),
        "metricName": entry.get("MetricName"),
        "threshold": entry.get("Threshold"),
        "period": entry.get("Period"),
        "evaluationPeriods": entry.get("EvaluationPeriods"),
        "datapointsToAlarm": entry.get("DatapointsToAlarm") or entry.get("EvaluationPeriods"),
        "comparisonOperator": entry.get("ComparisonOperator"),
        "statistic": entry.get("Statistic"),
        "alarmActions": list(entry.get("AlarmActions", ())),
        "dimensions": {each["Name"]: each["Value"] for each in entry.get("Dimensions", ())},
    }


def balancer(entry: Entry, attributes: Mapping[str, str]) -> State:
    """A load balancer."""
    zones: Sequence[Entry] = entry.get("AvailabilityZones", ())
    return {
        "loadBalancerType": entry.get("Type"),
        "internal": entry.get("Scheme") == "internal",
        "subnets": [each["SubnetId"] for each in zones if each.get("SubnetId")],
        "securityGroups": list(entry.get("SecurityGroups", ())),
        **_attributes(
            attributes,
            {
                "idle_timeout.timeout_seconds": "idleTimeout",
                "deletion_protection.enabled": "enableDeletionProtection",
                "routing.http.drop_invalid_header_fields.enabled": "dropInvalidHeaderFields",
                "access_logs.s3.enabled": "accessLogs.enabled",
            },
        ),
    }


def target(entry: Entry, attributes: Mapping[str, str]) -> State:
    """A target group."""
    return {
        "port": entry.get("Port"),
        "protocol": entry.get("Protocol"),
        "targetType": entry.get("TargetType"),
        "vpcId": entry.get("VpcId"),
        "healthCheck.path": entry.get("HealthCheckPath"),
        "healthCheck.interval": entry.get("HealthCheckIntervalSeconds"),
        "healthCheck.timeout": entry.get("HealthCheckTimeoutSeconds"),
        "healthCheck.healthyThreshold": entry.get("HealthyThresholdCount"),
        "healthCheck.unhealthyThreshold": entry.get("UnhealthyThresholdCount"),
        "healthCheck.matcher": entry.get("Matcher", {}).get("HttpCode"),
        **_attributes(
            attributes,
            {
                "deregistration_delay.timeout_seconds": "deregistrationDelay",
                "slow_start.duration_seconds": "slowStart",
                "load_balancing.algorithm.type": "loadBalancingAlgorithmType",
            },
        ),
    }


def listener(entry: Entry) -> State:
    """A listener."""
    actions: Sequence[Entry] = entry.get("DefaultActions", ())
    return {
        "loadBalancerArn": entry.get("LoadBalancerArn"),
        "port": entry.get("Port"),
        "protocol": entry.get("Protocol"),
        "defaultActions.type": actions[0].get("Type") if actions else None,
        "sslPolicy": entry.get("SslPolicy"),
        "certificateArn": next((each["CertificateArn"] for each in entry.get("Certificates", ())), None),
    }


_DATABASE = {
    "identifier": "DBInstanceIdentifier",
    "engine": "Engine",
    "engineVersion": "EngineVersion",
    "instanceClass": "DBInstanceClass",
    "dbName": "DBName",
    "username": "MasterUsername",
    "allocatedStorage": "AllocatedStorage",
    "storageType": "StorageType",
    "storageEncrypted": "StorageEncrypted",
    "multiAz": "MultiAZ",
    "availabilityZone": "AvailabilityZone",
    "backupRetentionPeriod": "BackupRetentionPeriod",
    "backupWindow": "PreferredBackupWindow",
    "maintenanceWindow": "PreferredMaintenanceWindow",
    "deletionProtection": "DeletionProtection",
    "publiclyAccessible": "PubliclyAccessible",
    "autoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
    "copyTagsToSnapshot": "CopyTagsToSnapshot",
    "monitoringInterval": "MonitoringInterval",
    "performanceInsightsEnabled": "PerformanceInsightsEnabled",
    "caCertIdentifier": "CACertificateIdentifier",
    "replicateSourceDb": "ReadReplicaSourceDBInstanceIdentifier",
}


def database(entry: Entry) -> State:
    """A database instance. Its password is told to nobody."""
    state = {ours: entry[theirs] for ours, theirs in _DATABASE.items() if theirs in entry}
    parameters = [each["DBParameterGroupName"] for each in entry.get("DBParameterGroups", ())]
    return state | {
        "maxAllocatedStorage": entry.get("MaxAllocatedStorage", 0),
        "dbSubnetGroupName": entry.get("DBSubnetGroup", {}).get("DBSubnetGroupName"),
        "vpcSecurityGroupIds": [each["VpcSecurityGroupId"] for each in entry.get("VpcSecurityGroups", ())],
        "parameterGroupName": parameters[0] if parameters else None,
        "password": "(not readable)",
    }


def subnet_group(entry: Entry) -> State:
    """A database's subnet group."""
    return {"subnetIds": [each["SubnetIdentifier"] for each in entry.get("Subnets", ())]}


def cache(entry: Entry, nodes: Sequence[Entry]) -> State:
    """A replication group, and what only its nodes tell."""
    shards: Sequence[Entry] = entry.get("NodeGroups", ())
    of_nodes: State = {}
    if nodes:
        of_nodes = {
            "engine": nodes[0].get("Engine"),
            "engineVersion": nodes[0].get("EngineVersion"),
            "subnetGroupName": nodes[0].get("CacheSubnetGroupName"),
            "securityGroupIds": [each["SecurityGroupId"] for each in nodes[0].get("SecurityGroups", ())],
        }
    return {
        **of_nodes,
        "nodeType": entry.get("CacheNodeType"),
        "numNodeGroups": len(shards) or 1,
        "atRestEncryptionEnabled": bool(entry.get("AtRestEncryptionEnabled")),
        "transitEncryptionEnabled": bool(entry.get("TransitEncryptionEnabled")),
        "clusterMode": "enabled" if entry.get("ClusterEnabled") else "disabled",
        "automaticFailoverEnabled": entry.get("AutomaticFailover") in ("enabled", "enabling"),
        "multiAzEnabled": entry.get("MultiAZ") == "enabled",
        "snapshotRetentionLimit": entry.get("SnapshotRetentionLimit") or 0,
        "userGroupIds": list(entry.get("UserGroupIds", ())),
    }


def _attributes(attributes: Mapping[str, str], names: Mapping[str, str]) -> State:
    found: State = {}
    for theirs, ours in names.items():
        if theirs in attributes:
            value = attributes[theirs]
            found[ours] = value == "true" if value in ("true", "false") else value
    return found
