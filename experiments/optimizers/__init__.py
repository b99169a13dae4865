'''A name or an import path, with overrides, to an optax transformation.

    adam                                    one of NAMES at its settings in the paper protocol
    thermolion:boost=0,temperature=0        the same with some settings changed
    my_package.my_module:my_optimizer       a function of your own
    my_package.my_module:my_optimizer:decay=0.5

A function of your own takes `learning_rate` and returns an `optax.GradientTransformation`, or a
pair of one and `eval_params(opt_state, params)`, the parameters to evaluate. It may also take
`key`, `steps_per_epoch` and `total_steps`, which it gets where it names them, and anything that
has a default or comes as an override. Floats and `key` come traced; under a protocol with
schedules `learning_rate` is a function of the step's number, as optax takes it wherever it takes a
rate. What is tuned of it, within which bounds, says its attribute `search_space` (see `spaces`).
A whole module, `averaged.py`, trained by `run --optimizers averaged:late_average`:

    import optax
    from thermolion_optax import averaged_params, stochastic_weight_averaging

    def late_average(
        learning_rate=1e-3, b1=0.9, pull=0.1, *, steps_per_epoch, total_steps
    ):
        """Adam with a pull to zero in the first half, evaluated at the second half's average."""
        half = total_steps // 2
        pulled = optax.add_decayed_weights(lambda count: pull * (count < half))
        adam = optax.scale_by_adam(b1=b1)
        inner = optax.chain(adam, pulled, optax.scale_by_learning_rate(learning_rate))
        tx = stochastic_weight_averaging(inner, half + 1, period=steps_per_epoch)
        return tx, averaged_params

    late_average.search_space = {"b1": (0.8, 0.98, "log1m"), "pull": (0.01, 1.0, "log")}

To add an optimizer to NAMES, write it as a function of `from_optax` or `from_library`: its
arguments are its hyperparameters, their defaults its settings. Bounds that must differ from the
table of all are an entry of `bounds.OWN`; a colour in figures, of `reports.style`.
'''

from experiments.optimizers.lookup import NAMES, Optimizer, resolve
from experiments.optimizers.overrides import check_learning_rate

__all__ = [
    "NAMES",
    "Optimizer",
    "check_learning_rate",
    "resolve",
]
