"""boto3 and botocore, which carry no types: here alone they are imported."""

from __future__ import annotations

from importlib import import_module
from typing import Any

boto3: Any = import_module("boto3")
botocore_session: Any = import_module("botocore.session")
botocore_credentials: Any = import_module("botocore.credentials")
botocore_loaders: Any = import_module("botocore.loaders")
exceptions: Any = import_module("botocore.exceptions")
xform_name: Any = import_module("botocore").xform_name
Config: Any = import_module("botocore.config").Config

ResponseParserError: Any = import_module("botocore.parsers").ResponseParserError

FAILURES: tuple[type[Exception], ...] = (exceptions.BotoCoreError, exceptions.ClientError, ResponseParserError)
"""What a call can raise: nothing was answered, a refusal was, or what AWS never says: a proxy's page."""
