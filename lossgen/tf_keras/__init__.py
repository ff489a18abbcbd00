"""The losses for Keras 2, by name: `from lossgen.tf_keras import Huber, huber`.

Importing this module registers every class and function of the catalogue with Keras 2 as `lossgen>Name`, so
that models load without `custom_objects`.
"""

from lossgen.runtime.door import missing as _missing

try:
    import tf_keras as _tf_keras  # noqa: F401
except ImportError as _error:
    raise _missing("Keras 2 (tf_keras with TensorFlow)", __name__, _error) from _error

from tf_keras.losses import Reduction

from lossgen.tf_keras import lookup as _lookup
from lossgen.tf_keras.lookup import compile, deserialize, get, serialize
from lossgen.tf_keras.loss import Loss

globals().update(_lookup.CATALOGUE)
globals()["lossgen>Loss"] = Loss  # Keras 2 imports the module that a saved model names and looks into it

__all__ = ["Loss", "Reduction", "compile", "deserialize", "get", "serialize", *_lookup.CATALOGUE]
