"""Django's own test cases on the example: run by `manage.py test` in test_mirror.py, against a primary and a mirror."""

from __future__ import annotations

import threading

from articles.models import Article
from django.contrib.auth.models import User
from django.test import TestCase, TransactionTestCase

ALIASES = {"default", "replica_1", "replica_2"}


def _write() -> None:
    author = User.objects.create(username="author")
    Article.objects.create(author=author, title="seen")


class InATestCase(TestCase):
    databases = ALIASES

    @classmethod
    def setUpTestData(cls) -> None:
        _write()

    def test_what_was_written_is_read(self) -> None:
        assert Article.objects.all().db == "default"
        assert Article.objects.get().title == "seen"
        assert Article.objects.get().author.username == "author"

    def test_pages_see_it(self) -> None:
        self.assertContains(
            self.client.get("/probe/read/?title=seen", headers={"host": "example.test"}), '"found": true'
        )

    def test_no_probe_runs(self) -> None:
        assert not [t for t in threading.enumerate() if t.name.startswith("django-scale-probe")]


class InATransactionTestCase(TransactionTestCase):
    databases = ALIASES

    def test_the_mirror_is_the_same_database(self) -> None:
        _write()
        assert Article.objects.using("replica_1").get().title == "seen"
        answer = self.client.get("/probe/read/?title=seen", headers={"host": "example.test"}).json()
        assert answer["found"]
        assert answer["alias"] in ALIASES - {"default"}
