// Writes the published schema of an operation's input as JSON to stdout: {root, shapes, enums}. The client of AWS stands in
// the folder of $CLIENT; the operation is the first argument. A shape is {kind, members: {name: type}, required: [...],
// headers: [...]} or {kind: "list", member: type}; a type is the name of a shape, or of a plain kind of value.
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.env.CLIENT, "here.js"));
const aws = require("@aws/codewhisperer-streaming-client");

const PLAIN = { 0: "string", 1: "number", 2: "boolean", 15: "document", 21: "blob" };
const KINDS = { 1: "list", 2: "map", 3: "structure", 4: "union" };
const shapes = {};

function typeOf(reference) {
  let [schema] = Array.isArray(reference) && typeof reference[1] !== "string" ? reference : [reference];
  if (typeof schema === "function") schema = schema();
  if (typeof schema === "number") return PLAIN[schema & 63] ?? `number ${schema}`;
  const [kind, , name] = schema;
  if (kind === 0) return PLAIN[schema[4]] ?? `kind ${schema[4]}`;
  if (!(name in shapes)) {
    shapes[name] = {};
    Object.assign(shapes[name], shapeOf(schema));
  }
  return name;
}

function shapeOf([kind, , , , names, references, required]) {
  if (kind === 1) return { kind: "list", member: typeOf(names) };
  if (kind === 2) return { kind: "map", member: typeOf(references) };
  const members = {};
  const headers = [];
  names.forEach((name, index) => {
    const traits = Array.isArray(references[index]) ? references[index][1] : 0;
    members[name] = typeOf(references[index]);
    if (traits && typeof traits === "object" && traits.httpHeader) headers.push(name);
  });
  return { kind: KINDS[kind], members, required: names.slice(0, required ?? 0), headers };
}

const operation = aws[`${process.argv[2]}$`];
const root = typeOf(operation[4]);
const enums = Object.fromEntries(
  ["Origin", "ChatTriggerType", "AgentTaskType", "ImageFormat", "DocumentFormat", "ToolResultStatus", "CachePointType"]
    .filter((name) => aws[name])
    .map((name) => [name, Object.values(aws[name])]),
);
process.stdout.write(JSON.stringify({ root, shapes, enums }));
