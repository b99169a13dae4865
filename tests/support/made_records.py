"""Records of cells that were never trained, for tests of what comes next."""

from experiments.records import Record


def rate(cell):
    return dict(cell.learner.changed)["learning_rate"]


class Made:
    """Records of cells that were 'run': a validation accuracy for each cell."""

    def __init__(self, accuracy, status=lambda cell: "ok"):
        self.accuracy, self.status, self.records, self.order = accuracy, status, {}, []

    def find(self, cell):
        return self.records.get(cell)

    def run(self, cells):
        for cell in cells:
            assert cell not in self.records
            said = cell.fields("0", {}, {})
            accuracy = self.accuracy(cell)
            self.records[cell] = Record(
                **said,
                train_loss=[1.0],
                train_accuracy=0.5,
                validation_accuracy=[accuracy],
                validation_loss=[1 - accuracy],
                test_accuracy=0.5 if cell.reads_test else None,
                update_rms=1.0,
                seconds=1.0,
                compile_seconds=1.0,
                status=self.status(cell),
            )
            self.order.append(cell)

    def run_all(self, study):
        """Everything that a study wants; returns its last plan."""
        while (plan := study.plan(self.find)).cells:
            self.run(plan.cells)
        return plan

    def finish(self, study, most=10_000):
        for _ in range(most):
            plan = study.plan(self.find)
            mine = getattr(study, "mine", study.chains)
            assert plan.done + plan.left >= sum(chain.length for chain in mine)
            if not plan.cells:
                return plan
            self.run(plan.cells)
        raise AssertionError("the study does not end")
