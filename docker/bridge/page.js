// What a client asks for, the page, and the values that it shows first.
import { readFile } from 'node:fs/promises'
import pg from 'pg'

const PERIODS = ['minute', 'hour', 'day']
const pool = new pg.Pool({ max: 4, keepAlive: true, query_timeout: 30_000, connectionTimeoutMillis: 5_000 })
pool.on('error', () => {}) // an idle connection that ends; the next query makes another

const KNOWN = `SELECT kpi.last_change()::text AS number, ARRAY(SELECT code FROM kpi.catalog
  WHERE code = ANY ($1) AND has_table_privilege(view, 'SELECT')) AS codes`
// The number first: the values have at least what was logged up to it. The latest 30 buckets are looked for in the last 30 periods
// and only where nothing is there in all that ever was.
const VALUES = `WITH recent AS MATERIALIZED (SELECT v.ts, v.value FROM kpi.value($1, $2, now() - 30 * ('1 ' || $2)::interval) v)
SELECT kpi.last_change() AS number, k.code, k.name, k.description, k.unit, k.direction, k.target, k.warn, $2 AS period,
  coalesce(k.timezone, (SELECT min(r.timezone) FROM kpi.catalog r WHERE r.code = ANY (k.requires))) AS timezone,
  (SELECT json_agg(json_build_object('ts', v.ts, 'value', v.value, 'status', kpi.status(v.value, k.direction, k.target, k.warn)) ORDER BY v.ts)
   FROM (SELECT * FROM (SELECT * FROM recent UNION ALL
                        SELECT a.ts, a.value FROM kpi.value($1, $2) a WHERE NOT EXISTS (SELECT FROM recent)) b
         ORDER BY ts DESC LIMIT 30) v) AS values
FROM kpi.catalog k WHERE k.code = $1`

class Refusal extends Error {
  constructor(status, message) {
    super(message)
    this.status = status
  }
}

async function query(text, values) {
  try {
    return (await pool.query(text, values)).rows
  } catch (error) {
    // An error of the database's own has five characters of SQLSTATE; classes 08, 53 and 57 are about the connection.
    if (/^(?!08|53|57)[0-9A-Z]{5}$/.test(error.code ?? '')) throw error
    throw new Refusal(503, 'the database cannot be reached: try again')
  }
}

const file = name => readFile(new URL(name, import.meta.url), 'utf8')

function parse(request) {
  try {
    const url = new URL(request.url, 'http://bridge')
    const period = url.searchParams.get('period')
    if (period !== null && !PERIODS.includes(period)) throw new Refusal(400, `period is "${period}": it must be minute, hour or day`)
    return { path: url.pathname.slice(1).split('/').map(decodeURIComponent), period, parameters: url.searchParams }
  } catch (error) {
    throw error.status ? error : new Refusal(400, 'this is no address')
  }
}

async function known(codes) {
  const [{ number, codes: found }] = await query(KNOWN, [codes])
  const unknown = codes.find(code => !found.includes(code))
  if (unknown !== undefined) throw new Refusal(404, `there is no KPI "${unknown}" that this bridge may read`)
  return Number(number)
}

// What a WebSocket or an EventSource asks for: KPIs, periods, and the number after which it wants to read on.
export async function wish(request) {
  const { path: [way, kind, name, ...rest], period, parameters } = parse(request)
  if (!['ws', 'sse'].includes(way) || !['kpi', 'dashboard'].includes(kind) || !name || rest.length > 0) {
    throw new Refusal(404, 'there are /ws/kpi/{code}, /ws/dashboard/{id}, and the same under /sse')
  }
  // A browser lets any page open a WebSocket to anywhere, and says whose page it is.
  const origin = request.headers.origin
  if (origin && origin.split('//')[1] !== request.headers.host) throw new Refusal(403, `pages of ${origin} may not read from here`)
  const number = request.headers['last-event-id'] || parameters.get('after')
  if (number && !/^\d{1,15}$/.test(number)) throw new Refusal(400, `after is "${number}": it must be the number of a change`)
  const dashboards = kind === 'dashboard' ? JSON.parse(await file('dashboards.json')) : {}
  if (kind === 'dashboard' && !Object.hasOwn(dashboards, name)) throw new Refusal(404, `there is no dashboard "${name}"`)
  const codes = kind === 'dashboard' ? dashboards[name] : [name]
  const latest = await known(codes)
  return { number: number ? Number(number) : latest, codes, periods: period ? [period] : PERIODS }
}

// Answers a request for the page, the dashboards or present values.
export async function page(request, response) {
  if (request.method !== 'GET') throw new Refusal(405, 'only GET is answered')
  const { path: [first, code, ...rest], period } = parse(request)
  const answer = (type, text) => response.writeHead(200, { 'Content-Type': `${type}; charset=utf-8`, 'Cache-Control': 'no-store' }).end(text)
  if (first === '' && code === undefined) return answer('text/html', await file('index.html'))
  if (first === 'dashboards.json' && code === undefined) return answer('application/json', await file('dashboards.json'))
  if (first !== 'values' || !code || rest.length > 0) throw new Refusal(404, 'there is nothing here')
  if (period === null) throw new Refusal(400, 'period is missing: minute, hour or day')
  await known([code])
  const [values] = await query(VALUES, [code, period])
  answer('application/json', JSON.stringify({ ...values, number: Number(values.number), values: values.values ?? [] }))
}
