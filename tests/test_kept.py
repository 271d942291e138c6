"""What is kept of a list is made again as soon as anything about the arguments is another object, or another value."""

from rates.kept import KeptLast


def test_the_same_objects_are_not_asked_about_twice_and_others_are() -> None:
    made: list[tuple[object, ...]] = []
    items = [[1], [2]]

    def note(given: list[list[int]], *more: object) -> int:
        made.append((*given, *more))
        return len(made)

    kept = KeptLast(note)
    assert [kept(items, "usd"), kept(list(items), "usd")] == [1, 1]
    assert kept([[1], items[1]], "usd") == 2, "an equal item may be changed alone"
    assert kept(items, "eur") == 3
    assert kept(items[:1], "eur") == 4
    assert kept(items, "eur") == 5
    items.append([3])
    assert kept(items, "eur") == 6, "a list that has grown is another one"


def test_what_somebody_else_has_made_is_kept_for_its_arguments_alone() -> None:
    items = [[1]]
    kept = KeptLast(lambda given, more: "made")
    assert kept.keep("known", items, 1) == "known"
    assert [kept(items, 1), kept(items, 2), kept([[1]], 1)] == ["known", "made", "made"]
