# SPDX-License-Identifier: GPL-2.0-or-later
"""Bars and lines as SVG, without a library for it."""
import math
from xml.sax.saxutils import escape

COLOURS = ["#0b6e99", "#7db8d4", "#c1440e", "#e9a178", "#5b7f3a", "#a9c58a", "#6b4c9a", "#b9a5d6",
           "#555555", "#aaaaaa"]
FONT = 'font-family="sans-serif" font-size="12"'


class Drawing:
    def __init__(self, width, height, title):
        self.size = (width, height)
        self.parts = []
        self.rect(0, 0, width, height, "#ffffff")
        self.text(16, 22, title, size=14, weight="bold")

    def rect(self, x, y, w, h, fill):
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" '
                          f'fill="{fill}"/>')

    def line(self, x1, y1, x2, y2, colour="#cccccc", width=1):
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
                          f'stroke="{colour}" stroke-width="{width}"/>')

    def path(self, points, colour):
        at = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline points="{at}" fill="none" stroke="{colour}" '
                          'stroke-width="2"/>')
        for x, y in points:
            self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>')

    def text(self, x, y, what, anchor="start", size=12, weight="normal"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" '
                          f'font-size="{size}" font-weight="{weight}">{escape(what)}</text>')

    def legend(self, names, y):
        x = 16
        for name in names:
            if x + 20 + 7 * len(name) > self.size[0]:
                x, y = 16, y + 16
            self.rect(x, y - 9, 10, 10, colour_of(names, name))
            self.text(x + 14, y, name)
            x += 30 + 7 * len(name)

    def save(self, path):
        w, h = self.size
        with open(path, "w", encoding="utf-8") as f:
            f.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" '
                    f'viewBox="0 0 {w} {h}" {FONT}>\n' + "\n".join(self.parts) + "\n</svg>\n")


def colour_of(names, name):
    return COLOURS[names.index(name) % len(COLOURS)]


def nice_step(limit):
    """A round distance for about six grid lines."""
    raw = limit / 6
    power = 10 ** math.floor(math.log10(raw))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= raw)


def bars(path, title, groups, names, unit, mark=None):
    """groups: [(label, {name: value})], horizontal bars; `mark`: a line at this value."""
    left, bar, top = 190, 11, 56
    tall = sum(bar * sum(n in values for n in names) + 12 for _, values in groups)
    limit = max(v for _, values in groups for n, v in values.items() if n in names) * 1.08
    width = 760
    d = Drawing(width + left + 60, top + tall + 34, title)
    scale = width / limit
    step = nice_step(limit)
    d.legend(names, 42)
    for i in range(int(limit / step) + 1):
        x = left + i * step * scale
        d.line(x, top, x, top + tall)
        d.text(x, top + tall + 16, f"{i * step:g}", "middle")
    d.text(left + width + 8, top + tall + 16, unit)
    if mark is not None:
        d.line(left + mark * scale, top, left + mark * scale, top + tall, "#000000")
    y = top + 6
    for label, values in groups:
        present = [n for n in names if n in values]
        d.text(left - 8, y + bar * len(present) / 2 + 4, label, "end")
        for n in present:
            d.rect(left, y, values[n] * scale, bar - 1, colour_of(names, n))
            d.text(left + values[n] * scale + 4, y + bar - 2, f"{values[n]:.3g}", size=9)
            y += bar
        y += 12
    d.save(path)


def lines(path, title, series, x_label, y_label):
    """series: {name: [(x, y)]}; x is logarithmic."""
    left, top, width, tall = 70, 92, 560, 300
    names = list(series)
    xs = [x for points in series.values() for x, _ in points]
    high = max(y for points in series.values() for _, y in points) * 1.1
    d = Drawing(left + width + 40, top + tall + 56, title)
    d.legend(names, 42)
    low_x, span = math.log10(min(xs)), max(math.log10(max(xs)) - math.log10(min(xs)), 1)
    step = nice_step(high)
    for i in range(int(high / step) + 1):
        y = top + tall - i * step / high * tall
        d.line(left, y, left + width, y)
        d.text(left - 6, y + 4, f"{i * step:g}", "end")
    for x in sorted(set(xs)):
        at = left + (math.log10(x) - low_x) / span * width
        d.line(at, top + tall, at, top + tall + 4)
        d.text(at, top + tall + 18, f"{x:,}", "middle")
    d.text(left + width / 2, top + tall + 40, x_label, "middle")
    d.text(left, top - 4, y_label)
    for name, points in series.items():
        d.path([(left + (math.log10(x) - low_x) / span * width, top + tall - y / high * tall)
                for x, y in points], colour_of(names, name))
    d.save(path)
