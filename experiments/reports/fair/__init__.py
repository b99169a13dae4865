"""The fair protocol's section: verdicts by rule, the tables behind them, and their figures."""
