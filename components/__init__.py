"""From the model to cloud resources: one ComponentResource a file.

Importing this package loads no service of the SDK; a component loads those it uses when it is built.
"""
