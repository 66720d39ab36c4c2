"""What a team builds by hand: the calls that the guide's boto3 script makes, and those it leaves to the reader.

The script makes a launch template, an Auto Scaling group behind a target group, two target tracking policies and two
alarms; the network, load balancer, database, cache and buckets that it takes for granted are made here too.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

from scale.operate.boto import boto3

REGION = "eu-west-1"
NAME = "django"
SCRIPT = """#!/bin/bash
yum update -y
yum install -y docker
service docker start
usermod -a -G docker ec2-user
# Pull and run Django application
docker run -d --name django-app \\
  --env-file /opt/django/.env \\
  -p 8000:8000 \\
  registry.example.com/django-app:3.2.1
"""


@dataclass
class ByHand:
    """Clients, and the ids of what was made."""

    ids: dict[str, Any] = field(default_factory=dict[str, Any])

    @classmethod
    def build(cls, *, script: str = SCRIPT, tags: dict[str, str] | None = None) -> ByHand:
        """Make everything."""
        built = cls()
        built._network()
        built._balancer()
        built._group(script, tags or {"Environment": "production"})
        built._policies()
        built._alarms()
        built._database()
        built._cache()
        built._buckets()
        return built

    def client(self, service: str) -> Any:
        """Return a client of boto3's, as the script has it."""
        return boto3.client(service, region_name=REGION)

    def _network(self) -> None:
        ec2 = self.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.30.0.0/16")["Vpc"]["VpcId"]
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        # The first is the program's own first public subnet; the second is a part of its second.
        blocks = {"a": "10.30.128.0/20", "b": "10.30.144.0/24"}
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=f"{REGION}{zone}")["Subnet"]["SubnetId"]
            for zone, block in blocks.items()
        ]
        group = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc)["GroupId"]
        self.ids |= {"vpc": vpc, "gateway": gateway, "subnets": subnets, "security_group": group}

    def _balancer(self) -> None:
        elbv2 = self.client("elbv2")
        balancer = elbv2.create_load_balancer(Name=f"{NAME}-alb", Subnets=self.ids["subnets"])["LoadBalancers"][0]
        target = elbv2.create_target_group(
            Name=f"{NAME}-tg",
            Protocol="HTTP",
            Port=8000,
            VpcId=self.ids["vpc"],
            HealthCheckPath="/health/",
            HealthCheckIntervalSeconds=30,
            HealthCheckTimeoutSeconds=6,
        )["TargetGroups"][0]
        listener = elbv2.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": target["TargetGroupArn"]}],
        )["Listeners"][0]
        self.ids["listener"] = listener["ListenerArn"]
        self.ids |= {"balancer": balancer["LoadBalancerArn"], "target": target["TargetGroupArn"]}

    def _group(self, script: str, tags: dict[str, str]) -> None:
        image = self.client("ec2").describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
        self.client("iam").create_instance_profile(InstanceProfileName="django-instance-profile")
        template = self.client("ec2").create_launch_template(
            LaunchTemplateName=f"{NAME}-template",
            LaunchTemplateData={
                "ImageId": image,
                "InstanceType": "m7g.large",
                "SecurityGroupIds": [self.ids["security_group"]],
                "IamInstanceProfile": {"Name": "django-instance-profile"},
                "UserData": base64.b64encode(script.encode()).decode(),
                "TagSpecifications": [
                    {"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "django-auto-scaled"}]}
                ],
            },
        )["LaunchTemplate"]["LaunchTemplateId"]
        self.client("autoscaling").create_auto_scaling_group(
            AutoScalingGroupName=f"{NAME}-asg",
            LaunchTemplate={"LaunchTemplateId": template, "Version": "$Latest"},
            MinSize=1,
            MaxSize=10,
            DesiredCapacity=1,
            TargetGroupARNs=[self.ids["target"]],
            VPCZoneIdentifier=",".join(self.ids["subnets"]),
            HealthCheckType="ELB",
            HealthCheckGracePeriod=300,
            DefaultCooldown=300,
            Tags=[
                {
                    "Key": key,
                    "Value": value,
                    "PropagateAtLaunch": True,
                    "ResourceId": f"{NAME}-asg",
                    "ResourceType": "auto-scaling-group",
                }
                for key, value in {"Name": "django-asg", **tags}.items()
            ],
        )
        self.ids |= {"template": template, "image": image}

    def _policies(self) -> None:
        autoscaling = self.client("autoscaling")
        label = f"{self.ids['balancer'].partition('loadbalancer/')[2]}/{self.ids['target'].rpartition(':')[2]}"
        for name, target, metric in (
            ("scale-up", 70.0, {"PredefinedMetricType": "ASGAverageCPUUtilization"}),
            ("request-count", 1000.0, {"PredefinedMetricType": "ALBRequestCountPerTarget", "ResourceLabel": label}),
        ):
            autoscaling.put_scaling_policy(
                AutoScalingGroupName=f"{NAME}-asg",
                PolicyName=f"{NAME}-asg-{name}",
                PolicyType="TargetTrackingScaling",
                TargetTrackingConfiguration={"TargetValue": target, "PredefinedMetricSpecification": metric},
            )

    def _alarms(self) -> None:
        cloudwatch = self.client("cloudwatch")
        for role, metric, namespace, threshold, periods, unit in (
            ("db-connections", "DatabaseConnections", "Django/Application", 80.0, 2, "Count"),
            ("response-time", "TargetResponseTime", "AWS/ApplicationELB", 2.0, 3, "Seconds"),
        ):
            cloudwatch.put_metric_alarm(
                AlarmName=f"{NAME}-asg-{role}",
                ComparisonOperator="GreaterThanThreshold",
                EvaluationPeriods=periods,
                MetricName=metric,
                Namespace=namespace,
                Period=300,
                Statistic="Average",
                Threshold=threshold,
                ActionsEnabled=True,
                # As the script has it: an action that is a target tracking policy, which an alarm cannot invoke.
                AlarmActions=[
                    f"arn:aws:autoscaling:{REGION}:123456789012:scalingPolicy:policy-id:"
                    f"autoScalingGroupName/{NAME}-asg:policyName/{NAME}-asg-scale-up"
                ],
                Unit=unit,
            )

    def _database(self) -> None:
        rds = self.client("rds")
        rds.create_db_subnet_group(
            DBSubnetGroupName="django-subnets", DBSubnetGroupDescription="x", SubnetIds=self.ids["subnets"]
        )
        rds.create_db_instance(
            DBInstanceIdentifier=f"{NAME}-db",
            Engine="postgres",
            EngineVersion="16.3",
            DBInstanceClass="db.t4g.medium",
            DBName="shop",
            MasterUsername="shop",
            MasterUserPassword="chosen-by-hand",
            AllocatedStorage=40,
            StorageType="gp2",
            MultiAZ=False,
            BackupRetentionPeriod=3,
            StorageEncrypted=False,
            DBSubnetGroupName="django-subnets",
            Tags=[{"Key": "Environment", "Value": "production"}],
        )
        rds.create_db_instance_read_replica(
            DBInstanceIdentifier=f"{NAME}-db-reports",
            SourceDBInstanceIdentifier=f"{NAME}-db",
            DBInstanceClass="db.t4g.large",
        )

    def _cache(self) -> None:
        self.client("elasticache").create_replication_group(
            ReplicationGroupId=f"{NAME}-cache",
            ReplicationGroupDescription="cache",
            Engine="redis",
            EngineVersion="7.1",
            CacheNodeType="cache.t4g.small",
            NumNodeGroups=1,
            ReplicasPerNodeGroup=1,
        )

    def _buckets(self) -> None:
        s3 = self.client("s3")
        for name in ("django-static-files", "django-media-files", "django-invoices"):
            s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_bucket_versioning(Bucket="django-media-files", VersioningConfiguration={"Status": "Enabled"})
