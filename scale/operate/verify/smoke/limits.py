"""Whether a client that asks too often is answered 429. It sends hundreds of requests: only when asked for."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from model.traffic import RateLimit
from scale.operate.verify.smoke.web import Answer, Check, NoAnswerError, below, get

WAIT_SECONDS = 90
"""AWS WAF counts every ten seconds or so, and acts later than it counts (AWS WAF guide, "Rate-based rule statements":
the estimate lags); this long after the limit is passed it must have."""
_AT_ONCE = 8
_PAUSE_SECONDS = 0.2


@dataclass
class _Seen:
    """What the requests of one check met."""

    sent: int = 0
    refused: Answer | None = None
    failure: str = ""


def limit(url: str, role: str, rate: RateLimit, wait_seconds: float = WAIT_SECONDS) -> Check:
    """Check that the limit on a path is held: more requests than it allows, until one is answered 429."""
    name, allowed = f"limit of {role}", rate.waf_rate().limit
    address, seen, lock = below(url, rate.path), _Seen(), threading.Lock()

    def ask(_: int) -> None:
        if seen.refused is not None or seen.failure:
            return
        try:
            answer = get(address)
        except NoAnswerError as error:
            seen.failure = str(error)
            return
        with lock:
            seen.sent += 1
            if answer.status == 429 and seen.refused is None:
                seen.refused = answer

    # Twice what is allowed at once, then slowly, as the count behind the limit is late.
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(ask, range(2 * allowed)))
    end = time.monotonic() + wait_seconds
    while seen.refused is None and not seen.failure and time.monotonic() < end:
        ask(0)
        time.sleep(_PAUSE_SECONDS)
    if seen.refused is not None:
        again = seen.refused.headers.get("retry-after")
        if not again:
            return Check(
                name, "failed", f"429 after {seen.sent} requests, without Retry-After", "`pulumi up --refresh`"
            )
        return Check(name, "passed", f"429 after {seen.sent} requests to {rate.path}, Retry-After {again}")
    if seen.failure:
        return Check(name, "failed", seen.failure, "look at the load balancer")
    mend = "look at the rule and at the order of the firewall's rules"
    return Check(name, "failed", f"{seen.sent} requests to {rate.path} without a 429, {allowed} are allowed", mend)
