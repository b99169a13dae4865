"""Optimizers that diverge at every rate have no range in the fair report; others keep theirs."""

from made_fair import built, made


def test_an_optimizer_that_always_diverges_has_no_usable_rate():
    def status(cell):
        return "diverged" if cell.learner.optimizer == "thermolion" else "ok"

    found = built(made(status=status, budget="smoke", names=("adamw", "lion", "thermolion")))
    (table, *_) = (one for one in found.tables if one.title.endswith("every optimizer"))
    rows = {row[0]: dict(zip(table.header, row, strict=True)) for row in table.rows}
    assert rows["ThermoLion"]["rates within 1 point"] == "none: every rate diverged"
    assert "decades" in rows["AdamW"]["rates within 1 point"]
    assert rows["ThermoLion"]["runs: tuning + final + untuned"].endswith("+ 3 + 3 (6†)")
    assert any(note.startswith("†: so many of these") for note in found.notes)
    figures = {figure.key: figure.draw()["svg"].decode() for figure in found.figures}
    assert figures.keys() == {"differences", "rates", "aligned", "budget"}
    for key in ("rates", "aligned", "budget"):
        assert "<!-- Lion -->" in figures[key]
        assert "<!-- ThermoLion -->" not in figures[key]


def test_beside_one_that_always_diverges_the_other_keeps_its_figures():
    def status(cell):
        on_the_grid = cell.phase == "tune" or (cell.phase == "refine" and cell.trial is None)
        return "diverged" if cell.learner.optimizer == "thermolion" and on_the_grid else "ok"

    found = built(made(status=status, budget="smoke", sets=("digits",)))
    figures = {figure.key: figure for figure in found.figures}
    assert {"rates", "aligned", "budget"} <= figures.keys()
    assert "not shown" not in figures["rates"].caption
    assert "<!-- AdamW -->" in figures["rates"].draw()["svg"].decode()
    (table, *_) = (one for one in found.tables if one.title.endswith("every optimizer"))
    assert "none: every rate diverged" in {cell for row in table.rows for cell in row}
