"""The examples of `docs/protocol.md` are what `docs/asyncapi.yaml` allows, and configuration to copy can be read."""

import configparser
import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.docs.markdown import PRESENT, ROOT, code_blocks, name_of

SCHEMAS = yaml.safe_load((ROOT / "docs/asyncapi.yaml").read_text())
EXAMPLES = [block for block in code_blocks(ROOT / "docs/protocol.md", "") if block.startswith("{")]


@pytest.mark.parametrize(("kind", "text"), list(zip(["prices", "coin"], EXAMPLES, strict=True)))
def test_an_example_is_what_the_protocol_allows(kind: str, text: str) -> None:
    schema = SCHEMAS | {"$ref": f"#/components/schemas/{kind}"}
    Draft202012Validator(schema).validate(json.loads(text))


@pytest.mark.parametrize("document", PRESENT, ids=name_of)
def test_configuration_to_copy_can_be_read(document: Path) -> None:
    for block in code_blocks(document, "yaml"):
        yaml.safe_load(block)
    for block in code_blocks(document, "ini"):
        configparser.ConfigParser(strict=False).read_string(block)
