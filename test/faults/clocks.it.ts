import { expect } from 'chai'
import { type Client, client, newUser } from '#test/kit/client.ts'
import { eventually } from '#test/kit/eventually.ts'
import { freePort } from '#test/kit/free-port.ts'
import { type Running, vidwiz } from '#test/kit/run.ts'
import { type Stack, startStack } from '#test/kit/stack.ts'

/** More than a leeway of one side: together they differ by twice as much. */
const WRONG_MS = 90_000
const NEAR_MS = 20_000

describe('machines whose clocks differ by three minutes', function () {
  this.timeout(120_000)
  let stack: Stack
  const processes: Running[] = []
  let ahead: { process: Running; as(token?: string): Client }
  let behind: typeof ahead

  const api = async (aheadMs: number) => {
    const PORT = String(await freePort())
    const NODE_OPTIONS = `--import=${new URL('../kit/other-clock.ts', import.meta.url)}`
    const env = { ...stack.env, PORT, LOG_LEVEL: 'info', NODE_OPTIONS, OTHER_CLOCK_MS: String(aheadMs) }
    const process = vidwiz(['run', 'api'], env)
    processes.push(process)
    await process.prints(/"msg":"ready"/)
    const url = `http://127.0.0.1:${PORT}`
    return { process, url, as: (token?: string) => client(url, token) }
  }

  before(async () => {
    stack = await startStack()
    ;[ahead, behind] = await Promise.all([api(WRONG_MS), api(-WRONG_MS)])
  })
  after(async () => {
    for (const { process } of processes) process.kill('SIGTERM')
    for (const { finished } of processes) await finished
    await stack?.stop()
  })

  const near = (moment: string) => Math.abs(Date.parse(moment.replace('+0000', 'Z')) - Date.now())
  const video = '/v2/videos/clocksapart'
  const note = { timestamp: '0:01', text: 'first' }

  it('take each other’s fresh tokens, and tell the same time', async () => {
    const { token } = await newUser(stack.url)
    const { token: own } = (await ahead.as(token).call('POST', '/v2/auth/tokens')).body
    const taken = await behind.as(own).call('POST', `${video}/notes`, note)
    expect(taken.status, JSON.stringify(taken.body)).to.equal(201)
    expect(near(taken.body.created_at)).to.be.below(NEAR_MS)
    const there = await ahead.as(token).call('POST', `${video}/notes`, note)
    expect(near(there.body.created_at)).to.be.below(NEAR_MS)
  })

  it('never call a change older than what it changes, nor a later note earlier', async () => {
    const { token } = await newUser(stack.url)
    const path = '/v2/videos/clocksorder/notes'
    for (let n = 0; n < 3; n++) {
      const [first, second] = n % 2 === 0 ? [ahead, behind] : [behind, ahead]
      const { id } = (await first.as(token).call('POST', path, { ...note, text: `${n}` })).body
      const edited = await second.as(token).call('PATCH', `/v2/notes/${id}`, { text: `${n} edited` })
      expect(Date.parse(edited.body.updated_at.replace('+0000', 'Z'))).to.be.least(
        Date.parse(edited.body.created_at.replace('+0000', 'Z')),
      )
    }
    const listed = (await behind.as(token).call('GET', path)).body.map(({ text }: { text: string }) => text)
    expect(listed).to.deep.equal(['0 edited', '1 edited', '2 edited'])
  })

  it('hand out at once a task that the other one scheduled', async () => {
    const { token } = await newUser(stack.url)
    await ahead.as(token).call('POST', '/v2/videos/clockstasks/notes', note)
    const tasks = () => behind.as(stack.adminToken).call('GET', '/v2/internal/tasks?type=metadata&timeout=1')
    const seen: string[] = []
    await eventually(async () => {
      const { status, body } = await tasks()
      if (status === 200) seen.push(body.video_id ?? body.task_details?.video_id ?? JSON.stringify(body))
      expect(seen.join()).to.include('clockstasks')
    })
  })

  it('say so in their logs', () => {
    for (const { process } of [ahead, behind])
      expect(process.stdout() + process.stderr()).to.include('the clock of this machine differs from that of the database')
  })
})
