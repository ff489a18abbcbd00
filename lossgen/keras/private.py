"""What is used of Keras and Keras does not export: masks on tensors, replicas, its table of names."""

from typing import Any

from lossgen.errors import MissingLibraryError


def check_keras() -> None:
    """Checks that Keras 3 is there.

    Raises:
        MissingLibraryError: it is not.
    """
    from lossgen.runtime.door import missing

    try:
        import keras
    except ImportError as error:
        raise missing("Keras 3", "lossgen.keras", error) from error
    if int(keras.__version__.partition(".")[0]) < 3:
        raise MissingLibraryError(
            f"`lossgen.keras` needs Keras 3; version {keras.__version__} is installed. "
            'Install it, pip install "keras>=3.7", or use `lossgen.tf_keras`, which is for Keras 2.'
        )


def mask_of(tensor: Any) -> Any:
    """The mask that a layer attached to its output, or None."""
    from keras.src import backend

    if hasattr(backend, "get_keras_mask"):
        return backend.get_keras_mask(tensor)
    return getattr(tensor, "_keras_mask", None)


def attach_mask(tensor: Any, mask: Any) -> None:
    """Attaches a mask that Keras's own losses read, where the tensor can carry one."""
    from keras.src import backend

    if hasattr(backend, "set_keras_mask"):
        backend.set_keras_mask(tensor, mask)
    else:
        tensor._keras_mask = mask


def divided_by_replicas(value: Any) -> Any:
    """The value over the number of replicas of TensorFlow's strategy: gradients are summed over these.

    As it is where Keras is too old to divide.
    """
    from keras.src.losses import loss

    return loss.scale_loss_for_distribution(value) if hasattr(loss, "scale_loss_for_distribution") else value


def is_symbolic() -> bool:
    """Whether Keras runs a layer only to learn shapes; on NumPy its arrays then hold anything."""
    from keras.src.backend.common.symbolic_scope import in_symbolic_scope

    return in_symbolic_scope()


def table_of_names() -> dict[str, Any]:
    """The table of strings that `keras.losses.get` and `model.compile(loss="…")` look up."""
    from keras.src import losses

    return losses.ALL_OBJECTS_DICT
