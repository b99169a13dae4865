import io

import numpy as np
import pytest
from PIL import Image

from experiments.analysis import paired, rates, verdicts
from experiments.analysis.runs import runs
from experiments.reports.fair import effect_figures, tuning_figures
from experiments.reports.fair.forest import Panel, forest
from experiments.reports.labels import optimizer_title

NAMES = ("thermolion", "adamw", "lion", "my_package.module:a_long_name_of_mine")
RATES = 10.0 ** np.arange(-5, 0, 0.5)


def _difference(mean, spread=0.001, seeds=5):
    ours = 0.5 + mean / 100 + spread * np.linspace(-1, 1, seeds)
    return paired.difference(runs(range(seeds), ours), runs(range(seeds), [0.5] * seeds))


def _profiles():
    found = {}
    for place, name in enumerate(NAMES):
        means = np.clip(0.9 - 0.02 * (np.log10(RATES) + 3 + place / 2) ** 2, 0.1, 1.0)
        found[name] = rates.profile(RATES, [[mean, mean + 0.002] for mean in means])
    return found


def _curves():
    return {
        name: rates.best_so_far([0.5, None, 0.8, 0.9 - 0.01 * place, 0.7])
        for place, name in enumerate(NAMES)
    }


def _verdicts():
    images = [[1, 1, 1, 0] * 10, [1, 1, 0, 0] * 10]
    bits = paired.difference(
        runs([0, 1], [0.75, 0.5], images), runs([0, 1], [0.5, 0.5], [images[1]] * 2)
    )
    one_seed = paired.difference(runs([0], [0.9]), runs([0], [0.5]))
    found = [_difference(2.0), _difference(-2.0), _difference(0.3, 0.0001), bits, one_seed]
    return {f"mine against {i}": verdicts.verdict("a", "b", each) for i, each in enumerate(found)}


def _verdict():
    return verdicts.verdict("a", "b", _difference(2.0))


def _panels():
    some = {"digits": _verdicts(), "GTSRB-32": {"mine against 0": None}}
    return [
        Panel("60 steps", "mine", "other", some),
        Panel("600 steps", "mine", "other", {"digits": _verdicts()}),
        Panel("600 steps", "my_package.module:a_long_name_of_mine", "adamw", some),
    ]


DRAWN = {
    "rates": lambda: tuning_figures.learning_rates(
        {"digits": _profiles(), "GTSRB-32": _profiles()}
    ),
    "aligned": lambda: tuning_figures.learning_rates({"digits": _profiles()}, aligned=True),
    "budgets": lambda: tuning_figures.budgets({"digits": _curves(), "GTSRB-32": _curves()}),
    "forest": lambda: forest(_panels()),
    "ablation": lambda: effect_figures.ablation(
        {
            "digits": {"no boost": _difference(2.0), "no noise": _difference(-9.0)},
            "x": {"no noise": _difference(0.0)},
        }
    ),
}


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_nothing_is_cut_off_and_the_bytes_are_the_same_again(draw):
    drawn = draw()
    assert drawn == draw()
    with Image.open(io.BytesIO(drawn["png"])) as image:
        pixels = np.asarray(image.convert("RGB"))
    assert pixels.shape[1] > 900
    for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]):
        assert (edge == 255).all()
    assert b"<dc:date>" not in drawn["svg"]


def _text(drawn):
    return drawn["svg"].decode()  # matplotlib writes each text as a comment above its outlines


@pytest.mark.parametrize("kind", ["rates", "aligned", "budgets"])
def test_every_optimizer_is_named_in_its_colour(kind):
    text = _text(DRAWN[kind]())
    assert all(f"<!-- {optimizer_title(name)} -->" in text for name in NAMES)
    assert "#d55e00" in text.lower()


def test_widths_stand_beside_their_bars():
    text = _text(tuning_figures.learning_rates({"digits": _profiles()}))
    for profile in _profiles().values():
        width = profile.width()
        assert f"<!-- {'≥ ' if width.at_least else ''}{width.decades:.1f} -->" in text


def test_a_width_between_the_rates_that_were_tried_is_no_number():
    best, off = [0.9, 0.9], [0.5, 0.5]
    steep = rates.profile([1e-4, 1e-3, 1e-2], [off, best, off])
    assert 0 < steep.width().decades < 0.1
    text = _text(tuning_figures.learning_rates({"digits": {"adamw": steep}}))
    assert "<!-- one rate -->" in text
    flat = rates.profile([1e-4, 1e-3, 1e-2, 1e-1], [off, best, best, off])
    assert "one rate" not in _text(tuning_figures.learning_rates({"digits": {"adamw": flat}}))


def test_panels_of_rates_stand_three_in_a_row():
    def width(count):
        panels = {f"set {i}": _profiles() for i in range(count)}
        drawn = tuning_figures.learning_rates(panels)["png"]
        with Image.open(io.BytesIO(drawn)) as image:
            return image.size

    three, four = width(3), width(4)
    assert four[0] == three[0]
    assert four[1] > 1.9 * three[1]


def test_a_forest_says_each_verdict():
    text = _text(DRAWN["forest"]())
    for said in (
        "+2.00  better",
        "-2.00  worse",
        "+0.30  better by less than 1",
        "+40.00  undecided",
    ):
        assert f"<!-- {said} -->" in text
    assert "at most inf" not in text
    assert "thin line: new seeds and new images" in text


def test_a_difference_off_the_scale_is_an_arrow_and_flattens_nothing():
    def axis_ends(mean):
        groups = {"digits": {"small": _verdict(), "large": verdicts.verdict("a", "b", mean)}}
        text = _text(forest([Panel("60 steps", "a", "b", groups)]))
        return "arrows: beyond 20" in text, "<!-- +2 -->" in text, "<!-- +20 -->" in text

    assert axis_ends(_difference(19.0)) == (False, False, True)
    assert axis_ends(_difference(45.0)) == (True, True, False)


def test_a_forest_of_losses_says_that_lower_is_better():
    loss = paired.loss_difference({0: 0.5, 1: 0.51}, {0: 1.0, 1: 1.0})
    found = verdicts.verdict("a", "b", loss, measure=verdicts.TRAIN_LOSS)
    text = _text(forest([Panel("60 steps", "a", "b", {"digits": {"against b": found}})]))
    assert "<!-- ← a better -->" in text
    assert "<!-- b better → -->" in text
    assert "±4.88 shaded, lower is better" in text
    assert "line: new seeds" in text
    assert "-49.50  better" in text


def test_a_forest_says_who_is_better_where_and_what_is_missing():
    text = _text(DRAWN["forest"]())
    assert text.count("<!-- ← other better -->") == text.count("<!-- mine better → -->") == 2
    assert "<!-- ← adamw better -->" in text
    assert "<!-- my_package.module:a_long_name_of_mine better → -->" in text
    assert text.count("<!-- runs missing -->") == 2


def test_one_heading_is_part_of_the_title():
    text = _text(forest([Panel("60 steps", "a", "b", {"digits": {"against b": _verdict()}})]))
    assert "<!-- digits, 60 steps -->" in text
    assert "<!-- digits -->" not in text


def test_panels_of_an_ablation_share_their_scale():
    text = _text(DRAWN["ablation"]())
    assert text.count("<!-- -8 -->") == 2


def test_a_figure_of_one_optimizer_at_one_rate():
    one = {"adamw": rates.profile([1e-3], [[0.5]])}
    assert "≥ one rate" in _text(tuning_figures.learning_rates({"digits": one}, aligned=True))
    assert "AdamW" in _text(tuning_figures.budgets({"digits": {"adamw": rates.best_so_far([0.5])}}))


@pytest.mark.parametrize(
    "draw",
    [
        tuning_figures.learning_rates,
        tuning_figures.budgets,
        forest,
        effect_figures.ablation,
    ],
)
def test_nothing_to_draw_is_said(draw):
    with pytest.raises(ValueError, match="to draw"):
        draw({})


@pytest.mark.parametrize(("count", "firsts"), [(2, 1), (3, 1), (4, 2), (5, 2)])
def test_every_row_of_panels_names_its_lines(count, firsts):
    found = {f"set {number}": {"+ gate": _difference(1.0)} for number in range(count)}
    text = _text(effect_figures.ablation(found))
    assert text.count("<!-- + gate -->") == firsts
