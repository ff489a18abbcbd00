"""Properties of a loss, decided where that can be done, and the evidence for each."""

from .finding import Finding as Finding
from .findings import findings as findings
