/** One place of two structures that differ there or below. */
export interface Branch {
  name: string;
  kind: "below" | "changed" | "missing" | "extra" | "moved";
  legacy: string;
  fresh: string;
  children: Branch[];
}

/** A JSON object or array; null for everything else. A text that was cut is no JSON any more. */
export function parsed(text: string): object | null {
  if (!/^\s*[[{]/.test(text)) return null;
  try {
    return JSON.parse(text) as object;
  } catch {
    return null;
  }
}
