"""A little SVG: boxes, lines and texts, styled by classes of the page they stand in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_CHARACTER = 0.58
"""Width of an average character of a sans-serif font, in its size."""


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels, from its upper left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The x of its right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The y of its lower edge."""
        return self.y + self.height

    @property
    def middle(self) -> float:
        """The y of its centre."""
        return self.y + self.height / 2


class Drawing:
    """Collects elements; later ones lie above."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._elements: list[str] = []

    def box(self, box: Box, style: str, radius: float = 6) -> None:
        """Draw a rectangle with round corners."""
        self._elements.append(
            f'<rect x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" rx="{radius:g}" '
            f'class="{style}"/>'
        )

    def text(self, x: float, y: float, text: str, style: str, width: float = 0, size: float = 12) -> None:
        """Write a line at its baseline, cut with an ellipsis where it would be wider than `width`."""
        most = int(width / (size * _CHARACTER)) if width else len(text)
        shown = text if len(text) <= most else f"{text[: max(most - 1, 0)].rstrip(' ,')}…"
        self._elements.append(f'<text x="{x:g}" y="{y:g}" class="{style}">{escape(shown)}</text>')

    def arrow(self, points: Sequence[tuple[float, float]]) -> None:
        """Draw a line through the points, with a head at the last."""
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        self._elements.append(f'<polyline points="{path}" class="arrow" marker-end="url(#head)"/>')

    def render(self, width: float, height: float, title: str) -> str:
        """Return the SVG element."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img">'
            f"<title>{escape(title)}</title>"
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
            'orient="auto"><path d="M0,0 L8,4 L0,8 z" class="head"/></marker></defs>'
            f"{''.join(self._elements)}</svg>"
        )
