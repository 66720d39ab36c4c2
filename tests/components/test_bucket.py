"""A private bucket."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from components import permissions
from components.bucket import PrivateBucket
from scale.testing import Recording, run
from tests.components.building import BUCKET, BUCKET_POLICY, component, counts, get, statements

BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
OWNERSHIP = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
READER = {"Service": "cloudfront.amazonaws.com"}


@cache
def built(
    keep_days: int | None = None,
    old_version_days: int | None = None,
    force_destroy: bool = False,
    protect: bool = False,
) -> Recording:
    def program() -> None:
        bucket = PrivateBucket(
            "files",
            keep_days=keep_days,
            old_version_days=old_version_days,
            force_destroy=force_destroy,
            protect=protect,
        )
        bucket.grant(permissions.allow(["s3:GetObject"], [bucket.arn], principal=READER))

    return run(program)


def lifecycle(plan: Recording) -> dict[str, Any]:
    return {rule["id"]: rule for rule in get(plan.one(LIFECYCLE), "rules")}


def test_it_has_exactly_these_resources() -> None:
    assert counts(built(old_version_days=30)) == {
        "Bucket": 1,
        "BucketLifecycleConfiguration": 1,
        "BucketOwnershipControls": 1,
        "BucketPolicy": 1,
        "BucketPublicAccessBlock": 1,
        "BucketServerSideEncryptionConfiguration": 1,
        "BucketVersioning": 1,
    }
    assert len(built().children(component(built(), "PrivateBucket"))) == 6


@pytest.mark.parametrize("type_", [BLOCK, OWNERSHIP, ENCRYPTION, LIFECYCLE, VERSIONING, BUCKET_POLICY])
def test_every_part_is_of_the_bucket(type_: str) -> None:
    plan = built(old_version_days=30)
    assert get(plan.one(type_), "bucket") == plan.one(BUCKET).id


def test_its_name_is_generated_because_bucket_names_are_shared_by_all_accounts() -> None:
    assert "bucket" not in built().one(BUCKET).properties


@pytest.mark.parametrize(
    "setting", ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"]
)
def test_nothing_in_it_can_be_public(setting: str) -> None:
    assert get(built().one(BLOCK), setting) is True


def test_its_owner_owns_every_object() -> None:
    assert get(built().one(OWNERSHIP), "rule.objectOwnership") == "BucketOwnerEnforced"


def test_it_is_encrypted_under_the_key_that_load_balancers_can_write_with() -> None:
    rule = get(built().one(ENCRYPTION), "rules.0.applyServerSideEncryptionByDefault")
    assert rule == {"sseAlgorithm": "AES256"}


def test_requests_without_tls_are_refused_to_everyone() -> None:
    plan = built()
    refusal, _ = statements(plan.one(BUCKET_POLICY))
    arn = plan.one(BUCKET).state["arn"]
    assert refusal == {
        "Effect": "Deny",
        "Action": ["s3:*"],
        "Resource": [arn, f"{arn}/*"],
        "Principal": {"AWS": "*"},
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def test_its_policy_holds_what_was_granted_and_nothing_more() -> None:
    plan = built()
    _, granted = statements(plan.one(BUCKET_POLICY))
    assert granted == {
        "Effect": "Allow",
        "Action": ["s3:GetObject"],
        "Resource": [plan.one(BUCKET).state["arn"]],
        "Principal": READER,
    }


def test_the_policy_comes_after_public_access_is_blocked_as_s3_takes_one_of_the_two_at_a_time() -> None:
    plan = built()
    assert plan.one(BLOCK).urn in plan.one(BUCKET_POLICY).depends_on


def test_abandoned_uploads_are_cleaned_away() -> None:
    rule = lifecycle(built())["abandoned-uploads"]
    assert rule["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 7}


def test_objects_are_kept_for_ever_or_for_the_given_days() -> None:
    assert list(lifecycle(built())) == ["abandoned-uploads"]
    assert lifecycle(built(keep_days=90))["expire"]["expiration"] == {"days": 90}


def test_old_versions_are_kept_for_the_given_days() -> None:
    plan = built(old_version_days=30)
    assert get(plan.one(VERSIONING), "versioningConfiguration.status") == "Enabled"
    assert lifecycle(plan)["old-versions"]["noncurrentVersionExpiration"] == {"noncurrentDays": 30}


def test_without_days_for_old_versions_there_are_none() -> None:
    assert built().all(VERSIONING) == []


def test_rules_about_old_versions_wait_for_versioning() -> None:
    plan = built(old_version_days=30)
    assert plan.one(VERSIONING).urn in plan.one(LIFECYCLE).depends_on


def test_every_rule_is_enabled_for_all_objects() -> None:
    for rule in lifecycle(built(keep_days=90, old_version_days=30)).values():
        assert (rule["status"], rule["filter"]) == ("Enabled", {"prefix": ""})


@pytest.mark.parametrize("force", [True, False])
def test_what_is_in_it_goes_along_only_when_asked_for(force: bool) -> None:
    assert get(built(force_destroy=force).one(BUCKET), "forceDestroy") is force


@pytest.mark.parametrize("protect", [True, False])
def test_the_bucket_alone_is_protected(protect: bool) -> None:
    plan = built(protect=protect)
    assert plan.one(BUCKET).protect is protect
    assert not plan.one(LIFECYCLE).protect
