"""The results of `fan_out.py` as lines, as a page of the documentation, and as plots."""

import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent / "docs"
OURS = "rates"
COLOURS = {
    "rates": "#2563eb",
    "rates, plain ASGI": "#93c5fd",
    "websockets.broadcast()": "#f59e0b",
    "Node ws": "#10b981",
}


@dataclass
class Result:
    """
    The result of one server for one number of sockets.

    Attributes:
        accepted: sockets a second.
        first_to_last, published_to_last: milliseconds, medians of the rounds.
        cpu: microseconds of the server's CPU per delivery.
        memory: KB of the server's resident memory per socket.
        lost: deliveries that did not arrive.
    """

    server: str
    coins: int
    size: int
    bytes: int
    accepted: float
    first_to_last: float
    published_to_last: float
    cpu: float
    memory: float
    lost: int


def line(r: Result) -> str:
    """Return one result for the terminal."""
    return (
        f"{r.server:24} {r.coins:4} coins {r.size:6} sockets {r.bytes:6} B  {r.accepted:6.0f}/s accepted"
        f"  first-last {r.first_to_last:7.1f} ms  publish-last {r.published_to_last:7.1f} ms"
        f"  {r.cpu:6.1f} us/delivery  {r.memory:6.1f} KB/socket  lost {r.lost}"
    )


def write_page(results: Sequence[Result], others: Mapping[str, str]) -> None:
    """Write docs/benchmarks.md and its plots; *others*: the output of the smaller benchmarks, by name."""
    for name, picture in plots(results, others["tick"]).items():
        (DOCS / name).write_text(picture)
    (DOCS / "benchmarks.md").write_text(
        PAGE.format(date=f"{datetime.now(UTC):%Y-%m-%d}", versions=versions(), tables=tables(results), **others)
    )


PAGE = """# Benchmarks

Written by `make bench` ({date}): one publication through Redis to N sockets of one server process, one server after the
other in one run, all with the same text. Compare the ratios: machines differ, and this one was shared. "Last" is the
delay between the first and the last socket that receives the publication, as the median of all publications. "CPU" is
that of the server alone. In brackets: multiples of our server's value.

{versions}

![CPU per delivery](benchmarks.svg)

![Memory per socket](benchmarks-memory.svg)

![From the first socket to the last](benchmarks-last.svg)

{tables}

The code is `benchmarks/fan_out.py`; the load client is `benchmarks/load.c`, the peers are in `benchmarks/peers/`.
"rates" is `manage.py serve`; "plain ASGI" is the same application under uvicorn's own protocol class. To measure one
size: `python -m benchmarks.fan_out --sizes 5000 --coins 4`.

## At rest

`python -m benchmarks.idle`: nothing is published for half a minute.

```
{idle}```

## Clients that never read

`python -m benchmarks.slow_clients`: 100 healthy clients alone, then together with 100 that never read; 200 coins,
two publications a second, every price changes.

```
{slow_clients}```

## A tick

`python -m benchmarks.tick`: three sources that answer, judgement, history, publication.

{tick}
![CPU of a tick](benchmarks-tick.svg)

The cost of ticks and streams beside earlier versions, and memory at rest: [`benchmarks-feed.md`](benchmarks-feed.md).
The hub, its memory and its accepts beside an earlier version: [`benchmarks-hub.md`](benchmarks-hub.md).
`make bench-quick` compares with the last release in two minutes.
"""
# What is added to the file's name, the field of the result, the title.
PLOTS = (
    ("", "cpu", "CPU per delivery, microseconds"),
    ("-memory", "memory", "Memory per socket, KB"),
    ("-last", "first_to_last", "From the first socket to the last, milliseconds"),
)
TICK_ROW = re.compile(r"^\| (\d+), (.+?) \| ([\d.]+) ms", re.M)


def versions() -> str:
    """Return the versions that were measured."""
    parts = [
        f"Python {sys.version.split()[0]}",
        *(f"{name} {version(name)}" for name in ("uvicorn", "websockets", "channels")),
    ]
    for command in (["node", "--version"], ["go", "version"]):
        try:
            parts.append(" ".join([command[0], *subprocess.check_output(command, text=True).split()[-2:][:1]]))
        except OSError:
            continue
    return f"{', '.join(parts)}; {platform.system()} {platform.release()}; {os.cpu_count()} cores, {processor()}."


def processor() -> str:
    """Return what the machine calls its processor."""
    found = re.search(r"^model name\s*: (.+)", Path("/proc/cpuinfo").read_text(), re.M)
    return found[1] if found else platform.machine()


def tables(results: Sequence[Result]) -> str:
    """Return one table for each number of coins."""
    return "\n\n".join(table([r for r in results if r.coins == coins]) for coins in sorted({r.coins for r in results}))


def table(results: Sequence[Result]) -> str:
    """Return the table for one text; in brackets: multiples of our server's value."""
    rows = [
        f"## {results[0].coins} coins, {results[0].bytes} bytes",
        "",
        "| sockets | server | CPU per delivery | last | memory per socket | accepted | lost |",
        "|---|---|---|---|---|---|---|",
    ]
    for r in results:
        mine = next((m for m in results if m.size == r.size and m.server == OURS), r)
        rows.append(
            f"| {r.size:,} | {r.server} | {r.cpu:.1f} µs ({r.cpu / mine.cpu:.2f}) "
            f"| {r.first_to_last:.1f} ms ({r.first_to_last / mine.first_to_last:.2f}) "
            f"| {r.memory:.0f} KB | {r.accepted:,.0f}/s | {r.lost} |"
        )
    return "\n".join(rows)


def plots(results: Sequence[Result], tick: str) -> dict[str, str]:
    """Return the pictures of the page, by the name of their file; *tick*: the table of `benchmarks.tick`."""
    shown = [r for r in results if r.coins == results[0].coins and r.size >= 1000]
    found = {
        f"benchmarks{name}.svg": draw(title, [(f"{r.size:,} sockets", r.server, getattr(r, field)) for r in shown])
        for name, field, title in PLOTS
    }
    ticks = [(f"{coins} coins", name, float(cpu)) for coins, name, cpu in TICK_ROW.findall(tick)]
    return found | {"benchmarks-tick.svg": draw("CPU of a tick, milliseconds", ticks)}


def draw(title: str, rows: Sequence[tuple[str, str, float]]) -> str:
    """Return *rows* of group, name and value as bars."""
    most = max(value for _, _, value in rows)
    bars, y, before = [], 30, ""
    for group, name, value in rows:
        if group != before:
            before, y = group, y + 26
            bars.append(f'<text x="10" y="{y - 6}" font-weight="600">{group}</text>')
        width = 420 * value / most
        bars.append(f'<text x="180" y="{y + 13}" text-anchor="end">{name}</text>')
        bars.append(
            f'<rect x="190" y="{y}" width="{width:.0f}" height="16" rx="2" fill="{COLOURS.get(name, "#6b7280")}"/>'
        )
        bars.append(f'<text x="{196 + width:.0f}" y="{y + 13}">{value:.1f}</text>')
        y += 20
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="680" height="{y + 10}" '
        'font-family="sans-serif" font-size="13">'
        f'<rect width="100%" height="100%" fill="#fff"/><text x="10" y="22" font-size="15" font-weight="600">'
        f"{title} (lower is better)</text>{''.join(bars)}</svg>\n"
    )
