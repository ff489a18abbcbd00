"""A loss of `KerasTensor`s: a node of a functional model that computes the loss when the model is called."""

from typing import Any

import keras

from lossgen.keras import backend
from lossgen.keras.loss import Loss


@keras.saving.register_keras_serializable("lossgen")
class SymbolicLoss(keras.Operation):
    """The operation that applies a loss.

    Args:
        loss: a `lossgen.keras.Loss`.
        rows: whether to give the loss of every row in the dtype of the predictions, as functions do, instead
            of the reduced one.
        name: name of the operation.
    """

    def __init__(self, loss: Loss, rows: bool = False, name: str | None = None):
        super().__init__(name=name)
        self.loss, self.rows = loss, rows

    def call(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The reduced loss, or that of every row."""
        return self.loss.call(y_true, y_pred) if self.rows else self.loss(y_true, y_pred, sample_weight)

    def compute_output_spec(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> keras.KerasTensor:
        """What the loss will be: its shape, and the dtype of the loss."""
        kept = backend.loss_axes(self.loss.standalone, len(y_pred.shape))
        reduced = not self.rows and self.loss.reduction not in (None, "none")
        shape = () if reduced else tuple(y_pred.shape[axis] for axis in kept)
        dtype = keras.backend.standardize_dtype(y_pred.dtype) if self.rows else self.loss.dtype
        return keras.KerasTensor(shape, dtype if "float" in dtype else keras.config.floatx())

    def get_config(self) -> dict[str, Any]:
        """The loss, serialized, what it gives, and the name."""
        loss = keras.saving.serialize_keras_object(self.loss)
        return {"loss": loss, "rows": self.rows, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "SymbolicLoss":
        """The operation of a configuration that `get_config` made."""
        loss = keras.saving.deserialize_keras_object(config["loss"])
        return cls(loss, config.get("rows", False), config["name"])
