"""The variables and files of the application's pods."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as kubernetes

from model.pod_names import labels
from model.workload import WEB


class PodConfiguration(pulumi.ComponentResource):
    """A ConfigMap of the plain variables, a Secret of the others, and a pair of the files of what runs beside.

    The Secret is made from the values that the stack keeps in Secrets Manager: a pod starts without asking for them,
    so that fifty pods start while Secrets Manager does not answer, and no privileged driver on each node is needed. The
    engine keeps the values encrypted in its state, as it does the database's password, and the cluster under its own
    key. None of these is ever changed: another content is another object of another name, which starts other pods,
    while pods of the release before go on with theirs.
    """

    variables: pulumi.Output[str]
    """The ConfigMap's name."""
    secrets: pulumi.Output[str]
    """The Secret's name."""
    files: dict[str, pulumi.Output[str]]
    """The names of the ConfigMaps with a file each, by the file's name."""
    secret_files: pulumi.Output[str] | None
    """The name of the Secret with files; None where there is none."""

    def __init__(
        self,
        name: str,
        *,
        namespace: pulumi.Input[str],
        environment: pulumi.Input[Mapping[str, str]],
        secrets: Mapping[str, pulumi.Input[str]],
        files: Mapping[str, pulumi.Input[str]] | None = None,
        secret_files: Mapping[str, pulumi.Input[str]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Keep `environment`, plain, and `secrets`, by variable; `files` and `secret_files` by their names."""
        super().__init__("django-scale:kubernetes:PodConfiguration", name, None, opts)
        self._name = name
        self._namespace = namespace
        self._child = pulumi.ResourceOptions(parent=self)
        self.variables = self._config_map("variables", environment)
        self.secrets = self._secret("secrets", secrets)
        self.files = {
            file: self._config_map(file.partition(".")[0], {file: content}) for file, content in (files or {}).items()
        }
        self.secret_files = self._secret("secret-files", secret_files) if secret_files else None
        self.register_outputs({"variables": self.variables, "secrets": self.secrets})

    def _config_map(self, role: str, data: pulumi.Input[Mapping[str, pulumi.Input[str]]]) -> pulumi.Output[str]:
        made = kubernetes.core.v1.ConfigMap(
            f"{self._name}-{role}",
            metadata={"namespace": self._namespace, "labels": labels(self._name, WEB)},
            data=data,
            immutable=True,
            opts=self._child,
        )
        return made.metadata.apply(lambda metadata: str(metadata.name))

    def _secret(self, role: str, data: Mapping[str, pulumi.Input[str]]) -> pulumi.Output[str]:
        made = kubernetes.core.v1.Secret(
            f"{self._name}-{role}",
            metadata={"namespace": self._namespace, "labels": labels(self._name, WEB)},
            type="Opaque",
            string_data={key: pulumi.Output.secret(value) for key, value in data.items()},
            immutable=True,
            opts=self._child,
        )
        return made.metadata.apply(lambda metadata: str(metadata.name))
