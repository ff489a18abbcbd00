"""What `declaration.explain()` gives: data collected once (`collect`), and its five renderings."""

from .explanation import Explanation as Explanation
from .explanation import explain as explain
