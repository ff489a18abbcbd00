"""Elementary functions that LLVM vectorises, for float32 and float64; callable from compiled code only."""

from lossgen.runtime import tracing
from lossgen.runtime.tracing import vector_function
from lossgen.runtime.vector_math import exponential, logarithm, selection

exp = vector_function(exponential.exp)
expm1 = vector_function(exponential.expm1)
sigmoid = vector_function(exponential.sigmoid)
softplus = vector_function(exponential.softplus)
tanh = vector_function(exponential.tanh)

log = vector_function(logarithm.log)
log1p = vector_function(logarithm.log1p)

sqrt = vector_function(tracing.sqrt)

absolute = vector_function(selection.absolute)
clip = vector_function(selection.clip)
greater = vector_function(selection.greater)
inside = vector_function(selection.inside)
keep = vector_function(selection.keep)
maximum = vector_function(tracing.maximum)
minimum = vector_function(tracing.minimum)
relu = vector_function(selection.relu)
signum = vector_function(selection.signum)
square = vector_function(selection.square)
step = vector_function(selection.step)
