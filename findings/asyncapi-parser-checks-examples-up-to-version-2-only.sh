#!/usr/bin/env bash
# @asyncapi/parser rejects an example that breaks its own schema in an AsyncAPI 2.6 document, and accepts it in 3.0 and 3.1.
#
# Versions: @asyncapi/parser 3.6.6 (npm), Node 20
# Surprise: the checks of examples and defaults are rules for version 2 and have no counterpart for version 3. The same
#   message in the newer format is valid: no error, no warning.
# Matters: whoever migrates a document loses the check that kept its examples true, at the very moment when all of them are
#   rewritten. Generated pages and mock servers then show prices of another type than the service sends.
# Seen (2026-11-30):
#   | @asyncapi/parser 3.6.6; price is a string, the example has 63250.12
#   | 2.6.0: refused, "price" property type must be string
#   | 3.0.0: valid
#   | 3.1.0: valid
set -euo pipefail
self=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund @asyncapi/parser@3.6.6
cat > parse.cjs <<'JS'
const {Parser} = require("@asyncapi/parser");
const {version} = require("@asyncapi/parser/package.json");

const info = {title: "rates", version: "1"};
const message = {
  payload: {type: "object", properties: {price: {type: "string"}}},
  examples: [{payload: {price: 63250.12}}],
};
const operations = {tell: {action: "send", channel: {$ref: "#/channels/rates"}}};
const second = {info, channels: {"/ws/rates": {subscribe: {message}}}};
const third = {info, channels: {rates: {address: "/ws/rates", messages: {update: message}}}, operations};

async function main() {
  console.log(`@asyncapi/parser ${version}; price is a string, the example has 63250.12`);
  for (const [asyncapi, document] of [["2.6.0", second], ["3.0.0", third], ["3.1.0", third]]) {
    const {diagnostics} = await new Parser().parse(JSON.stringify({asyncapi, ...document}));
    const errors = diagnostics.filter(({severity}) => severity === 0).map((error) => error.message);
    console.log(`${asyncapi}: ${errors.length ? `refused, ${errors.join("; ")}` : "valid"}`);
  }
}

main();
JS
node parse.cjs | tee seen
diff <(sed -n 's/^#   | \?//p' "$self") seen
