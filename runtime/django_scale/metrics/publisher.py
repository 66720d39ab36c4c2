"""Publishes samples in the background, from one process of a host."""

from __future__ import annotations

import logging
import os
import sys
import threading

from django.db import connections

from django_scale.conf import Options, options
from django_scale.metrics.cloudwatch import CloudWatch, embedded
from django_scale.metrics.collector import Sample, scaling_metrics
from django_scale.metrics.slots import slots

logger = logging.getLogger("django_scale.metrics")


class Publisher(threading.Thread):
    """Takes and publishes a sample a period, while this process is the one that leads."""

    def __init__(self, opts: Options) -> None:
        super().__init__(name="django-scale-metrics", daemon=True)
        self._options = opts
        self._stopped = threading.Event()
        self._cloudwatch = CloudWatch(opts.metrics_namespace, opts.environment, opts.region)

    def run(self) -> None:
        """Until the process ends. Its database connection is closed after each sample: it is needed once a minute."""
        while not self._stopped.wait(self._options.metrics_interval):
            if not slots().lead():
                continue
            try:
                self.publish(scaling_metrics.sample())
            except Exception:
                # boto3's errors share no base with anything; the next period is another try.
                logger.exception("metrics were not published")
            finally:
                connections.close_all()

    def publish(self, sample: Sample) -> None:
        """Send one sample to the exporters."""
        opts = self._options
        if "emf" in opts.metrics_exporter:
            sys.stdout.write("".join(f"{x}\n" for x in embedded(sample, opts.metrics_namespace, opts.environment)))
            sys.stdout.flush()
        if "cloudwatch" in opts.metrics_exporter:
            self._cloudwatch.publish(sample)

    def stop(self) -> None:
        """End after the sample at hand."""
        self._stopped.set()


_publisher: Publisher | None = None
_starting = threading.Lock()


def ensure_started() -> None:
    """Start the publisher of this process, at its first request: a thread does not survive a fork."""
    global _publisher
    if _publisher is not None or not options().metrics_exporter & {"cloudwatch", "emf"}:
        return
    with _starting:
        if _publisher is None:
            _publisher = Publisher(options())
            _publisher.start()


def _after_fork() -> None:
    global _publisher, _starting
    _publisher, _starting = None, threading.Lock()


os.register_at_fork(after_in_child=_after_fork)
