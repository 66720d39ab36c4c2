"""What AWS refuses, in one line that says what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scale.operate.boto import ResponseParserError, exceptions

WRONG = 2
"""The exit status where an account cannot be asked."""


class AccountError(RuntimeError):
    """AWS was not asked, or did not answer as it should; the text is one line for the user."""


class CredentialsError(AccountError):
    """There are no credentials, they are of no use, or they are another account's: nothing can be read."""


class DeniedError(AccountError):
    """The credentials may not make this one call."""


class MissingError(AccountError):
    """What was asked for by name is not there."""


class UnavailableError(AccountError):
    """The service cannot be reached, is not in the region, or refuses for the moment."""


_EXPIRED = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired", "InvalidGrantException"}
)
_INVALID = frozenset(
    {
        "AuthFailure",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "MissingAuthenticationToken",
        "NotSignedUp",
        "OptInRequired",
        "SignatureDoesNotMatch",
        "SubscriptionRequiredException",
        "UnrecognizedClientException",
    }
)
_DENIED = frozenset(
    {
        "403",
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "AuthorizationErrorException",
        "ForbiddenException",
        "UnauthorizedOperation",
        "UnauthorizedException",
        "WAFAccessDeniedException",
    }
)
_THROTTLED = frozenset(
    {"RequestLimitExceeded", "Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException"}
)
_ASSUMING = frozenset({"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "GetRoleCredentials"})
"""What botocore calls of itself to come by credentials, whatever call they are for."""

_MISSING = ("NotFound", "NoSuch", "DoesNotExist", "Nonexistent", "NonExistent")
_RENEW = "run `aws sso login`, or take new ones from where these came"


def translate(
    error: Exception, *, service: str, operation: str, region: str, regions: Callable[[str], list[str]]
) -> AccountError:
    """Return botocore's error as one that says what to do.

    `operation` is the API's own name, `DescribeAlarms`; `regions` gives the regions that botocore knows of a service.
    """
    if isinstance(error, exceptions.ClientError):
        return _refused(error, f"{service}:{operation}", region)
    unreachable = exceptions.EndpointConnectionError, exceptions.UnknownEndpointError, exceptions.UnknownRegionError
    if isinstance(error, (*unreachable, exceptions.EndpointProviderError, exceptions.InvalidRegionError)):
        if region not in regions(service):
            return UnavailableError(f"{region} is not a region with {service}: change aws:region, or do without it")
        return UnavailableError(f"{service} in {region} cannot be reached ({error}): check the network and the proxy")
    return _unsent(error, f"{service}:{operation}")


def _unsent(error: Exception, call: str) -> AccountError:
    """Return the error of a request that was never answered."""
    text = one_line(str(error))
    match error:
        case exceptions.NoCredentialsError():
            return CredentialsError(
                "there are no AWS credentials: set AWS_PROFILE or aws:profile, run `aws sso login`, or set "
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            )
        case exceptions.ProfileNotFound():
            return CredentialsError(f"{text}: change aws:profile or AWS_PROFILE, or run `aws configure sso`")
        case (
            exceptions.UnauthorizedSSOTokenError()
            | exceptions.SSOTokenLoadError()
            | exceptions.TokenRetrievalError()
            | exceptions.LoginError()
        ):
            return CredentialsError(f"the AWS session has expired or was never begun ({text}): {_RENEW}")
        case (
            exceptions.CredentialRetrievalError()
            | exceptions.PartialCredentialsError()
            | exceptions.InvalidConfigError()
            | exceptions.ConfigParseError()
            | exceptions.ConfigNotFound()
            | exceptions.MetadataRetrievalError()
            | exceptions.UnknownCredentialError()
            | exceptions.InfiniteLoopConfigError()
            | exceptions.RefreshWithMFAUnsupportedError()
            | exceptions.NoAuthTokenError()
            | exceptions.MissingDependencyException()
        ):
            return CredentialsError(f"the AWS credentials cannot be read: {text}")
        case exceptions.SSLError():
            return UnavailableError(f"{call}: TLS failed ({text}): check AWS_CA_BUNDLE and the proxy")
        case ResponseParserError():
            return UnavailableError(
                f"{call} was answered by something that is not AWS: check AWS_ENDPOINT_URL and the proxy"
            )
        case exceptions.HTTPClientError() | exceptions.ConnectionError():
            return UnavailableError(f"{call} had no answer ({text}): check the network and the proxy")
        case exceptions.BotoCoreError():
            return AccountError(f"{call}: {text}")
        case _:
            raise error


def _refused(error: Any, call: str, region: str) -> AccountError:
    """Return the error that AWS answered with."""
    details: dict[str, Any] = dict(error.response.get("Error", {}))
    assuming = error.operation_name in _ASSUMING
    if assuming:
        call = error.operation_name
    code, text = str(details.get("Code", "")), one_line(str(details.get("Message", "")))
    if code in _EXPIRED:
        return CredentialsError(f"the AWS credentials have expired: {_RENEW}")
    if code in _INVALID:
        return CredentialsError(
            f"AWS does not accept the credentials in {region} ({code}): check the profile, and that the region is "
            "enabled in the account"
        )
    if code in _DENIED or code.endswith("AccessDenied"):
        if assuming:
            return CredentialsError(
                f"the role may not be assumed ({text}): check the profile or aws:assumeRoles, and whom the role trusts"
            )
        return DeniedError(f"{call} is not allowed: add it to the role's policy (docs/operating.md)")
    if code in _THROTTLED:
        return UnavailableError(f"{call} is throttled: wait, and try again")
    # CloudWatch and ELB say `ResourceNotFound` and `LoadBalancerNotFound`, STS and others say `NoSuchEntity`.
    if code == "404" or any(part in code for part in _MISSING):
        return MissingError(f"{call}: {text or code}")
    return AccountError(f"{call}: {code}: {text}" if text else f"{call}: {code}")


def one_line(text: str) -> str:
    """Return a text without its line breaks and the full stop at its end."""
    return " ".join(text.split()).rstrip(".")
