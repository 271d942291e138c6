"""Where staff edit the coins, and see the state of each of them and of the service."""

from rates.admin import coins  # noqa: F401 - Django registers the admin by importing this package
