"""
Look at a loss
==============

Formula, gradient and curves of a loss before anything is trained with it: Barron's robust loss, which has
half of the well-known robust losses as special cases.
"""

from lossgen.catalog.robust import adaptive_robust

# %%
# Its formula and its gradient in textbook form. `alpha` chooses the shape, `c` the size of an error that
# counts as small.

print(adaptive_robust.formula())
print(adaptive_robust.gradient_formula())

# %%
# The curves of five members of the family. Alpha 2 is the squared error; with falling alpha large errors
# pull less and less, and below 1 the pull of a large error goes to zero.

figure = adaptive_robust.plot(alpha=[2.0, 1.0, 0.0, -2.0, -8.0])

# %%
# Everything that the compiler found out, with the kernels that come out of it.

print(adaptive_robust.explain())
