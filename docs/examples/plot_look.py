"""
Look at a loss
==============

Curves and formulas of a loss before anything is trained with it: Barron's robust loss, which has the
squared error, pseudo-Huber, Cauchy and Geman-McClure losses as special cases.
"""

from lossgen.catalog.robust import adaptive_robust

# %%
# The curves of five members of the family. `alpha` chooses the shape: 2 is the squared error; with falling
# alpha large errors pull less and less, and below 1 the pull of a large error goes to zero.

figure = adaptive_robust.plot(alpha=[2.0, 1.0, 0.0, -2.0, -8.0], interval=(-5, 5))

# %%
# What a change of `c` does, which says how large an error counts as small.

figure = adaptive_robust.plot(alpha=0.0, c=[0.5, 1.0, 2.0], interval=(-5, 5))

# %%
# Everything that the compiler found out: formulas in textbook form, what is proved, what was rewritten,
# what the kernels cost.

print(adaptive_robust.explain())
