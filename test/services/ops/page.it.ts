import { expect } from 'chai'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { Look } from '#services/operations/look.ts'
import { operate } from '#services/operations/operation.ts'
import { closeBrowser, testBrowser } from '#test/kit/browser.ts'
import { eventually } from '#test/kit/eventually.ts'
import { freePort } from '#test/kit/free-port.ts'
import { consumerLook, lookOf } from '#test/kit/looks.ts'
import { OPS_PASSWORD, type Ops, startOps } from '#test/kit/ops.ts'
import { freshDatabase, type TestDatabase } from '#test/kit/postgres.ts'

const HOSTILE = '<img src=x onerror="window.pwned=1">"\'><script>window.pwned=1</script>'

describe('the page in a browser', function () {
  this.timeout(30_000)
  let browser: Browser
  let database: TestDatabase
  let port: number
  let ops: Ops
  /** What the server sees; how often it looked. */
  let look: () => Look | Promise<Look>
  let looks = 0

  const start = () =>
    startOps({
      database,
      port,
      everyMs: 100,
      look: async () => {
        looks++
        return look()
      },
    })

  before(async function () {
    browser = await testBrowser(this)
    database = await freshDatabase()
    port = await freePort()
    ops = await start()
  })
  beforeEach(() => {
    look = () => lookOf([stuck(), ...WELL.map((name) => consumerLook(name))], { at: Date.now() })
  })
  after(async () => {
    await ops?.stop()
    await database?.drop()
    await closeBrowser()
  })

  const contexts: BrowserContext[] = []
  afterEach(async () => {
    for (const context of contexts.splice(0)) {
      for (const page of context.pages()) await assertClean(page)
      await context.close()
    }
  })

  /** A browser of somebody who has not been here before. */
  async function visit(options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
    const context = await browser.newContext(options)
    contexts.push(context)
    await context.addInitScript({ path: 'test/kit/in-page.js' })
    const page = await context.newPage()
    noted.set(page, [])
    page.on('console', (message) => message.type() === 'error' && noted.get(page)!.push(message.text()))
    page.on('dialog', (dialog) => noted.get(page)!.push(`dialog ${dialog.message()}`))
    await page.goto(ops.url)
    return page
  }

  async function signIn(page: Page, password = OPS_PASSWORD) {
    await page.getByLabel('Password or token').fill(password)
    await page.keyboard.press('Enter')
  }

  async function signedIn(options?: Parameters<Browser['newContext']>[0]): Promise<Page> {
    const page = await visit(options)
    await signIn(page)
    await page.locator('#consumers').waitFor()
    return page
  }

  const verdict = (page: Page) => page.locator('#verdict').textContent()
  const firstRow = (page: Page) => page.locator('tbody > tr').first()

  it('says why a sign-in was refused, and lets in who knows the password; who signs out is out', async () => {
    const page = await visit()
    await signIn(page, 'a wrong guess')
    expect(await page.getByRole('alert').textContent()).to.include('neither the password nor a token')
    await signIn(page)
    await page.locator('#consumers').waitFor()
    expect(await page.evaluate('document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage })')).to.not.include(
      'vidwiz_ops',
    )
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Password or token').waitFor()
    await page.reload()
    await page.getByLabel('Password or token').waitFor()
  })

  it('shows what is worst first: state, cause, owner, next step, and its partitions when it is opened', async () => {
    const page = await signedIn()
    expect(await verdict(page)).to.equal('1 of 5 consumers need you')
    const row = await firstRow(page).innerText()
    for (const part of ['STUCK', 'notes', '3,120', '41 s', 'projector', 'north/4711']) expect(row).to.include(part)
    const note = page.locator('tr.note').first()
    expect(await note.innerText())
      .to.include('Partition 2 has not moved')
      .and.to.include('kill -CONT 4711')
    await page.getByRole('button', { name: 'Partitions of notes' }).click()
    const partitions = page.getByRole('table', { name: /Partitions of/ })
    await partitions.waitFor()
    expect(await partitions.locator('tbody > tr').first().innerText()).to.include('3,120')
    await page.locator('.chart svg').waitFor()
    // Those that are well are one line.
    expect(await page.getByText('videos', { exact: true }).count()).to.equal(0)
    await page.getByRole('button', { name: '4 are well' }).click()
    await page.getByText('videos', { exact: true }).waitFor()
  })

  it('keeps a row where it is while somebody points at the table, and moves it when they leave', async () => {
    const bad = (...names: string[]) => lookOf(names.map((name) => consumerLook(name, { state: 'STUCK', why: 'does not move' })))
    look = () => bad('alpha', 'beta')
    const page = await signedIn()
    await page.getByText('beta', { exact: true }).hover()
    look = () => bad('beta', 'gamma', 'alpha')
    await page.getByText('gamma', { exact: true }).waitFor()
    const order = () => page.locator('.steady .name').allTextContents()
    expect(await order()).to.deep.equal(['alpha', 'beta', 'gamma'])
    await eventually(async () => expect(await order()).to.deep.equal(['beta', 'gamma', 'alpha']))
  })

  it('shows what cannot be read as a cell that says so, and never NaN, undefined or a false 0', async () => {
    const unknown = { events: null, seconds: null, trend: null, rate: null, etaSeconds: null, owner: null }
    const partitions = [{ partition: 0, pos: 4, head: 9, movedAt: null, problem: 'broker 2 does not answer' }]
    look = () =>
      lookOf(
        [consumerLook('notes', { ...unknown, state: 'UNKNOWN', why: 'nothing of it can be read', partitions, history: [null] })],
        {
          head: null,
          queues: { problem: 'no route to SQS' },
          breaker: { problem: 'the folder cannot be read' },
          tasks: { problem: 'views.tasks is being rebuilt' },
          requests: { problem: 'views.ai_requests cannot be read' },
          replays: { problem: 'log.replays cannot be read' },
        },
      )
    const page = await signedIn()
    await page.getByRole('button', { name: 'Partitions of notes' }).click()
    await page.locator('.chart svg').waitFor()
    const shown = await page.locator('#main').innerText()
    for (const problem of [
      'no route to SQS',
      'the folder',
      'being rebuilt',
      'ai_requests',
      'log.replays',
      'broker 2 does not answer',
      'nobody',
    ])
      expect(shown).to.include(problem)
    expect(shown).to.not.match(/NaN|undefined|null|Infinity|\[object/)
    const cells = await firstRow(page).locator('td.number').allInnerTexts()
    expect(cells.map((cell) => cell.split(/\s/)[0])).to.deep.equal(['–', '–', '–', '–', '0'])
  })

  it('shows hostile texts as texts, wherever they stand', async () => {
    const row = consumerLook(HOSTILE, {
      ...{ state: 'STUCK', topic: HOSTILE, service: HOSTILE, why: HOSTILE, next: HOSTILE },
      partitions: [{ partition: 0, pos: 1, head: 2, events: 1, oldestAt: 1, movedAt: 1, problem: HOSTILE }],
      owner: {
        id: HOSTILE,
        service: HOSTILE,
        host: HOSTILE,
        pid: 1,
        beatAt: 1,
        isAlive: false,
        paused: { cause: HOSTILE, since: 1 },
      },
    })
    look = () =>
      lookOf([row, consumerLook('gone', { state: 'GONE', owner: null, service: HOSTILE })], {
        verdict: HOSTILE,
        queues: { value: [{ queue: HOSTILE, visible: 1, inFlight: 0, delayed: 0, oldestSeconds: 1, dead: 1, problem: HOSTILE }] },
        breaker: { value: { state: 'open', since: 1, until: 2, reason: HOSTILE, times: 1 } },
        tasks: { value: [{ status: HOSTILE, tasks: 1, oldestAt: 1 }] },
        requests: { value: [{ kind: HOSTILE, status: HOSTILE, requests: 1, since: 1 }] },
        replays: {
          value: [
            {
              id: 'r',
              act: HOSTILE,
              view: HOSTILE,
              phase: HOSTILE,
              events: 1,
              total: 2,
              rate: 1,
              etaSeconds: 1,
              pace: 0.4,
              startedAt: 1,
              beatAt: 1,
            },
          ],
        },
      })
    await operate(
      ops.execute,
      { name: HOSTILE, via: 'page' },
      { act: 'redrive', target: HOSTILE, command: HOSTILE, reason: HOSTILE },
      async () => ({ result: 1, summary: HOSTILE }),
    )
    await ops.settled()
    const page = await signedIn()
    await page.locator('button[aria-expanded="false"]').first().click()
    expect((await page.locator('body').innerText()).split(HOSTILE).length).to.be.greaterThan(14)
    await page.goto(`${ops.url}/#/operations`)
    await page.getByText(HOSTILE).first().waitFor()
    await page.locator('button[aria-expanded="false"]').first().click()
    expect((await page.locator('#main').innerText()).split(HOSTILE).length).to.be.greaterThan(5)
    for (const screen of ['story', 'parked', 'replay', 'topics'])
      await page.goto(`${ops.url}/#/${screen}/${encodeURIComponent(HOSTILE)}?view=${encodeURIComponent(HOSTILE)}`)
    expect(await page.evaluate('window.pwned')).to.equal(undefined)
  })

  it('stops its stream while its tab is hidden, and goes on when it is seen again', async () => {
    const page = await signedIn()
    const hide = (isHidden: boolean) =>
      page.evaluate(
        `Object.defineProperty(document, 'hidden', { value: ${isHidden}, configurable: true }); document.dispatchEvent(new Event('visibilitychange'))`,
      )
    await hide(true)
    await stands()
    await hide(false)
    const stood = looks
    await eventually(() => expect(looks).to.be.greaterThan(stood))
    await page.locator('.fresh', { hasText: 'live' }).waitFor()
  })

  /** Waits until nobody looks any more. */
  async function stands() {
    await eventually(
      async () => {
        const before = looks
        await new Promise((resolve) => setTimeout(resolve, 500))
        expect(looks).to.equal(before)
      },
      { everyMs: 1 },
    )
  }

  it('costs with fifty tabs what it costs with one', async () => {
    const page = await signedIn()
    const cookie = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join('; ')
    const rate = async () => {
      const before = looks
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      return looks - before
    }
    const alone = await rate()
    const leaving = new AbortController()
    const tabs = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const { body, status } = await fetch(`${ops.url}/api/live`, { headers: { cookie }, signal: leaving.signal })
        expect(status).to.equal(200)
        return body!.getReader()
      }),
    )
    for (const tab of tabs) expect((await tab.read()).done).to.equal(false)
    expect(await rate()).to.be.at.most(alone + 2)
    leaving.abort()
  })

  it('says what it shows is old when nothing new comes, and greys it', async () => {
    const page = await signedIn()
    const { promise, resolve } = Promise.withResolvers<void>()
    const seen = look
    look = async () => {
      await promise
      return seen()
    }
    await page.getByText(/what you see is \d+ s old/).waitFor({ timeout: 12_000 })
    expect(await page.evaluate("getComputedStyle(document.querySelector('.live')).filter")).to.equal('grayscale(1)')
    look = seen
    resolve()
    await page.locator('.fresh', { hasText: 'live' }).waitFor()
  })

  it('comes back by itself when its server was away, and asks to sign in again without losing the place', async () => {
    const page = await signedIn()
    await page.getByRole('link', { name: 'Operations' }).click()
    await page.getByLabel('Only').selectOption('rebuild')
    await ops.stop()
    await page.getByText(/the server is away, for \d+/).waitFor()
    ops = await start()
    const dialog = page.getByRole('dialog', { name: 'Sign in again' })
    await dialog.waitFor()
    expect(await page.evaluate('location.hash')).to.equal('#/operations')
    await signIn(page)
    await dialog.waitFor({ state: 'detached' })
    await page.locator('.fresh', { hasText: 'live' }).waitFor()
    expect(await page.getByLabel('Only').inputValue()).to.equal('rebuild')
    expect(await page.getByRole('alert').count()).to.equal(0)
  })

  it('is walked through by keyboard alone, with the focus in sight', async () => {
    look = () =>
      lookOf([stuck(), consumerLook('notes')], {
        breaker: { value: { state: 'open', since: 1, until: 2, reason: 'refused', times: 1 } },
      })
    const page = await visit()
    // The field has the focus from the start.
    await page.getByLabel('Password or token').waitFor()
    await page.keyboard.type(OPS_PASSWORD)
    await page.keyboard.press('Enter')
    await page.locator('#consumers').waitFor()
    const focused = () => page.evaluate('checks.focused()') as Promise<{ name: string; isSeen: boolean }>
    const tabTo = async (name: RegExp) => {
      for (let i = 0; i < 40; i++) {
        await page.keyboard.press('Tab')
        const at = await focused()
        expect(at.isSeen, at.name).to.equal(true)
        if (name.test(at.name)) return
      }
      throw new Error(`Tab does not lead to ${name}`)
    }
    await page.keyboard.press('Home')
    await tabTo(/Partitions of notes/)
    await page.keyboard.press('Enter')
    await page.getByRole('table', { name: /Partitions of/ }).waitFor()
    await tabTo(/is well/)
    await tabTo(/Resume now/)
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog')
    await dialog.waitFor()
    await eventually(async () => expect(await page.evaluate('document.activeElement.name')).to.equal('reason'))
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    await eventually(async () => expect((await focused()).name).to.equal('Resume now'))
    await page.keyboard.press('Enter')
    await dialog.waitFor()
    await eventually(async () => expect(await page.evaluate('document.activeElement.name')).to.equal('reason'))
    await page.keyboard.type('it answers again')
    await page.keyboard.press('Enter')
    await dialog.getByRole('status').getByText(/./).first().waitFor()
    await ops.settled()
    const { body } = await ops.operator.get('/api/operations?act=resume-helpers')
    expect(body.operations[0]).to.include({ who: 'operator', via: 'page', reason: 'it answers again', outcome: 'done' })
  })

  for (const colorScheme of ['light', 'dark'] as const)
    it(`can be read in ${colorScheme}: contrast at least 4.5, a name for whatever can be used, nothing beyond the window`, async () => {
      look = () => trouble()
      const page = await signedIn({ colorScheme })
      await page.getByRole('button', { name: /are well/ }).click()
      await page.locator('button[aria-expanded="false"]').first().click()
      for (const [width, height] of [
        [320, 700],
        [800, 900],
        [1440, 900],
        [3840, 2160],
      ] as const) {
        await page.setViewportSize({ width, height })
        expect(await page.evaluate('checks.tooWide()'), `at ${width}`).to.deep.equal([])
      }
      expect(await page.evaluate('checks.unnamed()')).to.deep.equal([])
      expect(await page.evaluate('checks.faint(4.5)')).to.deep.equal([])
      await page.goto(`${ops.url}/#/operations`)
      await page.getByRole('heading', { name: 'Operations' }).waitFor()
      expect(await page.evaluate('checks.faint(4.5)')).to.deep.equal([])
    })

  it('does a dangerous act after its preview, with a reason and the name typed, and says what came of it', async () => {
    look = () => trouble()
    const page = await signedIn()
    await page.getByRole('button', { name: 'Ask again for each note' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('A model will be asked again for 0 requests.').waitFor()
    await dialog.getByText('npx vidwiz requests redrive').waitFor()
    const apply = dialog.getByRole('button', { name: 'Ask again', exact: true })
    await dialog.getByLabel('Reason').fill('the model answers again')
    expect(await apply.isDisabled()).to.equal(true)
    await dialog.getByLabel('Type note to confirm').fill('notes')
    expect(await apply.isDisabled()).to.equal(true)
    await dialog.getByLabel('Type note to confirm').fill('note')
    await apply.click()
    await dialog.getByRole('status').getByText(/./).first().waitFor()
    await dialog.getByRole('button', { name: 'Close' }).last().click()
    await ops.settled()
    const { body } = await ops.operator.get('/api/operations?act=redrive-requests')
    expect(body.operations[0]).to.include({ who: 'operator', via: 'page', reason: 'the model answers again' })
  })

  it('shows a viewer no act', async () => {
    look = () => trouble()
    const page = await visit()
    await signIn(page, 'a-viewers-token-for-tests')
    await page.locator('#consumers').waitFor()
    expect(await page.getByRole('button', { name: /Redrive|Ask again|Resume/ }).count()).to.equal(0)
  })
})

const WELL = ['videos', 'users', 'tasks', 'media']

const stuck = () =>
  consumerLook('notes', {
    state: 'STUCK',
    why: 'Partition 2 has not moved for 41 s while 3,120 events wait; its owner projector (north, pid 4711) lives but does nothing',
    next: 'kill -CONT 4711',
    ...{ events: 3_120, seconds: 41, trend: 1, rate: 0, partition: 2 },
    partitions: [
      { partition: 0, pos: 8_120, head: 8_120, events: 0, oldestAt: null, movedAt: Date.now() },
      { partition: 2, pos: 5_000, head: 8_120, events: 3_120, oldestAt: Date.now() - 41_000, movedAt: Date.now() - 41_000 },
    ],
  })

/** Every state there is, and something in each card. */
const trouble = (): Look => {
  const at = Date.now()
  const states = [
    'GONE',
    'STUCK',
    'REWOUND',
    'PARKED',
    'PAUSED',
    'FALLING_BEHIND',
    'UNKNOWN',
    'REBUILDING',
    'CATCHING_UP',
    'OK',
  ] as const
  return lookOf(
    [
      ...states.map((state) =>
        consumerLook(state.toLowerCase(), { state, why: state === 'OK' ? '' : 'a reason of several words' }),
      ),
      consumerLook('ok too'),
    ],
    {
      queues: { value: [{ queue: 'vidwiz-ai-notes', visible: 12, inFlight: 3, delayed: 0, oldestSeconds: 22, dead: 2 }] },
      breaker: {
        value: { state: 'open', since: at - 600_000, until: at + 300_000, reason: 'YouTube asks to sign in', times: 2 },
      },
      tasks: { value: [{ status: 'failed', tasks: 2, oldestAt: at - 86_000_000 }] },
      requests: { value: [{ kind: 'note', status: 'given-up', requests: 1, since: at - 4_000_000 }] },
      replays: {
        value: [
          {
            id: 'r',
            act: 'rebuild',
            view: 'users',
            phase: 'replaying',
            events: 812,
            total: 2_400,
            rate: 41,
            etaSeconds: 39,
            pace: 0.4,
            startedAt: at,
            beatAt: at,
          },
        ],
      },
    },
  )
}

/** Errors that the console showed, per page. */
const noted = new WeakMap<Page, string[]>()
/** Not signed in yet, what is not there or makes no sense and is said to be so on the screen, and a server that is away. */
const EXPECTED =
  /status of (401|404|422)|ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/

async function assertClean(page: Page) {
  const { violations, errors } = (await page.evaluate('window.seen')) as { violations: string[]; errors: string[] }
  const said = (noted.get(page) ?? []).filter((text) => !EXPECTED.test(text))
  expect({ violations, errors, said }).to.deep.equal({ violations: [], errors: [], said: [] })
}
