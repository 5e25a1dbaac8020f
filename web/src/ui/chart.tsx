// One uPlot chart: lines over time, with the history's events as marks.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Column } from "../lib/series";

export interface Line {
  label: string;
  values: Column;
  dash?: number[];
}

export interface Mark {
  /** In seconds. */
  at: number;
  label: string;
}

interface ChartProps {
  title: string;
  times: number[];
  lines: Line[];
  marks: Mark[];
  color: string;
  /** The upper end of the axis, the same for both sides. */
  most: number;
  format: (value: number) => string;
  sync: string;
  /** A lower end above 0 makes the axis logarithmic. */
  least?: number;
}

const height = 150;

export function Chart({ title, times, lines, marks, color, most, format, sync, least = 0 }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const now = useRef({ marks, most, least, format });
  now.current = { marks, most, least, format };
  useEffect(() => {
    const parent = box.current;
    if (parent === null) return undefined;
    const draw = () => {
      plot.current?.destroy();
      plot.current = new uPlot(options(parent, lines, now, color, sync), [times, ...lines.map((line) => line.values)], parent);
    };
    draw();
    const sized = new ResizeObserver(() => plot.current?.setSize({ width: parent.clientWidth, height }));
    sized.observe(parent);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", draw);
    return () => {
      sized.disconnect();
      dark.removeEventListener("change", draw);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [lines.map((line) => line.label).join(), sync, least > 0]);
  useEffect(() => plot.current?.setData([times, ...lines.map((line) => line.values)]), [times, lines]);
  return (
    <figure class="chart">
      <figcaption>{title}</figcaption>
      <div ref={box} role="img" aria-label={`${title}; the table view has the numbers`} />
    </figure>
  );
}

type Now = { current: { marks: Mark[]; most: number; least: number; format: (value: number) => string } };

function options(box: HTMLElement, lines: Line[], now: Now, color: string, sync: string): uPlot.Options {
  const look = getComputedStyle(box);
  const text = look.getPropertyValue("--quiet");
  const grid = { stroke: look.getPropertyValue("--line"), width: 1 };
  const stroke = look.getPropertyValue(color);
  const axis = { stroke: text, grid, ticks: grid, font: `11px ${look.fontFamily}` };
  return {
    width: box.clientWidth, height,
    cursor: { sync: { key: sync }, drag: { x: false, y: false } },
    legend: { markers: { width: 2, dash: (_, i) => (i < 2 ? "solid" : i === 2 ? "dashed" : "dotted") } },
    scales: { y: { distr: now.current.least > 0 ? 3 : 1, range: () => rangeOf(now.current) } },
    axes: [{ ...axis, values: (_, ticks) => clock(ticks) }, { ...axis, size: 62, ...(now.current.least > 0 ? { splits: powers, filter: (_, splits) => splits } : {}), values: (_, ticks) => ticks.map((tick) => now.current.format(tick)) }],
    series: [
      { value: (_, at) => (at === null ? "–" : new Date(at * 1000).toLocaleTimeString("en-GB")) },
      ...lines.map((line) => ({
        label: line.label, stroke, width: 1.75, points: { size: 4 }, ...(line.dash ? { dash: line.dash } : {}), spanGaps: false,
        value: (_: uPlot, value: number | null) => (value === null ? "–" : now.current.format(value)),
      })),
    ],
    hooks: { draw: [(plot) => drawMarks(plot, now.current.marks, look.getPropertyValue("--mark"))] },
  };
}

/** The powers of ten in sight; one in between would be a line too many. */
function powers(_: uPlot, __: number, least: number, most: number): number[] {
  const first = Math.ceil(Math.log10(least));
  const found = Array.from({ length: Math.max(0, Math.floor(Math.log10(most)) - first + 1) }, (___, i) => 10 ** (first + i));
  return found.length > 0 ? found : [least, most];
}

function rangeOf({ most, least }: Now["current"]): [number, number] {
  return [least, most > least ? most * 1.1 : least + 1];
}

const day = 86_400;

/** Hours and minutes, and the date where the axis spans days. */
function clock(ticks: number[]): string[] {
  const long = (ticks.at(-1) ?? 0) - (ticks[0] ?? 0) > 1.5 * day;
  const style: Intl.DateTimeFormatOptions = long ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit" };
  const write = new Intl.DateTimeFormat("en-GB", style);
  return ticks.map((tick, i) => {
    const words = write.format(tick * 1000);
    return i > 0 && words === write.format((ticks[i - 1] ?? 0) * 1000) ? "" : words;
  });
}

function drawMarks(plot: uPlot, marks: Mark[], color: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = color;
  ctx.fillStyle = color;
  ctx.setLineDash([3, 3]);
  ctx.font = `${10 * devicePixelRatio}px system-ui`;
  let taken = Infinity;
  for (const { at, label } of [...marks].sort((a, b) => b.at - a.at)) {
    const x = plot.valToPos(at, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    // Of marks in a row only the newest has room for its word; the history has them all.
    const left = x - ctx.measureText(label).width - 4 * devicePixelRatio;
    if (x > taken || left < bbox.left) continue;
    taken = left;
    ctx.fillText(label, left, bbox.top + 10 * devicePixelRatio);
  }
  ctx.restore();
}
