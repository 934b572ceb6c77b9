// Counts as tables with bars, and as columns over time. The numbers are text, the bars repeat them, so nothing is told by a drawing alone.
import { type Child, drawn, element } from "./element.ts";
import { count, counted, instant, percent } from "./format.ts";
import { type Bucket, DECISIONS, type Tally } from "./summary.ts";

export function bars(options: {
  caption: string;
  rows: readonly Tally[];
  /** What 100 % is. */
  whole: number;
  label?: (name: string) => Child;
  tone?: (name: string) => string;
}): HTMLElement {
  const { caption, rows, whole, label = (name) => name, tone = () => "plain" } = options;
  return element(
    "table",
    { class: "bars" },
    element("caption", { class: "unseen" }, caption),
    element(
      "tbody",
      {},
      ...rows.map(({ name, count: value }) =>
        element(
          "tr",
          {},
          element(
            "th",
            { scope: "row" },
            element("div", {}, name === "" ? "–" : label(name)),
            bar(value, whole, tone(name)),
          ),
          element("td", { class: "number" }, count(value)),
          element("td", { class: "number faint" }, percent(value, whole)),
        ),
      ),
    ),
  );
}

const WIDTH = 100;
const HEIGHT = 40;

function bar(value: number, whole: number, tone: string): SVGElement {
  const width = whole === 0 ? 0 : (WIDTH * value) / whole;
  return drawn(
    "svg",
    { class: "bar", viewBox: `0 0 ${WIDTH} 4`, preserveAspectRatio: "none", "aria-hidden": "true" },
    drawn("rect", { class: "track", width: String(WIDTH), height: "4" }),
    drawn("rect", { class: tone, width: width.toFixed(2), height: "4" }),
  );
}

/** Calls over time: one column for each stretch of time, stacked by decision. */
export function timeline(buckets: readonly Bucket[]): HTMLElement {
  const totals = buckets.map(({ counts }) => DECISIONS.reduce((sum, name) => sum + counts[name], 0));
  const highest = Math.max(1, ...totals);
  const step = WIDTH / Math.max(1, buckets.length);
  const columns = buckets.flatMap(({ counts }, n) => {
    let top = HEIGHT;
    return DECISIONS.map((name) => {
      const height = (HEIGHT * counts[name]) / highest;
      top -= height;
      return drawn("rect", {
        class: name,
        x: (n * step + step * 0.12).toFixed(2),
        y: top.toFixed(2),
        width: (step * 0.76).toFixed(2),
        height: height.toFixed(2),
      });
    });
  });
  const floor = drawn("rect", { class: "track", y: "39.6", width: String(WIDTH), height: "0.4" });
  const startsAt = (bucket: Bucket | undefined) =>
    bucket === undefined ? "" : instant(new Date(bucket.startMs).toISOString()).slice(11, 16);
  const most = Math.max(0, ...totals);
  return element(
    "figure",
    { class: "timeline" },
    drawn(
      "svg",
      {
        viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
        preserveAspectRatio: "none",
        role: "img",
        "aria-label": `Calls in stretches of five minutes; at most ${counted(most, "call")} in one.`,
      },
      floor,
      ...columns,
    ),
    element(
      "figcaption",
      {},
      element("span", {}, startsAt(buckets[0])),
      element("span", {}, `five minutes a column, at most ${count(most)}`),
      element("span", {}, "now"),
    ),
  );
}
