// Short messages about what was just done; they can be read at leisure and closed.
import { createContext } from "preact";
import { useContext, useState } from "preact/hooks";

export interface Toast {
  id: number;
  text: string;
  kind: "done" | "failed";
}

type Say = (text: string, kind?: Toast["kind"]) => void;

export const ToastContext = createContext<Say>(() => undefined);

export function useToast(): Say {
  return useContext(ToastContext);
}

const shown = 4;
const seconds = 12;

export function useToasts(): { toasts: Toast[]; say: Say; close: (id: number) => void } {
  const [toasts, set] = useState<Toast[]>([]);
  const close = (id: number) => set((all) => all.filter((toast) => toast.id !== id));
  const [say] = useState<Say>(() => (text: string, kind: Toast["kind"] = "done") => {
    const id = Date.now() + Math.random();
    set((all) => [...all, { id, text, kind }].slice(-shown));
    if (kind === "done") setTimeout(() => close(id), seconds * 1000);
  });
  return { toasts, say, close };
}

export function Toasts({ toasts, close }: { toasts: Toast[]; close: (id: number) => void }) {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.map((toast) => (
        <div key={toast.id} class={`toast ${toast.kind}`}>
          <span>{toast.text}</span>
          <button type="button" class="plain" aria-label="Close this message" onClick={() => close(toast.id)}>×</button>
        </div>
      ))}
    </div>
  );
}
