// What the programs for Node share: the checks' lines, the reads that psql has answered, values written as psql wrote them, sessions.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { Client } = require("pg");

const FLOAT8 = 701;
const TIMESTAMPTZ = 1184;

let failed = 0;

function check(what, problem = null) {
  if (problem === null) {
    console.log(`ok - ${what}`);
  } else {
    failed += 1;
    console.log(`not ok - ${what}\n#   ${String(problem).replaceAll("\n", "\n#   ")}`);
  }
}

// Lists or values that are the same; shows the first difference.
function equal(what, got, wanted) {
  if (Array.isArray(got) && Array.isArray(wanted)) {
    const at = got.findIndex((one, i) => JSON.stringify(one) !== JSON.stringify(wanted[i]));
    if (at >= 0) return check(what, `line ${at + 1} of ${got.length} is\n${got[at]}\nand not\n${wanted[at]}`);
    return check(what, got.length === wanted.length ? null : `${got.length} lines and not ${wanted.length}`);
  }
  return check(what, got === wanted ? null : `${got}\nand not\n${wanted}`);
}

// Prints the closing line.
function end() {
  console.log("done");
  process.exitCode = failed > 0 ? 1 : 0;
}

// The lines of a file that run.sh made.
const lines = (name) => fs.readFileSync(path.join(process.env.KPI_ANSWERS, name), "utf8").split("\n").slice(0, -1);

// The parameters of each read of a statement, and what psql answered.
function cases(statement) {
  return lines("cases.tsv")
    .map((line, i) => [line.split("\t"), lines(`${i + 1}.txt`)])
    .filter(([[kind]]) => kind === statement)
    .map(([[, what, since, until], answer]) => [[what, new Date(since), new Date(until)], answer]);
}

// A value as depot.shown writes it: a number of JavaScript alone does not say which type it had.
function shown(value, type) {
  if (value === null) return "NULL";
  if (type === TIMESTAMPTZ) return String(BigInt(value.getTime()) * 1000n);
  if (type === FLOAT8) {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(value);
    return bytes.toString("hex");
  }
  return String(value);
}

const row = (values, fields) => values.map((value, i) => shown(value, fields[i].dataTypeID)).join("|");
const rows = (result) => result.rows.map((values) => row(values, result.fields));

// A session of the clients' role, if the options name no other.
async function connected(options = {}) {
  const client = new Client(options);
  await client.connect();
  return client;
}

async function using(options, use) {
  const client = await connected(options);
  try {
    await use(client);
  } finally {
    await client.end();
  }
}
const asReader = (use, options = {}) => using(options, use);
const asOwner = (use) => using({ user: process.env.KPI_OWNER }, use);

module.exports = { check, equal, end, lines, cases, row, rows, connected, asReader, asOwner };
