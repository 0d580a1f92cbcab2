// node read_plists.js NODE_MODULES plist|bplist FILE...: a line of JSON for each file; see tests/mdm/readers.py.
const fs = require("fs");
const [modules, kind, ...files] = process.argv.slice(2);
const read = kind === "plist"
  ? (file) => require(`${modules}/plist`).parse(fs.readFileSync(file, "utf8"))
  : (file) => require(`${modules}/bplist-parser`).parseBuffer(fs.readFileSync(file))[0];

function plain(value) {
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Date) return { date: value.toISOString().replace(/\.000Z$/, "Z") };
  if (Buffer.isBuffer(value) || value instanceof Uint8Array) return { data: Buffer.from(value).toString("base64") };
  if (typeof value === "number" || typeof value === "bigint") return { number: String(value) };
  if (value !== null && typeof value === "object") {
    if (value.constructor && value.constructor.name.includes("Integer")) return { number: value.toString() };
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
  }
  return value;
}

for (const file of files) console.log(JSON.stringify(plain(read(file))));
