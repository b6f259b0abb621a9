"""One module a figure: `measure(bench) -> Figure`. The order here is the order in which they run."""

FIGURES = ("C1", "C2", "C3", "T1", "T2", "T3", "T4", "P1", "P2", "R1", "R2", "S1", "S2", "S3", "S4", "H1", "W1", "W2")
