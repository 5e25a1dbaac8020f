import { at } from "../api/client";
import type { Fault, FaultChange } from "../api/types";
import { flag } from "../lib/command";
import { plural } from "../lib/format";
import type { Action } from "./action";

export function stopFault(fault: Fault): Action {
  return {
    id: `stop ${fault.id}`, title: "Stop the fault", heading: "Stop a fault on", role: "operator", based: false, tries: true,
    about: `Fault ${fault.id} on side ${fault.side}. It would end by itself.`,
    fields: [{ name: "reason", label: "Reason, for the history", kind: "text", most: 2000 }], first: {},
    call: (_, values) => ({ method: "DELETE", path: at`/api/v1/faults/${fault.id}`, query: { reason: values.reason } }),
    command: (_, values) => ["fault", "stop", String(fault.id), ...flag("reason", values.reason)],
    words: (answer) => {
      const change = answer as FaultChange;
      return [`${plural(change.faults.length, "fault")} stopped.`, ...(change.note ? [change.note] : [])];
    },
    why: () => "",
  };
}
