"""Records of an ablation study -> its section: verdicts, a table a question, figures, gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from experiments.analysis.arms import Arm, Workload, whole, workloads
from experiments.analysis.short_arms import short_arms
from experiments.analysis.summaries import Entry
from experiments.protocols.ablation import constants
from experiments.protocols.short_tuning import runs_by_phase
from experiments.reports.ablation import figures
from experiments.reports.ablation.stairs import stairs, stairs_table
from experiments.reports.ablation.step_lengths import in_place, remark, step_lengths
from experiments.reports.ablation.tables import arm_title, question_table
from experiments.reports.fair import questions, tables
from experiments.reports.missing import lines, named, study_command, with_command
from experiments.reports.one_study import study_of
from experiments.reports.section import Question, Section
from experiments.reports.study_notes import budget_note, closing_notes
from experiments.reports.workload_titles import workload_title


def build(entries: Sequence[Entry], question: Question) -> list[Section]:
    """One section a study: records of another content hash are left out, with a notice.

    Args:
        entries: of one protocol and version.
        question: what the caller asks; its folder stands in the commands.
    """
    numbers = constants.protocol()
    study = study_of(entries, numbers["budgets"])
    derived = {one["optimizer"]: name for name, one in numbers["derived"].items()}
    found = short_arms(study.records, derived)
    final = numbers["budgets"][study.budget]["final"]
    judged = [whole(arm, final) for arm in found]
    by_workload = workloads(judged)
    asked = {key: {"setting": "tuned", **one} for key, one in numbers["questions"].items()}
    answers = questions.answers(judged, asked, arm_title)
    made = [question_table(key, one, by_workload, answers) for key, one in asked.items()]
    made += [stairs_table(one, by_workload) for one in stairs()]
    return [
        Section(
            title=study.title,
            slug=study.slug,
            description=numbers["description"],
            verdicts=tuple(
                study.opening
                + answer.line
                + remark(answer.other, in_place(judged, answer.network, answer.regime))
                for answer in answers
            ),
            tables=tuple(
                table for table in [*made, tables.settings_table(found, arm_title)] if table
            ),
            figures=study.marked(figures.available(list(by_workload.values()), answers)),
            notes=tuple(_notes(found, by_workload, study.budget)),
            missing=(*study.excluded, *_missing(found, study.budget, question.folder)),
        )
    ]


def _notes(
    found: Sequence[Arm], by_workload: Mapping[Workload, Mapping[str, Arm]], budget: str
) -> list[str]:
    numbers = constants.protocol()
    share = numbers["budgets"][budget]
    return [
        *budget_note(budget),
        f"Every arm was tuned alike: {share['rates']} learning rates half a decade apart around "
        f"its default{_other_centres()} on one seed, the best {share['again']} again on a second; "
        f"the schedule is {numbers['schedule']}, all else is the arm's own default. The "
        "test images were read by the final runs alone, once.",
        "AdamW at ThermoLion's step runs at the rate at which its tuning runs' steps had the root "
        "mean square of ThermoLion's, interpolated in logarithms; beyond the outermost rate that "
        "was tried, steps count as proportional to it.",
        *step_lengths(by_workload),
        *_noise_read(found),
        "A question's comparisons share its 5 % of error, and so do the steps of a list part by "
        "part: where a comparison stands in both, its intervals have different levels.",
        *closing_notes(found),
    ]


def _other_centres() -> str:
    """The arms whose rates lie around another than their default."""
    centres = constants.protocol()["centres"].items()
    found = [f"{arm_title(name)}'s around {rate:.2g}" for name, rate in centres]
    return f" ({', '.join(found)})" if found else ""


def _noise_read(found: Sequence[Arm]) -> list[str]:
    """When the noise was read, by workload."""
    when = {}
    for arm in found:
        for one in arm.tuned[:1]:
            readings, epochs = len((one.telemetry or {}).get("noise_std", ())), len(one.train_loss)
            if readings:
                place = workload_title(arm.workload)
                when[place] = f"{place} after {epochs // readings} of {epochs} epochs"
    if not when:
        return []
    return [
        "Noise σ stands beside a sign step of 1, before the gate's factor 1 - λ, as the first "
        f"reading found it ({'; '.join(when.values())}). The temperature falls by 1 % a step, so σ "
        "halves in 138 steps of alike gradients."
    ]


def _missing(found: Sequence[Arm], budget: str, folder: str) -> list[str]:
    """What the protocol's arms lack, and the command that goes on with them."""
    numbers = constants.protocol()
    counts = numbers["budgets"][budget]

    def wanted(name: str) -> dict[str, int]:
        runs = runs_by_phase(counts["rates"], counts)
        return {"final": runs["final"]} if name in numbers["derived"] else runs

    places = {workload_title(one): arms for one, arms in workloads(found).items()}
    lacking = lines(places, [*numbers["arms"], *numbers["derived"]], wanted, arm_title)
    there = {arm.optimizer for arm in found} - {*numbers["derived"]}
    command = study_command(
        "ablation",
        [arm.workload.dataset for arm in found],
        folder,
        budget=budget,
        networks=[arm.workload.network for arm in found],
        optimizers=named(numbers["arms"], there),
        regimes=[arm.workload.regime for arm in found],
    )
    return with_command(lacking, command)
