"""The Kubernetes path: an EKS cluster, its nodes and its add-ons."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import Field

from model import eks
from model.autoscaling import MetricsServer, PodScalingSettings, Vertical
from model.eks import Version
from model.fields import Count, LogRetention, Name, Problem, Section, form, rule
from model.nodes import NodeGroup, NodePool, Zones
from model.workload import WORKER_SHUTDOWN_SECONDS, Migration, Sidecars, Tasks, WebPods

_LEAST_PATIENCE_SECONDS = 3600

LogType = Literal["api", "audit", "authenticator", "controllerManager", "scheduler"]


Block = Annotated[IPv4Network, rule(lambda block: None if block.prefixlen else "a block that is not all addresses")]


class Endpoint(Section):
    """Who reaches the cluster's API. Inside the network it is always there, and nowhere else by default."""

    public_cidrs: tuple[Block, ...] = Field(default=(), max_length=40)
    """Blocks from which the API is reached over the internet; none keeps it off the internet. Whoever deploys must
    reach it: from one of these, or from inside the network."""

    private_cidrs: tuple[Block, ...] = Field(default=(), max_length=20)
    """Blocks beyond the VPC, such as a VPN's, from which the API is reached inside the network."""


class Access(Section):
    """Someone who may use the cluster, besides whoever deploys it."""

    principal: Annotated[
        str,
        form(
            r"arn:aws:iam::\d{12}:(role|user)/(?!aws-service-role/)[\w+=,.@/-]{1,512}",
            "the ARN of an IAM role or user, such as arn:aws:iam::123456789012:role/operations",
        ),
    ]
    """The ARN of the IAM role or user."""

    policy: Literal["cluster-admin", "admin", "edit", "admin-view", "view"] = "cluster-admin"
    """EKS's access policy: `cluster-admin` may do all; `admin`, `edit` and `view` are Kubernetes' own roles of these
    names; `admin-view` reads everything, secrets too."""

    namespaces: tuple[Name, ...] = ()
    """Namespaces that the policy is limited to; the whole cluster by default."""

    def problems(self) -> Iterator[Problem]:
        """Yield a limit that takes the policy's meaning away."""
        if self.policy == "cluster-admin" and self.namespaces:
            yield Problem("namespaces", "must be absent with the policy cluster-admin, which is for the whole cluster")


_Pin = Annotated[str, form(r"v\d+\.\d+\.\d+-eksbuild\.\d+", "an add-on's version such as v1.21.1-eksbuild.3")] | None


class AddOns(Section):
    """The versions of EKS's add-ons. By default those that are known to run with the version of Kubernetes; Auto Mode
    brings all but metrics-server itself."""

    vpc_cni: _Pin = None
    """Amazon VPC CNI: the pods' addresses and their network policies."""

    coredns: _Pin = None
    """CoreDNS: names in the cluster."""

    kube_proxy: _Pin = None
    """kube-proxy: the Services' addresses; its minor version is Kubernetes' own."""

    pod_identity_agent: _Pin = None
    """EKS Pod Identity Agent: the pods' IAM roles."""

    metrics_server: _Pin = None
    """metrics-server: what an HPA knows of processors and memory."""


class Kubernetes(Section):
    """An EKS cluster that runs the application's image."""

    version: Version = "1.35"
    """Kubernetes' minor version, in quotes. It goes up by one at a time, and never down."""

    extended_support: bool = True
    """Whether the cluster stays on its version when standard support ends, at a surcharge an hour; otherwise AWS raises
    the version by itself."""

    endpoint: Endpoint = Endpoint()
    """Who reaches the cluster's API."""

    access: tuple[Access, ...] = ()
    """Who may use the cluster, besides whoever deploys it."""

    nodes: Literal["managed", "auto"] = "managed"
    """`managed`: node groups, and a node pool by Karpenter. `auto`: EKS Auto Mode runs nodes, network, volumes and
    Karpenter itself, at a surcharge on each node."""

    groups: tuple[NodeGroup, ...] = Field(default=(NodeGroup(),), min_length=1, max_length=10)
    """The managed node groups; Auto Mode has none."""

    pool: NodePool | None = NodePool()
    """Nodes that come and go with the pods: by Karpenter, or by Auto Mode, which needs it. `null`: the groups alone."""

    add_ons: AddOns = AddOns()
    """The versions of EKS's add-ons."""

    logs: tuple[LogType, ...] = ("api", "audit", "authenticator")
    """What the control plane logs to CloudWatch: `api`, `audit`, `authenticator`, `controllerManager`, `scheduler`."""

    log_retention_days: LogRetention = 30
    """How long these logs are kept."""

    deletion_protection: bool = True
    """Whether AWS refuses to delete the cluster, and Pulumi too."""

    web: WebPods = WebPods()
    """The pods that serve requests."""

    tasks: Tasks | None = None
    """Celery's queues and workers; none by default."""

    migration: Migration | None = Migration()
    """The Job that migrates the database, once a release; `null`: something else does."""

    sidecars: Sidecars = Sidecars()
    """What runs beside the application in its pods."""

    metrics: MetricsServer = "prometheus-adapter"
    """What serves the metrics that pods are scaled by: Prometheus with its adapter, where the HPA is the program's own
    object; or `keda`, whose HPA is KEDA's, and which lets workers go to zero."""

    scaling: PodScalingSettings = PodScalingSettings()
    """How the web pods follow their load."""

    vertical: Vertical | None = Vertical()
    """What the web pods should ask for; `null` takes the VPA away."""

    run_as_user: Count = Field(default=10_001, ge=1, le=2_000_000_000)
    """The user id that containers run as, and their group; never root's."""

    egress_ports: tuple[Annotated[Count, Field(ge=1, le=65_535)], ...] = Field(default=(), max_length=40)
    """Further TCP ports that pods may reach anywhere, such as 587 for mail. AWS and the web, 443, are open to them."""

    def problems(self) -> Iterator[Problem]:
        """Yield parts that the way of running nodes does not have, and names used twice."""
        yield from self._pod_problems()
        if self.nodes == "auto" and "groups" in self.model_fields_set:
            yield Problem("groups", "must be absent with nodes: auto, which has no node groups")
        if self.nodes == "auto" and self.pool is None:
            yield Problem("pool", "must be a group with nodes: auto, whose only nodes it describes")
        if self.nodes == "auto" and self.pool is not None and self.pool.image_version != "latest":
            yield Problem("pool.image_version", "must be absent with nodes: auto, whose images are EKS's own")
        names = [group.name for group in self.groups]
        for index, name in enumerate(names):
            if name in names[:index]:
                yield Problem(f"groups[{index}].name", f"must be unique, {name!r} is used twice")
        if self.managed_groups and not self.base_nodes:
            yield Problem("groups[0].min", "must be at least 1: names, metrics and what adds nodes need one to run on")
        principals = [access.principal for access in self.access]
        for index, principal in enumerate(principals):
            if principal in principals[:index]:
                yield Problem(f"access[{index}].principal", "must be unique: one entry each, with the policy it needs")

    def _pod_problems(self) -> Iterator[Problem]:
        """Yield what the pods' parts do to each other."""
        tasks, waiting = self.tasks, self.scaling.tasks
        wanted = waiting.queue if waiting is not None else None
        if tasks is not None and wanted is not None and wanted not in tasks.queues:
            known = ", ".join(tasks.queues)
            yield Problem("scaling.tasks.queue", f"must be a queue of tasks.workers ({known}), is {wanted!r}")
        for index, workers in enumerate(tasks.workers if tasks is not None else ()):
            if workers.min == 0 and self.metrics != "keda":
                yield Problem(f"tasks.workers[{index}].min", "must be at least 1 without metrics: keda, is 0")
        if len(set(self.egress_ports)) < len(self.egress_ports):
            yield Problem("egress_ports", "must name each port once")

    def add_on_version(self, name: eks.AddOn) -> str:
        """Return the version of an add-on."""
        pins = {
            "vpc-cni": self.add_ons.vpc_cni,
            "coredns": self.add_ons.coredns,
            "kube-proxy": self.add_ons.kube_proxy,
            "eks-pod-identity-agent": self.add_ons.pod_identity_agent,
            "metrics-server": self.add_ons.metrics_server,
        }
        return pins[name] or eks.add_on_version(self.version, name)

    @property
    def base_nodes(self) -> int:
        """How many nodes the managed groups have at first, together."""
        return sum(part.desired for group in self.managed_groups for part in group.parts)

    @property
    def node_patience_seconds(self) -> int:
        """How long a node that goes waits for its pods: one that cannot be evicted would keep it for ever.

        Tasks have the time that the settings give them.
        """
        groups = self.tasks.workers if self.tasks is not None else ()
        longest = max((workers.longest_task_seconds for workers in groups), default=0)
        return max(_LEAST_PATIENCE_SECONDS, longest + 2 * WORKER_SHUTDOWN_SECONDS)

    @property
    def instance_types(self) -> dict[str, str]:
        """Every instance type that may be a node, by its key in this section."""
        types = {
            f"groups[{place}].instance_types[{index}]": name
            for place, group in enumerate(self.managed_groups)
            for index, name in enumerate(group.instance_types)
        }
        pool = () if self.pool is None else self.pool.instance_types
        return types | {f"pool.instance_types[{index}]": name for index, name in enumerate(pool)}

    @property
    def managed_groups(self) -> tuple[NodeGroup, ...]:
        """The node groups there are: none in Auto Mode."""
        return self.groups if self.nodes == "managed" else ()

    @property
    def zones(self) -> dict[str, Zones]:
        """The zones that nodes are limited to, by their key in this section."""
        limited = {f"groups[{place}].zones": group.zones for place, group in enumerate(self.managed_groups)}
        return limited | ({} if self.pool is None else {"pool.zones": self.pool.zones})
