// Numbers for people: the same number is written the same way everywhere.

const thin = "\u202f";

/** 18211 → "18,211", as the API writes it in words. */
export function count(n: number): string {
  return Math.round(n).toString().replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Basis points as a percentage: 2500 → "25%", 50 → "0.5%". */
export function weight(bp: number): string {
  return `${trim((bp / 100).toFixed(2))}%`;
}

/** A part of a whole: "0.06%", and "–" of nothing. A part is never shown as 0% or 100% of it. */
export function share(part: number, whole: number): string {
  if (whole <= 0) return "–";
  const percent = (100 * part) / whole;
  if (part > 0 && percent < 0.01) return "<0.01%";
  if (part < whole && percent > 99.99) return ">99.99%";
  return `${trim(percent.toFixed(percent < 1 || percent > 99 ? 2 : 1))}%`;
}

/** 0.31 → "0.31 ms", 31.4 → "31 ms", 1234 → "1.23 s". */
export function milliseconds(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return "–";
  if (ms >= 1000) return `${trim((ms / 1000).toFixed(ms < 10000 ? 2 : 1))}${thin}s`;
  return `${trim(ms.toFixed(ms < 1 ? 2 : ms < 10 ? 1 : 0))}${thin}ms`;
}

/** Requests a second: "0.4/s", "12/s". */
export function rate(perSecond: number): string {
  if (perSecond === 0) return "0/s";
  if (perSecond < 0.1) return "<0.1/s";
  return `${perSecond < 10 ? trim(perSecond.toFixed(1)) : count(perSecond)}/s`;
}

/** "1 route", "2 routes". */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

function trim(digits: string): string {
  return digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits;
}
