// node-postgres with pg-cursor: what an application does with the views of pg_kpi, as a role that may read some of them. See run.sh.
"use strict";

const Cursor = require("pg-cursor");
const { check, equal, end, lines, cases, row, rows, asReader, asOwner } = require("./checks.js");
const { changes } = require("./stream.js");

const VIEW =
  "SELECT ts, period, region, dock, express, value, target, status FROM kpi_views.weight " +
  "WHERE period = $1 AND ts >= $2 AND ts < $3 ORDER BY ts, region, dock, express";
const VALUES =
  "SELECT ts, dimensions->>'region', dimensions->>'dock', dimensions->>'express', value, target, status FROM kpi.values_day " +
  "WHERE code = $1 AND ts >= $2 AND ts < $3 ORDER BY 1, 2, 3, 4";
const FUNCTION = "SELECT ts, value FROM kpi.value($1, 'hour', $2, $3)";
const ALL =
  "SELECT ts, period, region, dock, express, value, target, status FROM kpi_views.weight WHERE period = 'minute' ORDER BY 1, 3, 4, 5";
const COLUMNS =
  "SELECT c.table_schema || '.' || c.table_name, c.column_name, c.udt_name, c.is_nullable, " +
  "coalesce(col_description(r.oid, c.ordinal_position), '') FROM information_schema.columns c, " +
  "LATERAL (SELECT to_regclass(format('%I.%I', c.table_schema, c.table_name))::oid AS oid) r " +
  "WHERE c.table_schema IN ('kpi_views', 'kpi') AND c.table_schema || '.' || c.table_name = ANY ($1) ORDER BY 1, c.ordinal_position";

async function reflection() {
  await asReader(async (client) => {
    const wanted = lines("reflection.expected");
    const names = [...new Set(wanted.map((line) => line.split("|")[0]))].sort();
    const columns = await client.query({ text: COLUMNS, values: [names], rowMode: "array" });
    equal("columns: names, types, nullability and comments", columns.rows.map((values) => values.join("|")), wanted);
    const views = await client.query("SELECT table_schema || '.' || table_name AS name FROM information_schema.tables WHERE table_schema = 'kpi_views' ORDER BY 1");
    equal("views: those that the role may read", views.rows.map((r) => r.name), names.filter((name) => name.startsWith("kpi_views")));
    const comments = await client.query("SELECT n || '|' || obj_description(n::regclass) AS line FROM unnest($1::text[]) AS n ORDER BY n", [names]);
    equal("views: comments", comments.rows.map((r) => r.line), lines("comments.expected"));
    const { fields } = await client.query(VIEW, ["day", new Date(), new Date()]);
    equal("result: names and types", fields.map((f) => `${f.name} ${f.dataTypeID}`),
      ["ts 1184", "period 25", "region 25", "dock 23", "express 16", "value 701", "target 701", "status 25"]);
  });
}

// Each statement has a name, so it is prepared once and executed for all of its cases. In text: `binary: true` is not usable in this
// node-postgres, which decodes the bytes of any result as UTF-8 and so makes 0.99 of 1.5.
async function prepared(client, how) {
  for (const [name, text] of [["view", VIEW], ["values", VALUES], ["function", FUNCTION]]) {
    const got = [];
    const wanted = [];
    for (const [values, answer] of cases(name)) {
      got.push(...rows(await client.query({ name, text, values, rowMode: "array" })));
      wanted.push(...answer);
    }
    equal(`prepared ${name}, ${how}: the rows of psql`, got, wanted);
  }
}

async function generic() {
  await asReader(async (client) => {
    await client.query("SET plan_cache_mode = force_generic_plan");
    await prepared(client, "generic plan");
    const { rows: [{ plans }] } = await client.query("SELECT generic_plans::int AS plans FROM pg_prepared_statements WHERE name = 'view'");
    check("prepared: by the generic plan", plans >= 12 ? null : `${plans} times only`);
  });
}

async function live() {
  await asReader((client) => asOwner(async (other) => {
    const text = "SELECT value, target, status FROM kpi_views.live WHERE period = $1 AND client = $2";
    const answer = async () =>
      (await client.query({ name: "live", text, values: ["day", "node"] })).rows.map((r) => `${r.value} ${r.target} ${r.status}`);

    const before = [];
    for (let i = 0; i < 7; i += 1) before.push((await answer()).length);
    equal("live: no row yet", before, Array(7).fill(0));
    await other.query("INSERT INTO depot.live VALUES ('2025-05-01 12:00Z', 'node'), ('2025-05-01 13:00Z', 'node')");
    equal("live: rows that have come", await answer(), ["2 3 bad"]);
    await other.query("SELECT kpi.refresh('live')");
    equal("live: after the refresh", await answer(), ["2 3 bad"]);
    await other.query("INSERT INTO depot.live VALUES ('2025-05-01 12:00Z', 'node')");
    equal("live: a late row", await answer(), ["3 3 ok"]);
    await other.query("SELECT kpi.alter_kpi('live', target => 4)");
    equal("live: another target", await answer(), ["3 4 bad"]);
    await other.query("SELECT kpi.alter_kpi('live', target => 3)");
  }));
}

// All rows of a cursor, read in batches of this size.
async function batches(cursor, size, between = async () => {}) {
  const found = [];
  for (;;) {
    const batch = await cursor.read(size);
    if (batch.length === 0) break;
    found.push(batch);
    if (found.length === 1) await between();
  }
  await cursor.close();
  return found;
}

async function cursors() {
  await asReader((client) => asOwner(async (other) => {
    const plain = await client.query({ text: ALL, rowMode: "array" });
    equal("plain query: the rows of psql", rows(plain), lines("all.txt"));
    let found = await batches(client.query(new Cursor(ALL, [], { rowMode: "array" })), 250);
    equal("cursor, text: the same rows", found.flat().map((values) => row(values, plain.fields)), rows(plain));
    equal("cursor: in batches", found.map((batch) => batch.length), [250, 250, 250, 250, 250, 250, 250, 150]);
    const [[values, answer]] = cases("view");
    found = await batches(client.query(new Cursor(VIEW, values, { rowMode: "array" })), 20);
    equal("cursor with parameters", found.flat().map((r) => row(r, plain.fields)), answer);

    await other.query("INSERT INTO depot.live SELECT timestamptz '2025-06-01Z' + i * interval '1 minute', 'node cursor' FROM generate_series(1, 300) AS i");
    const once = "SELECT value FROM kpi_views.live WHERE period = 'minute' AND client = 'node cursor' ORDER BY ts";
    found = await batches(client.query(new Cursor(once)), 10, async () => {
      await other.query("INSERT INTO depot.live SELECT at, client FROM depot.live WHERE client = 'node cursor'");
      await other.query("SELECT kpi.refresh('live')");
    });
    equal("cursor: rows of the time when it was opened", found.flat().map((r) => r.value), Array(300).fill(1));
    equal("cursor: the next query sees what has come", (await client.query(once)).rows.map((r) => r.value), Array(300).fill(2));
  }));
}

async function types() {
  for (const zone of ["UTC", "Europe/Berlin", "America/St_Johns"]) {
    await asReader(async (client) => {
      equal(`time zone ${zone}, text: the same instants`, rows(await client.query({ text: ALL, rowMode: "array" })), lines("all.txt"));
    }, { options: `-c timezone=${zone}` });
  }
  await asReader(async (client) => {
    const query = async (text) => (await client.query(text)).rows;
    const values = (await query("SELECT value FROM kpi_views.weight WHERE period = 'minute'")).map((r) => r.value);
    check("null, text", values.includes(null) ? null : "there is none");
    check("NaN, text", values.some(Number.isNaN) ? null : "there is none");
    const catalog = await query(
      "SELECT code, dimensions, requires, approximate, target, view::text FROM kpi.catalog WHERE code IN ('weight', 'fee') ORDER BY code");
    equal("catalog, text: arrays, flags and numbers", JSON.stringify(catalog), JSON.stringify([
      { code: "fee", dimensions: null, requires: ["fees", "parcels"], approximate: false, target: null, view: "kpi_views.fee" },
      { code: "weight", dimensions: ["region", "dock", "express"], requires: [], approximate: false, target: 4.7, view: "kpi_views.weight" }]));
    equal("scorecard, text: the KPIs that the role may read", (await query("SELECT code FROM kpi.scorecard")).map((r) => r.code),
      ["fee", "fees", "intact", "largest", "live", "parcels", "scan_time", "weight"]);
    const json = (await client.query("SELECT dimensions, dimensions->>'region' AS region, dimensions->>'dock' AS dock FROM kpi.values_day WHERE code = 'fees'")).rows;
    equal("jsonb, text: an object", json.map((r) => [r.dimensions.region, r.dimensions.dock]),
      json.map((r) => [r.region, r.dock === null ? null : Number(r.dock)]));
    await client.query("BEGIN READ ONLY");
    equal("a read-only transaction", (await client.query(FUNCTION, cases("function")[0][0])).rowCount > 0, true);
    await client.query("COMMIT");
  });
}

const REFUSED = {
  "the raw table": ["SELECT * FROM depot.parcel", "permission denied for table parcel"],
  "the rollup": ["SELECT * FROM kpi_rollup.parcel_day", "permission denied for table parcel_day"],
  "a view without SELECT": ["SELECT * FROM kpi_views.secret", "permission denied for view secret"],
  "a code without SELECT": ["SELECT * FROM kpi.value('secret', 'day')", 'permission denied for KPI "secret"'],
  "kpi.create_kpi": ["SELECT kpi.create_kpi('mine', 'parcel', 'count(*)')", 'must be owner of source "parcel"'],
  "kpi.create_kpi over others": ["SELECT kpi.create_kpi('mine', NULL, '{fees} / 2')", 'must be owner of KPI "fees"'],
  "kpi.refresh": ["SELECT kpi.refresh('parcel')", 'must be owner of source "parcel"'],
  "kpi.drop_kpi": ["SELECT kpi.drop_kpi('fees')", 'must be owner of KPI "fees"'],
  "a write": ["INSERT INTO kpi_views.fees (value) VALUES (1)", "permission denied for view fees"],
};

async function rights() {
  await asReader(async (client) => {
    for (const [what, [statement, message]] of Object.entries(REFUSED)) {
      const error = await client.query(statement).then(() => null, (e) => e);
      equal(`refused: ${what}`, error === null ? "it was not" : `${error.code} ${error.message}`, `42501 ${message}`);
    }
    const { hint } = await client.query("SELECT * FROM kpi.value('secret', 'day')").then(() => ({}), (e) => e);
    equal("refused: the hint says what to type", hint, "Its owner can grant it: GRANT SELECT ON kpi_views.secret TO <role>.");
  });
}

async function main() {
  await reflection();
  await asReader((client) => prepared(client, "text"));
  await generic();
  await live();
  await cursors();
  await types();
  await rights();
  await changes();
  end();
}

main().catch((error) => {
  console.log(`not ok - ${error.stack}`);
  process.exitCode = 1;
});
