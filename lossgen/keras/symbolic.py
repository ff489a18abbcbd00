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
        name: name of the operation.
    """

    def __init__(self, loss: Loss, name: str | None = None):
        super().__init__(name=name)
        self.loss = loss

    def call(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The reduced loss."""
        return self.loss(y_true, y_pred, sample_weight)

    def compute_output_spec(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> keras.KerasTensor:
        """What the loss will be: its shape, and the dtype of the loss."""
        kept = backend.loss_axes(self.loss.standalone, len(y_pred.shape))
        reduced = self.loss.reduction not in (None, "none")
        shape = () if reduced else tuple(y_pred.shape[axis] for axis in kept)
        return keras.KerasTensor(shape, self.loss.dtype)

    def get_config(self) -> dict[str, Any]:
        """The loss, serialized, and the name."""
        return {"loss": keras.saving.serialize_keras_object(self.loss), "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "SymbolicLoss":
        """The operation of a configuration that `get_config` made."""
        return cls(keras.saving.deserialize_keras_object(config["loss"]), config["name"])
