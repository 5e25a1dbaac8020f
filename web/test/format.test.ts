import { describe, expect, test } from "vitest";
import { count, milliseconds, plural, rate, share, weight } from "../src/lib/format";
import { absolute, relative, short, span } from "../src/lib/time";
import { flag, quoted, stranglerctl } from "../src/lib/command";

test.each([[0, "0"], [999, "999"], [1000, "1,000"], [18211, "18,211"], [2_000_000, "2,000,000"]])("count %d", (n, words) => {
  expect(count(n)).toBe(words);
});

test.each([[0, "0%"], [1, "0.01%"], [50, "0.5%"], [2500, "25%"], [10000, "100%"]])("weight %d", (bp, words) => {
  expect(weight(bp)).toBe(words);
});

test.each([
  [0, 0, "–"], [0, 9, "0%"], [9, 9, "100%"], [11, 18211, "0.06%"],
  [1, 1_000_000, "<0.01%"], [999_999, 1_000_000, ">99.99%"], [1, 3, "33.3%"], [1, 10, "10%"],
])("share of %d in %d", (part, whole, words) => {
  expect(share(part, whole)).toBe(words);
});

test("durations keep two or three digits", () => {
  expect([null, 0.3, 4.93, 31.4, 999, 1234, 61_000].map(milliseconds)).toEqual(["–", "0.3\u202fms", "4.9\u202fms", "31\u202fms", "999\u202fms", "1.23\u202fs", "61\u202fs"]);
});

test("rates", () => {
  expect([0, 0.01, 0.44, 12.4, 1500].map(rate)).toEqual(["0/s", "<0.1/s", "0.4/s", "12/s", "1,500/s"]);
});

test("plural", () => {
  expect([plural(1, "route"), plural(2, "route"), plural(0, "route")]).toEqual(["1 route", "2 routes", "0 routes"]);
});

describe("times", () => {
  const at = Date.UTC(2026, 10, 24, 3, 59, 21);

  test.each([[0, "0 s"], [59, "59 s"], [60, "1 min"], [3600, "1 h"], [7500, "2 h 5 min"], [86_400, "1 day"], [400_000, "4 days"]])("span of %d s", (seconds, words) => {
    expect(span(seconds)).toBe(words);
  });

  test("relative, also ahead", () => {
    expect([relative(at, at + 500), relative(at, at + 180_000), relative(at, at - 60_000)]).toEqual(["just now", "3 min ago", "in 1 min"]);
  });

  test("absolute in the viewer's zone and in UTC", () => {
    expect(absolute(at, "Asia/Kolkata")).toBe("24 Nov 2026, 09:29:21 GMT+5:30 · 2026-11-24 03:59:21 UTC");
    expect(absolute(at, "UTC")).toBe("24 Nov 2026, 03:59:21 UTC");
  });

  test("Go's durations without zeroes", () => {
    expect(["10m0s", "1h0m0s", "1h30m0s", "1m15s", "30s", "off"].map(short)).toEqual(["10m", "1h", "1h30m", "1m15s", "30s", "off"]);
  });
});

describe("the line for a terminal", () => {
  test.each([
    ["orders-get", "orders-get"], ["25%", "25%"], ["", "''"], ["two words", "'two words'"], ["$.total", "'$.total'"],
    ["it's", "'it'\\''s'"], ["--reason=two words", "--reason='two words'"], ["a\nb", "'a\nb'"], ["$(reboot)", "'$(reboot)'"],
  ])("quotes %j", (word, quotedWord) => {
    expect(quoted(word)).toBe(quotedWord);
  });

  test("a value that begins with a dash stays a value", () => {
    expect(stranglerctl(["pause", "a", ...flag("reason", "-y"), ...flag("to", "")])).toBe("stranglerctl pause a --reason=-y");
  });
});
