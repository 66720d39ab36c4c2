"""The form of AWS's identifiers, by resource type.

The forms of ARNs are those of the Service Authorization Reference ("Resource types defined by ...").
"""

from __future__ import annotations

ID_PREFIXES: dict[str, str] = {
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": "sg",
    "aws:ec2/eip:Eip": "eipalloc",
    "aws:ec2/flowLog:FlowLog": "fl",
    "aws:ec2/instance:Instance": "i",
    "aws:ec2/internetGateway:InternetGateway": "igw",
    "aws:ec2/launchTemplate:LaunchTemplate": "lt",
    "aws:ec2/natGateway:NatGateway": "nat",
    "aws:ec2/networkAcl:NetworkAcl": "acl",
    "aws:ec2/route:Route": "r-rtb",
    "aws:ec2/routeTable:RouteTable": "rtb",
    "aws:ec2/routeTableAssociation:RouteTableAssociation": "rtbassoc",
    "aws:ec2/securityGroup:SecurityGroup": "sg",
    "aws:ec2/subnet:Subnet": "subnet",
    "aws:ec2/vpc:Vpc": "vpc",
    "aws:ec2/vpcEndpoint:VpcEndpoint": "vpce",
    "aws:efs/fileSystem:FileSystem": "fs",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": "sgr",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "sgr",
}
"""Ids made of a prefix and 17 hexadecimal digits."""

ID_IS_ARN = frozenset(
    {
        "aws:acm/certificate:Certificate",
        "aws:iam/policy:Policy",
        "aws:lb/listener:Listener",
        "aws:lb/listenerRule:ListenerRule",
        "aws:lb/loadBalancer:LoadBalancer",
        "aws:lb/targetGroup:TargetGroup",
        "aws:secretsmanager/secret:Secret",
        "aws:sns/topic:Topic",
        "aws:sns/topicSubscription:TopicSubscription",
    }
)

ID_IS_UUID = frozenset(
    {"aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy", "aws:kms/key:Key", "aws:wafv2/webAcl:WebAcl"}
)
ID_IS_CAPITALS = frozenset(
    {
        "aws:cloudfront/distribution:Distribution",
        "aws:cloudfront/originAccessControl:OriginAccessControl",
        "aws:route53/healthCheck:HealthCheck",
        "aws:route53/zone:Zone",
    }
)

NAME_PROPERTIES: dict[str, str] = {
    "aws:autoscaling/schedule:Schedule": "scheduledActionName",
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": "alarmName",
    "aws:cloudwatch/dashboard:Dashboard": "dashboardName",
    "aws:eks/nodeGroup:NodeGroup": "nodeGroupName",
    "aws:elasticache/replicationGroup:ReplicationGroup": "replicationGroupId",
    "aws:elasticache/user:User": "userId",
    "aws:elasticache/userGroup:UserGroup": "userGroupId",
    "aws:rds/cluster:Cluster": "clusterIdentifier",
    "aws:rds/clusterInstance:ClusterInstance": "identifier",
    "aws:rds/instance:Instance": "identifier",
    "aws:s3/bucket:Bucket": "bucket",
    "aws:s3/bucketV2:BucketV2": "bucket",
}
"""The property that is a resource's name in the cloud, where it is not `name`."""

ARN_FORMS: dict[str, str] = {
    "aws:acm/certificate:Certificate": "acm:{region}:{account}:certificate/{uuid}",
    "aws:autoscaling/group:Group": "autoscaling:{region}:{account}:autoScalingGroup:{uuid}:autoScalingGroupName/{name}",
    "aws:autoscaling/policy:Policy": (
        "autoscaling:{region}:{account}:scalingPolicy:{uuid}:autoScalingGroupName/{group}:policyName/{name}"
    ),
    "aws:cloudfront/distribution:Distribution": "cloudfront::{account}:distribution/{id}",
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": "cloudwatch:{region}:{account}:alarm:{name}",
    "aws:cloudwatch/dashboard:Dashboard": "cloudwatch::{account}:dashboard/{name}",
    "aws:cloudwatch/logGroup:LogGroup": "logs:{region}:{account}:log-group:{name}",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "cloudwatch:{region}:{account}:alarm:{name}",
    "aws:ec2/eip:Eip": "ec2:{region}:{account}:elastic-ip/{id}",
    "aws:ec2/launchTemplate:LaunchTemplate": "ec2:{region}:{account}:launch-template/{id}",
    "aws:ec2/vpcEndpoint:VpcEndpoint": "ec2:{region}:{account}:vpc-endpoint/{id}",
    "aws:elasticache/replicationGroup:ReplicationGroup": ("elasticache:{region}:{account}:replicationgroup:{name}"),
    "aws:elasticache/user:User": "elasticache:{region}:{account}:user:{name}",
    "aws:elasticache/userGroup:UserGroup": "elasticache:{region}:{account}:usergroup:{name}",
    "aws:iam/instanceProfile:InstanceProfile": "iam::{account}:instance-profile/{name}",
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": "iam::{account}:oidc-provider/{name}",
    "aws:iam/policy:Policy": "iam::{account}:policy/{name}",
    "aws:iam/role:Role": "iam::{account}:role/{name}",
    "aws:kms/key:Key": "kms:{region}:{account}:key/{uuid}",
    "aws:lb/listener:Listener": "elasticloadbalancing:{region}:{account}:listener/{balancer}/{hex16}",
    "aws:lb/listenerRule:ListenerRule": "elasticloadbalancing:{region}:{account}:listener-rule/{listener}/{hex16}",
    "aws:lb/loadBalancer:LoadBalancer": "elasticloadbalancing:{region}:{account}:loadbalancer/{kind}/{name}/{hex16}",
    "aws:lb/targetGroup:TargetGroup": "elasticloadbalancing:{region}:{account}:targetgroup/{name}/{hex16}",
    "aws:rds/cluster:Cluster": "rds:{region}:{account}:cluster:{name}",
    "aws:rds/instance:Instance": "rds:{region}:{account}:db:{name}",
    "aws:rds/parameterGroup:ParameterGroup": "rds:{region}:{account}:pg:{name}",
    "aws:rds/subnetGroup:SubnetGroup": "rds:{region}:{account}:subgrp:{name}",
    "aws:route53/zone:Zone": "route53:::hostedzone/{id}",
    "aws:s3/bucket:Bucket": "s3:::{name}",
    "aws:s3/bucketV2:BucketV2": "s3:::{name}",
    "aws:secretsmanager/secret:Secret": "secretsmanager:{region}:{account}:secret:{name}-{hex6}",
    "aws:sns/topic:Topic": "sns:{region}:{account}:{name}",
    "aws:sns/topicSubscription:TopicSubscription": "{topic}:{uuid}",
    "aws:sqs/queue:Queue": "sqs:{region}:{account}:{name}",
    "aws:wafv2/ipSet:IpSet": "wafv2:{region}:{account}:{scope}/ipset/{name}/{uuid}",
    "aws:wafv2/webAcl:WebAcl": "wafv2:{region}:{account}:{scope}/webacl/{name}/{uuid}",
}
"""What follows `arn:aws:`; any other type is `service:region:account:kind/id`."""

SERVICES: dict[str, str] = {
    "alb": "elasticloadbalancing",
    "apigatewayv2": "apigateway",
    "lb": "elasticloadbalancing",
    "vpc": "ec2",
}
"""The service of a module of the provider, where they differ."""
