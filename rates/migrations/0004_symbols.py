"""Symbols of any script, up to 40 characters, kept as people type them."""

from django.db import migrations, models

import rates.models


class Migration(migrations.Migration):
    """Widens the symbol; reversible as long as no symbol is longer than 20 characters."""

    dependencies = [("rates", "0003_candles")]
    operations = [
        migrations.AlterField(
            model_name="coin",
            name="symbol",
            field=models.CharField(
                help_text=(
                    "What people call the coin, as they write it: BTC, USDC.e. No other coin has it in any case."
                ),
                max_length=40,
                unique=True,
                validators=[rates.models.validate_symbol],
                verbose_name="symbol",
            ),
        ),
    ]
