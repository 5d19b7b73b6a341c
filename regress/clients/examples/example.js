const { Client } = require("pg");
const Cursor = require("pg-cursor");

const since = new Date("2025-03-29T23:00:00Z");
const days = "SELECT ts, region, value FROM kpi_views.fees WHERE period = $1 AND ts >= $2 AND region = 'north' AND dock = 1 ORDER BY ts, value";
const minutes = "SELECT ts, value FROM kpi_views.fees WHERE period = 'minute'";

async function main() {
  const client = new Client(); // a configuration, or PGHOST, PGDATABASE, PGUSER of the environment
  await client.connect();
  const result = await client.query({ name: "days", text: days, values: ["day", since] }); // the name has it prepared
  for (const { ts, region, value } of result.rows) console.log(ts.getTime() / 1000, region, value.toFixed(2));
  const cursor = client.query(new Cursor(minutes));
  let count = 0;
  for (let rows = await cursor.read(500); rows.length > 0; rows = await cursor.read(500)) count += rows.length;
  console.log(count, "minutes");
  await client.end();
}

main();
