// The changes of KPIs, to each client from its own number on: in order, each once.
import pg from 'pg'

const MOST = 500 // changes that one read returns
const CHANGES = `SELECT h.latest::text, c.number::text, row_to_json(c)::text AS json FROM (SELECT kpi.last_change()) h(latest)
  LEFT JOIN kpi.changes_since($1, $2, $3, $4) c ON true ORDER BY c.number`
const clients = new Set() // of { number, codes, periods, send(event, number, json), backlog() }
let database, lost, reading, again

// What came after a number: changes, and the number that has then been reached.
async function after(number, codes, periods) {
  try {
    const { rows } = await database.query(CHANGES, [number, codes, periods, MOST])
    const changes = rows.filter(row => row.number !== null), latest = Number(rows[0].latest)
    if (changes.length === MOST) again = true
    const last = changes.length > 0 ? Number(changes.at(-1).number) : 0
    if (latest >= number) return { changes, reached: changes.length === MOST ? last : Math.max(latest, last) }
  } catch (error) {
    if (error.code !== '55000') throw error // the log no longer reaches back that far
  }
  const { rows } = await database.query('SELECT kpi.last_change()')
  return { reset: true, changes: [], reached: Number(rows[0].last_change) }
}

// Each client reads on from its own number. Those that stand at the same one and want the same are one read. Who has not yet
// taken what was sent is left out until it has: the log keeps its place.
export async function deliver() {
  again = true
  if (reading || !database) return
  reading = true
  try {
    while (again) {
      again = false
      const groups = {}
      for (const client of clients) {
        if (client.backlog() < 1e6) (groups[JSON.stringify([client.number, client.codes, client.periods])] ??= []).push(client)
      }
      for (const [key, group] of Object.entries(groups)) {
        const { changes, reset, reached } = await after(...JSON.parse(key))
        for (const client of group) {
          if (reset) client.send('reset', reached, '{}')
          for (const { number, json } of changes) client.send('change', number, json)
          client.number = reached
        }
      }
    }
  } catch (error) {
    lost(error)
  }
  reading = false
}

// One connection listens and reads. When it is lost the clients stay, and everything goes on from their numbers.
async function stayConnected() {
  for (;;) {
    const connection = new pg.Client({ keepAlive: true, query_timeout: 30_000, connectionTimeoutMillis: 10_000 })
    const end = new Promise((_, reject) => { lost = reject })
    connection.on('notification', deliver).on('error', lost).on('end', () => lost(new Error('the connection has ended')))
    try {
      await Promise.race([connection.connect().then(() => connection.query('LISTEN "kpi.updates"')), end])
      database = connection
      tellAll('state', '{"database":true}')
      deliver()
      await end
    } catch (error) {
      console.error(`database: ${error.message}`)
    }
    if (database) tellAll('state', '{"database":false}')
    database = undefined
    connection.end().catch(() => {})
    await new Promise(resolve => setTimeout(resolve, 1000))
  }
}

function tellAll(event, json) {
  for (const client of clients) client.send(event, client.number, json)
}

export function join(client) {
  clients.add(client)
  client.send('state', client.number, JSON.stringify({ database: Boolean(database) }))
  deliver()
}

export const leave = client => clients.delete(client)

// Where the server's notification queue was too full to announce a change, it is found all the same. An idle client learns how far
// the log has come, so that its number does not fall out of the log.
setInterval(deliver, 5_000)
setInterval(() => tellAll('at', '{}'), 15_000)
stayConnected()
