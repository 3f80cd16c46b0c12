"""What holds for every live view: nothing of the last record stays, nothing is typeset, the text has the numbers."""

import matplotlib.style
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from fovnb.plots.live import Sticky
from fovnb.plots.live.sticky import rounded_up
from fovnb.widgets.canvas import Canvas
from tests.live_records import VIEWS, records

SIZES = {"spectrum": (9, 4.2), "norms": (9, 3.2), "safe": (9, 4.8), "histogram": (4.5, 3.2), "profile": (4.5, 3.2)}

names = pytest.mark.parametrize("name", list(VIEWS))


@names
def test_after_another_record_the_first_looks_as_before(name):
    view, (one, other) = VIEWS[name][0](), records(name)
    canvas = Canvas(480, 400)
    first, second = canvas.draw(view, one), canvas.draw(view, other)
    assert first != second
    assert canvas.draw(view, one) == first
    assert canvas.draw(view, other) == second


@names
def test_the_part_that_stays_is_that_of_a_new_figure(name):
    """What is drawn over the remembered part is what a view draws that never saw another record."""
    one, other = records(name)
    canvas, view, fresh = Canvas(480, 400), VIEWS[name][0](), VIEWS[name][0]()
    canvas.draw(view, one)
    fresh.key(one)  # for the limits that the first record leaves behind
    assert canvas.draw(view, other) == Canvas(480, 400).draw(fresh, other)


@names
def test_no_text_is_typeset_and_none_leaves_the_picture(name):
    view, figure = VIEWS[name][0](), Figure(figsize=SIZES.get(name, (4.5, 4.0)), dpi=100)
    for record in records(name):
        figure.clear()
        view.key(record)
        view.start(figure, record)
        view.update(record)
        FigureCanvasAgg(figure).draw()
        shown = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
        assert shown
        assert [text.get_text() for text in shown if "$" in text.get_text()] == []
        drawn = figure.get_tightbbox()
        assert min(drawn.x0, drawn.y0) >= 0
        assert np.all(drawn.max <= figure.get_size_inches())


@names
def test_the_text_alternative_is_a_sentence_with_numbers(name):
    view = VIEWS[name][0]()
    texts = [view.alt(record) for record in records(name)]
    if name != "sentence":
        assert all(text.endswith(".") and any(char.isdigit() for char in text) for text in texts)
    assert texts[0] != texts[1] or name in ("norms",)  # the run that is looked at is no number


@names
def test_looks_the_same_whatever_the_style_of_the_user(name):
    record = records(name)[0]
    expected = Canvas(480, 400).draw(VIEWS[name][0](), record)
    with matplotlib.style.context("dark_background"):
        assert Canvas(480, 400).draw(VIEWS[name][0](), record) == expected


class TestSticky:
    def test_small_changes_do_not_move_the_limits(self):
        limits = Sticky()
        first = limits.around([0.0, 9.1])
        assert [limits.around([0.0, top]) for top in (9.9, 3.1, 5.0)] == [first] * 3

    def test_grows_at_once_and_holds_all_values(self):
        limits = Sticky()
        for top in (9.1, 10.1, 23.0, 1e6):
            low, high = limits.around([-top / 3, top])
            assert low <= -top / 3
            assert top <= high < 1.6 * top

    def test_shrinks_when_much_too_large(self):
        limits = Sticky()
        limits.around([0.0, 100.0])
        assert limits.around([0.0, 10.0]) == (0.0, 10.0)

    def test_of_one_value_and_of_none(self):
        assert Sticky(least=2).around([5.0]) == (4.0, 6.0)
        assert Sticky().around([np.nan]) == (0.0, 1.0)

    @pytest.mark.parametrize("value", [1e-7, 0.3, 1.0, 4.9, 7e11])
    def test_rounded_up_is_not_below_and_less_than_two_and_a_half_times(self, value):
        assert value <= rounded_up(value) <= 2.5 * value
