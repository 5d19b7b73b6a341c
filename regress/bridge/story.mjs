// What clients of the bridge see while sales come in, and connections, the bridge and its database session are cut.
import assert from 'node:assert/strict'
import pg from 'pg'
import { Bridge, EventStream, Socket, until } from './clients.mjs'
import { pageTests } from './page_story.mjs'

let passed = 0, failed = 0, skipped = 0
async function test(name, body) {
  try {
    await body()
    passed++
    console.log(`ok - ${name}`)
  } catch (error) {
    failed++
    console.log(`not ok - ${name}\n${error.stack.replace(/^/gm, '#   ')}`)
  }
}
function skip(reason) {
  skipped++
  console.log(`skip - ${reason}`)
}

const database = new pg.Client()
database.on('error', error => {
  console.log(`# the suite's own session has ended, and so does the suite: ${error.message}`)
  process.exit(1)
})
await database.connect()
const sql = async (text, values) => (await database.query(text, values)).rows
const one = async (text, values) => Object.values((await sql(text, values))[0])[0]

// Sales are all of one hour, so that nothing depends on when the test runs.
const HOUR = await one("SELECT date_trunc('hour', now())")
const sell = (amount, late = false) =>
  sql("INSERT INTO sale VALUES ($1::timestamptz + interval '30 minutes', 'north', $2, $3)", [HOUR, amount, late])
const revenue = () => one("SELECT sum(amount)::float8 FROM sale WHERE at >= $1 AND at < $1::timestamptz + interval '1 hour'", [HOUR])

const logged = (codes, periods, after) => sql(`SELECT number::int AS number, code, period, value FROM kpi.change
  WHERE code = ANY ($1) AND period = ANY ($2) AND number > $3 ORDER BY number`, [codes, periods, after])

// What was sold is in the log once no bucket waits for the worker: it takes a bucket off that list in the transaction that logs it.
const settled = () => until('the worker has published every sale',
  () => one("SELECT touched_buckets = 0 FROM kpi.rollup_status WHERE source = 'sales'"))

// The client has what the log has after a number: each change once, in order.
async function hasAll(client, codes, periods, after) {
  await settled()
  const expected = await logged(codes, periods, after)
  await until(() => `the client has ${expected.length} changes; it has ${client.numbers.length}`,
    () => client.numbers.length >= expected.length)
  assert.deepEqual(client.numbers, expected.map(c => c.number))
  return expected
}

const bridge = new Bridge()
const clients = path => [new Socket(bridge, path), new EventStream(bridge, path)]
const kind = client => (client instanceof Socket ? 'WebSocket' : 'server-sent events')
const both = async (path, body) => { for (const client of clients(path)) await body(client) }
await settled()

try {
  await test('the bridge starts as a role that reads KPIs', () => bridge.start())

  await both('kpi/revenue?period=hour', client => test(`${kind(client)}: changes arrive in order, the last one is the value`, async () => {
    await client.joined()
    const from = client.number
    for (const amount of [10, 20.5, 30, 0.25]) await sell(amount)
    const all = await hasAll(client, ['revenue'], ['hour'], from)
    assert.ok(all.length > 0)
    const total = client.changes.filter(c => Object.keys(c.dimensions).length === 0)
    assert.equal(total.at(-1).value, await revenue())
    assert.deepEqual(Object.keys(total.at(-1)).sort(), ['bucket', 'changes', 'code', 'committed', 'data_points', 'dimensions', 'number',
      'period', 'previous', 'status', 'value'])
    assert.equal(Date.parse(total.at(-1).bucket), HOUR.getTime())
    assert.ok(client.changes.some(c => c.dimensions.region === 'north'), 'what is published by region comes too')
    client.cut()
  }))

  await both('kpi/revenue?period=hour', client => test(`${kind(client)}: who is cut off and comes back with its number gets what it missed, once`, async () => {
    await client.joined()
    const from = client.number
    await sell(1)
    await hasAll(client, ['revenue'], ['hour'], from)
    client.cut()
    for (const amount of [2, 3, 4]) await sell(amount)
    await settled()
    const missed = (await logged(['revenue'], ['hour'], client.number)).length
    assert.ok(missed > 0)
    await client.joined()
    await sell(5)
    await hasAll(client, ['revenue'], ['hour'], from)
    client.cut()
  }))

  await test('the bridge is killed and started again: both kinds of clients go on without a gap', async () => {
    const all = clients('dashboard/shop')
    for (const client of all) await client.joined()
    const from = all[0].number
    await sell(6)
    await settled()
    await bridge.kill()
    await sell(7)
    await sell(8, true)
    await bridge.restart()
    await sell(9)
    for (const client of all) {
      await client.joined()
      await hasAll(client, ['revenue', 'orders', 'order_value', 'late_rate'], ['minute', 'hour', 'day'], from)
      client.cut()
    }
  })

  await test("the bridge's database session is ended: clients are told, stay, and miss nothing", async () => {
    const client = await new Socket(bridge, 'kpi/orders').joined()
    const from = client.number
    await sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'bridge' AND datname = current_database()")
    await sell(11)
    await until('the client hears that it is away, and back', () => {
      const states = client.events.filter(e => e.event === 'state').map(e => e.data.database)
      return states.includes(false) && states.at(-1)
    })
    await sell(12)
    await hasAll(client, ['orders'], ['minute', 'hour', 'day'], from)
    client.cut()
  })

  await test('two clients get the same, and one that comes later what comes later', async () => {
    const first = await new Socket(bridge, 'kpi/orders?period=day').joined()
    const second = await new EventStream(bridge, 'kpi/orders?period=day').joined()
    const from = first.number
    await sell(13)
    await hasAll(first, ['orders'], ['day'], from)
    await hasAll(second, ['orders'], ['day'], from)
    const third = await new Socket(bridge, 'kpi/orders?period=day').joined()
    const later = third.number
    await sell(14)
    for (const [client, after] of [[first, from], [second, from], [third, later]]) {
      await hasAll(client, ['orders'], ['day'], after)
      client.cut()
    }
  })

  await test('more changes at once than one read returns: all, in order', async () => {
    const client = await new Socket(bridge, 'kpi/orders?period=minute').joined()
    const from = client.number
    await sql("INSERT INTO sale SELECT $1::timestamptz - n * interval '1 minute', 'south', 1 FROM generate_series(3000, 4699) n", [HOUR])
    const all = await hasAll(client, ['orders'], ['minute'], from)
    assert.ok(all.length >= 1700, `only ${all.length}`)
    client.cut()
  })

  await both('dashboard/shop?period=minute', client => test(`${kind(client)}: who does not read for a while holds up nobody, and has all of it later`, async () => {
    const other = await new Socket(bridge, 'kpi/orders?period=minute').joined()
    await client.joined()
    const from = client.number
    client.pause()
    // More than the buffers of two sockets hold, some 20 MB.
    for (let i = 0; i < 4; i++) {
      await sql("INSERT INTO sale SELECT $1::timestamptz - n * interval '1 minute', 'south', $2 FROM generate_series(3000, 7999) n", [HOUR, 100 * i])
      await settled()
    }
    await hasAll(other, ['orders'], ['minute'], from)
    client.resume()
    await hasAll(client, ['revenue', 'orders', 'order_value', 'late_rate'], ['minute'], from)
    client.cut()
    other.cut()
  }))

  await test('a client whose KPI does not change learns how far the log has come', async () => {
    const client = await new EventStream(bridge, 'kpi/oddity?period=hour').joined()
    await sell(14.5)
    await settled()
    const latest = Number(await one('SELECT kpi.last_change()'))
    await until('its number is the latest', () => client.number >= latest)
    assert.equal(client.changes.length, 0)
    client.cut()
  })

  await test('a dashboard is its KPIs, in the period that is asked for', async () => {
    const client = await new Socket(bridge, 'dashboard/shop?period=day').joined()
    const from = client.number
    await sell(15, true)
    await hasAll(client, ['revenue', 'orders', 'order_value', 'late_rate'], ['day'], from)
    assert.deepEqual([...new Set(client.changes.map(c => c.code))].sort(), ['late_rate', 'order_value', 'orders', 'revenue'])
    client.cut()
  })

  await test('codes are any text, values any float8', async () => {
    const client = await new Socket(bridge, `kpi/${encodeURIComponent('Umsatz / Tag')}?period=day`).joined()
    const odd = await new Socket(bridge, 'kpi/oddity?period=day').joined()
    const from = client.number
    await sell(16)
    await hasAll(client, ['Umsatz / Tag'], ['day'], from)
    // NaN stays NaN, which is no change; a bucket that has not been there is one.
    await sql("INSERT INTO sale VALUES ($1::timestamptz - interval '40 days', 'north', 1)", [HOUR])
    await hasAll(odd, ['oddity'], ['day'], from)
    assert.equal(odd.changes.at(-1).value, 'NaN')
    client.cut()
    odd.cut()
  })

  await test("the last change of every bucket is what kpi.value says", async () => {
    await settled()
    const key = row => `${row.code} ${row.period} ${row.at}`
    const present = new Map((await sql(`SELECT code, period, extract(epoch FROM v.ts)::text AS at, v.value
      FROM kpi.catalog, unnest('{minute,hour,day}'::text[]) period, LATERAL kpi.value(code, period) v`)).map(v => [key(v), v.value]))
    const last = await sql(`SELECT DISTINCT ON (code, period, bucket) code, period, extract(epoch FROM bucket)::text AS at, value
      FROM kpi.change WHERE dimensions = '{}' ORDER BY code, period, bucket, number DESC`)
    assert.ok(last.length > 1700)
    const differ = last.filter(change => !Object.is(present.get(key(change)) ?? null, change.value))
    assert.deepEqual(differ, [])
  })

  await test('present values are those of kpi.value, and say after which number to read on', async () => {
    const { status, body, type } = await bridge.get('/values/revenue?period=hour')
    assert.equal(status, 200)
    assert.match(type, /^application\/json/)
    const values = JSON.parse(body)
    const expected = await sql("SELECT ts, value FROM kpi.value('revenue', 'hour', now() - interval '30 hours') ORDER BY ts")
    assert.deepEqual(values.values.map(v => [Date.parse(v.ts), v.value]), expected.map(v => [v.ts.getTime(), v.value]))
    assert.equal(values.number, Number(await one('SELECT kpi.last_change()')))
    assert.deepEqual([values.name, values.unit, values.target, values.direction], ['Revenue', 'EUR', 2000, 'up'])
    assert.equal(JSON.parse((await bridge.get('/values/oddity?period=day')).body).values.at(-1).value, 'NaN')
  })

  await test('what is wrong with a request is said with a status of its own', async () => {
    const refused = [
      ['kpi/nosuch', 404, /no KPI "nosuch"/], ['kpi/revenue?period=week', 400, /minute, hour or day/], ['kpi/revenue?period=', 400, /period/],
      ['kpi/revenue?after=-1', 400, /after is "-1"/], ['kpi/revenue?after=1;drop', 400, /after/], ['dashboard/nosuch', 404, /no dashboard "nosuch"/],
      ['dashboard/toString', 404, /no dashboard/], ['dashboard/broken', 404, /no KPI "nosuch"/], ['kpi/', 404, /there are/],
      ['kpi/%E0%A4%A', 400, /no address/], ['kpi/revenue/more', 404, /there are/], [`kpi/${encodeURIComponent("'; DROP TABLE sale; --")}`, 404, /no KPI/],
    ]
    for (const [path, status, text] of refused) {
      for (const answer of [await bridge.refusal(`/ws/${path}`), await bridge.get(`/sse/${path}`)]) {
        assert.equal(answer.status, status, path)
        assert.match(answer.body, text)
      }
    }
    for (const [path, status, options] of [['/values/nosuch?period=hour', 404], ['/values/revenue', 400], ['/values/revenue?period=year', 400],
      ['/page.js', 404], ['/../package.json', 404], ['/values/revenue?period=hour', 405, { method: 'POST' }]]) {
      assert.equal((await bridge.get(path, options)).status, status, path)
    }
    assert.equal(Number(await one("SELECT count(*) FROM sale WHERE amount = 16")), 1)
  })

  await test('a page of another origin may not open a WebSocket, one of this origin may', async () => {
    assert.equal((await bridge.refusal('/ws/kpi/revenue', { Origin: 'https://example.org' })).status, 403)
    assert.equal((await bridge.refusal('/ws/kpi/revenue', { Origin: 'null' })).status, 403)
    assert.equal((await bridge.refusal('/ws/kpi/revenue', { Origin: `http://${bridge.host}` })).status, 101)
  })

  await test("the bridge's role reads KPIs and nothing else", async () => {
    const role = new pg.Client({ user: 'bridge' })
    await role.connect()
    assert.ok((await role.query("SELECT FROM kpi.value('revenue', 'day')")).rowCount > 0)
    for (const forbidden of ['SELECT FROM sale', 'SELECT FROM secret', 'SELECT FROM kpi_rollup.sales_minute', 'SELECT FROM kpi._change',
      "SELECT kpi.start_stream('revenue', 'hour')", "SELECT kpi.drop_kpi('revenue')", 'CREATE TABLE kpi.mine ()']) {
      await assert.rejects(role.query(forbidden), { code: '42501' }, forbidden)
    }
    await role.end()
  })

  await test('a KPI that the role may not read is unknown to the bridge', async () => {
    await sql('REVOKE SELECT ON kpi_views.oddity FROM bridge')
    assert.equal((await bridge.get('/sse/kpi/oddity')).status, 404)
    assert.equal((await bridge.get('/values/oddity?period=day')).status, 404)
  })

  await both('kpi/revenue?period=hour', client => test(`${kind(client)}: where the log no longer reaches back, and where it is not yet: a reset, then changes`, async () => {
    await sell(17)
    await settled()
    const latest = Number(await one('SELECT kpi.last_change()'))
    for (const segment of [0, 1, 2]) await sql(`DELETE FROM kpi.change_log_${segment} WHERE number < $1`, [latest])
    for (const number of [1, latest + 1000]) {
      client.events = []
      client.number = number
      await client.joined()
      await until('the reset comes', () => client.events.some(e => e.event === 'reset'))
      assert.equal(client.number, latest)
      client.cut()
    }
    client.events = []
    await client.joined()
    await sell(18)
    await hasAll(client, ['revenue'], ['hour'], latest)
    assert.ok(!client.events.some(e => e.event === 'reset'))
    client.cut()
  }))

  if (process.env.CHROMIUM) await pageTests({ test, bridge, sql, one, sell, revenue, settled, logged, HOUR })
  else skip('the page in a browser: Chromium is missing here, and could not be installed')
} finally {
  await bridge.kill().catch(() => {})
  if (failed > 0 && bridge.log) console.log(`# the bridge said:\n${bridge.log.replace(/^/gm, '#   ')}`)
  await database.end()
}
console.log(`${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`)
process.exit(failed > 0 ? 1 : 0)
