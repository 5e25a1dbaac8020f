import { useId } from "preact/hooks";
import type { Field, Values } from "./action";

interface FieldsProps {
  fields: Field[];
  values: Values;
  write: (values: Values) => void;
}

export function Fields({ fields, values, write }: FieldsProps) {
  return (
    <div class="fields">
      {fields.filter((field) => field.wanted?.(values) ?? true).map((field) => <One key={field.name} field={field} value={values[field.name] ?? ""} write={(value) => write({ ...values, [field.name]: value })} />)}
    </div>
  );
}

function One({ field, value, write }: { field: Field; value: string; write: (value: string) => void }) {
  const id = useId();
  if (field.kind === "check") {
    return <label class="check"><input type="checkbox" checked={value === "yes"} onChange={(event) => write(event.currentTarget.checked ? "yes" : "")} /> {field.label}</label>;
  }
  const common = { id, "aria-describedby": field.help ? `${id}-help` : undefined, value };
  return (
    <div class={field.kind === "choice" || field.name === "reason" ? "field wide" : "field"}>
      <label for={id}>{field.label}{field.required && " (needed)"}</label>
      {field.kind === "choice" ? (
        <select {...common} onChange={(event) => write(event.currentTarget.value)}>
          {field.options?.map(([option, words]) => <option key={option} value={option}>{words}</option>)}
        </select>
      ) : (
        <input {...common} type="text" maxLength={field.most} required={field.required} autoComplete="off" spellcheck={field.name === "reason"} onInput={(event) => write(event.currentTarget.value)} />
      )}
      {field.help && <span id={`${id}-help`} class="quiet">{field.help}</span>}
    </div>
  );
}
