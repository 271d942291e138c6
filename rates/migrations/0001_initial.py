import django.core.validators
import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Coin',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('symbol', models.CharField(help_text='Base asset, upper case: BTC.', max_length=20, unique=True, validators=[django.core.validators.RegexValidator('^[A-Z0-9]{1,20}$', 'Use 1 to 20 capital letters and digits, such as BTC.')], verbose_name='symbol')),
                ('name', models.CharField(max_length=200, verbose_name='name')),
                ('coingecko_id', models.CharField(help_text="The API id on the coin's CoinGecko page: bitcoin. Symbols are not unique there, ids are.", max_length=100, unique=True, validators=[django.core.validators.RegexValidator('^[a-z0-9._-]{1,100}$', "Use CoinGecko's API id, such as bitcoin or avalanche-2.")], verbose_name='CoinGecko id')),
                ('binance_symbol', models.CharField(blank=True, help_text='The USDT pair on Binance: BTCUSDT. Leave it empty when there is none.', max_length=30, validators=[django.core.validators.RegexValidator('^[A-Z0-9]{2,30}$', "Use Binance's own name of the USDT pair, such as BTCUSDT.")], verbose_name='Binance pair')),
                ('enabled', models.BooleanField(default=True, verbose_name='enabled')),
                ('position', models.PositiveIntegerField(db_index=True, default=0, verbose_name='position')),
            ],
            options={
                'verbose_name': 'coin',
                'verbose_name_plural': 'coins',
                'ordering': ('position', 'symbol'),
                'constraints': [models.UniqueConstraint(django.db.models.functions.text.Upper('symbol'), name='rates_coin_symbol_any_case')],
            },
        ),
    ]
