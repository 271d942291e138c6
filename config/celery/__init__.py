"""Celery as this service needs it: the application, and the parts of the library that had to be replaced."""

from config.celery.application import app

__all__ = ["app"]
