"""Buckets for static files and media, and the content delivery network in front of them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from model.fields import Days, Seconds, Section


class Storage(Section):
    """Static files and uploads, off the servers' disks."""

    price_class: Literal["PriceClass_100", "PriceClass_200", "PriceClass_All"] = "PriceClass_100"
    """CloudFront's edge locations: North America and Europe; these with Asia, Africa and the Middle East; all."""

    hashed_seconds: Seconds = Field(default=31_536_000, ge=0, le=31_536_000)
    """How long browsers keep a file whose name holds a hash of its content (`app.5f1a2b3c4d5e.css`)."""

    unhashed_seconds: Seconds = Field(default=300, ge=0, le=31_536_000)
    """How long browsers keep any other file."""

    old_version_days: Days = Field(default=30, ge=1, le=3650)
    """How long an overwritten or deleted object can be brought back."""

    force_destroy: bool = False
    """Whether the buckets are deleted with everything in them. For environments that hold nothing of value."""
