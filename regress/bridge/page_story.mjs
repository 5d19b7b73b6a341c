// The page in a real browser: first values, live values, and what it shows while things are away.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { Browser } from './browser.mjs'
import { until } from './clients.mjs'

const card = code => `document.querySelector('article[data-code="${code}"]')`
const text = (code, part) => `${card(code)}?.querySelector('${part}')?.textContent`

// The least contrast of any text with what is behind it, as WCAG 2 defines it.
const CONTRAST = `(() => {
  const parse = c => c.match(/[\\d.]+/g).map(Number)
  const luminance = c => { const [r, g, b] = c.slice(0, 3).map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b }
  const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] !== 0) return c } return [255, 255, 255] }
  return Math.min(...[...document.querySelectorAll('h1, h2, a, p, span, b')].filter(e => e.textContent.trim() && !e.hidden).map(e => {
    const [a, b] = [luminance(parse(getComputedStyle(e).color)), luminance(behind(e))]
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) }))
})()`

export async function pageTests({ test, bridge, sql, one, sell, revenue, settled, logged, HOUR }) {
  const browser = new Browser()
  const pictures = process.env.PICTURES
  const shows = (what, expression, expected) => {
    let last
    return until(() => `the page shows ${what} ${expected}; it shows ${last}`, async () => (last = await browser.evaluate(expression)) === expected)
  }
  const live = () => shows('the state', "document.querySelector('.state')?.textContent", 'live')
  const formatted = value => {
    const places = Number.isInteger(value) || value >= 10000 ? 0 : 1
    return value.toLocaleString('en', { minimumFractionDigits: places, maximumFractionDigits: places })
  }
  const showsRevenue = async () => shows('the revenue', text('revenue', '.value'), `${formatted(await revenue())}EUR`)
  try {
    await test('page: Chromium opens it, and every card of the dashboard has its first value', async () => {
      await settled()
      await browser.start()
      await browser.look({ width: 1200, height: 620, scheme: 'light' })
      await browser.open(`http://${bridge.host}/?dashboard=shop&period=hour`)
      await live()
      assert.deepEqual(await browser.evaluate("[...document.querySelectorAll('h2')].map(e => e.textContent)"),
        ['Revenue', 'Orders', 'Average order value', 'Late deliveries'])
      await showsRevenue()
      const orders = await one("SELECT value FROM kpi.value('orders', 'hour', $1, $1::timestamptz + interval '1 hour')", [HOUR])
      assert.equal(await browser.evaluate(text('orders', '.value')), String(orders))
      assert.equal(await browser.evaluate("document.querySelectorAll('article path.line[d^=M]').length"), 4)
      const [before, now] = await sql("SELECT value FROM kpi.value('orders', 'hour', $1::timestamptz - interval '1 hour', $1::timestamptz + interval '1 hour') ORDER BY ts", [HOUR])
      assert.match(await browser.evaluate(text('orders', '.difference')), new RegExp(`[▲▼■][^0-9]*${Math.abs(now.value - before.value)} .*vs hour before`))
      await browser.evaluate('window.marker = 1')
    })

    await test('page: after an INSERT the new value is there without a reload', async () => {
      const before = await browser.evaluate(text('revenue', '.value'))
      assert.equal(await browser.evaluate(text('revenue', '.changed-at')), 'no change yet')
      await sell(123)
      await showsRevenue()
      assert.notEqual(await browser.evaluate(text('revenue', '.value')), before)
      assert.match(await browser.evaluate(text('revenue', '.changed-at')), /^changed \d\d:\d\d:\d\d$/)
      assert.equal(await browser.evaluate('window.marker'), 1)
    })

    await test('page: the status is a word and a color, and follows the value', async () => {
      const status = async () => ({ word: await browser.evaluate(text('revenue', '.status')),
        color: await browser.evaluate(`getComputedStyle(${card('revenue')}.querySelector('.status')).color`) })
      const seen = []
      for (const [goal, word] of [[1000, '✕ bad'], [1700, '! warn'], [2600, '✓ ok']]) {
        await sell(goal - await revenue())
        await shows('the status', text('revenue', '.status'), word)
        seen.push((await status()).color)
      }
      assert.equal(new Set(seen).size, 3)
    })

    await test('page: the bridge is killed and comes back: it says so, and shows what happened meanwhile', async () => {
      await browser.evaluate(`window.stream = { numbers: [], source: new EventSource('/sse/kpi/revenue?period=hour') };
        stream.source.addEventListener('change', e => stream.numbers.push(Number(e.lastEventId)));
        stream.source.addEventListener('state', e => { stream.from ??= Number(e.lastEventId) })`)
      await until('the EventSource is open', () => browser.evaluate('stream.from !== undefined'))
      await sell(19)
      await showsRevenue()
      await bridge.kill()
      await shows('the state', "document.querySelector('.state')?.textContent", 'reconnecting')
      await sell(20)
      await bridge.restart()
      await live()
      await showsRevenue()
      assert.equal(await browser.evaluate('window.marker'), 1)
    })

    await test('page: an EventSource of the browser comes back by itself, with each change once', async () => {
      await sell(21)
      await settled()
      const expected = (await logged(['revenue'], ['hour'], await browser.evaluate('stream.from'))).map(c => c.number)
      await until('the EventSource has them all', async () => await browser.evaluate('stream.numbers.length') >= expected.length)
      assert.deepEqual(await browser.evaluate('stream.numbers'), expected)
      await browser.evaluate('stream.source.close()')
    })

    await test('page: when the log no longer reaches back it reads the present values', async () => {
      await bridge.kill()
      await shows('the state', "document.querySelector('.state')?.textContent", 'reconnecting')
      await sell(22)
      await settled()
      await sell(23)
      await settled()
      for (const segment of [0, 1, 2]) await sql(`DELETE FROM kpi.change_log_${segment} WHERE number < (SELECT kpi.last_change())`)
      await bridge.restart()
      await live()
      await showsRevenue()
      assert.equal(await browser.evaluate('window.marker'), 1)
    })

    await test('page: text has enough contrast in light and dark, and 360 pixels are enough; pictures are taken', async () => {
      for (const scheme of ['light', 'dark']) {
        for (const [width, height] of [[1200, 620], [360, 1200]]) {
          await browser.look({ width, height, scheme })
          const contrast = await browser.evaluate(CONTRAST)
          assert.ok(contrast >= 4.5, `the contrast in ${scheme} is ${contrast}`)
          assert.ok(await browser.evaluate('document.documentElement.scrollWidth') <= width, `wider than ${width}`)
          await browser.picture(join(pictures, `${scheme}-${width}.png`))
        }
      }
      assert.notEqual(await browser.evaluate('getComputedStyle(document.body).backgroundColor'), 'rgb(255, 255, 255)')
      console.log(`# pictures: ${pictures}`)
    })

    await test('page: minutes, one KPI, an unknown one', async () => {
      await browser.look({ width: 1200, height: 620, scheme: 'light' })
      await browser.open(`http://${bridge.host}/?kpi=${encodeURIComponent('Umsatz / Tag')}&period=minute`)
      await live()
      await sql("INSERT INTO sale VALUES ($1::timestamptz + interval '59 minutes', 'north', 24.5, false)", [HOUR])
      await shows('the value', text('Umsatz / Tag', '.value'), '24.50')
      await browser.open(`http://${bridge.host}/?kpi=nosuch`)
      await shows('the problem', "document.querySelector('.problem')?.textContent.trim()", 'there is no KPI "nosuch" that this bridge may read')
    })

    await test('page: it asks no other host for anything, and no exception is left', async () => {
      assert.deepEqual(browser.requests.filter(url => !url.startsWith('data:') && new URL(url).host !== bridge.host), [])
      assert.ok(browser.requests.length > 4)
      assert.deepEqual(browser.exceptions, [])
    })
  } finally {
    await browser.stop()
  }
}
