"""The penalties of the catalogue, one generated module each. Rebuilt byte for byte by `lossgen build`."""
