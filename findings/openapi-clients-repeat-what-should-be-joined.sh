#!/usr/bin/env bash
# openapi-python-client and openapi-fetch send `symbols=BTC&symbols=XLM` where the document says `explode: false`, which is
# `symbols=BTC,XLM`.
#
# Versions: openapi-python-client 0.29.1 (PyPI), openapi-fetch 0.17.0 (npm), Node 20
# Surprise: `explode: false` is how OpenAPI describes a list with commas, as many price APIs take them. The generated Python
#   client has a typed list for the parameter and serializes it in the other form, without a warning. openapi-fetch works
#   from types that do not contain the setting; it needs a `querySerializer` by hand.
# Matters: a server that reads the first or the last of repeated parameters answers with one coin and status 200, and the
#   client misses the others although it was generated from the server's own document.
# Seen (2026-11-30):
#   | openapi-python-client 0.29.1: /api/rates?symbols=BTC&symbols=XLM
#   | openapi-fetch 0.17.0: /api/rates?symbols=BTC&symbols=XLM
#   | openapi-fetch 0.17.0, querySerializer with explode false: /api/rates?symbols=BTC,XLM
set -euo pipefail
self=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check openapi-python-client==0.29.1
npm install --silent --no-audit --no-fund openapi-fetch@0.17.0
cat > openapi.yaml <<'EOF'
openapi: 3.1.0
info: {title: rates, version: "1"}
paths:
  /api/rates:
    get:
      operationId: rates
      parameters:
        - {name: symbols, in: query, style: form, explode: false, schema: {type: array, items: {type: string}}}
      responses: {"200": {description: prices, content: {application/json: {schema: {type: object}}}}}
EOF
echo 'post_hooks: []' > config.yaml
venv/bin/openapi-python-client generate --path openapi.yaml --config config.yaml --meta none --output-path generated \
  --fail-on-warning > /dev/null
cat > ask.py <<'PY'
from importlib.metadata import version

import httpx
from generated import Client
from generated.api.default import rates

asked = []


def answer(request):
    asked.append(request.url.raw_path.decode())
    return httpx.Response(200, json={})


client = Client(base_url="http://rates.example", httpx_args={"transport": httpx.MockTransport(answer)})
rates.sync(client=client, symbols=["BTC", "XLM"])
print(f"openapi-python-client {version('openapi-python-client')}: {asked[0]}")
PY
cat > ask.mjs <<'JS'
import {readFileSync} from "node:fs";
import createClient from "openapi-fetch";

const {version} = JSON.parse(readFileSync("node_modules/openapi-fetch/package.json"));

async function ask(name, options) {
  const fetch = async ({url}) => {
    console.log(`openapi-fetch ${version}${name}: ${url.replace("http://rates.example", "")}`);
    return Response.json({});
  };
  const client = createClient({baseUrl: "http://rates.example", fetch, ...options});
  await client.GET("/api/rates", {params: {query: {symbols: ["BTC", "XLM"]}}});
}

await ask("", {});
await ask(", querySerializer with explode false", {querySerializer: {array: {style: "form", explode: false}}});
JS
{
  venv/bin/python ask.py
  node ask.mjs
} | tee seen
diff <(sed -n 's/^#   | \?//p' "$self") seen
