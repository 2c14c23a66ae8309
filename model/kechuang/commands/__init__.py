"""The commands of `kechuang`, one module per subject; each module has `register(app)`."""
