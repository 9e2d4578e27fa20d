import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { closeBreaker, endTrial, isInDoubt, mayAsk, openBreaker, readBreaker, trialSucceeded } from '#platform/ytdlp/breaker.ts'

const MINUTE = 60_000

describe('the breaker', () => {
  let data: string
  beforeEach(() => {
    data = mkdtempSync(join(tmpdir(), 'vidwiz-breaker-'))
  })
  afterEach(() => rmSync(data, { recursive: true }))
  const stateAt = (now: number) => readBreaker(data, now).state

  it('opens for a quarter of an hour, twice as long each time in a row, a day at most, and ends by itself', async () => {
    let now = 1_000_000
    const lengths = []
    for (let times = 1; times <= 9; times++) {
      await openBreaker(data, 'a bot check', now)
      const breaker = readBreaker(data, now)
      if (breaker.state === 'closed') throw new Error('it is closed')
      expect(breaker).to.include({ state: 'open', since: 1_000_000, reason: 'a bot check', times })
      lengths.push((breaker.until - now) / MINUTE)
      now = breaker.until
      expect(stateAt(now - 1)).to.equal('open')
      expect(stateAt(now)).to.equal('half-open')
    }
    expect(lengths).to.deep.equal([15, 30, 60, 120, 240, 480, 960, 1440, 1440])
  })

  it('is not opened further by what was under way when it opened', async () => {
    await openBreaker(data, 'first', 0)
    await openBreaker(data, 'second', MINUTE)
    expect(readBreaker(data, MINUTE)).to.include({ reason: 'first', times: 1, until: 15 * MINUTE })
  })

  it('lets one try when its time has passed; the others wait until that has an end', async () => {
    await openBreaker(data, 'why', 0)
    expect(await mayAsk(data, 'a', MINUTE, 14 * MINUTE)).to.equal(false)
    const may = (who: string, minute: number) => mayAsk(data, who, 5 * MINUTE, minute * MINUTE)
    expect([await may('a', 15), await may('b', 15), await may('a', 16), await may('b', 20)]).to.deep.equal([
      true,
      false,
      true,
      false,
    ])
    expect(await may('b', 21), 'who tried is gone').to.equal(true)
    await endTrial(data, 'b')
    expect(await may('a', 21)).to.equal(true)
  })

  it('closes when who tries is answered, and not by an answer from before', async () => {
    await openBreaker(data, 'why', 0)
    await trialSucceeded(data, 'another')
    expect(stateAt(MINUTE)).to.equal('open')
    await mayAsk(data, 'a', MINUTE, 15 * MINUTE)
    await trialSucceeded(data, 'another')
    expect(stateAt(15 * MINUTE)).to.equal('half-open')
    await trialSucceeded(data, 'a')
    expect(stateAt(15 * MINUTE)).to.equal('closed')
    await openBreaker(data, 'why', 20 * MINUTE)
    expect(readBreaker(data, 20 * MINUTE)).to.include({ times: 1 })
  })

  it('is closed at once when a person says so; what YouTube says stays in doubt for a day', async () => {
    expect(isInDoubt(data, 0)).to.equal(false)
    await openBreaker(data, 'why', 0)
    await closeBreaker(data)
    expect(stateAt(MINUTE)).to.equal('closed')
    expect(await mayAsk(data, 'a', MINUTE, MINUTE)).to.equal(true)
    expect([isInDoubt(data, MINUTE), isInDoubt(data, 24 * 60 * MINUTE)]).to.deep.equal([true, false])
  })

  it('counts as closed when its file makes no sense', () => {
    mkdirSync(join(data, 'yt-dlp'))
    writeFileSync(join(data, 'yt-dlp', 'breaker.json'), '{"open":{"until":"tomorrow"}}')
    expect(stateAt(0)).to.equal('closed')
  })

  it('is opened once by many processes at once, and lets one of them try', async () => {
    const file = join(import.meta.dirname, '../../../platform/ytdlp/breaker.ts')
    const child = async (code: string) => {
      const script = `const b = await import('${file}'); const data = process.argv[1]; ${code}`
      const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script, data]
      return (await promisify(execFile)(process.execPath, args)).stdout.trim()
    }
    await Promise.all([1, 2, 3, 4].map((i) => child(`await b.openBreaker(data, 'reason ${i}', 0)`)))
    expect(readBreaker(data, 0)).to.include({ state: 'open', times: 1, until: 15 * MINUTE })
    const may = await Promise.all(
      [1, 2, 3, 4].map((i) => child(`console.log(await b.mayAsk(data, 'who${i}', 60000, ${15 * MINUTE}))`)),
    )
    expect(may.filter((answer) => answer === 'true')).to.have.length(1)
  }).timeout(30_000)
})
