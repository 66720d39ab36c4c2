"""The table of the L3 cache."""

from __future__ import annotations

from datetime import datetime

from django.db import models


class CacheEntry(models.Model):
    """A cached value; `expires` null: never. Kept on the primary."""

    key: models.CharField[str, str] = models.CharField(max_length=255, primary_key=True)
    value: models.BinaryField[bytes, bytes | memoryview] = models.BinaryField()
    expires: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(null=True, db_index=True)

    class Meta:
        """Not part of a project's permissions."""

        default_permissions = ()

    def __str__(self) -> str:
        """The key."""
        return self.key
