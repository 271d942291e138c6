"""What is read over HTTP: rates, histories, readiness, metrics."""
