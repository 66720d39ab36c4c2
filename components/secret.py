"""A value in Secrets Manager."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

# ElastiCache takes 16 to 128 characters and RDS 8 to 128, both without some punctuation: letters and digits pass all.
_LENGTH = 50


class Secret(pulumi.ComponentResource):
    """A secret, generated once or given from the stack's encrypted configuration."""

    arn: pulumi.Output[str]
    """The secret's ARN, resolved once it holds a value."""
    value: pulumi.Output[str]
    """The value, marked secret."""

    def __init__(
        self,
        name: str,
        description: str,
        value: pulumi.Output[str] | None = None,
        *,
        generation: int = 1,
        recovery_days: int = 30,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Keep `value`, or a random one where there is none.

        A random value is made anew for each `generation`. A deleted secret can be restored for `recovery_days`.
        """
        super().__init__("django-scale:security:Secret", name, None, opts)
        secret = aws.secretsmanager.Secret(
            f"{name}-secret",
            description=description,
            recovery_window_in_days=recovery_days,
            opts=pulumi.ResourceOptions(parent=self),
        )
        generated = value is None
        version = aws.secretsmanager.SecretVersion(
            f"{name}-version-{generation}",
            secret_id=secret.id,
            secret_string=self._generate() if value is None else pulumi.Output.secret(value),
            # A random password is another one at each run of the program; the first that was stored stays.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["secretString"] if generated else None),
        )
        self.arn = version.secret_arn
        self.value = pulumi.Output.secret(version.secret_string).apply(_present)
        self.register_outputs({"arn": self.arn})

    def _generate(self) -> pulumi.Output[str]:
        random = aws.secretsmanager.get_random_password_output(
            password_length=_LENGTH,
            exclude_punctuation=True,
            require_each_included_type=True,
            opts=pulumi.InvokeOptions(parent=self),
        )
        return pulumi.Output.secret(random.random_password)


def _present(value: str | None) -> str:
    if value is None:
        raise ValueError("the secret's version holds no text")
    return value
