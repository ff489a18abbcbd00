"""The door to TensorFlow."""
