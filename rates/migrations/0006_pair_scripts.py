"""Pairs of Binance in any script, and factors that say which pair they are about."""

import django.core.validators
from django.db import migrations, models

import rates.models


def make_factor(exchange):
    """Return the field with the factor of the exchange's pair."""
    return models.PositiveIntegerField(
        default=1,
        help_text="Coins in one unit of the pair: 1, or a power of ten such as 1000 for 1000SATSUSDT.",
        validators=[rates.models.validate_factor],
        verbose_name=f"{exchange} factor",
    )


class Migration(migrations.Migration):
    """Changes what is allowed and what is said, and no table."""

    dependencies = [("rates", "0005_pairs")]
    operations = [
        migrations.AlterField("coin", "binance_factor", make_factor("Binance")),
        migrations.AlterField("coin", "kraken_factor", make_factor("Kraken")),
        migrations.AlterField(
            "coin",
            "binance_symbol",
            models.CharField(
                blank=True,
                help_text="The USDT pair on Binance: BTCUSDT. Leave it empty when there is none.",
                max_length=30,
                validators=[
                    django.core.validators.RegexValidator(
                        rates.models.PAIR_PATTERN, "Use Binance's own name of the USDT pair, such as BTCUSDT."
                    )
                ],
                verbose_name="Binance pair",
            ),
        ),
    ]
