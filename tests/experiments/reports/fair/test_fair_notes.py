"""The fair report's notes, from records of runs that never were."""

from dataclasses import replace

import pytest
from made_fair import FACTS, built, made, ours_on_digits


@pytest.fixture(scope="module")
def whole():
    return made()


def test_the_notes_say_how_to_read_the_tables(whole):
    notes = " ".join(built(whole).notes)
    assert "The best other is chosen by the very test result" in notes
    assert "A rank is by the mean in its table" in notes
    assert "geometric mean" in notes
    assert "near-duplicates, so" not in notes
    signs = [replace(one, dataset="gtsrb32.npz") for one in whole if one.dataset == "digits"]
    assert "near-duplicates, so its intervals" in " ".join(built(signs).notes)


def test_a_note_says_that_the_gain_is_over_fewer_seeds_than_the_accuracies():
    records = made(names=("adam", "adamw", "thermolion"), sets=("digits",))  # Adam has 10 seeds
    (note,) = (note for note in built(records).notes if note.startswith("The gain and what"))
    assert "Adam and AdamW share, 10; " in note
    assert "optimizer's, 20 for ThermoLion" in note
    alike = [one for one in records if one.phase != "final" or one.seed < 211]
    assert "The gain and what" not in " ".join(built(alike).notes)


def test_a_note_names_the_optimizers_that_were_run_in_some_places_alone(whole):
    assert "Not every optimizer" not in " ".join(built(whole).notes)
    few = made(names=("adamw", "thermolion", "signum", "lion", "adam"))
    some = [one for one in few if one.dataset == "semeion" or one.optimizer in ("adamw", "adam")]
    (note,) = (note for note in built(some).notes if note.startswith("Not every optimizer"))
    assert "on all 2 data sets and regimes" in note
    assert note.endswith("those that were. Lion, ThermoLion, Signum: on SEMEION, B alone.")


def test_untuned_says_whose_defaults_are_not_its_authors(whole):
    assert "benchmark's defaults with a constant learning rate." in " ".join(built(whole).notes)
    names = ("adamw", "nadamw", "smes")
    notes = " ".join(built(made(names=names, budget="smoke", sets=("digits",))).notes)
    assert "NadamW at AdamW's rate (its author's is twice that); SMES at the rate and eps" in notes
    assert "Fixed were SMES's alpha 0.25." in notes
    assert "SMES had more than the others beforehand" in notes
    assert "schedule-free" not in notes


@pytest.mark.parametrize("ends", ["test: the set's own.", "validation and test 359 each."])
def test_a_published_test_set_is_said_not_to_be_kept_apart(whole, ends):
    rule = f"train: all; {ends} Near-duplicates stay in one split"
    ruled = [replace(one, data=replace(FACTS, rule=rule)) for one in whole]
    said = [note for note in built(ruled).notes if "stays as published" in note]
    assert len(said) == (ends == "test: the set's own.")


def test_every_line_of_a_smoke_study_begins_with_saying_that_it_is_no_answer():
    lines = built(made(budget="smoke")).verdicts
    assert len(lines) == 2
    assert all(line.startswith("not an answer (smoke): Q") for line in lines)
    assert all(line.count("not an answer") == 1 for line in lines)


def test_a_note_tells_of_test_images_that_judged_another_version(whole):
    assert not [note for note in built(whole).notes if "versions of its file, " in note]
    again = [
        replace(one, test_readings=2) if ours_on_digits(one, "final") else one for one in whole
    ]
    (note,) = [note for note in built(again).notes if "versions of its file, " in note]
    assert note.startswith("ThermoLion on digits")
    assert "have judged 2 versions" in note
