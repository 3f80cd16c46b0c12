"""Pictures, the canvas that draws them, and the two together."""

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pytest
from matplotlib.image import imread
from PIL import Image as Png

from fovnb.errors import InvalidInputError
from fovnb.plots.live import Image, ImageView, SentenceView
from fovnb.widgets.canvas import Canvas
from fovnb.widgets.picture import Picture
from fovnb.widgets.plot import Plot
from fovnb.widgets.png import encode_png
from tests.datasets import make_geom, make_run


class Recorder(SentenceView):
    """A view that counts how often its static part is drawn."""

    def __init__(self):
        self.starts = 0

    def key(self, record):
        return len(record)

    def start(self, figure, record):
        self.starts += 1
        super().start(figure, record)


class TestPng:
    def test_any_reader_finds_the_same_pixels_and_the_recipe(self):
        pixels = np.random.default_rng(1).integers(0, 256, (7, 5, 4), dtype=np.uint8)
        png = encode_png(pixels, {"Recipe": "0123456789ab"})
        np.testing.assert_array_equal(np.round(255 * imread(BytesIO(png))), pixels[..., :3])
        assert Png.open(BytesIO(png)).text == {"Recipe": "0123456789ab"}

    def test_a_changed_byte_is_found_by_the_reader(self):
        png = bytearray(encode_png(np.zeros((4, 4, 3), dtype=np.uint8), {}))
        png[-20] ^= 1
        with pytest.raises((OSError, SyntaxError)):
            Png.open(BytesIO(bytes(png))).load()


class TestCanvas:
    def test_is_as_large_as_was_asked_for(self):
        png = Canvas(321, 123).draw(SentenceView(), "text", "abc")
        assert Png.open(BytesIO(png)).size == (321, 123)
        assert Png.open(BytesIO(png)).text["Recipe"] == "abc"

    def test_the_static_part_is_drawn_when_the_key_changes_only(self):
        canvas, view = Canvas(200, 100), Recorder()
        for text in ("one", "two", "six"):
            canvas.draw(view, text)
        assert view.starts == 1
        canvas.draw(view, "three")
        assert view.starts == 2

    def test_another_view_starts_anew(self):
        canvas, one, other = Canvas(200, 100), Recorder(), Recorder()
        for view in (one, other, one):
            canvas.draw(view, "text")
        assert (one.starts, other.starts) == (2, 1)

    def test_after_an_error_the_next_picture_is_whole(self):
        canvas, view = Canvas(200, 100), SentenceView()
        good = canvas.draw(view, "text")
        with pytest.raises(AttributeError):
            canvas.draw(view, 5)
        assert canvas.draw(view, "text") == good

    def test_a_place_in_the_picture_is_a_pixel_of_the_map(self):
        """The centre of the axes is the centre of the map; beside the axes there is nothing."""
        geom = make_geom()
        canvas = Canvas(450, 400)
        assert canvas.place(0.5, 0.5) is None
        canvas.draw(ImageView("counts"), Image(make_run(geom=geom).counts, 0))
        found = {
            (x, y): canvas.place(x, y) for x in np.linspace(0, 1, 91).tolist() for y in np.linspace(0, 1, 81).tolist()
        }
        inside = np.array([place for place in found.values() if place is not None])
        assert inside.min() > -0.6
        assert inside.max() < 19.6
        np.testing.assert_allclose(inside.mean(axis=0), 9.5, atol=0.15)
        assert found[0.0, 0.5] is None
        upper, lower = (found[x, y][1] for x, y in ((0.4, 0.2), (0.4, 0.8)) if (x, y) in found)
        assert upper > lower

    def test_threads_draw_what_one_thread_draws(self):
        texts = [f"text {i}" for i in range(24)]
        expected = [Canvas(200, 100).draw(SentenceView(), text) for text in texts]
        shared, view = Canvas(200, 100), SentenceView()
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(lambda text: Canvas(200, 100).draw(SentenceView(), text), texts)) == expected
            assert list(pool.map(lambda text: shared.draw(view, text), texts)) == expected


class TestPicture:
    def test_what_is_shown_is_not_stale(self):
        picture = Picture(300, 200, "Counts")
        picture.stale = True
        picture.show(b"png", "text", "abc")
        assert (picture.png, picture.alt, picture.recipe, picture.stale) == (b"png", "text", "abc", False)
        assert repr(picture) == "Picture('Counts', 300 x 200)"
        picture.close()

    def test_picture_text_and_recipe_go_in_one_message(self, monkeypatch):
        picture, sent = Picture(300, 200, "Counts"), []
        monkeypatch.setattr(picture, "send_state", lambda key=None: sent.append(set(key)))
        picture.show(b"png", "text", "abc")
        assert sent == [{"png", "alt", "recipe"}]

    def test_clicks_are_heard_by_all_even_twice_at_one_place(self):
        picture, heard = Picture(300, 200, "Counts"), []
        assert not picture.places
        picture.on_click(lambda x, y: heard.append((x, y)))
        picture.on_click(lambda x, y: heard.append((y, x)))
        assert picture.places
        picture.click(0.25, 0.5)
        picture.click(0.25, 0.5)
        assert heard == [(0.25, 0.5), (0.5, 0.25)] * 2
        picture.close()
        assert picture.comm is None

    def test_a_click_that_no_user_could_make_is_refused(self):
        picture = Picture(300, 200, "Counts")
        with pytest.raises(InvalidInputError, match="cannot be clicked"):
            picture.click(0.5, 0.5)
        picture.on_click(lambda _x, _y: None)
        with pytest.raises(InvalidInputError, match=r"\(1.5, 0.5\)"):
            picture.click(1.5, 0.5)


class TestPlot:
    def test_shows_picture_text_and_recipe(self):
        plot = Plot(ImageView("counts"), 450, 400, "Counts")
        record = Image(make_run().counts, 0)
        plot.draw(record, "abc")
        assert plot.picture.png == Canvas(450, 400).draw(ImageView("counts"), record, "abc")
        assert plot.picture.alt == plot.view.alt(record)
        plot.say("nothing is left", "abd")
        assert (plot.picture.alt, plot.picture.recipe) == ("nothing is left", "abd")
        plot.draw(record, "abc")
        assert plot.picture.png == Canvas(450, 400).draw(ImageView("counts"), record, "abc")
        plot.close()

    def test_a_place_is_heard_in_pixels_of_the_map_and_one_beside_not_at_all(self):
        plot, heard = Plot(ImageView("counts"), 450, 400, "Counts"), []
        plot.on_place(lambda x, y: heard.append((x, y)))
        plot.draw(Image(make_run().counts, 0))
        plot.picture.click(0.01, 0.5)
        assert heard == []
        plot.picture.click(0.5, 0.5)
        assert len(heard) == 1
        plot.close()
