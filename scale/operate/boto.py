"""boto3 and botocore, which carry no types: here alone they are imported."""

from __future__ import annotations

from importlib import import_module
from typing import Any

boto3: Any = import_module("boto3")
botocore_session: Any = import_module("botocore.session")
botocore_credentials: Any = import_module("botocore.credentials")
exceptions: Any = import_module("botocore.exceptions")
Config: Any = import_module("botocore.config").Config

FAILURES: tuple[type[Exception], ...] = (exceptions.BotoCoreError, exceptions.ClientError)
"""What a call can raise: nothing was answered, or a refusal was."""
