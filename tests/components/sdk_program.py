"""Resources whose nested arguments are given in each of the ways that the SDK takes them."""

# The SDK's classes are typed as if they took no plain dict for a nested argument. They do.
# pyright: reportArgumentType=false

import pulumi
import pulumi_aws as aws

vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", tags={"Name": "vpc", "snake_case": "kept"})
template = aws.ec2.LaunchTemplate(
    "template",
    block_device_mappings=[
        {"device_name": "/dev/xvda", "ebs": {"volume_size": 30, "volume_type": "gp3", "delete_on_termination": "true"}},
        aws.ec2.LaunchTemplateBlockDeviceMappingArgs(
            device_name="/dev/xvdb", ebs=aws.ec2.LaunchTemplateBlockDeviceMappingEbsArgs(encrypted="true", iops=3000)
        ),
    ],
    metadata_options={"http_tokens": "required", "http_put_response_hop_limit": 2},
    tag_specifications=[{"resource_type": "instance", "tags": {"Name": "server", "cost_center": "web"}}],
)
group = aws.autoscaling.Group(
    "group",
    min_size=1,
    max_size=4,
    mixed_instances_policy={
        "instances_distribution": {
            "on_demand_base_capacity": 1,
            "spot_allocation_strategy": "price-capacity-optimized",
        },
        "launch_template": {
            "launch_template_specification": {"launch_template_id": template.id, "version": template.latest_version},
            "overrides": [{"instance_type": "m7g.large"}, {"instance_type": "m6g.large", "weighted_capacity": "2"}],
        },
    },
    instance_refresh=aws.autoscaling.GroupInstanceRefreshArgs(
        strategy="Rolling",
        preferences=aws.autoscaling.GroupInstanceRefreshPreferencesArgs(min_healthy_percentage=90, auto_rollback=True),
    ),
    tags=[{"key": "Name", "value": "server", "propagate_at_launch": True}],
)
acl = aws.wafv2.WebAcl(
    "acl",
    scope="REGIONAL",
    default_action=aws.wafv2.WebAclDefaultActionArgs(allow=aws.wafv2.WebAclDefaultActionAllowArgs()),
    visibility_config={"cloudwatch_metrics_enabled": True, "metric_name": "acl", "sampled_requests_enabled": True},
    rules=[
        aws.wafv2.WebAclRuleArgs(
            name="login",
            priority=1,
            action=aws.wafv2.WebAclRuleActionArgs(block=aws.wafv2.WebAclRuleActionBlockArgs()),
            statement=aws.wafv2.WebAclRuleStatementArgs(
                rate_based_statement=aws.wafv2.WebAclRuleStatementRateBasedStatementArgs(
                    limit=100,
                    aggregate_key_type="IP",
                    scope_down_statement=aws.wafv2.WebAclRuleStatementRateBasedStatementScopeDownStatementArgs(
                        byte_match_statement={
                            "search_string": "/login",
                            "positional_constraint": "STARTS_WITH",
                            "field_to_match": {"uri_path": {}},
                            "text_transformations": [{"priority": 0, "type": "NONE"}],
                        }
                    ),
                )
            ),
            visibility_config=aws.wafv2.WebAclRuleVisibilityConfigArgs(
                cloudwatch_metrics_enabled=True, metric_name="login", sampled_requests_enabled=True
            ),
        ),
        {
            "name": "managed",
            "priority": 2,
            "override_action": {"none": {}},
            "statement": {
                "managed_rule_group_statement": {
                    "name": "AWSManagedRulesCommonRuleSet",
                    "vendor_name": "AWS",
                    "rule_action_overrides": [{"name": "SizeRestrictions_BODY", "action_to_use": {"count": {}}}],
                }
            },
            "visibility_config": {
                "cloudwatch_metrics_enabled": True,
                "metric_name": "managed",
                "sampled_requests_enabled": True,
            },
        },
    ],
)
default_action: aws.lb.ListenerDefaultActionArgsDict = {
    "type": "redirect",
    "redirect": {"port": "443", "protocol": "HTTPS", "status_code": "HTTP_301"},
}
listener = aws.lb.Listener("listener", load_balancer_arn=vpc.arn, port=80, default_actions=[default_action])
bucket = aws.s3.Bucket("bucket", opts=pulumi.ResourceOptions(depends_on=[vpc], ignore_changes=["tags_all"]))
lifecycle = aws.s3.BucketLifecycleConfiguration(
    "lifecycle",
    bucket=bucket.id,
    rules=[
        aws.s3.BucketLifecycleConfigurationRuleArgsDict(
            id="old",
            status="Enabled",
            noncurrent_version_expiration={"noncurrent_days": 30},
            abort_incomplete_multipart_upload={"days_after_initiation": 7},
        )
    ],
)
distribution = aws.cloudfront.Distribution(
    "distribution",
    enabled=True,
    origins=[
        {
            "domain_name": bucket.bucket_regional_domain_name,
            "origin_id": "s3",
            "s3_origin_config": {"origin_access_identity": ""},
        }
    ],
    default_cache_behavior={
        "target_origin_id": "s3",
        "viewer_protocol_policy": "redirect-to-https",
        "allowed_methods": ["GET", "HEAD"],
        "cached_methods": ["GET", "HEAD"],
        "forwarded_values": {"query_string": False, "cookies": {"forward": "none"}},
    },
    restrictions=aws.cloudfront.DistributionRestrictionsArgs(geo_restriction={"restriction_type": "none"}),
    viewer_certificate=aws.cloudfront.DistributionViewerCertificateArgs(cloudfront_default_certificate=True),
)
alarm = aws.cloudwatch.MetricAlarm(
    "alarm",
    comparison_operator="GreaterThanThreshold",
    evaluation_periods=3,
    threshold=5,
    metric_queries=[
        {"id": "rate", "expression": "100 * errors / requests", "label": "errors", "return_data": True},
        aws.cloudwatch.MetricAlarmMetricQueryArgs(
            id="errors",
            metric={
                "metric_name": "HTTPCode_Target_5XX_Count",
                "namespace": "AWS/ApplicationELB",
                "period": 60,
                "stat": "Sum",
                "dimensions": {"LoadBalancer": "app/a/b", "snake_case": "kept"},
            },
        ),
    ],
)
database = aws.rds.Instance(
    "database",
    aws.rds.InstanceArgs(
        instance_class=aws.rds.InstanceType.R6_G_LARGE,
        engine="postgres",
        allocated_storage=100,
        password=pulumi.Output.secret("hunter2"),
        restore_to_point_in_time={"source_db_instance_identifier": "other", "use_latest_restorable_time": True},
        tags={"Name": "database"},
    ),
    opts=pulumi.ResourceOptions(protect=True, additional_secret_outputs=["address"]),
)
image = aws.ec2.get_ami_output(owners=["amazon"], filters=[{"name": "name", "values": ["al2023-*"]}])
