import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

/** A line of a chart. */
export interface Line {
  readonly label: string;
  /** The name of a color of the page: `"ok"` for `--ok`. */
  readonly color: string;
  readonly values: readonly (number | null)[];
}

interface Props {
  readonly title: string;
  /** Milliseconds since the Unix epoch. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
  /** Changes when the page's colors do. */
  readonly theme: string;
}

const height = 150;

/** Lines over time, with their newest values in words for those who do not see them. */
export function Chart(props: Props): JSX.Element {
  const { title, times, lines, format, theme } = props;
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const data = [times.map((at) => at / 1_000), ...lines.map(({ values }) => values)] as uPlot.AlignedData;
  const latest = useRef(data);
  latest.current = data;

  useEffect(() => {
    const target = element.current!;
    const made = new uPlot(optionsOf(lines, format, target.clientWidth), latest.current, target);
    plot.current = made;
    const observer = new ResizeObserver(() => {
      if (target.clientWidth > 0) made.setSize({ width: target.clientWidth, height });
    });
    observer.observe(target);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [theme, lines.length]);

  useEffect(() => plot.current?.setData(data), [times, lines]);

  const words = lines.map(({ label, values }) => {
    const value = values.findLast((each) => each !== null);
    return { label, text: value === undefined || value === null ? "–" : format(value) };
  });
  return (
    <figure class="chart">
      <figcaption>
        <strong>{title}</strong>
        <span class="legend">
          {lines.map(({ label, color }, index) => (
            <span key={label}>
              <i class={`dot ${color}`} /> {label} <b>{words[index]!.text}</b>
            </span>
          ))}
        </span>
      </figcaption>
      <div
        ref={element}
        role="img"
        aria-label={`${title}: ${words.map(({ label, text }) => `${label} ${text}`).join(", ")}`}
      />
    </figure>
  );
}

function optionsOf(lines: readonly Line[], format: (value: number) => string, width: number): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const color = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const axis: uPlot.Axis = {
    stroke: color("faint"),
    grid: { stroke: color("line"), width: 1 },
    ticks: { show: false },
    font: "11px system-ui, sans-serif",
  };
  return {
    width,
    height,
    padding: [8, 26, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { setScale: false } },
    plugins: [tip(lines, format)],
    scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.15 : 1] } },
    axes: [
      { ...axis, grid: { show: false }, space: 80, size: 26, values: (_, ticks) => ticks.map(formatClock) },
      { ...axis, size: 56, space: 34, values: (_, ticks) => ticks.map(format) },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        label: line.label,
        stroke: color(line.color),
        fill: `${color(line.color)}1c`,
        width: 1.75,
        points: { show: false },
        spanGaps: true,
      })),
    ],
  };
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hour12: false });
const clockWithSeconds = new Intl.DateTimeFormat(undefined, { timeStyle: "medium", hour12: false });

/** @param at - seconds since the Unix epoch */
function formatClock(at: number): string {
  return (at % 60 === 0 ? clock : clockWithSeconds).format(at * 1_000);
}

/** What the lines say where one points. */
function tip(lines: readonly Line[], format: (value: number) => string): uPlot.Plugin {
  const box = document.createElement("div");
  box.className = "tip";
  box.hidden = true;
  return {
    hooks: {
      ready: (plot) => plot.over.append(box),
      setCursor: (plot) => {
        const { idx, left = -1 } = plot.cursor;
        box.hidden = idx === null || idx === undefined || left < 0;
        if (box.hidden) return;
        const at = new Date(plot.data[0][idx!]! * 1_000);
        const texts = lines.map(({ label }, index) => {
          const value = plot.data[index + 1]?.[idx!];
          return `${label} ${value === null || value === undefined ? "–" : format(value)}`;
        });
        box.textContent = `${at.toLocaleTimeString()} · ${texts.join(" · ")}`;
        const isRight = left > plot.over.clientWidth / 2;
        box.style.left = isRight ? "auto" : `${left + 8}px`;
        box.style.right = isRight ? `${plot.over.clientWidth - left + 8}px` : "auto";
      },
    },
  };
}
