import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { type Db, openDb } from '#platform/pg/pool.ts'
import { eventually } from '#test/kit/eventually.ts'
import { freePort } from '#test/kit/free-port.ts'
import { testLog } from '#test/kit/log.ts'
import { freshDatabase } from '#test/kit/postgres.ts'
import { type PrometheusTools, prometheusTools } from '#test/kit/prometheus.ts'
import { repository } from './repository.ts'

const RULES = join(repository, 'services/ops/prometheus')
/** All lengths of time in the rules are this much shorter: a minute is two and a half seconds. */
const FASTER = Number(process.env.ALERTS_FASTER ?? 24)
const SCRAPE = FASTER === 1 ? '15s' : '500ms'

const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3_600 }
/** The rules as they are, with every range and every `for` shorter. */
const hurried = (rules: string) =>
  rules.replace(/((?:for: |\[|:)) ?(\d+)([smh])\b/g, (_, before: string, n: string, unit: string) => {
    const ms = (Number(n) * SECONDS[unit]! * 1_000) / FASTER
    return `${before}${Math.max(250, Math.round(ms))}ms`
  })

interface Notice {
  status: 'firing' | 'resolved'
  alerts: { status: string; labels: Record<string, string> }[]
}

describe('the rules of alerts', function () {
  this.timeout(60_000)
  let tools: PrometheusTools
  before(async function () {
    tools = await prometheusTools(this)
  })

  it('come and stay away as rules.test.yml says', () => {
    for (const args of [
      ['check', 'config', 'prometheus.yml'],
      ['test', 'rules', 'rules.test.yml'],
    ]) {
      const { status, stdout, stderr } = spawnSync(tools.promtool, args, { cwd: RULES, encoding: 'utf8' })
      expect(status, stdout + stderr).to.equal(0)
    }
  })

  describe(`with a real Prometheus and Alertmanager, ${FASTER} times faster`, function () {
    this.timeout(FASTER === 1 ? 1_800_000 : 120_000)
    const folder = mkdtempSync(join(tmpdir(), 'vidwiz-alerts-'))
    const running = new Set<ChildProcess>()
    const closing: (() => Promise<void>)[] = []
    const notices: Notice[] = []
    let env: NodeJS.ProcessEnv
    let opsPort: number
    let db: Db

    const start = (program: string, args: string[], more: NodeJS.ProcessEnv = {}) => {
      const child = spawn(program, args, {
        env: { ...process.env, ...more },
        stdio: process.env.ALERTS_DEBUG ? 'inherit' : 'ignore',
      })
      running.add(child)
      child.once('exit', () => running.delete(child))
      return child
    }
    const service = (name: string, more: NodeJS.ProcessEnv = {}) =>
      start(process.execPath, [fileURLToPath(new URL('../../services/process.ts', import.meta.url)), name], { ...env, ...more })
    const figures = async () => (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text()
    const is = async (consumer: string, state: string) =>
      expect(await figures()).to.match(
        new RegExp(`vidwiz_consumer_state\\{consumer="${consumer}",topic="[^"]+",state="${state}"\\} 1`),
      )
    /** All views: whoever dies before that has owned nothing. */
    const hasTakenOver = async ({ pid }: ChildProcess) => {
      const [row] = await db.query<{ left: number }>(
        'test.left',
        'select count(*) as left from log.checkpoints c where not exists (select from log.owners o where o.id = c.owner and o.pid = $1)',
        [pid],
      )
      expect(row!.left).to.equal(0)
    }
    const told = (status: string, alertname: string) =>
      notices.filter((notice) => notice.status === status && notice.alerts.some(({ labels }) => labels.alertname === alertname))

    before(async () => {
      const database = await freshDatabase()
      const log = await testLog(database.url)
      db = openDb(database.url)
      closing.push(() => db.close(), log.close, database.drop)
      opsPort = await freePort()
      env = {
        DB_URL: database.url,
        HOST: '127.0.0.1',
        VIDWIZ_DATA: folder,
        LOG_LEVEL: 'silent',
        VIDWIZ_WITHOUT: 'fetch-scheduler,ai-notes,summaries,sqs-bridge,media-scheduler,media-bridge,media-door',
        ...log.env,
      }
      const webhook: Server = createServer(async (req, res) => {
        let text = ''
        for await (const chunk of req) text += chunk
        notices.push(JSON.parse(text))
        res.end()
      })
      await new Promise<void>((resolve) => webhook.listen(0, '127.0.0.1', resolve))
      closing.push(async () => void webhook.close())
      const [alertPort, gossipPort, promPort] = [await freePort(), await freePort(), await freePort()]
      const url = `http://127.0.0.1:${(webhook.address() as AddressInfo).port}`
      writeFileSync(
        join(folder, 'alertmanager.yml'),
        `route: { receiver: people, group_by: [alertname], group_wait: 1s, group_interval: 1s, repeat_interval: 1h }\nreceivers: [{ name: people, webhook_configs: [{ url: '${url}', send_resolved: true }] }]\n`,
      )
      writeFileSync(join(folder, 'rules.yml'), hurried(readFileSync(join(RULES, 'rules.yml'), 'utf8')))
      writeFileSync(
        join(folder, 'prometheus.yml'),
        `global: { scrape_interval: ${SCRAPE}, scrape_timeout: ${FASTER === 1 ? '10s' : SCRAPE}, evaluation_interval: ${SCRAPE} }
rule_files: [rules.yml]
alerting: { alertmanagers: [{ static_configs: [{ targets: ['127.0.0.1:${alertPort}'] }] }] }
scrape_configs: [{ job_name: ops, static_configs: [{ targets: ['127.0.0.1:${opsPort}'] }] }]
`,
      )
      service('ops', { METRICS_PORT: String(opsPort) })
      start(tools.alertmanager, [
        `--config.file=${join(folder, 'alertmanager.yml')}`,
        `--storage.path=${join(folder, 'am')}`,
        `--web.listen-address=127.0.0.1:${alertPort}`,
        `--cluster.listen-address=127.0.0.1:${gossipPort}`,
      ])
      start(tools.prometheus, [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'tsdb')}`,
        `--web.listen-address=127.0.0.1:${promPort}`,
      ])
    })
    after(async () => {
      for (const child of running) child.kill('SIGKILL')
      await eventually(() => expect(running.size).to.equal(0))
      for (const close of closing) await close()
      rmSync(folder, { recursive: true, force: true })
    })

    it('tell people once of a killed process, of no restart, and when it is over', async () => {
      let projector = service('projector')
      await eventually(() => is('notes', 'OK'), { withinMs: 40_000, everyMs: 200 })
      // A restart, as each deployment makes one: shorter than a minute of the rules.
      const exited = new Promise((resolve) => projector.once('exit', resolve))
      projector.kill('SIGTERM')
      await exited
      await eventually(() => is('notes', 'GONE'), { everyMs: 50 })
      projector = service('projector')
      await eventually(() => hasTakenOver(projector), { withinMs: 40_000, everyMs: 200 })
      await eventually(() => is('notes', 'OK'), { withinMs: 40_000, everyMs: 200 })
      expect(told('firing', 'OwnerGone')).to.deep.equal([])

      projector.kill('SIGKILL')
      const killedAt = Date.now()
      await eventually(() => expect(told('firing', 'OwnerGone')).to.have.length(1), {
        withinMs: FASTER === 1 ? 180_000 : 30_000,
        everyMs: 100,
      })
      console.log(`      told ${((Date.now() - killedAt) / 1_000).toFixed(1)} s after the kill`)
      // One message about all views of that process.
      expect(told('firing', 'OwnerGone')[0]!.alerts.length).to.be.greaterThan(5)
      service('projector')
      await eventually(() => expect(told('resolved', 'OwnerGone')).to.have.length(1), {
        withinMs: FASTER === 1 ? 600_000 : 40_000,
        everyMs: 100,
      })
      expect(told('firing', 'OwnerGone')).to.have.length(1)
    })
  })
})
