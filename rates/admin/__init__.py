"""Where staff edit the coins, and see how each of them and the service are doing."""

from rates.admin import coins  # noqa: F401 - Django registers the admin by importing this package
