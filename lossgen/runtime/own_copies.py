"""A compiler whose machine code calls its own copies of functions only.

Numba links a copy of every function into the kernel that calls it, optimised again there, and gives all
copies one name. Which of them runs is then decided by what was loaded first: the function itself where it has
just been compiled, the copy of some kernel where the code comes from a file. Copies may add up in another
order (`intrinsics.accumulate`), and results would differ in the last bit from one process to the next.
"""

import hashlib

from llvmlite.binding import Linkage
from numba.core.bytecode import FunctionIdentity
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler


class OwnCopies(JITCodeLibrary):
    """The code of a kernel; what was linked in and not inlined gets names that no other kernel uses."""

    def _optimize_final_module(self):
        super()._optimize_final_module()
        # Not before: optimisation knows functions of Numba's by their names.
        defined = [each for each in self._final_module.functions if not each.is_declaration]
        own = sorted(each.name for each in defined if each.linkage == Linkage.external)
        mark = hashlib.sha256("\0".join(own).encode()).hexdigest()[:16]
        for each in defined:
            if each.linkage == Linkage.linkonce_odr and each.name.startswith("_ZN"):
                each.name = f"{each.name}.{mark}"


class SelfContained(Compiler):
    """Numba's compiler with such a library."""

    def compile_extra(self, func):
        """Compiles a function of Python."""
        name = FunctionIdentity.from_function(func).func_qualname
        library = OwnCopies(self.state.targetctx.codegen(), name)
        library.enable_object_caching()
        self.state.library = library
        return super().compile_extra(func)
