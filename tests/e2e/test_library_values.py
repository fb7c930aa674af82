"""Values of numpy, pandas, pyarrow, scipy and scikit-learn: they come back as they were, and work.

Where a library is not installed, its tests are skipped.
"""

import datetime
import decimal

import numpy as np
import pytest

import rayx

pytestmark = pytest.mark.usefixtures("shared_session")

LARGE = np.arange(40_000.0)
RECORDS = np.array([(1, (2.0, 3.0), "xy")], dtype=[("a", "i4"), ("b", "f8", (2,)), ("c", "U5")])


@rayx.remote
def identity(value):
    return value


@rayx.remote
def call(function, *args):
    return function(*args)


def copies(value):
    """Of a value: through a task, through `put`, and as a part of another."""
    return [
        rayx.get(identity.remote(value)),
        rayx.get(rayx.put(value)),
        rayx.get(identity.remote(rayx.put({"part": [value]})))["part"][0],
    ]


class Noted(np.ndarray):
    """As the documentation of numpy subclasses arrays."""

    def __new__(cls, data, note=None):
        made = np.asarray(data).view(cls)
        made.note = note
        return made

    def __array_finalize__(self, other):
        self.note = getattr(other, "note", None)

    def __reduce__(self):
        made = super().__reduce__()
        return made[0], made[1], (*made[2], self.note)

    def __setstate__(self, state):
        self.note = state[-1]
        super().__setstate__(state[:-1])


@pytest.mark.parametrize(
    "array",
    [
        np.array(3.5),
        np.array("2020-01-01", "M8[D]"),
        np.array(None, object),
        np.empty((0, 3)),
        LARGE[::3],
        LARGE[::-1],
        LARGE.reshape(200, 200).T,
        LARGE.reshape(20, 50, 40).transpose(1, 0, 2),
        np.broadcast_to(np.arange(5.0), (4, 5)),
        np.array([1, "a", None], object),
        np.array(["a", "bcd"]),
        np.array([b"a", b"bcd"]),
        np.arange(5, dtype=">i4"),
        np.arange(4).astype(">M8[s]"),
        np.arange(100_000).astype("M8[s]").reshape(100, 1000).T,
        np.arange(4, dtype=np.longdouble),
        RECORDS,
        RECORDS.view(np.recarray),
        np.ma.array([1, 2, 3], mask=[0, 1, 0], fill_value=9),
        np.zeros(2, np.dtype([("a", "i1"), ("b", "f8")], align=True)),
    ],
    ids=lambda array: f"{type(array).__name__}-{array.dtype}-{array.shape}".replace(" ", ""),
)
def test_arrays(array):
    for copy in copies(array):
        assert type(copy) is type(array)
        assert (copy.dtype, copy.shape) == (array.dtype, array.shape)
        assert copy.flags.f_contiguous == array.flags.f_contiguous or not array.flags.forc
        np.testing.assert_array_equal(copy, array)


def test_a_subclass_with_an_attribute():
    for copy in copies(Noted([1, 2], "seen")):
        assert (type(copy), copy.note, copy.tolist()) == (Noted, "seen", [1, 2])


def test_arrays_in_files(tmp_path):
    array = np.memmap(tmp_path / "data", "f8", "w+", shape=(1000,))
    array[:] = 3
    for copy in copies(array):
        assert (copy.shape, copy.sum()) == ((1000,), 3000)


def test_generators_of_random_numbers():
    expected = np.random.default_rng(3).integers(1000, size=5).tolist()
    for copy in copies(np.random.default_rng(3)):
        assert copy.integers(1000, size=5).tolist() == expected


def test_frames():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(
        {
            "number": [1.5, float("nan"), 2],
            "text": ["x", None, "z"],
            "category": pd.Categorical(["u", "v", "u"]),
            "time": pd.date_range("2020", periods=3, tz="Europe/Berlin"),
            "nullable": pd.array([1, None, 3], dtype="Int64"),
            "span": pd.to_timedelta([1, 2, 3], unit="s"),
        }
    )
    frame.attrs["source"] = "here"
    for made in (frame, frame.iloc[::2], frame.set_index(["text", "number"]), pd.DataFrame()):
        for copy in copies(made):
            pd.testing.assert_frame_equal(copy, made)
            assert copy.attrs == made.attrs
    assert all(copy is pd.NaT for copy in copies(pd.NaT))


def test_frames_that_were_got_can_be_worked_with():
    """Their columns are read-only; what makes new ones works."""
    pd = pytest.importorskip("pandas")
    numbers = np.arange(50_000)
    frame = pd.DataFrame({"x": numbers * 0.5, "group": numbers % 7, "text": ["a", "b"] * 25_000})

    def work(frame):
        frame["y"] = 1
        frame.loc[0, "y"] = 5
        sorted_frame = frame.sort_values("x", ascending=False)
        mean = frame.groupby("group").x.mean()
        pivot = frame.pivot_table(index="group", columns="text", values="x")
        rolled = frame.x.rolling(3).mean()
        return frame.y.sum(), sorted_frame.x.iloc[0], mean.shape, pivot.shape, rolled.iloc[2]

    expected = work(frame.copy())
    assert rayx.get(call.remote(work, rayx.put(frame))) == expected
    assert work(rayx.get(rayx.put(frame))) == expected


def test_arrow():
    pa = pytest.importorskip("pyarrow")
    table = pa.table(
        {
            "number": [1, 2, 3],
            "text": ["x", None, "z"],
            "list": [[1], [2, 3], None],
            "struct": [{"q": 1}, None, {"q": 2}],
            "dictionary": pa.array(["u", "v", "u"]).dictionary_encode(),
            "decimal": pa.array([decimal.Decimal("1.5"), None, None]),
        },
        metadata={"k": "v"},
    )
    columns = [table[name].chunk(0) for name in table.column_names]
    values = [table, table.to_batches()[0], table.slice(1, 1), table["text"], table.schema]
    for value in [*values, *columns, pa.scalar(3), pa.nulls(3), pa.list_(pa.int32())]:
        for copy in copies(value):
            assert type(copy) is type(value)
            assert copy.equals(value)
    assert all(copy.schema.metadata == {b"k": b"v"} for copy in copies(table))


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil", "dok", "bsr"])
def test_sparse_matrices(form):
    sparse = pytest.importorskip("scipy.sparse")
    matrix = sparse.random(300, 300, 0.1, format=form, random_state=1)
    for copy in copies(matrix):
        assert type(copy) is type(matrix)
        assert (copy.toarray() == matrix.toarray()).all()
        if form in ("csr", "csc"):
            assert ((copy @ copy).toarray() == (matrix @ matrix).toarray()).all()
            assert (copy.T[3:5].toarray() == matrix.T[3:5].toarray()).all()


@pytest.mark.parametrize(
    "kind", ["svm.SVC", "neighbors.KNeighborsClassifier", "tree.DecisionTreeClassifier"]
)
def test_models_learn_from_arrays_that_cannot_be_written(kind):
    """And so do models that came from an object, whose own arrays cannot be written either."""
    sklearn = pytest.importorskip("sklearn")
    module, name = kind.split(".")
    pytest.importorskip(f"sklearn.{module}")
    model = getattr(getattr(sklearn, module), name)()
    data = np.random.RandomState(0).rand(2000, 10)
    labels = data[:, 0] > 0.5
    expected = model.fit(data, labels).predict(data)

    def learn(model, data, labels):
        return model.predict(data), model.fit(data, labels).predict(data)

    known, learned = rayx.get(call.remote(learn, rayx.put(model), rayx.put(data), rayx.put(labels)))
    assert (known == expected).all()
    assert (learned == expected).all()


@pytest.mark.parametrize(
    "value",
    [
        datetime.datetime(2020, 10, 25, 2, 30, tzinfo=datetime.UTC, fold=1),
        datetime.timezone(datetime.timedelta(hours=3), "X"),
        decimal.Decimal("1.10"),
        bytearray(b"abc" * 10_000),
        10**4000,
        "a\udc80",
        "é" * 300_000,
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_values(value):
    for copy in copies(value):
        assert type(copy) is type(value)
        assert copy == value
        assert repr(copy)[:100] == repr(value)[:100]
