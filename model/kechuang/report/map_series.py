"""The map of the places at several dates beside each other, on one scale, with the nodes of the plan that are open."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kechuang.report import canvas, wording
from kechuang.report.canvas import Entry
from kechuang.report.maps import ZONE_COLOURS, homes, spread_out
from kechuang.report.text import Texts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 3
NODE = "#b8490a"
_PANEL, _TITLE, _LEGEND = 1.6, 0.3, 0.45
"""Width and height of a panel, room for its title, and for the legend below all, in inches."""
_AREA = (1.3, 1.25)
_FILL = 0.2
"""Part of a panel that the circles of the fullest date cover together."""


@dataclass(frozen=True)
class Panel:
    """One date: firms by place, and how many nodes are open in each (both in the order of the places)."""

    quarter: str
    firms: tuple[float, ...]
    nodes: tuple[int, ...]

    @property
    def total(self) -> float:
        """Firms of all places."""
        return sum(self.firms)


@dataclass(frozen=True)
class Site:
    """A place as it is drawn: its zone and schematic position."""

    zone: str
    x: float
    y: float


def map_series(sites: Sequence[Site], panels: Sequence[Panel], language: str = "en") -> Figure:
    """Draw one small map per date: the area of a disc is the number of firms, diamonds count the open nodes."""
    texts = Texts(language)
    most = max(panel.total for panel in panels)
    unit = math.sqrt(_FILL * _AREA[0] * _AREA[1] / math.pi / most) if most > 0 else 0.0
    largest = [max(panel.firms[place] for panel in panels) for place in range(len(sites))]
    rooms = [(unit * math.sqrt(count) + 0.05, unit * math.sqrt(count) + 0.07) for count in largest]
    middles = spread_out(homes(sites, _AREA), rooms)
    rows = -(-len(panels) // COLUMNS)
    height = rows * (_PANEL + _TITLE) + _LEGEND
    with canvas.drawing():
        figure = canvas.new_figure(canvas.WIDTH, height)
        for number, panel in enumerate(panels):
            row, column = divmod(number, COLUMNS)
            low = _LEGEND + (rows - 1 - row) * (_PANEL + _TITLE)
            axes = canvas.add_axes(figure, left=column * _PANEL / canvas.WIDTH, right=(column + 1) * _PANEL / canvas.WIDTH,
                                   bottom=low / height, top=(low + _PANEL) / height)
            _draw(axes, sites, panel, middles, unit)
            figure.text((column + 0.5) * _PANEL / canvas.WIDTH, (low + _PANEL + 0.1) / height,
                        texts.plain("map.panel", when=wording.quarter(panel.quarter, language),
                                    count=wording.rounded(panel.total, 0, language)),
                        ha="center", fontsize=9, fontweight="bold")
        entries = [Entry("circle", texts.plain(f"map.{zone}"), ZONE_COLOURS[zone]) for zone in ("core", "corridor", "rest")]
        if any(any(panel.nodes) for panel in panels):
            entries.append(Entry("mark", texts.plain("map.nodes"), NODE))
        canvas.legend_rows(figure, entries, columns=2, left=0.06)
        return figure


def _draw(axes: Axes, sites: Sequence[Site], panel: Panel, middles: Sequence[tuple[float, float]], unit: float) -> None:
    from matplotlib.patches import Circle

    axes.set_axis_off()
    axes.set_aspect("equal")
    for site, count, nodes, (x, y) in zip(sites, panel.firms, panel.nodes, middles, strict=True):
        radius = unit * math.sqrt(max(count, 0.0))
        axes.add_patch(Circle((x, y), radius, facecolor=ZONE_COLOURS[site.zone], linewidth=0))
        if nodes:
            # On the edge of the disc, so that neither hides the other.
            right, low = x + 0.75 * radius + 0.04, y - 0.75 * radius - 0.04
            axes.plot([right], [low], "D", color=NODE, markersize=9, markeredgecolor="white", markeredgewidth=0.8)
            axes.text(right, low - 0.005, str(nodes), color="white", fontsize=6.5, ha="center", va="center", fontweight="bold")
    for values, limits in (([x for x, _ in middles], axes.set_xlim), ([y for _, y in middles], axes.set_ylim)):
        middle = (min(values) + max(values)) / 2
        limits(middle - _PANEL / 2, middle + _PANEL / 2)


def open_nodes(calendar: str, quarter: str) -> Mapping[str, int]:
    """Return how many nodes of the plan are open by place at the end of a quarter, under a calendar such as 'plan' or 'none'."""
    from kechuang.city import load_city
    from kechuang.clock import quarter_index
    from kechuang.scenario import load_scenario
    from kechuang.world.policy.nodes import Nodes

    nodes = Nodes(load_scenario("baseline", {"nodes": calendar}), load_city("taizhou"), 0.0)
    return Counter(node.place for node in nodes.open(quarter_index(quarter)))
