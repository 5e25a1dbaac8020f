// Times for people: how long ago, and on request exactly when.

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

/** Seconds as the largest one or two units: "12 s", "3 min", "2 h 5 min", "4 days". */
export function span(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < minute) return `${s} s`;
  if (s < hour) return `${Math.floor(s / minute)} min`;
  if (s < day) {
    const minutes = Math.floor((s % hour) / minute);
    return `${Math.floor(s / hour)} h${minutes > 0 && s < 6 * hour ? ` ${minutes} min` : ""}`;
  }
  const days = Math.floor(s / day);
  return days === 1 ? "1 day" : `${days} days`;
}

/** A duration as Go writes it, without its zeroes: "10m0s" → "10m". */
export function short(duration: string): string {
  return duration.replace(/(?<=[hm])0s$/, "").replace(/(?<=h)0m$/, "");
}

/** "3 min ago", "in 2 h", "just now". */
export function relative(at: number, now: number): string {
  const seconds = (now - at) / 1000;
  if (Math.abs(seconds) < 2) return "just now";
  return seconds > 0 ? `${span(seconds)} ago` : `in ${span(-seconds)}`;
}

/** The viewer's zone and UTC: "24 Nov 2026, 04:59:21 CET · 03:59:21 UTC". */
export function absolute(at: number, zone?: string): string {
  const local = new Intl.DateTimeFormat("en-GB", {
    day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
    timeZoneName: "short", ...(zone ? { timeZone: zone } : {}),
  }).format(at);
  const iso = new Date(at).toISOString();
  return local.endsWith("UTC") ? local : `${local} · ${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;
}
