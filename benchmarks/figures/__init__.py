"""One module a figure: `measure(bench) -> Figure`. The order here is the order in which they run."""

FIGURES = ("C1", "C3", "T1", "R1", "S1", "S2", "H1", "W1", "W2")
