// Clients of the bridge, and the bridge as a process.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import { fileURLToPath } from 'node:url'
import WebSocket from 'ws'

const BRIDGE = fileURLToPath(new URL('../bridge/bridge.js', import.meta.url))
const LIMIT = 90_000

// Waits until a condition holds; the limit is only there so that a failure is told.
export async function until(what, condition) {
  const deadline = Date.now() + LIMIT
  for (;;) {
    const result = await condition()
    if (result) return result
    if (Date.now() > deadline) throw new Error(`waited in vain until ${typeof what === 'function' ? what() : what}`)
    await new Promise(resolve => setTimeout(resolve, 25))
  }
}

export class Bridge {
  log = ''

  async start(port = 0) {
    this.process = spawn(process.execPath, [BRIDGE], { env: { ...process.env, PGUSER: 'bridge', PORT: String(port), PGAPPNAME: 'bridge' } })
    process.once('exit', () => this.process.kill('SIGKILL'))
    let out = ''
    this.process.stdout.on('data', data => { out += data })
    this.process.stderr.on('data', data => { this.log += data })
    const url = await until(() => `the bridge starts: ${this.log}`, () => out.match(/http:\/\/\S+/)?.[0])
    this.port = Number(new URL(url).port)
    this.host = `127.0.0.1:${this.port}`
  }

  async kill() {
    this.process.kill('SIGKILL')
    await once(this.process, 'exit')
  }

  // Where it was before, so that a browser finds it again.
  async restart() {
    await this.start(this.port)
  }

  // The answer to an ordinary request.
  get(path, { method = 'GET', headers = {} } = {}) {
    return new Promise((resolve, reject) => {
      http.request({ host: '127.0.0.1', port: this.port, path, method, headers }, response => {
        let body = ''
        response.on('data', data => { body += data }).on('end', () => resolve({ status: response.statusCode, body, type: response.headers['content-type'] }))
      }).on('error', reject).end()
    })
  }

  // How a WebSocket is refused.
  refusal(path, headers = {}) {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws://${this.host}${path}`, { headers })
      socket.on('open', () => { socket.terminate(); resolve({ status: 101, body: '' }) }).on('error', reject)
      socket.on('unexpected-response', (_, response) => {
        let body = ''
        response.on('data', data => { body += data }).on('end', () => resolve({ status: response.statusCode, body }))
      })
    })
  }
}

// What both kinds of clients receive: events, their last number, and of the changes the numbers.
class Client {
  events = []

  constructor(bridge, path) {
    this.bridge = bridge
    this.path = path
  }

  received(id, event, data) {
    this.events.push({ id: Number(id), event, data })
    this.number = Number(id)
  }

  get changes() { return this.events.filter(e => e.event === 'change').map(e => e.data) }
  get numbers() { return this.changes.map(c => c.number) }

  async joined() {
    const before = this.events.filter(e => e.event === 'state').length
    await this.connect()
    await until(`${this.path} is connected`, () => this.events.filter(e => e.event === 'state').length > before)
    return this
  }
}

export class Socket extends Client {
  async connect() {
    const separator = this.path.includes('?') ? '&' : '?'
    this.socket = new WebSocket(`ws://${this.bridge.host}/ws/${this.path}${this.number === undefined ? '' : `${separator}after=${this.number}`}`)
    this.socket.on('message', text => {
      const { id, event, data } = JSON.parse(text)
      this.received(id, event, data)
    })
    await once(this.socket, 'open')
    this.socket.on('error', () => {})
  }

  cut() { this.socket.terminate() }
  pause() { this.socket.pause() }
  resume() { this.socket.resume() }
}

export class EventStream extends Client {
  connect() {
    return new Promise((resolve, reject) => {
      const headers = this.number === undefined ? {} : { 'Last-Event-ID': String(this.number) }
      this.request = http.get({ host: '127.0.0.1', port: this.bridge.port, path: `/sse/${this.path}`, headers }, response => {
        let text = ''
        this.response = response
        response.setEncoding('utf8').on('error', () => {}).on('data', data => {
          text += data
          const blocks = text.split('\n\n')
          text = blocks.pop()
          for (const block of blocks) {
            const field = Object.fromEntries(block.split('\n').map(line => line.match(/^(\w+): (.*)$/).slice(1)))
            this.received(field.id, field.event, JSON.parse(field.data))
          }
        })
        resolve()
      }).on('error', reject)
    })
  }

  cut() { this.request.destroy() }
  pause() { this.response.pause() }
  resume() { this.response.resume() }
}
