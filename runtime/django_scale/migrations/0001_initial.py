"""The table of the L3 cache."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """Create CacheEntry."""

    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="CacheEntry",
            fields=[
                ("key", models.CharField(max_length=255, primary_key=True, serialize=False)),
                ("value", models.BinaryField()),
                ("expires", models.DateTimeField(db_index=True, null=True)),
            ],
            options={"default_permissions": ()},
        ),
    ]
