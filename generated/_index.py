"""Names of the losses in this package and the modules that hold them. Written by `lossgen build`."""

CLASSES = {}

FUNCTIONS = {}

IDENTIFIERS = {}
