// Tables. On a narrow screen each row becomes a card and each cell carries its column's title; the roles are written out so that this does
// not take the table away from screen readers.
import { type Child, element, nodesOf } from "./element.ts";
import { button } from "./parts.ts";
import type { Page } from "./replies.ts";
import type { Place } from "./screen.ts";
import { showTrouble } from "./trouble.ts";

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => Child;
  /** "short" = never broken into lines. */
  readonly kind?: "number" | "short" | "actions";
}

export interface TableSpec<Row> {
  /** Tells what the rows are; read out, and not shown. */
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  /** Stands in place of the table when there are no rows. */
  readonly empty: Child;
}

export function table<Row>({ caption, columns, rows, empty }: TableSpec<Row>): HTMLElement {
  if (rows.length === 0) return element("div", { class: "empty" }, empty);
  const body = element("tbody", { role: "rowgroup" }, ...rows.map((row) => rowOf(columns, row)));
  return element(
    "table",
    { role: "table" },
    element("caption", { class: "unseen" }, caption),
    element("thead", { role: "rowgroup" }, headOf(columns)),
    body,
  );
}

/** A table that grows page by page; `more` reads the page behind a cursor. */
export function pagedTable<Row>(
  place: Place,
  spec: Omit<TableSpec<Row>, "rows"> & { label: string },
  first: Page<Row>,
  more: (cursor: string) => Promise<Page<Row>>,
): HTMLElement {
  const whole = table({ ...spec, rows: first.items });
  const foot = element("div", { class: "foot" });
  let shown = first.items.length;
  const offer = (cursor: string | undefined, ...before: readonly Child[]) => {
    const told = element(
      "span",
      { class: "faint" },
      `${shown} shown${cursor === undefined ? ", no more" : ""}`,
    );
    const next = cursor === undefined ? undefined : button(spec.label, () => void grow(cursor));
    foot.replaceChildren(...nodesOf([...before, next, told]));
    return next;
  };
  const grow = async (cursor: string) => {
    foot.setAttribute("aria-busy", "true");
    try {
      const page = await more(cursor);
      whole.querySelector("tbody")?.append(...page.items.map((row) => rowOf(spec.columns, row)));
      shown += page.items.length;
      offer(page.next_cursor)?.focus();
      place.say(`${page.items.length} more`);
    } catch (caught) {
      offer(cursor, showTrouble(caught));
    }
    foot.removeAttribute("aria-busy");
  };
  if (shown > 0) offer(first.next_cursor);
  return element("div", {}, whole, foot);
}

function headOf<Row>(columns: readonly Column<Row>[]): HTMLElement {
  return element(
    "tr",
    { role: "row" },
    ...columns.map(({ title, kind }) =>
      element(
        "th",
        { role: "columnheader", scope: "col", class: kind },
        kind === "actions" ? element("span", { class: "unseen" }, title) : title,
      ),
    ),
  );
}

function rowOf<Row>(columns: readonly Column<Row>[], row: Row): HTMLElement {
  return element(
    "tr",
    { role: "row" },
    ...columns.map(({ title, cell, kind }) =>
      element("td", { role: "cell", class: kind, "data-title": title }, cell(row)),
    ),
  );
}
