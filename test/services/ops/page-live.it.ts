import { expect } from 'chai'
import type { Browser, Page } from 'playwright-core'
import { closeBrowser, testBrowser } from '#test/kit/browser.ts'
import { eventually } from '#test/kit/eventually.ts'
import { freePort } from '#test/kit/free-port.ts'
import { startLoad } from '#test/kit/ledger.ts'
import { onKafka } from '#test/kit/log.ts'
import { PARTS, type Stack, startStack } from '#test/kit/stack.ts'

const WITHIN = { withinMs: 12_000, everyMs: 200 }
/** On Kafka a group waits 20 s for a member that died. */
const AGAIN = { withinMs: onKafka ? 60_000 : 20_000, everyMs: 200 }
const PASSWORD = 'a password that only tests use'

describe('the page over the running system', function () {
  this.timeout(120_000)
  let browser: Browser
  let stack: Stack
  let page: Page

  before(async function () {
    browser = await testBrowser(this)
    const port = await freePort()
    stack = await startStack(
      {
        OPS_PORT: String(port),
        OPS_PASSWORD: PASSWORD,
        VIDWIZ_WITHOUT: 'ai-notes,summaries,sqs-bridge,media-scheduler,media-bridge,media-door',
      },
      { parts: [...PARTS, 'ops'] },
    )
    page = await browser.newPage()
    await page.goto(`http://127.0.0.1:${port}`)
    await page.getByLabel('Password or token').fill(PASSWORD)
    await page.keyboard.press('Enter')
    await page.locator('#consumers').waitFor()
  })
  after(async () => {
    await stack?.stop()
    await closeBrowser()
  })

  const verdict = () => page.locator('#verdict').textContent()
  const allWell = () =>
    eventually(async () => {
      const why = (await page.locator('tr.note').allInnerTexts()).join('\n')
      expect(await verdict(), why).to.match(/^all is well/)
    }, AGAIN)
  const rowOf = (consumer: string) =>
    page.locator('.steady > tbody > tr', { has: page.getByText(consumer, { exact: true }) }).first()

  it('P10: has a frozen projector first within 10 s: stuck, where, for how long, whose it is and what mends it', async () => {
    await allWell()
    const load = await startLoad({ url: stack.url, clients: 2 })
    const pid = await stack.signal('projector', 'SIGSTOP')
    const frozenAt = Date.now()
    try {
      await eventually(async () => {
        const first = await page.locator('.steady > tbody > tr').first().innerText()
        expect(first).to.include('STUCK').and.to.include(`/${pid}`)
      }, WITHIN)
      expect(Date.now() - frozenAt).to.be.below(10_000)
      const note = await page.locator('tr.note').first().innerText()
      expect(note).to.match(new RegExp(`projector ${pid} on .+ gives no sign of life for \\d+ s`))
      expect(note).to.match(/npx vidwiz relieve \w+/)
      expect(await verdict()).to.match(/^\d+ of \d+ consumers need you$/)
      // Of those that have something to do it says which partition waits, and for how long.
      await eventually(async () => {
        const notes = await page.locator('tr.note').allInnerTexts()
        expect(notes.join('\n')).to.match(/the oldest for \d+ s in partition \d+/)
      }, WITHIN)
      await rowOf('notes')
        .getByRole('button', { name: /^Partitions/ })
        .click()
      const partitions = page.getByRole('table', { name: /Partitions of .+ for notes/ })
      expect(await partitions.locator('tbody > tr').count()).to.be.greaterThan(0)
    } finally {
      process.kill(pid, 'SIGCONT')
      await load.stop()
    }
    await allWell()
  })

  it('P10: mends a frozen projector at the press of a button: it is killed, another one goes on, and all is well', async () => {
    const pid = await stack.signal('projector', 'SIGSTOP')
    const relieve = page.getByRole('button', { name: /^Relieve .+ of its frozen process$/ })
    await relieve.first().waitFor({ timeout: 12_000 })
    // One process is frozen, whatever number of consumers it has.
    expect(await relieve.count()).to.equal(1)
    const consumer = /^Relieve (.+) of/.exec((await relieve.getAttribute('aria-label'))!)![1]!
    await relieve.click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText(new RegExp(`projector ${pid} on .+ It runs on this host: it is killed`)).waitFor()
    expect(await dialog.innerText()).to.include(`npx vidwiz relieve ${consumer}`)
    const apply = dialog.getByRole('button', { name: 'Relieve', exact: true })
    expect(await apply.isDisabled()).to.equal(true)
    await dialog.getByLabel('Reason').fill('it is frozen')
    await dialog.getByLabel(/^Type/).fill(consumer)
    // The answer may come after the page shows that all is well: the dialog is still there to say it.
    await page.route('**/relieve', async (route) => {
      const response = await route.fetch()
      await allWell()
      await route.fulfill({ response })
    })
    await apply.click()
    const said = dialog.getByRole('status')
    await said.waitFor({ timeout: AGAIN.withinMs })
    await page.unroute('**/relieve')
    expect(await said.innerText()).to.match(
      new RegExp(`^killed projector ${pid} on .+; projector \\d+ on .+ lives and continues where it stopped$`),
    )
    await dialog.locator('footer').getByRole('button', { name: 'Close' }).click()
    await allWell()
    expect(stack.parts.pids().projector).to.be.a('number').and.not.equal(pid)
  })

  it('P10: says that what a process ran is gone when it was killed, and that all is well when another one runs it', async () => {
    // The supervisor starts another one at once: that one is killed as well, until the page has been seen.
    const killed = new Set<number>()
    const kill = () => {
      const pid = stack.parts.pids().projector
      if (pid === undefined || killed.has(pid)) return
      process.kill(pid, 'SIGKILL')
      killed.add(pid)
    }
    kill()
    const [owner] = killed
    await eventually(
      async () => {
        kill()
        expect(await page.locator('#main').innerText()).to.match(new RegExp(`GONE[^]*Its process is gone: projector ${owner} on`))
      },
      { withinMs: 10_000, everyMs: 20 },
    )
    await allWell()
  })

  it('goes on after its own server was killed, without another sign-in', async () => {
    const killed = await stack.signal('ops', 'SIGKILL')
    await page.getByText(/the server is away/).waitFor()
    await page.locator('.fresh', { hasText: /^live$/ }).waitFor()
    expect(await stack.signal('ops', 'SIGCONT')).to.not.equal(killed)
    expect(await page.getByRole('dialog').count()).to.equal(0)
    await allWell()
  })
})
