import numpy as np
import pytest
import simulated_coverage as coverage
from simulated_coverage import Noise

from experiments.analysis.paired import difference
from experiments.analysis.runs import runs

# What makes runs differ: the seeds, the images, or (10 seeds, 400 images) as much of both.
SEEDS, IMAGES, BOTH = Noise(0.3, 0.0, 0.0), Noise(0.0, 30.0, 10.0), Noise(1.6, 10.0, 5.0)
ALONE = Noise(0.0, 0.0, 2.0)  # neither: every run errs on images of its own


@pytest.mark.parametrize("noise", [SEEDS, IMAGES, BOTH], ids=["seeds", "images", "both"])
def test_the_paired_interval_holds_in_95_of_100_studies(noise):
    found, _ = coverage.of_differences(seeds=10, images=400, noise=noise)
    assert found.draws == 2000
    assert 0.93 <= found.share <= 0.97


def test_seeds_alone_say_nothing_of_new_images():
    held, alone = coverage.of_differences(seeds=10, images=400, noise=IMAGES, draws=500)
    assert alone.share < 0.2
    assert held.share > 0.93
    _, alone = coverage.of_differences(seeds=10, images=400, noise=SEEDS)
    assert 0.93 <= alone.share <= 0.97


@pytest.mark.parametrize("noise", [Noise(), ALONE], ids=["by default", "at worst"])
def test_what_a_run_and_an_image_do_together_makes_it_wider(noise):
    found, _ = coverage.of_differences(seeds=10, images=400, noise=noise, draws=1000)
    assert 0.95 <= found.share < 1.0


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 5, 10, 20])
@pytest.mark.parametrize("noise", [SEEDS, IMAGES, BOTH, ALONE, Noise()])
def test_the_paired_interval_is_never_too_narrow(noise, seeds):
    found, _ = coverage.of_differences(seeds=seeds, images=1000, noise=noise)
    assert found.share >= 0.92  # 93 %, less two standard errors of 2,000 draws


def test_the_share_that_remains_is_held():
    found = coverage.of_shares(seeds=10, images=400, noise=SEEDS, draws=1000)
    assert found.share >= 0.93
    found = coverage.of_shares(seeds=10, images=400, draws=500)
    assert found.share >= 0.93


def test_ranks_and_mean_ranks_are_held():
    truth = np.array([[0.90, 0.899, 0.89, 0.86], [0.80, 0.81, 0.82, 0.70]])
    for sets in (1, 2):
        found = coverage.of_ranks(truth[:sets], seeds=5, deviation=0.005, draws=300)
        assert found.share >= 0.95


@pytest.mark.parametrize("ahead", [0.0, 1.0, 3.0])
def test_probabilities_of_improvement_are_held(ahead):
    found = coverage.of_improvement(seeds=10, sets=2, ahead=ahead, draws=1000)
    assert found.share >= 0.93


def test_a_made_up_study_has_the_accuracies_it_says():
    noise = Noise(0.1, 0.5, 2.0)
    made = coverage.made_up_runs(np.random.default_rng(0), (0.9, 0.6), 400, 4000, noise)
    for each, accuracy in zip(made, (0.9, 0.6), strict=True):
        assert each.accuracy.mean() == pytest.approx(accuracy, abs=0.015)


def test_a_coverage_reads_as_a_sentence():
    assert str(coverage.Coverage(0.95, 2000)) == "95.0 % ± 0.5 of 2,000 simulated draws"


def test_the_smallest_detectable_difference_is_found_four_times_in_five():
    random, seeds = np.random.default_rng(0), 20
    base = runs(range(seeds), [0.5] * seeds)
    drawn = 0.5 + 0.01 * random.standard_normal((2000, seeds))
    plain = [difference(runs(range(seeds), row), base) for row in drawn]
    smallest = np.mean([found.smallest_detectable for found in plain]) / 100
    found = [difference(runs(range(seeds), row + smallest), base).excludes_zero for row in drawn]
    assert np.mean(found) == pytest.approx(0.8, abs=0.03)
