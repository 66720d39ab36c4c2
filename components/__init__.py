"""From the model to cloud resources: one ComponentResource a file.

Importing this package loads no service of the SDK; a component loads what it uses of one when it is built.
"""

from components import lean_sdk

lean_sdk.install()
