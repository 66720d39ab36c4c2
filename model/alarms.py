"""Who is told, and when users are said to be affected."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from model.fields import FractionalPercent, FractionalSeconds, Problem, Seconds, Section, form
from model.metrics import RUNBOOKS


class Alarms(Section):
    """Subscribers of the alarms, and the thresholds of what users notice."""

    emails: tuple[Annotated[str, form(r"[^@\s]+@[^@\s]+\.[^@\s]+", "an e-mail address")], ...] = ()
    """Addresses that are told. Each confirms a message from AWS first."""

    https: tuple[Annotated[str, form(r"https://\S+", "an address that begins with https://")], ...] = ()
    """HTTPS endpoints that are told, such as a pager's."""

    error_percent: FractionalPercent = Field(default=5.0, gt=0, le=100)
    """The share of answers that are 5xx above which users are affected."""

    slow_seconds: FractionalSeconds = Field(default=5.0, gt=0, le=600)
    """The response time of the slowest hundredth above which users are affected."""

    period_seconds: Seconds = Field(default=60, ge=60, le=3600, multiple_of=60)
    """The width of one value of these alarms; 3 of 5 make an alarm."""

    runbooks: Annotated[
        str, form(r"(https://[^\s/]+|[\w.-]+)(/[^\s/]+)*", "a folder's address that begins with https://, or its path")
    ] = Field(default=RUNBOOKS, max_length=400)
    """Where the alarms' descriptions say that their pages are: the folder's address in your copy of this program, such
    as `https://github.com/example/shop/blob/main/docs/runbooks`. By default its path."""

    def problems(self) -> Iterator[Problem]:
        """Yield subscribers that SNS would refuse."""
        for key, values in (("emails", self.emails), ("https", self.https)):
            for index, value in enumerate(values):
                if value in values[:index]:
                    yield Problem(f"{key}[{index}]", f"must be unique, {value!r} is named twice")
