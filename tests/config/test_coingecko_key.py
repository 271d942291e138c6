"""CoinGecko's key by each of its names, and what is said of two that disagree."""

import pytest

from tests.config.test_settings import Reader

KEY, OTHER = "CG-guess-me", "CG-guess-again"


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Reader:
    for name in ("COINGECKO_API_KEY", "COINGECKO_PLAN", "COINGECKO_DEMO_API_KEY", "COINGECKO_PRO_API_KEY"):
        monkeypatch.setenv(name, "")
    return Reader(monkeypatch)


@pytest.mark.parametrize(
    ("given", "plan"),
    [
        ({"COINGECKO_API_KEY": KEY}, "demo"),
        ({"COINGECKO_API_KEY": KEY, "COINGECKO_PLAN": "pro"}, "pro"),
        ({"COINGECKO_DEMO_API_KEY": KEY}, "demo"),
        ({"COINGECKO_PRO_API_KEY": KEY}, "pro"),
        ({"COINGECKO_PRO_API_KEY": KEY, "COINGECKO_PLAN": "pro"}, "pro"),
        ({"COINGECKO_PRO_API_KEY": KEY, "COINGECKO_API_KEY": KEY}, "pro"),
    ],
)
def test_a_key_is_taken_by_each_of_its_names_which_say_the_plan(
    reader: Reader, given: dict[str, str], plan: str
) -> None:
    read = reader.read(**given)
    assert (read["COINGECKO_API_KEY"], read["COINGECKO_PLAN"]) == (KEY, plan)
    assert KEY in read["SECRETS"]


def test_without_a_key_the_plan_is_demo(reader: Reader) -> None:
    read = reader.read()
    assert (read["COINGECKO_API_KEY"], read["COINGECKO_PLAN"]) == ("", "demo")


@pytest.mark.parametrize(
    "given",
    [
        {"COINGECKO_API_KEY": KEY, "COINGECKO_PRO_API_KEY": OTHER},
        {"COINGECKO_DEMO_API_KEY": KEY, "COINGECKO_PRO_API_KEY": OTHER},
        {"COINGECKO_DEMO_API_KEY": KEY, "COINGECKO_PRO_API_KEY": KEY},
        {"COINGECKO_PRO_API_KEY": KEY, "COINGECKO_PLAN": "demo"},
    ],
)
def test_names_that_disagree_are_refused_without_showing_a_key(reader: Reader, given: dict[str, str]) -> None:
    said = reader.refusal(**given)
    assert all(name in said for name in given)
    assert "guess" not in said


@pytest.mark.parametrize("name", ["COINGECKO_DEMO_API_KEY", "COINGECKO_PRO_API_KEY"])
def test_an_invisible_character_is_refused_by_the_name_that_was_used(reader: Reader, name: str) -> None:
    assert name in reader.refusal(**{name: KEY + "\u200b"})
