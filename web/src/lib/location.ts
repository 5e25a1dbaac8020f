// Where the reader is: path and query of the address bar.
import { useEffect, useState } from "preact/hooks";

const changed = new EventTarget();

export function go(to: string, replace = false): void {
  if (replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  changed.dispatchEvent(new Event("change"));
}

export function useLocation(): { path: string; query: URLSearchParams } {
  const [href, set] = useState(location.pathname + location.search);
  useEffect(() => {
    const look = () => set(location.pathname + location.search);
    changed.addEventListener("change", look);
    addEventListener("popstate", look);
    return () => {
      changed.removeEventListener("change", look);
      removeEventListener("popstate", look);
    };
  }, []);
  const [path = "/", query = ""] = href.split(/\?(.*)/s);
  return { path, query: new URLSearchParams(query) };
}

/** Changes parts of the query and keeps the rest; an empty value removes its part. */
export function setQuery(change: Record<string, string>): void {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(change)) {
    if (value === "") query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  go(location.pathname + (text === "" ? "" : `?${text}`), true);
}

/** The segments of a path, decoded; null when one is no valid encoding. */
export function segments(path: string): string[] | null {
  try {
    return path.split("/").filter((part) => part !== "").map(decodeURIComponent);
  } catch {
    return null;
  }
}
