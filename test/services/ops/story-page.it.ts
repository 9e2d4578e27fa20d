import { expect } from 'chai'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { createNote } from '#events/note.ts'
import { closeBrowser, testBrowser } from '#test/kit/browser.ts'
import { OPS_PASSWORD, type Ops, startOps } from '#test/kit/ops.ts'

const HOSTILE = '<img src=x onerror="window.pwned=1">'

describe('the page in a browser: topics and stories', function () {
  this.timeout(40_000)
  let browser: Browser
  let context: BrowserContext
  let page: Page
  let ops: Ops
  const errors: string[] = []

  before(async function () {
    browser = await testBrowser(this)
    ops = await startOps()
    const about = { videoId: 'dQw4w9WgXcQ', userId: 7, timestamp: '0:01' }
    await ops.execute(createNote({ ...about, text: HOSTILE }), { actor: HOSTILE, correlationId: HOSTILE })
    await ops.settled()
    context = await browser.newContext({ viewport: { width: 1200, height: 900 } })
    page = await context.newPage()
    page.setDefaultTimeout(10_000)
    page.on('console', (message) => message.type() === 'error' && !message.text().includes('401') && errors.push(message.text()))
    page.on('pageerror', (error) => errors.push(error.message))
    await page.goto(`${ops.url}/#/topics`)
    await page.getByLabel('Password or token').fill(OPS_PASSWORD)
    await page.keyboard.press('Enter')
  })
  after(async () => {
    await context?.close()
    await ops?.stop()
    await closeBrowser()
  })
  afterEach(async () => {
    expect(await page.evaluate('window.pwned'), 'nothing that is shown runs').to.equal(undefined)
    expect(errors.splice(0)).to.deep.equal([])
  })

  it('leads from an event that is browsed to its story, and shows its text to who says why', async () => {
    await page.locator('select[name=types]').selectOption('NoteCreated')
    await page.getByRole('button', { name: 'Show' }).click()
    await page.getByText('searched 1 of 1 events').waitFor()
    await page.getByRole('link', { name: 'story', exact: true }).click()
    await page.getByText('this one').waitFor()
    expect(await page.locator('.story li').count()).to.equal(2)
    expect(await page.locator('.story').first().textContent()).not.to.contain(HOSTILE)
    const event = page.locator('li', { hasText: 'NoteCreated' }).last()
    await event.getByRole('button', { name: 'reveal payload' }).click()
    await event.getByLabel('Why do you need to see it').fill('a report')
    await event.getByRole('button', { name: 'Reveal' }).click()
    await event.locator('.revealed', { hasText: 'onerror' }).waitFor()
  })

  it('shows what comes in while it is live, and stops', async () => {
    await page.goto(`${ops.url}/#/topics/vidwiz.videos?types=VideoAdded`)
    await page.getByRole('button', { name: 'Live' }).click()
    await page.getByText('Nothing came yet').waitFor()
    for (let n = 0; (await page.locator('tbody tr[data-key]').count()) === 0 && n < 20; n++) {
      const about = { videoId: `video${String(n).padStart(6, '0')}`, userId: 7, timestamp: '0:01', text: 'x' }
      await ops.execute(createNote(about), { actor: 'user-7', correlationId: null })
      await page
        .locator('tbody tr[data-key]')
        .first()
        .waitFor({ timeout: 1_000 })
        .catch(() => {})
    }
    expect(await page.locator('tbody tr[data-key]').first().textContent()).to.contain('VideoAdded')
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.getByText(/^searched/).waitFor()
  })

  it('tells what a version of a schema changed', async () => {
    await page.goto(`${ops.url}/#/topics/schemas`)
    await page.getByRole('row', { name: 'TranscriptStored' }).waitFor()
  })
})
