// Jumps to a route by a part of its name or of what it matches.
import { useMemo, useRef, useState } from "preact/hooks";
import { at } from "../api/client";
import { go } from "../lib/location";
import { useLive } from "../live/store";

const offered = 8;

export function Search() {
  const routes = useLive((state) => state.routes);
  const [text, write] = useState("");
  const [open, show] = useState(false);
  const [chosen, choose] = useState(0);
  const input = useRef<HTMLInputElement>(null);
  const found = useMemo(() => {
    const wanted = text.trim().toLowerCase();
    if (wanted === "") return [];
    const all = [...routes.values()].filter((r) => `${r.name} ${r.match}`.toLowerCase().includes(wanted));
    const begins = (name: string) => (name.toLowerCase().startsWith(wanted) ? 0 : 1);
    return all.sort((a, b) => begins(a.name) - begins(b.name) || a.name.localeCompare(b.name)).slice(0, offered);
  }, [text, routes]);

  const jump = (name: string) => {
    write("");
    show(false);
    input.current?.blur();
    go(at`/routes/${name}`);
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      write("");
      show(false);
      input.current?.blur();
    }
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : found.length - 1;
      choose(found.length === 0 ? 0 : (chosen + step) % found.length);
    }
    const hit = found[chosen];
    if (event.key === "Enter" && hit) jump(hit.name);
  };
  const visible = open && text.trim() !== "";
  return (
    <div class="search">
      <input
        ref={input} id="search" type="search" placeholder="Jump to a route  /" aria-label="Jump to a route" autoComplete="off"
        role="combobox" aria-expanded={visible} aria-controls="found" aria-autocomplete="list" maxLength={200}
        aria-activedescendant={visible && found[chosen] ? `found-${chosen}` : undefined} value={text}
        onInput={(event) => { write(event.currentTarget.value); choose(0); show(true); }}
        onKeyDown={pressed} onBlur={() => setTimeout(() => show(false), 150)}
      />
      <ul id="found" role="listbox" aria-label="Routes found" hidden={!visible}>
        {found.map((route, i) => (
          <li key={route.name} id={`found-${i}`} role="option" aria-selected={i === chosen} onMouseDown={() => jump(route.name)}>
            <strong>{route.name}</strong> <span class="quiet">{route.match}</span>
          </li>
        ))}
        {found.length === 0 && <li class="quiet" role="option" aria-selected={false} aria-disabled={true}>No route has “{text.trim()}” in its name or match.</li>}
      </ul>
    </div>
  );
}
