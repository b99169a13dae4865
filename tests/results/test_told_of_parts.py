"""Sentences of the pages about the ablation study are what its records say."""

import re
from pathlib import Path
from statistics import mean

from experiments import records
from experiments.analysis.paired import loss_difference
from experiments.analysis.short_arms import short_arms
from experiments.analysis.verdicts import TRAIN_LOSS, verdict
from experiments.reports.fair.questions import accuracy_difference

ROOT = Path(__file__).parents[2]
MATCHED = "adamw at the step of thermolion"


def _arms():
    made = records.read(ROOT / "results" / "ablation").records
    told = [one for one in made if (one.dataset, one.regime) == ("fashion_mnist", "B")]
    found = short_arms(told, {"adamw": MATCHED})
    there = {arm.optimizer: arm for arm in found}
    assert len(there) == len(found)  # one data set and regime: else the pages' sentences need more
    return {name: arm.tuned for name, arm in there.items()}


def _text(page):
    return " ".join((ROOT / page).read_text(encoding="utf-8").split())


def test_how_much_longer_the_matched_steps_are_is_so():
    arms = _arms()
    sizes = [mean(one.update_rms for one in arms[name]) for name in (MATCHED, "thermolion")]
    (said,) = re.findall(r"they came out about (\d+) % longer", _text("docs/should_i_use_it.md"))
    assert int(said) == round(100 * (sizes[0] / sizes[1] - 1), -1)


def test_why_there_is_no_bias_correction_is_so():
    arms = _arms()
    pair = arms["thermolion"], arms["thermolion:bias_correction=true"]
    found = accuracy_difference(*pair)
    losses = ({one.seed: one.train_loss[-1] for one in some} for some in pair)
    cases = (
        verdict("without", "with", found).case,
        verdict("without", "with", loss_difference(*losses), measure=TRAIN_LOSS).case,
    )
    assert cases == ("no larger difference", "better")
    said = f"*no difference larger than 1 point* held out, {found.mean:+.2f} points "
    said += f"[{found.low:+.2f}, {found.high:+.2f}], and *better* in train loss"
    assert said in _text("docs/settings.md")
