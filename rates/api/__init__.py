"""What clients read over HTTP: rates, histories, readiness, metrics."""
