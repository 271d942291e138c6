"""Logos of coins, which staff upload."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds their table, and to each coin which one it has."""

    dependencies = [("rates", "0006_pair_scripts")]
    operations = [
        migrations.CreateModel(
            "Logo",
            [
                ("name", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("data", models.BinaryField()),
            ],
        ),
        migrations.AddField(
            "coin",
            "logo",
            models.ForeignKey(blank=True, null=True, on_delete=models.SET_NULL, to="rates.logo", verbose_name="logo"),
        ),
    ]
