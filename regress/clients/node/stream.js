// node-postgres: what an application hears and reads of changes as they happen, as a role that may read the KPI. See run.sh.
"use strict";

const { check, equal, row, connected, asReader, asOwner } = require("./checks.js");

const NOON = Date.parse("2025-05-02T12:00:00Z");
const POLL = "SELECT number, committed, code, period, bucket, dimensions, value, previous, data_points, changes FROM kpi.poll('node')";
const WAITING = POLL.replace("'node'", "'node', wait => '10 s'");
const SINCE = "SELECT number, bucket, value FROM kpi.changes_since($1, codes => '{scan_time}', periods => '{minute}')";
const ADD = "SELECT kpi.add_subscriber('node', codes => '{scan_time}', periods => '{minute}') AS number";
const ACK = "SELECT kpi.ack('node', $1)";

const minute = (number) => new Date(NOON + number * 60000);
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
// A bigint is text to node-postgres, so the numbers of changes are counted as BigInt.
const line = (number, at, value) => `${number} ${minute(at).toISOString()} ${value}`;
const lines = (result) => result.rows.map((r) => `${r.number} ${r.bucket.toISOString()} ${r.value}`);

// Waits until a query says true.
async function until(other, text, values) {
  for (let i = 0; i < 600; i += 1) {
    const { rows: [[said]] } = await other.query({ text, values, rowMode: "array" });
    if (said === true) return;
    await pause(50);
  }
  throw new Error(`never true: ${text} ${values}`);
}

const insert = (other, at, seconds) => other.query("INSERT INTO depot.scan VALUES ($1, $2)", [minute(at), seconds]);

// A row that is not on its way only: its change is in the log.
async function logged(other, at, seconds) {
  const { rows: [{ number }] } = await other.query("SELECT kpi.last_change() AS number");
  await insert(other, at, seconds);
  await until(other, "SELECT kpi.last_change() > $1", [number]);
}

async function listening(client) {
  const { rows: [{ channel }] } = await client.query("SELECT kpi.channel('scan_time', 'minute') AS channel");
  await client.query(`LISTEN ${client.escapeIdentifier(channel)}`);
  return channel;
}

// The next notification, whatever its channel.
const notification = (client) => new Promise((heard, failed) => {
  const late = setTimeout(() => failed(new Error("no notification")), 60000);
  client.once("notification", (message) => {
    clearTimeout(late);
    heard(message);
  });
});

const waits = async (other, pid) =>
  until(other, "SELECT query LIKE '%kpi.poll%' AND wait_event_type = 'Extension' FROM pg_stat_activity WHERE pid = $1", [pid]);

const sessionOf = async (client) => (await client.query("SELECT pg_backend_pid() AS pid")).rows[0].pid;

// Ends a session of the server; what the client is told: the SQLSTATE of its event "error", and that it has ended.
async function ended(other, client) {
  const pid = await sessionOf(client);
  const said = [];
  client.on("error", (error) => said.push(error.code));
  const over = new Promise((done) => client.once("end", done));
  await other.query("SELECT pg_terminate_backend($1)", [pid]);
  await over;
  return said[0];
}

// The number of the change that a notification told of.
async function announced(other) {
  let number;
  await asReader(async (client) => {
    const channel = await listening(client);
    const next = notification(client);
    await insert(other, 0, 0.1);
    const heard = await next;
    equal("listen: a committed row is announced", heard.channel, channel);
    const payload = JSON.parse(heard.payload);
    equal("listen: the payload has number, bucket, changes and value",
      [...Object.keys(payload).sort(), payload.bucket, payload.changes], ["bucket", "changes", "number", "value", "2025-05-02T12:00:00Z", 1]);
    const { rows: [{ value }] } = await client.query("SELECT value FROM kpi.value('scan_time', 'minute', $1, $2)", [minute(0), minute(1)]);
    equal("listen: the value is that of kpi.value", [payload.value, value], [0.1, 0.1]);
    equal("changes_since: the number leads to the change", lines(await client.query(SINCE, [payload.number - 1])), [line(payload.number, 0, 0.1)]);
    number = BigInt(payload.number);
  });
  return number;
}

// Rows come while nobody listens. Who listens again, and then reads on from its number, has them all.
async function missedByListener(other, number) {
  const lost = await connected();
  await listening(lost);
  equal("listen: a session that is ended is told so", await ended(other, lost), "57P01");
  for (const [at, seconds] of [[1, 0.5], [2, 0.25], [1, 0.125]]) await logged(other, at, seconds);
  await asReader(async (client) => {
    await listening(client);
    equal("changes_since: what was missed, in order", lines(await client.query(SINCE, [number])),
      [line(number + 1n, 1, 0.5), line(number + 2n, 2, 0.25), line(number + 3n, 1, 0.625)]);
    const next = notification(client);
    await insert(other, 2, 0.5);
    const payload = JSON.parse((await next).payload);
    equal("listen: the next notification goes on from there", [payload.number, payload.value], [Number(number + 4n), 0.75]);
  });
  return number + 4n;
}

// A poll that waits, and what is acknowledged.
async function subscribed(other, number) {
  await asReader(async (client) => {
    equal("add_subscriber: its changes begin after the last one", (await client.query(ADD)).rows[0].number, String(number));
    equal("poll: nothing yet", lines(await client.query(POLL)), []);
    const pid = await sessionOf(client);
    const poll = client.query({ name: "waiting", text: WAITING, rowMode: "array" });
    await waits(other, pid);
    await insert(other, 0, 0.2);
    const found = await poll;
    equal("poll: it waits, and wakes with the change", found.rows.map((values) => values.slice(2)),
      [["scan_time", "minute", minute(0), {}, 0.1 + 0.2, 0.1, "2", "1"]]);
    const { rows: [shown] } = await other.query({
      text: "SELECT number, (depot.shown(committed)::bigint / 1000)::text, depot.shown(value) FROM kpi.change WHERE number = $1", values: [number + 1n], rowMode: "array" });
    const picked = [0, 1, 6];
    const [text, time, value] = row(picked.map((i) => found.rows[0][i]), picked.map((i) => found.fields[i])).split("|");
    equal("poll: number and value to the last bit, time to the millisecond", [text, time.slice(0, -3), value], shown);
    equal("poll: what is not acknowledged comes again", (await client.query({ text: POLL, rowMode: "array" })).rows, found.rows);
    await client.query(ACK, [number + 1n]);
    equal("ack: then there is nothing", lines(await client.query(POLL)), []);
  });
  return number + 1n;
}

// The subscriber loses its connection, at every step: the same numbers come until they are acknowledged, and none is skipped.
async function resumed(other, number) {
  const first = await connected();
  const pid = await sessionOf(first);
  first.on("error", () => {}); // it has that event too
  const poll = first.query(WAITING).then(() => "nothing", (error) => error.code);
  await waits(other, pid);
  await other.query("SELECT pg_terminate_backend($1)", [pid]);
  equal("lost in a poll: it is told so", await poll, "57P01");

  for (const [at, seconds] of [[3, 1], [4, 2], [3, 4]]) await logged(other, at, seconds);
  const wanted = [line(number + 1n, 3, 1), line(number + 2n, 4, 2), line(number + 3n, 3, 5)];
  const second = await connected();
  equal("lost in a poll: the next one has what came meanwhile", lines(await second.query(POLL)), wanted);
  await ended(other, second);

  const third = await connected();
  await third.query("BEGIN");
  equal("lost before ack: the same numbers again", lines(await third.query(POLL)), wanted);
  await third.query(ACK, [number + 3n]);
  equal("ack: the transaction that did it sees it", lines(await third.query(POLL)), []);
  equal("lost before commit: it is told so", await ended(other, third), "57P01");

  const fourth = await connected();
  equal("lost before commit: the same numbers again", lines(await fourth.query(POLL)), wanted);
  await fourth.query(ACK, [number + 1n]);
  await ended(other, fourth);

  await asReader(async (client) => {
    equal("lost after ack: on from the number after it", lines(await client.query(POLL)), wanted.slice(1));
    await client.query(ACK, [number + 3n]);
    equal("resumed: then there is nothing", lines(await client.query(POLL)), []);
  });
}

// An error has its SQLSTATE, its message and what to type.
async function refused() {
  await asReader(async (client) => {
    const refuses = async (what, statement, ...wanted) => {
      const error = await client.query(statement).then(() => null, (e) => e);
      if (error === null) check(`refused: ${what}`, "it was not");
      else equal(`refused: ${what}`, [error.code, error.message, error.hint], wanted);
    };
    await refuses("a subscriber that is there", ADD, "42710", 'subscriber "node" exists already',
      "To begin anew: SELECT kpi.remove_subscriber('node');");
    await refuses("ack of what is to come", "SELECT kpi.ack('node', 1000000)", "22023", "there is no change number 1000000",
      "Acknowledge the number of the last row that kpi.poll returned and that was dealt with.");
    await refuses("poll of another's subscriber", "SELECT * FROM kpi.poll('of the owner')", "42501", 'must be owner of subscriber "of the owner"',
      "Add a subscriber of your own with kpi.add_subscriber(name).");
    await refuses("kpi.start_stream", "SELECT kpi.start_stream('scan_time', 'hour')", "42501", 'must be owner of KPI "scan_time"',
      `Run it as ${process.env.KPI_OWNER}, or as a member of that role.`);
    await client.query("SELECT kpi.remove_subscriber('node')");
    await refuses("a subscriber that was removed", POLL, "42704", 'subscriber "node" does not exist',
      "Add it with kpi.add_subscriber(name), and read the present values with kpi.value first.");
  });
}

// All of it, where the database has a worker.
async function changes() {
  if (process.env.KPI_WORKER !== "running") {
    console.log(`skip - changes as they happen: ${process.env.KPI_WORKER}`);
    return;
  }
  await asOwner(async (other) => {
    await resumed(other, await subscribed(other, await missedByListener(other, await announced(other))));
  });
  await refused();
}

module.exports = { changes };
