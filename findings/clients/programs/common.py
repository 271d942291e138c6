"""What the programs in Python share: where they connect, and how they say what they see."""

import json
import os
import sys

URL = sys.argv[1]
# Whether to do what the line of the table says; otherwise a program does what its library's own first page shows.
WITH_LINE = len(sys.argv) > 2
SECONDS = float(os.environ.get("SECONDS", "10"))


def read(text):
    message = json.loads(text)
    if message["type"] == "board":
        say(f"board of {len(message['rates'])}")


def say(*words):
    print(*words, flush=True)
