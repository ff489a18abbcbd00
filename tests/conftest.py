"""What all tests share: where Keras runs."""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")
