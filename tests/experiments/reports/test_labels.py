from experiments.analysis import summaries
from experiments.reports.labels import dataset_order, labels, ordered


def _labels(*records, **more):
    return list(labels(summaries.entries(records), **more).values())


def test_rates_stand_in_rising_order_and_everywhere_if_any_two_differ(synthetic):
    rates = [
        synthetic(optimizer="adam", hyperparameters={"learning_rate": rate}, changed=changed)
        for rate, changed in ((0.001, {}), (0.0003, {"learning_rate": 3e-4}), (0.003, {}))
    ]
    found = _labels(*rates, synthetic(optimizer="lion"))
    assert found[:3] == ["Adam (lr 0.0003)", "Adam (lr 0.001)", "Adam (lr 0.003)"]
    assert found[3] == "Lion (lr 0.000333)"
    assert _labels(rates[0], synthetic(optimizer="thermolion")) == ["Adam", "ThermoLion"]
    assert _labels(*rates, rates=False) == ["Adam"]


def test_what_is_changed_or_differs_is_stated(synthetic):
    adam = {"learning_rate": 0.001, "b1": 0.9}
    assert _labels(
        synthetic(hyperparameters=adam),
        synthetic(hyperparameters=adam | {"b1": 0.95}),
        synthetic(optimizer="lion", hyperparameters=adam),
        synthetic(optimizer="muon", hyperparameters=adam, changed={"b1": 0.9}),
        synthetic(optimizer="muon", hyperparameters=adam, schedule="warmup_cosine"),
    ) == ["Adam (b1 0.9)", "Adam (b1 0.95)", "Lion", "Muon (b1 0.9)", "Muon (warmup_cosine)"]


def test_two_states_of_a_users_file_are_two_rows(synthetic):
    made = [synthetic(optimizer="my:f", optimizer_source=s * 16) for s in "01"]
    assert _labels(*made) == ["my:f (optimizer file 00000000)", "my:f (optimizer file 11111111)"]
    assert _labels(made[0]) == ["my:f"]


def test_no_two_rows_have_one_name(synthetic):
    rates = (0.001, 0.0010001, 0.001000000001)
    made = [synthetic(hyperparameters={"learning_rate": rate}) for rate in rates]
    assert len(set(_labels(*made))) == 3


def test_the_known_come_first_in_their_order_then_the_others_by_name(synthetic):
    names = ("my.module:f", "smes", "thermolion", "adam", "thermolion:boost=0", "muon")
    entries = ordered(summaries.entries(synthetic(optimizer=name) for name in names))
    assert [entry.optimizer for entry in entries] == [
        "adam",
        "thermolion",
        "muon",
        "smes",
        "my.module:f",
        "thermolion:boost=0",
    ]
    sets = [synthetic(name) for name in ("zebra.npz", "digits", "usps", "gtsrb")]
    assert dataset_order(summaries.entries(sets)) == ["gtsrb", "usps", "digits", "zebra.npz"]
