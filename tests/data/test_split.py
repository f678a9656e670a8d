import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from qwenlab.data.split import sample, split


def rows(count: int) -> pl.DataFrame:
    return pl.DataFrame({"row": range(1, count + 1)})


def test_document_split_95_percent_train_5_percent_validation() -> None:
    train, validation = split(rows(2000), 0.05, seed=42)
    assert (train.height, validation.height) == (1900, 100)


def test_document_reproducibility_the_same_seed_gives_the_same_split() -> None:
    assert split(rows(500), 0.05, 42).validation.equals(split(rows(500), 0.05, 42).validation)
    assert not split(rows(500), 0.05, 42).validation.equals(split(rows(500), 0.05, 43).validation)
    assert split(rows(10), 0.2, 42).validation["row"].to_list() == [6, 7]


@given(count=st.integers(1, 300), share=st.floats(0, 0.5), seed=st.integers(0, 2**32 - 1))
def test_every_row_is_in_one_part_and_in_order(count: int, share: float, seed: int) -> None:
    train, validation = split(rows(count), share, seed)
    assert train["row"].is_sorted() and validation["row"].is_sorted()
    assert sorted([*train["row"], *validation["row"]]) == list(range(1, count + 1))
    assert train.height >= 1
    if share > 0 and count >= 2:
        assert validation.height == max(round(count * share), 1)
    if share == 0:
        assert validation.is_empty()


@given(count=st.integers(1, 300), most=st.integers(0, 400), seed=st.integers(0, 2**32 - 1))
def test_a_sample_is_as_large_as_asked_and_in_order(count: int, most: int, seed: int) -> None:
    sampled = sample(rows(count), most, seed)
    assert sampled.height == (min(most, count) if most else count)
    assert sampled["row"].is_sorted() and sampled["row"].is_unique().all()
    assert sampled.equals(sample(rows(count), most, seed))


def test_a_sample_is_not_merely_the_beginning() -> None:
    assert sample(rows(1000), 100, seed=0)["row"].max() > 500  # type: ignore[operator]
