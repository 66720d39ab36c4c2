"""Where alarms go, and who may send them there."""

from __future__ import annotations

from functools import cache

from components.alarm_topic import AlarmTopic
from scale.testing import Recording, run
from tests.components.building import NAME, component, counts, get, settings, statements

TOPIC = "aws:sns/topic:Topic"
POLICY = "aws:sns/topicPolicy:TopicPolicy"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
KEY = "aws:kms/key:Key"
ACCOUNT = "123456789012"
OWN_ALARMS = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
CLOUDWATCH = {"Service": "cloudwatch.amazonaws.com"}


@cache
def built(subscribed: bool = True) -> Recording:
    alarms = {"emails": ["oncall@example.com"], "https": ["https://pager.example.com/sns"]} if subscribed else {}
    model = settings(alarms=alarms).alarms
    return run(lambda: AlarmTopic(NAME, model, ACCOUNT))


def test_it_has_exactly_these_resources() -> None:
    assert counts(built()) == {"Key": 1, "Topic": 1, "TopicPolicy": 1, "TopicSubscription": 2}
    assert len(built().children(component(built(), "AlarmTopic"))) == 5


def test_it_is_encrypted_under_a_key_of_its_own() -> None:
    plan = built()
    assert get(plan.one(TOPIC), "kmsMasterKeyId") == plan.one(KEY).state["arn"]
    assert get(plan.one(KEY), "enableKeyRotation") is True
    assert get(plan.one(KEY), "deletionWindowInDays") == 7


def test_the_accounts_administrators_keep_the_key_and_cloudwatch_uses_it_for_this_account() -> None:
    assert statements(built().one(KEY)) == [
        {
            "Effect": "Allow",
            "Action": ["kms:*"],
            "Resource": ["*"],
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        },
        {
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": ["*"],
            "Principal": CLOUDWATCH,
            "Condition": OWN_ALARMS,
        },
    ]


def test_only_this_accounts_alarms_may_publish() -> None:
    plan = built()
    arn = plan.one(TOPIC).state["arn"]
    assert get(plan.one(POLICY), "arn") == arn
    assert statements(plan.one(POLICY)) == [
        {
            "Effect": "Allow",
            "Action": ["sns:Publish"],
            "Resource": [arn],
            "Principal": CLOUDWATCH,
            "Condition": OWN_ALARMS,
        }
    ]


def test_subscribers_are_those_of_the_settings() -> None:
    plan = built()
    found = [(get(each, "protocol"), get(each, "endpoint")) for each in plan.all(SUBSCRIPTION)]
    assert found == [("email", "oncall@example.com"), ("https", "https://pager.example.com/sns")]
    assert [get(each, "topic") for each in plan.all(SUBSCRIPTION)] == [plan.one(TOPIC).state["arn"]] * 2


def test_without_subscribers_the_topic_stands_all_the_same() -> None:
    assert built(False).all(SUBSCRIPTION) == []
    assert len(built(False).all(TOPIC)) == 1
