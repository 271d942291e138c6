"""Each exchange's pair as data of the coin; existing pairs count when their price has agreed with the coin's."""

import django.core.validators
from django.db import migrations, models

import rates.models

FACTOR = {"default": 1, "validators": [rates.models.validate_factor], "verbose_name": "coins in a unit"}


def leave_kraken_open(apps, schema_editor):
    """Let the pairs that the releases before asked Kraken for be taken where their price agrees."""
    apps.get_model("rates", "Coin").objects.update(kraken_verified=None)


class Migration(migrations.Migration):
    """Adds the pairs; reversible, because what is added is all that goes."""

    dependencies = [("rates", "0004_symbols")]
    operations = [
        migrations.AddField("coin", "binance_factor", models.PositiveIntegerField(**FACTOR)),
        migrations.AddField(
            "coin", "binance_verified", models.BooleanField(default=False, verbose_name="Binance pair verified")
        ),
        migrations.AddField(
            "coin",
            "kraken_symbol",
            models.CharField(
                blank=True,
                help_text="The pair on Kraken, in its spelling: BTC/USD, AAPLx/USD. Leave it empty when there is none.",
                max_length=50,
                validators=[
                    django.core.validators.RegexValidator(
                        rates.models.KRAKEN_PAIR_PATTERN, "Use Kraken's own name of the pair, such as BTC/USD."
                    )
                ],
                verbose_name="Kraken pair",
            ),
        ),
        migrations.AddField("coin", "kraken_factor", models.PositiveIntegerField(**FACTOR)),
        migrations.AddField(
            "coin",
            "kraken_verified",
            models.BooleanField(
                default=False,
                help_text=(
                    "Empty: from before pairs were kept; the pair of the symbol is taken when its price agrees."
                ),
                null=True,
                verbose_name="Kraken pair verified",
            ),
        ),
        migrations.RunPython(leave_kraken_open, migrations.RunPython.noop),
    ]
