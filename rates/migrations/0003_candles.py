"""The history of prices: candles, whose they are, and what vendors were asked for."""

import django.db.models.deletion
from django.db import migrations, models

import rates.models


class Migration(migrations.Migration):
    """Three tables, empty at first."""

    dependencies = [("rates", "0002_coin_editors")]

    operations = [
        migrations.CreateModel(
            name="StoredCandle",
            fields=[
                ("id", rates.models.CandleKey(primary_key=True, serialize=False)),
                ("prices", models.BinaryField()),
                ("updates", models.PositiveIntegerField()),
                ("source", models.PositiveSmallIntegerField()),
                ("disputed", models.BooleanField()),
            ],
            options={"db_table": "rates_candle"},
        ),
        migrations.CreateModel(
            name="Series",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("base", models.CharField(max_length=100)),
                ("quote", models.CharField(max_length=10)),
                ("interval", models.PositiveIntegerField()),
                ("merged_until", models.BigIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("base", "quote", "interval"), name="rates_series_unique"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Backfill",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source", models.PositiveSmallIntegerField()),
                ("start", models.BigIntegerField()),
                ("end", models.BigIntegerField()),
                ("candles", models.PositiveIntegerField(default=0)),
                ("refused", models.PositiveIntegerField(default=0)),
                ("note", models.CharField(blank=True, max_length=200)),
                ("asked_at", models.DateTimeField(auto_now=True)),
                ("series", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="rates.series")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("series", "source", "start"), name="rates_backfill_unique"),
                ],
            },
        ),
    ]
