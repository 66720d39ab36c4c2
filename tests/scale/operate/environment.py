"""Builds in moto what a plan recorded, from the plan's own inputs, so that plan and live environment agree.

What AWS chooses (ARNs, ids) differs from what the plan made up, as it does in life: later inputs get the real ones.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from scale.operate.boto import boto3
from scale.plan.recording import Recording, Resource
from scale.plan.values import reveal


@dataclass
class Environment:
    """A live environment: `live` holds the real identifier of each that the plan made up."""

    recording: Recording
    tags: Mapping[str, str]
    region: str = "eu-west-1"
    live: dict[str, str] = field(default_factory=dict[str, str])

    def client(self, service: str) -> Any:
        """A client of the test's own, which no command sees."""
        return boto3.client(service, region_name=self.region)

    def inputs(self, resource: Resource) -> dict[str, Any]:
        """The resource's inputs with real identifiers in them."""
        return {key: self._real(value) for key, value in resource.properties.items()}

    def name(self, logical: str, type_: str) -> str:
        """The real name of a resource."""
        resource = self.recording.one(type_, logical)
        state = str(reveal(resource.state.get("name")) or resource.id)
        return self.live.get(state, state)

    def outputs(self) -> dict[str, Any]:
        """What `pulumi stack output --json` would print."""
        return {key: self._real(value) for key, value in self.recording.outputs.items()}

    def learn(self, resource: Resource, **real: str) -> None:
        """Keep the real values of a resource's outputs, by the outputs' names."""
        for key, value in real.items():
            made_up = resource.id if key == "id" else reveal(resource.state.get(key))
            self.live[str(made_up)] = value

    def tag_list(self) -> list[dict[str, str]]:
        """The environment's tags as most services take them."""
        return [{"Key": key, "Value": value} for key, value in self.tags.items()]

    def _real(self, value: Any) -> Any:
        value = reveal(value)
        if isinstance(value, dict):
            group = cast("dict[str, Any]", value)
            return {key: self._real(inner) for key, inner in group.items()}
        if isinstance(value, list):
            return [self._real(item) for item in cast("list[Any]", value)]
        if isinstance(value, str):
            if value in self.live:
                return self.live[value]
            for made_up, real in self.live.items():
                if len(made_up) > 12 and made_up in value:
                    value = value.replace(made_up, real)
        return value


def build(recording: Recording, tags: Mapping[str, str]) -> Environment:
    """Build in moto every resource of a recording that has a builder here."""
    environment = Environment(recording, tags)
    for resource in recording.all():
        builder = BUILDERS.get(resource.type)
        if builder is not None:
            builder(environment, resource)
    return environment


def pascal(value: Any) -> Any:
    """Return a group with AWS's capitals in its keys, and nothing that is not given."""
    if isinstance(value, dict):
        group = cast("dict[str, Any]", value)
        return {key[0].upper() + key[1:]: pascal(inner) for key, inner in group.items() if inner is not None}
    return [pascal(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value


def _vpc(env: Environment, resource: Resource) -> None:
    made = env.client("ec2").create_vpc(CidrBlock=env.inputs(resource)["cidrBlock"])["Vpc"]
    env.learn(resource, id=made["VpcId"])


def _subnet(env: Environment, resource: Resource) -> None:
    inputs = env.inputs(resource)
    made = env.client("ec2").create_subnet(
        VpcId=inputs["vpcId"], CidrBlock=inputs["cidrBlock"], AvailabilityZone=inputs["availabilityZone"]
    )
    env.learn(resource, id=made["Subnet"]["SubnetId"])


def _security_group(env: Environment, resource: Resource) -> None:
    made = env.client("ec2").create_security_group(
        GroupName=resource.name, Description=resource.name, VpcId=env.inputs(resource)["vpcId"]
    )
    env.learn(resource, id=made["GroupId"])


def _template(env: Environment, resource: Resource) -> None:
    inputs = env.inputs(resource)
    devices = [
        {
            "DeviceName": each["deviceName"],
            "Ebs": {**pascal(each["ebs"]), "Encrypted": True, "DeleteOnTermination": True},
        }
        for each in inputs["blockDeviceMappings"]
    ]
    made = env.client("ec2").create_launch_template(
        LaunchTemplateName=str(resource.state["name"]),
        LaunchTemplateData={
            "ImageId": inputs["imageId"],
            "InstanceType": inputs["instanceType"],
            "MetadataOptions": {"HttpTokens": inputs["metadataOptions"]["httpTokens"]},
            "Monitoring": pascal(inputs["monitoring"]),
            "BlockDeviceMappings": devices,
            "UserData": inputs["userData"],
        },
    )["LaunchTemplate"]
    env.learn(resource, id=made["LaunchTemplateId"])


def _group(env: Environment, resource: Resource) -> None:
    inputs = env.inputs(resource)
    name = str(resource.state["name"])
    template = inputs["launchTemplate"]
    env.client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName=name,
        MinSize=inputs["minSize"],
        MaxSize=inputs["maxSize"],
        DesiredCapacity=inputs.get("desiredCapacity", inputs["minSize"]),
        LaunchTemplate={"LaunchTemplateId": template["id"], "Version": template["version"]},
        VPCZoneIdentifier=",".join(inputs["vpcZoneIdentifiers"]),
        HealthCheckType=inputs["healthCheckType"],
        HealthCheckGracePeriod=inputs["healthCheckGracePeriod"],
        TargetGroupARNs=inputs["targetGroupArns"],
        Tags=[
            {"Key": tag["key"], "Value": tag["value"], "PropagateAtLaunch": tag["propagateAtLaunch"]}
            for tag in inputs["tags"]
        ],
    )


def _policy(env: Environment, resource: Resource) -> None:
    inputs = env.inputs(resource)
    wanted = {
        key: inputs[key]
        for key in ("policyType", "adjustmentType", "minAdjustmentMagnitude", "metricAggregationType")
        if key in inputs
    }
    arguments = pascal(wanted)
    if "stepAdjustments" in inputs:
        arguments["StepAdjustments"] = [
            {key: int(v) if key == "ScalingAdjustment" else float(v) for key, v in pascal(step).items()}
            for step in inputs["stepAdjustments"]
        ]
    if "targetTrackingConfiguration" in inputs:
        arguments["TargetTrackingConfiguration"] = pascal(inputs["targetTrackingConfiguration"])
    if "predictiveScalingConfiguration" in inputs:
        found = pascal(inputs["predictiveScalingConfiguration"])
        found["MetricSpecifications"] = [found.pop("MetricSpecification")]
        found["SchedulingBufferTime"] = int(found["SchedulingBufferTime"])
        arguments["PredictiveScalingConfiguration"] = found
    client, group, name = env.client("autoscaling"), inputs["autoscalingGroupName"], str(resource.state["name"])
    client.put_scaling_policy(AutoScalingGroupName=group, PolicyName=name, **arguments)
    # moto spells it otherwise in its answer to the request above.
    (made,) = client.describe_policies(AutoScalingGroupName=group, PolicyNames=[name])["ScalingPolicies"]
    env.learn(resource, arn=made["PolicyARN"])


def _schedule(env: Environment, resource: Resource) -> None:
    inputs = env.inputs(resource)
    sizes = {"MinSize": "minSize", "MaxSize": "maxSize", "DesiredCapacity": "desiredCapacity"}
    env.client("autoscaling").put_scheduled_update_group_action(
        AutoScalingGroupName=inputs["autoscalingGroupName"],
        ScheduledActionName=inputs["scheduledActionName"],
        Recurrence=inputs["recurrence"],
        TimeZone=inputs["timeZone"],
        **{theirs: inputs[ours] for theirs, ours in sizes.items() if inputs[ours] != -1},
    )


def _dimensions(group: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": key, "Value": value} for key, value in group.items()]


def _alarm(env: Environment, resource: Resource) -> None:
    inputs = env.inputs(resource)
    queries = inputs.pop("metricQueries", None)
    dimensions = inputs.pop("dimensions", None)
    inputs["oKActions"] = inputs.pop("okActions", [])
    arguments = pascal(inputs)
    if dimensions:
        arguments["Dimensions"] = _dimensions(dimensions)
    if queries:
        arguments["Metrics"] = [_query(query) for query in queries]
    name = str(resource.state["name"])
    env.client("cloudwatch").put_metric_alarm(AlarmName=name, Tags=env.tag_list(), **arguments)


def _query(query: Mapping[str, Any]) -> dict[str, Any]:
    found = pascal({key: value for key, value in query.items() if key != "metric"})
    if "metric" in query:
        metric = query["metric"]
        found["MetricStat"] = {
            "Metric": {
                "Namespace": metric["namespace"],
                "MetricName": metric["metricName"],
                "Dimensions": _dimensions(metric["dimensions"]),
            },
            "Period": metric["period"],
            "Stat": metric["stat"],
        }
        found["ReturnData"] = query.get("returnData", False)
    return found


def composite(env: Environment) -> dict[str, Any]:
    """Return the composite alarm as DescribeAlarms gives it: moto has no PutCompositeAlarm."""
    (resource,) = env.recording.all("aws:cloudwatch/compositeAlarm:CompositeAlarm")
    inputs = env.inputs(resource)
    inputs["oKActions"] = inputs.pop("okActions")
    name = inputs["alarmName"]
    arn = f"arn:aws:cloudwatch:{env.region}:123456789012:alarm:{name}"
    return {**pascal(inputs), "AlarmArn": arn, "ActionsEnabled": True, "StateValue": "OK"}


def _topic(env: Environment, resource: Resource) -> None:
    made = env.client("sns").create_topic(
        Name=str(resource.state["name"]),
        Attributes={"KmsMasterKeyId": env.inputs(resource)["kmsMasterKeyId"]},
        Tags=env.tag_list(),
    )
    env.learn(resource, id=made["TopicArn"], arn=made["TopicArn"])


def _subscription(env: Environment, resource: Resource) -> None:
    inputs = env.inputs(resource)
    env.client("sns").subscribe(TopicArn=inputs["topic"], Protocol=inputs["protocol"], Endpoint=inputs["endpoint"])


def _balancer(env: Environment, resource: Resource) -> None:
    inputs, elb = env.inputs(resource), env.client("elbv2")
    made = elb.create_load_balancer(
        Name=str(resource.state["name"]),
        Subnets=inputs["subnets"],
        Type=inputs["loadBalancerType"],
        Tags=env.tag_list(),
    )["LoadBalancers"][0]
    arn = made["LoadBalancerArn"]
    attributes = {"deletion_protection.enabled": inputs["enableDeletionProtection"]}
    if inputs["loadBalancerType"] == "application":
        attributes |= {
            "idle_timeout.timeout_seconds": inputs["idleTimeout"],
            "routing.http.drop_invalid_header_fields.enabled": inputs["dropInvalidHeaderFields"],
            "access_logs.s3.enabled": inputs["accessLogs"]["enabled"],
            "access_logs.s3.bucket": inputs["accessLogs"]["bucket"],
        }
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=_attributes(attributes))
    env.learn(resource, id=arn, arn=arn, arnSuffix=arn.partition(":loadbalancer/")[2], dnsName=made["DNSName"])


def _attributes(values: Mapping[str, Any]) -> list[dict[str, str]]:
    return [
        {"Key": key, "Value": str(value).lower() if isinstance(value, bool) else str(value)}
        for key, value in values.items()
    ]


def _targets(env: Environment, resource: Resource) -> None:
    inputs, elb = env.inputs(resource), env.client("elbv2")
    check = inputs["healthCheck"]
    made = elb.create_target_group(
        Name=str(resource.state["name"]),
        Protocol=inputs["protocol"],
        Port=inputs["port"],
        VpcId=inputs["vpcId"],
        HealthCheckProtocol=check["protocol"],
        HealthCheckPath=check["path"],
        HealthCheckIntervalSeconds=check["interval"],
        HealthCheckTimeoutSeconds=check["timeout"],
        HealthyThresholdCount=check["healthyThreshold"],
        UnhealthyThresholdCount=check["unhealthyThreshold"],
        Matcher={"HttpCode": check["matcher"]},
        Tags=env.tag_list(),
    )["TargetGroups"][0]
    arn = made["TargetGroupArn"]
    attributes = {"deregistration_delay.timeout_seconds": inputs["deregistrationDelay"]}
    if inputs["protocol"] == "HTTP":
        attributes |= {
            "slow_start.duration_seconds": inputs["slowStart"],
            "load_balancing.algorithm.type": inputs["loadBalancingAlgorithmType"],
        }
    elb.modify_target_group_attributes(TargetGroupArn=arn, Attributes=_attributes(attributes))
    env.learn(resource, id=arn, arn=arn, arnSuffix=arn.rpartition(":")[2])


def _listener(env: Environment, resource: Resource) -> None:
    inputs = env.inputs(resource)
    arguments: dict[str, Any] = {}
    if inputs.get("certificateArn"):
        arguments = {"Certificates": [{"CertificateArn": inputs["certificateArn"]}], "SslPolicy": inputs["sslPolicy"]}
    actions: list[dict[str, Any]] = []
    for action in inputs["defaultActions"]:
        if action["type"] == "forward":
            actions.append({"Type": "forward", "TargetGroupArn": action["targetGroupArn"]})
        else:
            actions.append({"Type": "redirect", "RedirectConfig": pascal(action["redirect"])})
    made = env.client("elbv2").create_listener(
        LoadBalancerArn=inputs["loadBalancerArn"],
        Protocol=inputs["protocol"],
        Port=inputs["port"],
        DefaultActions=actions,
        **arguments,
    )["Listeners"][0]
    env.learn(resource, id=made["ListenerArn"], arn=made["ListenerArn"])


def _certificate(env: Environment, resource: Resource) -> None:
    inputs = env.inputs(resource)
    made = env.client("acm").request_certificate(DomainName=inputs["domainName"], ValidationMethod="DNS")
    env.learn(resource, id=made["CertificateArn"], arn=made["CertificateArn"])


def _instance(env: Environment, resource: Resource) -> None:
    inputs, rds = env.inputs(resource), env.client("rds")
    if "replicateSourceDb" in inputs:
        rds.create_db_instance_read_replica(
            DBInstanceIdentifier=inputs["identifier"],
            SourceDBInstanceIdentifier=inputs["replicateSourceDb"],
            DBInstanceClass=inputs["instanceClass"],
            AvailabilityZone=inputs["availabilityZone"],
            PubliclyAccessible=False,
            DeletionProtection=False,
            MaxAllocatedStorage=inputs["maxAllocatedStorage"],
            AutoMinorVersionUpgrade=inputs["autoMinorVersionUpgrade"],
            CACertificateIdentifier=inputs["caCertIdentifier"],
            Tags=env.tag_list(),
        )
        return
    zone = {} if inputs["multiAz"] else {"AvailabilityZone": inputs["availabilityZone"]}
    rds.create_db_instance(
        DBInstanceIdentifier=inputs["identifier"],
        DBInstanceClass=inputs["instanceClass"],
        Engine=inputs["engine"],
        EngineVersion=f"{inputs['engineVersion']}.4",
        DBName=inputs["dbName"],
        MasterUsername=inputs["username"],
        MasterUserPassword="an-example-and-no-password",
        AllocatedStorage=inputs["allocatedStorage"],
        MaxAllocatedStorage=inputs["maxAllocatedStorage"],
        StorageEncrypted=inputs["storageEncrypted"],
        StorageType=inputs["storageType"],
        BackupRetentionPeriod=inputs["backupRetentionPeriod"],
        DeletionProtection=inputs["deletionProtection"],
        PubliclyAccessible=inputs["publiclyAccessible"],
        AutoMinorVersionUpgrade=inputs["autoMinorVersionUpgrade"],
        CACertificateIdentifier=inputs["caCertIdentifier"],
        MultiAZ=inputs["multiAz"],
        Port=inputs["port"],
        Tags=env.tag_list(),
        **zone,
    )


def _cache(env: Environment, resource: Resource) -> None:
    inputs = env.inputs(resource)
    env.client("elasticache").create_replication_group(
        ReplicationGroupId=str(resource.state["replicationGroupId"]),
        ReplicationGroupDescription=inputs["description"],
        Engine=inputs["engine"],
        EngineVersion=inputs["engineVersion"],
        CacheNodeType=inputs["nodeType"],
        NumNodeGroups=inputs["numNodeGroups"],
        ReplicasPerNodeGroup=inputs["replicasPerNodeGroup"],
        AutomaticFailoverEnabled=inputs["automaticFailoverEnabled"],
        MultiAZEnabled=inputs["multiAzEnabled"],
        TransitEncryptionEnabled=inputs["transitEncryptionEnabled"],
        AtRestEncryptionEnabled=inputs["atRestEncryptionEnabled"],
        SnapshotRetentionLimit=inputs["snapshotRetentionLimit"],
        Tags=env.tag_list(),
    )


def _acl(env: Environment, resource: Resource) -> None:
    made = env.client("wafv2").create_web_acl(
        Name=str(resource.state["name"]),
        Scope="REGIONAL",
        DefaultAction={"Allow": {}},
        Rules=[_rule(rule) for rule in env.inputs(resource)["rules"]],
        VisibilityConfig=_visibility(resource.name),
        Tags=env.tag_list(),
    )["Summary"]
    env.learn(resource, id=made["Id"], arn=made["ARN"])


def _visibility(name: str) -> dict[str, object]:
    return {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": name}


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    statement = rule["statement"]
    found: dict[str, Any] = {"Name": rule["name"], "Priority": rule["priority"]}
    found["VisibilityConfig"] = _visibility(rule["name"])
    if "rateBasedStatement" in statement:
        rate = statement["rateBasedStatement"]
        path = rate["scopeDownStatement"]["byteMatchStatement"]
        match = pascal({key: value for key, value in path.items() if key not in ("fieldToMatch", "searchString")})
        match |= {"FieldToMatch": {"UriPath": {}}, "SearchString": path["searchString"].encode()}
        found["Statement"] = {
            "RateBasedStatement": {
                "Limit": rate["limit"],
                "EvaluationWindowSec": rate["evaluationWindowSec"],
                "AggregateKeyType": "IP",
                "ScopeDownStatement": {"ByteMatchStatement": match},
            }
        }
        found["Action"] = {"Block": {"CustomResponse": {"ResponseCode": 429}}}
    else:
        group = statement["managedRuleGroupStatement"]
        found["Statement"] = {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": group["name"]}}
        found["OverrideAction"] = {"None": {}}
    return found


def _association(env: Environment, resource: Resource) -> None:
    inputs = env.inputs(resource)
    env.client("wafv2").associate_web_acl(WebACLArn=inputs["webAclArn"], ResourceArn=inputs["resourceArn"])


def _bucket(env: Environment, resource: Resource) -> None:
    place = {"LocationConstraint": env.region}
    name = str(resource.state["bucket"])
    env.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=place)
    env.client("s3").put_bucket_tagging(Bucket=name, Tagging={"TagSet": env.tag_list()})


def _encryption(env: Environment, resource: Resource) -> None:
    inputs = env.inputs(resource)
    rules = [
        {
            "ApplyServerSideEncryptionByDefault": {
                "SSEAlgorithm": r["applyServerSideEncryptionByDefault"]["sseAlgorithm"]
            }
        }
        for r in inputs["rules"]
    ]
    env.client("s3").put_bucket_encryption(Bucket=inputs["bucket"], ServerSideEncryptionConfiguration={"Rules": rules})


def _public_access(env: Environment, resource: Resource) -> None:
    inputs = env.inputs(resource)
    bucket = inputs.pop("bucket")
    env.client("s3").put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=pascal(inputs))


def _key(env: Environment, resource: Resource) -> None:
    made = env.client("kms").create_key(Policy=json.dumps({}))["KeyMetadata"]
    env.learn(resource, id=made["KeyId"], arn=made["Arn"])


BUILDERS: dict[str, Callable[[Environment, Resource], None]] = {
    "aws:acm/certificate:Certificate": _certificate,
    "aws:autoscaling/group:Group": _group,
    "aws:autoscaling/policy:Policy": _policy,
    "aws:autoscaling/schedule:Schedule": _schedule,
    "aws:cloudwatch/metricAlarm:MetricAlarm": _alarm,
    "aws:ec2/launchTemplate:LaunchTemplate": _template,
    "aws:ec2/securityGroup:SecurityGroup": _security_group,
    "aws:ec2/subnet:Subnet": _subnet,
    "aws:ec2/vpc:Vpc": _vpc,
    "aws:elasticache/replicationGroup:ReplicationGroup": _cache,
    "aws:kms/key:Key": _key,
    "aws:lb/listener:Listener": _listener,
    "aws:lb/loadBalancer:LoadBalancer": _balancer,
    "aws:lb/targetGroup:TargetGroup": _targets,
    "aws:rds/instance:Instance": _instance,
    "aws:s3/bucket:Bucket": _bucket,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _public_access,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _encryption,
    "aws:sns/topic:Topic": _topic,
    "aws:sns/topicSubscription:TopicSubscription": _subscription,
    "aws:wafv2/webAcl:WebAcl": _acl,
    "aws:wafv2/webAclAssociation:WebAclAssociation": _association,
}
