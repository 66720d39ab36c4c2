"""Questions to the logs, saved where people look for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from model.observability import Observability
from render.queries import Source, saved_queries


class Queries(pulumi.ComponentResource):
    """Saved queries of CloudWatch Logs Insights, in a folder of the stack's name."""

    names: list[str]

    def __init__(
        self,
        name: str,
        observability: Observability,
        *,
        log_groups: Mapping[Source, Sequence[pulumi.Input[str]]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Build the queries on these log groups; those about a firewall where it has one."""
        super().__init__("django-scale:observability:Queries", name, None, opts)
        possible = saved_queries(observability, firewall="firewall" in log_groups)
        # Pods write no log group of the stack: a question to one that is missing is not saved.
        queries = [query for query in possible if log_groups.keys() >= set(query.sources)]
        self.names = [f"{name}/{query.name}" for query in queries]
        for query, saved in zip(queries, self.names, strict=True):
            aws.cloudwatch.QueryDefinition(
                f"{name}-{query.name}",
                name=saved,
                log_group_names=[group for source in query.sources for group in log_groups[source]],
                query_string=query.text,
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({"names": self.names})
