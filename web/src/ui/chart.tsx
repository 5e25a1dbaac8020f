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
}

const height = 150;

export function Chart({ title, times, lines, marks, color, most, format, sync }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const now = useRef({ marks, most, format });
  now.current = { marks, most, format };
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
  }, [lines.map((line) => line.label).join(), sync]);
  useEffect(() => plot.current?.setData([times, ...lines.map((line) => line.values)]), [times, lines]);
  return (
    <figure class="chart">
      <figcaption>{title}</figcaption>
      <div ref={box} role="img" aria-label={`${title}; the table view has the numbers`} />
    </figure>
  );
}

type Now = { current: { marks: Mark[]; most: number; format: (value: number) => string } };

function options(box: HTMLElement, lines: Line[], now: Now, color: string, sync: string): uPlot.Options {
  const look = getComputedStyle(box);
  const text = look.getPropertyValue("--quiet");
  const grid = { stroke: look.getPropertyValue("--line"), width: 1 };
  const stroke = look.getPropertyValue(color);
  const axis = { stroke: text, grid, ticks: grid, font: `11px ${look.fontFamily}` };
  return {
    width: box.clientWidth, height,
    cursor: { sync: { key: sync }, drag: { x: false, y: false } },
    legend: { live: true },
    scales: { y: { range: () => [0, now.current.most > 0 ? now.current.most * 1.1 : 1] } },
    axes: [axis, { ...axis, size: 62, values: (_, ticks) => ticks.map((tick) => now.current.format(tick)) }],
    series: [
      { value: (_, at) => (at === null ? "–" : new Date(at * 1000).toLocaleTimeString("en-GB")) },
      ...lines.map((line) => ({
        label: line.label, stroke, width: 1.75, ...(line.dash ? { dash: line.dash } : {}), spanGaps: false,
        value: (_: uPlot, value: number | null) => (value === null ? "–" : now.current.format(value)),
      })),
    ],
    hooks: { draw: [(plot) => drawMarks(plot, now.current.marks, look.getPropertyValue("--mark"))] },
  };
}

function drawMarks(plot: uPlot, marks: Mark[], color: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = color;
  ctx.fillStyle = color;
  ctx.setLineDash([3, 3]);
  ctx.font = `${10 * devicePixelRatio}px system-ui`;
  for (const { at, label } of marks) {
    const x = plot.valToPos(at, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.fillText(label, x + 3 * devicePixelRatio, bbox.top + 10 * devicePixelRatio);
  }
  ctx.restore();
}
