"""Where alarms go."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components import permissions
from model.alarms import Alarms


class AlarmTopic(pulumi.ComponentResource):
    """An encrypted SNS topic with the subscribers of the settings."""

    arn: pulumi.Output[str]

    def __init__(
        self, name: str, alarms: Alarms, account_id: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Build the topic; `account_id` is the account whose alarms may publish."""
        super().__init__("django-scale:alarms:AlarmTopic", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        key = self._create_key(name, account_id, child)
        topic = aws.sns.Topic(f"{name}-alarms", kms_master_key_id=key.arn, opts=child)
        aws.sns.TopicPolicy(
            f"{name}-alarms",
            arn=topic.arn,
            policy=permissions.document(
                permissions.allow(
                    ["sns:Publish"],
                    [topic.arn],
                    principal={"Service": "cloudwatch.amazonaws.com"},
                    conditions={"StringEquals": {"aws:SourceAccount": account_id}},
                )
            ),
            opts=child,
        )
        subscribers = [("email", address) for address in alarms.emails] + [("https", url) for url in alarms.https]
        for place, (protocol, endpoint) in enumerate(subscribers, start=1):
            aws.sns.TopicSubscription(
                f"{name}-alarms-{place}", topic=topic.arn, protocol=protocol, endpoint=endpoint, opts=child
            )
        self.arn = topic.arn
        self.register_outputs({"arn": self.arn})

    def _create_key(self, name: str, account_id: pulumi.Input[str], child: pulumi.ResourceOptions) -> aws.kms.Key:
        """Create the topic's key. CloudWatch cannot publish to a topic under AWS's own key for SNS.

        Source: SNS guide, "Enable compatibility between event sources from AWS services and encrypted topics".
        """
        administrator = pulumi.Output.concat("arn:aws:iam::", account_id, ":root")
        return aws.kms.Key(
            f"{name}-alarms",
            description=f"Alarms of {name}",
            enable_key_rotation=True,
            deletion_window_in_days=7,
            policy=permissions.document(
                permissions.allow(["kms:*"], ["*"], principal={"AWS": administrator}),
                permissions.allow(
                    ["kms:Decrypt", "kms:GenerateDataKey*"],
                    ["*"],
                    principal={"Service": "cloudwatch.amazonaws.com"},
                    conditions={"StringEquals": {"aws:SourceAccount": account_id}},
                ),
            ),
            opts=child,
        )
