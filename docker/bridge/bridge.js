// Changes of KPIs for browsers, by WebSocket and server-sent events. docs/bridge.md says what it speaks and how to run it.
import http from 'node:http'
import { WebSocketServer } from 'ws'
import { deliver, join, leave } from './feed.js'
import { page, wish } from './page.js'

const said = error => (error.status ? error.message : 'the bridge has failed: its log says why')

const server = http.createServer(async (request, response) => {
  try {
    if (!request.url.startsWith('/sse/')) return await page(request, response)
    const client = await wish(request)
    if (response.destroyed) return
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' })
    client.send = (event, number, json) => response.write(`id: ${number}\nevent: ${event}\ndata: ${json}\n\n`)
    client.backlog = () => response.writableLength
    response.on('drain', deliver).on('error', () => {}).on('close', () => leave(client))
    join(client)
  } catch (error) {
    if (!error.status) console.error(error)
    if (error.status === 503 && request.url.startsWith('/sse/')) {
      // An EventSource gives up for good on any status but 200.
      response.writeHead(200, { 'Content-Type': 'text/event-stream' }).end(`: ${error.message}\nretry: 2000\n\n`)
    } else {
      response.writeHead(error.status ?? 500, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`${said(error)}\n`)
    }
  }
})

const sockets = new WebSocketServer({ noServer: true, maxPayload: 1024 })
server.on('upgrade', async (request, socket, head) => {
  socket.on('error', () => {})
  try {
    const client = await wish(request)
    sockets.handleUpgrade(request, socket, head, ws => {
      client.send = (event, number, json) => ws.send(`{"id":${number},"event":"${event}","data":${json}}`)
      client.backlog = () => ws.bufferedAmount
      socket.on('drain', deliver)
      ws.on('error', () => {}).on('close', () => leave(client))
      join(client)
    })
  } catch (error) {
    if (!error.status) console.error(error)
    const status = error.status ?? 500
    socket.end(`HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Connection: close\r\n\r\n${said(error)}\n`)
  }
})

const { PORT = '8080', HOST = '127.0.0.1' } = process.env
server.listen(Number(PORT), HOST, () => console.log(`http://${HOST}:${server.address().port}/`))
