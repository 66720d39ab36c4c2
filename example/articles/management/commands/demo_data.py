"""`manage.py demo_data`: articles to look at. A second run adds nothing."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from articles.models import Article

SENTENCE = "A page that many read is made once, and a page that one reads is made for that one. "


class Command(BaseCommand):
    """Makes three authors, of whom none can sign in, and their articles."""

    help = "Make articles to look at; a second run adds nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        """How many."""
        parser.add_argument("--articles", type=int, default=200)

    def handle(self, *args: Any, **options: Any) -> None:
        """Make them."""
        with transaction.atomic():
            users = get_user_model()
            authors = [users.objects.get_or_create(username=name)[0] for name in ("ada", "grace", "margaret")]
            have = Article.objects.count()
            Article.objects.bulk_create(
                Article(
                    author=authors[number % len(authors)],
                    title=f"Article {number + 1}",
                    body=SENTENCE * (1 + number % 20),
                    views=(number * 7919) % 1000,
                )
                for number in range(have, options["articles"])
            )
        self.stdout.write(f"{max(0, options['articles'] - have)} articles made, {Article.objects.count()} in all")
