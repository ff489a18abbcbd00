"""The losses that are shipped: declarations only, grouped as Keras groups them."""
