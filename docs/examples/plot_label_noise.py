"""
Wrong labels: generalized cross-entropy
=======================================

More than a third of the labels of the digits are wrong. A network in Keras learns them by heart if cross-
entropy asks it to; generalized cross-entropy (Z. Zhang, M. Sabuncu, NeurIPS 2018) lets go of labels that do
not fit.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from lossgen.keras import CategoricalGeneralizedCrossEntropy, SparseCategoricalCrossentropy

# %%
# Labels of the training set are replaced by random ones with a probability of 0.4; the test set is clean.

images, digits = load_digits(return_X_y=True)
learn, rest, labels, truth = train_test_split(images / 16, digits, test_size=0.4, random_state=0)
random = np.random.default_rng(0)
noisy = np.where(random.random(len(labels)) < 0.4, random.integers(0, 10, len(labels)), labels)
print(f"{np.mean(noisy != labels):.0%} of the labels are wrong")

# %%
# Both losses take probabilities, so the network ends in a softmax.


def history(loss):
    """Accuracy on the clean test set, epoch by epoch."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([
        keras.Input((64,)),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ])
    model.compile(keras.optimizers.Adam(1e-2), loss=loss, metrics=["accuracy"])
    fitted = model.fit(learn, noisy, validation_data=(rest, truth), epochs=20, batch_size=256, verbose=0)
    return np.array(fitted.history["val_accuracy"])


losses = {
    "cross-entropy": SparseCategoricalCrossentropy(),
    "generalized, q = 0.7": CategoricalGeneralizedCrossEntropy(q=0.7),
}
accuracy = {name: history(loss) for name, loss in losses.items()}
for name, values in accuracy.items():
    print(f"{name:21} best {values.max():.1%}, at the end {values[-1]:.1%}")

# %%
# Cross-entropy is right at first and then learns the wrong labels, too. Generalized cross-entropy stays.

figure, panel = plt.subplots(figsize=(6.4, 4), layout="constrained")
for name, values in accuracy.items():
    panel.plot(np.arange(1, len(values) + 1), 100 * values, label=name)
panel.set(xlabel="epoch", ylabel="right on clean digits, %", title="35 % of the training labels are wrong")
panel.spines[["top", "right"]].set_visible(False)
panel.legend(frameon=False)
plt.show()
