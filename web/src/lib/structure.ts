// Structural comparison. It is loaded where differences are looked at, and nowhere else.
import { create, type Delta } from "jsondiffpatch";
import type { Branch } from "./tree";

const differ = create({
  // Elements with an id are the same element wherever they stand.
  objectHash: (item, index) => {
    const { id, key, sku, name } = item as Record<string, unknown>;
    return String(id ?? key ?? sku ?? name ?? `$$${index}`);
  },
});

export function compared(legacy: object, fresh: object): Branch {
  return branch("", differ.diff(legacy, fresh));
}

function branch(name: string, delta: Delta): Branch {
  const empty = { name, legacy: "", fresh: "", children: [] };
  if (Array.isArray(delta)) {
    if (delta.length === 1) return { ...empty, kind: "extra", fresh: text(delta[0]) };
    if (delta.length === 2) return { ...empty, kind: "changed", legacy: text(delta[0]), fresh: text(delta[1]) };
    if (delta[2] === 3) return { ...empty, kind: "moved", fresh: `now number ${String(delta[1])}` };
    return { ...empty, kind: "missing", legacy: text(delta[0]) };
  }
  const children = Object.entries((delta ?? {}) as Record<string, Delta>)
    .filter(([key]) => key !== "_t")
    .map(([key, below]) => branch(key.replace(/^_/, ""), below));
  return { ...empty, kind: "below", children };
}

function text(value: unknown): string {
  return JSON.stringify(value) ?? "absent";
}
