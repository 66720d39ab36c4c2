"""Names that fit the services they are given to."""

from __future__ import annotations

import hashlib

# A replication group's id has at most 40 characters (ElastiCache API, CreateReplicationGroup) and the longest of ours
# adds "-sessions-group" and Pulumi's suffix of 8; a load balancer's and a target group's name have at most 32.
PREFIX_LIMIT = 17


def prefix(application: str, stack: str) -> str:
    """Return `application-stack`, shortened with a hash of the whole where it would not fit.

    The result has at most PREFIX_LIMIT characters: lower-case letters, digits and single hyphens, a letter first.
    """
    whole = squeeze(f"{application}-{stack}")
    if len(whole) <= PREFIX_LIMIT:
        return whole
    digest = hashlib.sha256(f"{application}-{stack}".encode()).hexdigest()[:5]
    return f"{whole[: PREFIX_LIMIT - 6].rstrip('-')}-{digest}"


def squeeze(text: str) -> str:
    """Return `text` in lower case with every run of other characters as one hyphen, none at the ends."""
    letters = "".join(character if character.isascii() and character.isalnum() else " " for character in text.lower())
    return "-".join(letters.split())
