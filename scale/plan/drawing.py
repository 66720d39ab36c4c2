"""The picture of an architecture: zones as columns, tiers of subnets as rows, arrows along free lanes between them."""

from __future__ import annotations

from dataclasses import dataclass, field

from scale.plan.architecture import TIERS, Architecture, Node, Tier
from scale.plan.svg import Box, Drawing

WIDTH = 1200
_VPC_X, _VPC_WIDTH = 40, 820
_PANEL_X, _PANEL_WIDTH = 930, 218
_GAP = 18
"""Between zones; the visitors' arrow comes down the first gap."""
_LANE = 14
"""Between a subnet's left edge and the lane of the arrows to what is in it."""
_INSET = 32
_ROW_HEAD, _ROW_GAP, _ROW_PAD = 44, 36, 12
_NODE_HEIGHT, _NODE_GAP = 52, 10
_TOP, _REGION_Y, _ZONES_Y = 16, 104, 180
_UNIT, _UNIT_GAP = 10, 3

_TIER_NAMES: dict[Tier, str] = {"public": "Public subnet", "private": "Private subnet", "isolated": "Isolated subnet"}


def draw(architecture: Architecture, title: str) -> str:
    """Return the picture as an SVG element; `title` is its text for those who do not see it."""
    return _Picture(architecture).draw(title)


@dataclass
class _Picture:
    plan: Architecture
    drawing: Drawing = field(default_factory=Drawing)
    boxes: dict[str, Box] = field(default_factory=dict[str, Box])

    def draw(self, title: str) -> str:
        self.columns = self._columns()
        rows, bottom = self._rows()
        panel_bottom = self._lay_panel(rows)
        bottom = max(bottom, panel_bottom)
        self._draw_places(rows, bottom)
        self._draw_edge_of_network()
        self._draw_arrows()
        for node in self.plan.nodes:
            if node.key in self.boxes:
                self._draw_node(node, self.boxes[node.key])
        return self.drawing.render(WIDTH, bottom + 36, title)

    def _columns(self) -> list[Box]:
        count = max(len(self.plan.zones), 1)
        inner = _VPC_WIDTH - 36 - _GAP * (count - 1)
        width = inner / count
        return [Box(_VPC_X + 18 + place * (width + _GAP), _ZONES_Y, width, 0) for place in range(count)]

    @property
    def lane(self) -> float:
        """The x of the gap in which traffic comes down to the balancer and from there to the servers."""
        first = self.columns[0]
        return first.right + _GAP / 2 if len(self.columns) > 1 else first.x + first.width / 2

    def _rows(self) -> tuple[dict[Tier, Box], float]:
        """Lay out every node that stands in a subnet and return each tier's box and the lower end of the last."""
        y: float = _ZONES_Y + 34
        rows: dict[Tier, Box] = {}
        for tier in TIERS:
            if not any(subnet.tier == tier for subnet in self.plan.subnets):
                continue
            height = self._lay_row(tier, y)
            rows[tier] = Box(_VPC_X + 18, y, _VPC_WIDTH - 36, height)
            y += height + _ROW_GAP
        return rows, y - _ROW_GAP + 40

    def _lay_row(self, tier: Tier, top: float) -> float:
        """Place a tier's nodes, those of one zone above those that span several, and return the row's height."""
        nodes = [node for node in self.plan.nodes if node.tier == tier]
        ends = [top + _ROW_HEAD] * len(self.columns)
        for node in sorted(nodes, key=lambda node: node.kind == "data" and len(node.zones) > 1):
            columns = self._columns_of(node)
            y = max(ends[place] for place in columns)
            if node.kind == "traffic" and self._firewall(node):
                y += 30
            first, last = self.columns[columns[0]], self.columns[columns[-1]]
            # What arrows leave for the row below begins left of their lane.
            inset = _INSET if node.kind == "data" else 8
            self.boxes[node.key] = Box(first.x + inset, y, last.right - first.x - inset - 8, _NODE_HEIGHT)
            for place in columns:
                ends[place] = y + _NODE_HEIGHT + _NODE_GAP + (12 if node.kind == "traffic" else 0)
        return max(ends) - top - _NODE_GAP + _ROW_PAD

    def _columns_of(self, node: Node) -> range:
        places = [self.plan.zones.index(zone) for zone in node.zones if zone in self.plan.zones] or [0]
        return range(min(places), max(places) + 1)

    def _firewall(self, balancer: Node) -> Node | None:
        return self.plan.find(f"firewall:{balancer.key}")

    def _lay_panel(self, rows: dict[Tier, Box]) -> float:
        """Stack what belongs to no subnet beside the network, in the order of what talks to it."""
        y: float = _ZONES_Y + 34 if rows else _REGION_Y + 44
        sources = {edge.target: self.boxes[edge.source].y for edge in self.plan.edges if edge.source in self.boxes}
        stored = sorted(self.plan.of("storage"), key=lambda node: sources.get(node.key, 0))
        for node in [*stored, *self.plan.of("alarms")]:
            self.boxes[node.key] = Box(_PANEL_X, y, _PANEL_WIDTH, _NODE_HEIGHT)
            y += _NODE_HEIGHT + 16
        return y + 10

    def _draw_places(self, rows: dict[Tier, Box], bottom: float) -> None:
        drawing = self.drawing
        drawing.box(Box(16, _REGION_Y, WIDTH - 32, bottom - _REGION_Y + 16), "region", 12)
        drawing.text(32, _REGION_Y + 24, f"Region {self.plan.region}", "place")
        if not rows:
            return
        last = max(row.bottom for row in rows.values())
        drawing.box(Box(_VPC_X, _REGION_Y + 38, _VPC_WIDTH, last - _REGION_Y - 8), "vpc", 10)
        drawing.text(_VPC_X + 18, _REGION_Y + 62, f"VPC {self.plan.vpc}", "place")
        for zone, column in zip(self.plan.zones, self.columns, strict=False):
            drawing.box(Box(column.x, _ZONES_Y, column.width, last - _ZONES_Y + 12), "zone", 8)
            drawing.text(column.x + 10, _ZONES_Y + 22, f"Zone {zone}", "place")
        for subnet in self.plan.subnets:
            row, column = rows[subnet.tier], self.columns[self.plan.zones.index(subnet.zone)]
            drawing.box(Box(column.x, row.y, column.width, row.height), f"subnet {subnet.tier}", 8)
            drawing.text(column.x + _INSET, row.y + 19, _TIER_NAMES[subnet.tier], "tier")
            drawing.text(column.x + _INSET, row.y + 35, subnet.cidr, "cidr")
            if subnet.tier == "public" and subnet.zone in self.plan.nats:
                chip = Box(column.right - 96, row.y + 10, 88, 22)
                drawing.box(chip, "chip", 11)
                drawing.text(chip.x + 9, chip.y + 15, "NAT gateway", "cidr")

    def _draw_edge_of_network(self) -> None:
        """Draw the visitors, and what stands before the region: the CDN."""
        if not any(edge.source == "internet" for edge in self.plan.edges):
            return
        self.boxes["internet"] = Box(self.lane - 90, _TOP, 180, 44)
        self.drawing.box(self.boxes["internet"], "internet", 22)
        self.drawing.text(self.lane, _TOP + 27, "Visitors", "title middle")
        for node in self.plan.of("traffic"):
            if not node.zones and not node.key.startswith("firewall:"):
                self.boxes[node.key] = Box(_PANEL_X, _TOP, WIDTH - 20 - _PANEL_X, _NODE_HEIGHT)
        for node in self.plan.of("traffic"):
            guard = self._firewall(node)
            if guard and node.key in self.boxes:
                below = self.boxes[node.key]
                self.boxes[guard.key] = Box(below.x, below.y - 30, below.width, 30)

    def _draw_arrows(self) -> None:
        for edge in self.plan.edges:
            source, target = self.boxes.get(edge.source), self.boxes.get(edge.target)
            if source is None or target is None:
                continue
            guard = self.boxes.get(f"firewall:{edge.target}", target)
            if edge.source == "internet" and target.y == _TOP:
                self._arrow([(source.right, source.middle), (target.x, source.middle)], edge.label)
            elif edge.source == "internet":
                self._arrow([(self.lane, source.bottom), (self.lane, guard.y)], edge.label)
            elif target.x < _PANEL_X:
                self._draw_inner(edge.label, source, target)
            elif source.y == _TOP:
                lane = WIDTH - 34
                self._arrow([(lane, source.bottom), (lane, target.middle), (target.right, target.middle)], "")
            else:
                # The balancer's bucket comes first beside it, so its lane is the inner one and no two lines cross.
                lane = _VPC_X + _VPC_WIDTH + (24 if edge.source in self._balancers() else 44)
                points = [(source.right, source.middle), (lane, source.middle), (lane, target.middle)]
                self._arrow([*points, (target.x, target.middle)], "")

    def _balancers(self) -> set[str]:
        return {node.key for node in self.plan.of("traffic")}

    def _draw_inner(self, label: str, source: Box, target: Box) -> None:
        """Draw an arrow within the network: straight down the lane to servers, along a subnet's edge to data."""
        data = any(self.boxes.get(node.key) == target for node in self.plan.of("data"))
        if not data:
            self._arrow([(self.lane, source.bottom), (self.lane, target.y)], label)
            return
        lane = target.x - _INSET + _LANE
        self._arrow([(lane, source.bottom), (lane, target.middle), (target.x, target.middle)], "")

    def _arrow(self, points: list[tuple[float, float]], label: str) -> None:
        self.drawing.arrow(points)
        if label:
            (x, y), (end, below) = points[0], points[1]
            across = y == below
            self.drawing.text(
                (x + end) / 2 - 20 if across else x + 8,
                y - 6 if across else min((y + below) / 2 + 4, y + 26),
                label,
                "port",
            )

    def _draw_node(self, node: Node, box: Box) -> None:
        self.drawing.box(box, f"node {node.kind}")
        if box.height < _NODE_HEIGHT:
            self.drawing.text(box.x + 14, box.y + 20, f"{node.title}: {node.detail}", "detail", box.width - 24, 11)
            return
        room = box.width - 28 - self._draw_units(node, box)
        self.drawing.text(box.x + 14, box.y + 22, node.title, "title", room, 13)
        self.drawing.text(box.x + 14, box.y + 40, node.detail, "detail", room, 11)

    def _draw_units(self, node: Node, box: Box) -> float:
        """Draw a node's servers or cache nodes as squares at its right end, and return the width they take."""
        most = int(box.width * 0.45 / (_UNIT + _UNIT_GAP))
        longest = max((len(group) for group in node.units), default=1)
        lines = min(2, longest) if len(node.units) == 1 else longest
        columns = [-(-len(group) // lines) for group in node.units]
        total = sum(columns)
        if not 0 < total <= most or lines > 4:
            return 0
        width = total * (_UNIT + _UNIT_GAP) + 5 * (len(columns) - 1)
        x, height = box.right - 12 - width, lines * (_UNIT + _UNIT_GAP) - _UNIT_GAP
        for group, count in zip(node.units, columns, strict=True):
            for place, always in enumerate(group):
                line, column = (place // count, place % count) if len(node.units) == 1 else (place, 0)
                y = box.middle - height / 2 + line * (_UNIT + _UNIT_GAP)
                unit = Box(x + column * (_UNIT + _UNIT_GAP), y, _UNIT, _UNIT)
                self.drawing.box(unit, f"unit {node.kind}" + ("" if always else " spare"), 2)
            x += count * (_UNIT + _UNIT_GAP) + 5
        return width + 12
