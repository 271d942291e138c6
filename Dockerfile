# The image of every process: web, worker, beat, stream, migrate. `docker compose build`, or `docker build -t rates .`
#
# The base is pinned by version. To pin it by content, so that the same file is built for ever, add the digest that
# `docker buildx imagetools inspect python:3.11.13-slim-bookworm` prints: PYTHON=3.11.13-slim-bookworm@sha256:…
ARG PYTHON=3.11.13-slim-bookworm

FROM python:${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/rates
ENV PATH=/opt/rates/bin:$PATH
WORKDIR /app
COPY requirements.txt ./
# Wheels only: nothing is compiled, so neither stage needs a compiler. pip is not needed at run time.
RUN pip install --require-hashes --only-binary=:all: -r requirements.txt && pip uninstall -y pip setuptools \
    && rm requirements.txt
COPY manage.py pyproject.toml ./
COPY config config
COPY rates rates
COPY dashboard dashboard
COPY templates templates
# What /api/openapi.json and /api/asyncapi.json serve.
COPY docs/openapi.yaml docs/asyncapi.yaml docs/
# With a throwaway secret, which the image does not keep: the collected files do not depend on it.
RUN DEBUG=False SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(64))')" python manage.py collectstatic --noinput \
    && python -m compileall -q config rates dashboard

FROM python:${PYTHON}
LABEL org.opencontainers.image.title="rates" org.opencontainers.image.description="Self-hosted, real-time crypto prices"
RUN useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin rates
COPY --from=build /opt/rates /opt/rates
# Owned by root: the service cannot modify its own code.
COPY --from=build /app /app
ENV PATH=/opt/rates/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DEBUG=False HOST=0.0.0.0 PORT=8000
WORKDIR /app
# Also where `--env-file` passes an empty DEBUG: that is one which is not set, and a container is never a local run.
RUN echo DEBUG=False > .env
USER 10001:10001
EXPOSE 8000
# For the web process. The other processes have their own checks in docker-compose.yml.
HEALTHCHECK --interval=15s --timeout=6s --start-period=30s --retries=3 CMD ["python", "-m", "config.probe"]
CMD ["python", "manage.py", "serve"]
