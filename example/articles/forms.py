"""Forms of the example."""

from django import forms

from articles.models import Article


class ArticleForm(forms.ModelForm):
    """Writes an article."""

    class Meta:
        """What its author decides."""

        model = Article
        fields = ("title", "body", "published")
