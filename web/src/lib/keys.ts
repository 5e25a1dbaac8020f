// Keys that work everywhere, unless the reader is writing or has turned them off.
import { useEffect } from "preact/hooks";

const setting = "strangler.keys";

export function keysOn(): boolean {
  return localStorage.getItem(setting) !== "off";
}

export function turnKeys(on: boolean): void {
  localStorage.setItem(setting, on ? "on" : "off");
}

function writing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, textarea, select, [contenteditable], dialog") !== null;
}

/** Calls what belongs to a key, or to two in a row such as "g r" within a second. */
export function useKeys(actions: Record<string, () => void>): void {
  useEffect(() => {
    let first = "";
    let timer: ReturnType<typeof setTimeout> | undefined;
    const pressed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || writing(event.target) || !keysOn()) return;
      const act = actions[first === "" ? event.key : `${first} ${event.key}`];
      clearTimeout(timer);
      first = first === "" && event.key === "g" ? "g" : "";
      timer = setTimeout(() => (first = ""), 1000);
      if (act) {
        event.preventDefault();
        act();
      }
    };
    addEventListener("keydown", pressed);
    return () => {
      clearTimeout(timer);
      removeEventListener("keydown", pressed);
    };
  }, []);
}
