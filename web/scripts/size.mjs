// Says what a browser downloads of JavaScript in all, and fails above the limit.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const limit = 120 * 1024;
const folder = "dist/assets";
const kilobytes = (bytes) => `${(bytes / 1024).toFixed(1)} KB`;

let total = 0;
for (const name of readdirSync(folder).filter((file) => file.endsWith(".js"))) {
  const size = gzipSync(readFileSync(join(folder, name)), { level: 9 }).length;
  total += size;
  console.log(`${kilobytes(size).padStart(10)}  ${name}`);
}
console.log(`${kilobytes(total).padStart(10)}  JavaScript in all, gzipped; the limit is ${kilobytes(limit)}`);
if (total > limit) {
  console.error("the dashboard is too large: load what few pages need with import(), or do without it");
  process.exit(1);
}
