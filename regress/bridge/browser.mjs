// A headless Chromium and a page in it, by the DevTools protocol.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import WebSocket from 'ws'
import { until } from './clients.mjs'

export class Browser {
  waiting = new Map()
  exceptions = []
  requests = []

  async start() {
    this.profile = await mkdtemp(join(tmpdir(), 'pg_kpi_chromium.'))
    const options = ['--headless=new', '--remote-debugging-port=0', `--user-data-dir=${this.profile}`, '--disable-gpu', '--disable-dev-shm-usage',
      '--no-first-run', '--disable-background-networking', '--hide-scrollbars', 'about:blank']
    // Chromium's sandbox refuses root, and needs user namespaces that a container may not have.
    this.process = spawn(process.env.CHROMIUM, ['--no-sandbox', ...options], { stdio: 'ignore' })
    process.once('exit', () => this.process.kill('SIGKILL'))
    const port = await until('Chromium starts', () => readFile(join(this.profile, 'DevToolsActivePort'), 'utf8').then(t => t.split('\n')[0], () => ''))
    const { webSocketDebuggerUrl } = await (await fetch(`http://127.0.0.1:${port}/json/new?about:blank`, { method: 'PUT' })).json()
    this.socket = new WebSocket(webSocketDebuggerUrl, { maxPayload: 1 << 28 })
    this.socket.on('message', text => {
      const { id, result, error, method, params } = JSON.parse(text)
      if (id) {
        const { resolve, reject } = this.waiting.get(id)
        error ? reject(new Error(error.message)) : resolve(result)
      }
      if (method === 'Runtime.exceptionThrown') this.exceptions.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text)
      if (method === 'Network.requestWillBeSent') this.requests.push(params.request.url)
    })
    await once(this.socket, 'open')
    for (const domain of ['Page', 'Runtime', 'Network']) await this.call(`${domain}.enable`)
  }

  call(method, params = {}) {
    const id = (this.last = (this.last ?? 0) + 1)
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject })
      this.socket.send(JSON.stringify({ id, method, params }))
    })
  }

  async open(url) { await this.call('Page.navigate', { url }) }

  async evaluate(expression) {
    const { result, exceptionDetails } = await this.call('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true })
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
    return result.value
  }

  async look({ width, height, scheme }) {
    await this.call('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false })
    await this.call('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }, { name: 'prefers-reduced-motion', value: 'reduce' }] })
  }

  async picture(file) {
    const { data } = await this.call('Page.captureScreenshot', { format: 'png' })
    await writeFile(file, Buffer.from(data, 'base64'))
  }

  async stop() {
    this.socket?.terminate()
    if (this.process.exitCode === null) {
      this.process.kill('SIGKILL')
      await once(this.process, 'exit')
    }
    // Its children end a little later, and may still write.
    await rm(this.profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  }
}
