import pytest

from rayx.text.spans import milliseconds_of


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("30", 30_000), ("0", 1), ("1.5h", 5_400_000), ("90m", 5_400_000), ("2d", 172_800_000)],
)
def test_a_span(text, milliseconds):
    assert milliseconds_of("--grace", text) == milliseconds


@pytest.mark.parametrize("text", ["", "soon", "-1", "1h30m", "1 week", "nan", "1e3"])
def test_what_is_none(text):
    with pytest.raises(ValueError, match=r"^--grace=.* is no span of time: give seconds, as in 30"):
        milliseconds_of("--grace", text)


def test_a_year_is_the_most():
    assert milliseconds_of("--lifetime", "365d") == 365 * 86_400_000
    with pytest.raises(ValueError, match="--lifetime=366d is more than 365 days"):
        milliseconds_of("--lifetime", "366d")
