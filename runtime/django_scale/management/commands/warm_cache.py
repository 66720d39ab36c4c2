"""`manage.py warm_cache`: fill the cache with what the project's warmers load."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from django_scale.cache.warmer import AlreadyWarmingError, Progress, warmer

WIDTH = 30


class Command(BaseCommand):
    """Runs warmers, with a progress bar on a terminal and a line a warmer elsewhere."""

    help = "Fill the cache with what the registered warmers load."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Names, ids, and whether to start anew."""
        parser.add_argument("names", nargs="*", help="warmers to run; all when none is named")
        parser.add_argument("--ids", nargs="+", type=int, help="only these ids, of one named warmer")
        parser.add_argument("--restart", action="store_true", help="do not resume an interrupted run")
        parser.add_argument("--list", action="store_true", help="list the warmers")

    def handle(self, *_: Any, **options: Any) -> None:
        """Run."""
        known = warmer.names()
        if options["list"]:
            self.stdout.write("\n".join(known))
            return
        names: list[str] = options["names"] or known
        unknown = [name for name in names if name not in known]
        if unknown:
            raise CommandError(f"no warmer {unknown[0]!r}; there are: {', '.join(known) or 'none'}")
        if options["ids"] and len(names) != 1:
            raise CommandError("--ids needs exactly one warmer")
        for name in names:
            self._warm(name, options["ids"], resume=not options["restart"])

    def _warm(self, name: str, ids: list[int] | None, *, resume: bool) -> None:
        last: Progress | None = None
        try:
            for last in warmer.warm(name, ids, resume=resume):
                if self.stdout.isatty():
                    self.stdout.write(_bar(last), ending="\r")
                    self.stdout.flush()
        except AlreadyWarmingError as error:
            self.stdout.write(
                self.style.WARNING(f"{name}: skipped, another server warms it, or no cache answers ({error})")
            )
            return
        self.stdout.write(_bar(last) if last else f"{name}: nothing to warm")


def _bar(progress: Progress) -> str:
    full = WIDTH * progress.done // max(1, progress.total)
    bar = "#" * full + "-" * (WIDTH - full)
    return f"{progress.name} [{bar}] {progress.done}/{progress.total}, {progress.stored} stored"
