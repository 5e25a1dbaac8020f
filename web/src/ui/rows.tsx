// A table of which only the rows in sight are drawn: a thousand scroll like ten.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

export interface Column<T> {
  id: string;
  title: string;
  cell: (row: T) => ComponentChildren;
  sortable?: boolean;
}

interface RowsProps<T> {
  label: string;
  rows: T[];
  columns: Column<T>[];
  rowKey: (row: T) => string;
  sort: string;
  down: boolean;
  onSort: (id: string, down: boolean) => void;
}

const beyond = 6;

export function Rows<T>({ label, rows, columns, rowKey, sort, down, onSort }: RowsProps<T>) {
  const body = useRef<HTMLDivElement>(null);
  const height = useRowHeight();
  const [view, look] = useState({ top: 0, size: 800 });
  useLayoutEffect(() => {
    const at = () => {
      const box = body.current?.getBoundingClientRect();
      if (box) look({ top: Math.max(0, -box.top), size: innerHeight });
    };
    at();
    addEventListener("scroll", at, { passive: true });
    addEventListener("resize", at);
    return () => {
      removeEventListener("scroll", at);
      removeEventListener("resize", at);
    };
  }, []);
  const from = Math.max(0, Math.min(rows.length - 1, Math.floor(view.top / height) - beyond));
  const to = Math.min(rows.length, Math.ceil((view.top + view.size) / height) + beyond);
  return (
    <div role="table" aria-label={label} aria-rowcount={rows.length + 1} class="rows" onKeyDown={(event) => walk(event, height)}>
      <div role="row" class="row head" aria-rowindex={1}>
        {columns.map((column) => <Head key={column.id} column={column} sort={sort} down={down} onSort={onSort} />)}
      </div>
      <div role="rowgroup" ref={body} class="body" style={{ height: `${rows.length * height}px` }}>
        {rows.slice(from, to).map((row, i) => (
          <div key={rowKey(row)} role="row" class="row" aria-rowindex={from + i + 2} data-index={from + i} style={{ top: `${(from + i) * height}px` }}>
            {columns.map((column) => <div key={column.id} role="cell" class={`cell ${column.id}`} data-title={column.title}>{column.cell(row)}</div>)}
          </div>
        ))}
      </div>
    </div>
  );
}

function Head<T>({ column, sort, down, onSort }: { column: Column<T> } & Pick<RowsProps<T>, "sort" | "down" | "onSort">) {
  const mine = sort === column.id;
  if (column.sortable === false) return <div role="columnheader" class={`cell ${column.id}`}>{column.title}</div>;
  return (
    <div role="columnheader" class={`cell ${column.id}`} aria-sort={mine ? (down ? "descending" : "ascending") : "none"}>
      <button type="button" class="plain" onClick={() => onSort(column.id, mine && !down)}>
        {column.title}<span aria-hidden="true">{mine ? (down ? " ↓" : " ↑") : ""}</span>
      </button>
    </div>
  );
}

// The style sheet stacks the cells on narrow screens and makes rows higher; both must agree.
function useRowHeight(): number {
  const [height, set] = useState(rowHeight());
  useEffect(() => {
    const look = () => set(rowHeight());
    addEventListener("resize", look);
    return () => removeEventListener("resize", look);
  }, []);
  return height;
}

function rowHeight(): number {
  return Number.parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--row")) || 52;
}

function walk(event: KeyboardEvent, height: number): void {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const row = (event.target as HTMLElement).closest<HTMLElement>("[data-index]");
  const table = (event.target as HTMLElement).closest('[role="table"]');
  if (row === null || table === null) return;
  event.preventDefault();
  const next = Number(row.dataset.index) + (event.key === "ArrowDown" ? 1 : -1);
  const link = table.querySelector<HTMLElement>(`[data-index="${next}"] a`);
  link?.focus({ preventScroll: true });
  const box = link?.getBoundingClientRect();
  if (box && (box.bottom > innerHeight - height || box.top < 3 * height)) scrollBy(0, event.key === "ArrowDown" ? height : -height);
}
