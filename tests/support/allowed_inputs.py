"""Odd inputs that are taken all the same, each with the reason.

A row is (functions, arguments, values, why), functions and arguments as regular expressions, "" for
any, and None for any value.
"""

IN_RANGE = {"0", "1", "2", "2.5", "jnp 2.5"}
FINITE = IN_RANGE | {"-1", "-0.5", "np -1", "np -1.0", "jnp -1", "jnp -1.0"}
# Trees that serve where nothing was initialised that they would have to fit.
ANY_TREE = {
    "number",
    "array",
    "{}",
    "list",
    "tuple",
    "a leaf less",
    "a leaf more",
    "another name",
    "leaf of another leaf's shape",
    "leaf None",
    "leaf MaskedNode",
    "leaf shape (3,)",
    "leaf shape ()",
    "leaf shape (2, 1)",
    "leaf shape (0,)",
    "leaf Python float",
    "leaf dict",
    "leaf list",
}
STATELESS = "graft|normalize_distortion|thermal_noise"
UNSEEN = f"{STATELESS}|alignment_boost"

ALLOWED = [
    ("", "boost|learning_rate|weight_decay|temperature", IN_RANGE, "a number of at least 0"),
    ("", "eps|floor|tolerance|solid_scale", IN_RANGE, "a number of at least 0"),
    ("", "b1|b2", {"0"}, "a decay in [0, 1)"),
    ("alignment_boost", "decay", {"0"}, "a decay in [0, 1)"),
    ("thermal_noise", "decay", {"0", "1"}, "a factor in [0, 1]"),
    ("", "temperature_decay|slow_step_size|strength|cutoff", {"0", "1"}, "a number in [0, 1]"),
    ("", "alpha|exponent", FINITE, "any finite exponent"),
    ("", "sync_period|start_step|period|switch", {"1", "2"}, "a whole number of at least 1"),
    ("", "key", {"-1", "0", "1", "2", "np -1", "jnp -1"}, "any int of 32 bits is a key"),
    ("", "recopy|amsgrad", {"True", "False", "np bool", "jnp bool"}, "a boolean"),
    ("", "learning_rate|weight_decay|boost|temperature|alpha|strength", {"a dtype"},
     "a callable is a schedule, and a dtype returns its count as a number"),
    ("", "gate", {"a dtype"}, "a callable that returns numbers of the ratio's shape"),
    ("", "mask|normal", {"an optimizer's factory", "a dtype"},
     "what is given is called and raises by itself"),
    ("", "mask", {"dict of booleans"}, "a mask for the tree at hand"),
    ("", "inner|direction|magnitude|gas|solid", {"an optimizer"}, "a transformation"),
    ("", "mu_dtype|nu_dtype", {"a dtype"}, "a dtype"),
    ("", "mu_dtype|nu_dtype", {"ShapeDtypeStruct"}, "NumPy takes for a dtype what has one"),
    ("alignment_boost", "decay", {"None"}, "the default: the gradient instead"),
    ("", "direction|magnitude|gas|solid|gate|normal|mask|mu_dtype|nu_dtype", {"None"},
     "None has a meaning of its own, which the docstring gives"),
    # Trees.
    (UNSEEN, "params", None, "parameters are not looked at, only handed on"),
    ("lookahead|stochastic_weight_averaging|swats|smes|muadam|thermolion|scale_by_.*", "params",
     ANY_TREE, "init takes any tree of floats"),
    ("scale_by_.*", "params", {"None (update)"}, "parameters may be left out"),
    (STATELESS, "updates", ANY_TREE, "updates that need not fit a state"),
    ("gradient_distortion", "grads", ANY_TREE, "any tree of floats"),
    ("alignment_boost|smes|swats|muadam|thermolion|scale_by_.*", "updates",
     {"leaf None", "leaf MaskedNode"}, "a masked leaf stays masked, beside a whole state"),
    ("apply_updates_stochastic", "updates|params", {"leaf None", "leaf MaskedNode"},
     "a masked leaf stays as it is"),
    ("apply_updates_stochastic", "params", {"leaf float8"}, "such parameters may be stored"),
    ("thermal_noise", "nu", {"None"}, "the default: the updates' own square"),
    ("phase_statistics", "grads", {"None"}, "the default: statistics of the state alone"),
    ("phase_statistics", "grads", {"leaf None", "leaf MaskedNode"}, "left out of that update"),
    # States.
    ("alignment_boost|graft|thermal_noise|normalize_distortion", "state",
     {"its own, of other parameters"},
     "nothing in it depends on the parameters"),
    ("scale_by_muadam", "state", {"scale_by_adam"}, "the same state, by design"),
    ("phase_statistics", "opt_state",
     {f"{name}{of}" for name in ("scale_by_snr_gate", "thermolion")
      for of in ("", " of other parameters")}, "it holds a gate, whatever it is of"),
    ("averaged_params", "opt_state", {"stochastic_weight_averaging"}, "the right one"),
]  # fmt: skip
