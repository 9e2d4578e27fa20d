import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { repository, services, textOf, yamlOf } from './repository.ts'

interface Rule {
  record?: string
  alert?: string
  expr: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
}
interface Panel {
  id: number
  type: string
  title: string
  gridPos: { x: number; y: number; w: number; h: number }
  targets?: { expr: string; datasource: { uid: string } }[]
}

const rules = yamlOf<{ groups: { rules: Rule[] }[] }>('services/ops/prometheus/rules.yml').groups.flatMap((group) => group.rules)
const dashboard = JSON.parse(textOf('services/ops/grafana/dashboards/vidwiz.json')) as { panels: Panel[] }
const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))

/** Every figure that some code of ours makes. */
const made = ['platform', 'projections', 'services']
  .flatMap((folder) =>
    readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path)),
  )
  .filter((path) => path.endsWith('.ts'))
  .flatMap((path) => readFileSync(join(repository, path), 'utf8').match(/(?<=')vidwiz_\w+(?=')/g) ?? [])
const recorded = rules.flatMap(({ record = [] }) => record)
const known = new Set([...made, ...recorded])

const named = (expr: string) => (expr.match(/\bvidwiz[_:]\w+/g) ?? []).map((name) => name.replace(/_(bucket|count|sum)$/, ''))

describe('what Prometheus is asked', () => {
  it('is about figures that exist', () => {
    for (const expr of [...rules.map((rule) => rule.expr), ...queries])
      for (const name of named(expr)) expect([...known], expr).to.include(name)
  })

  it('is asked of every service', () => {
    const config = yamlOf<{ scrape_configs: { dns_sd_configs?: { names: string[] }[] }[] }>(
      'services/ops/prometheus/prometheus.yml',
    )
    const names = config.scrape_configs.flatMap(({ dns_sd_configs = [] }) => dns_sd_configs.flatMap((one) => one.names))
    expect(names.sort(), 'each service needs a place in prometheus.yml').to.deep.equal([...services].sort())
  })
})

describe('an alert', () => {
  const alerts = rules.filter(({ alert }) => alert)

  it('says how bad it is, what is wrong, and what to look at', () => {
    for (const { alert, labels, annotations } of alerts) {
      expect(labels?.severity, alert).to.be.oneOf(['critical', 'warning'])
      expect(annotations, alert).to.have.keys('summary', 'description', 'runbook')
    }
  })

  it('has a chapter of its own in the runbook, and leads there', () => {
    const headings = (textOf('docs/runbook.md').match(/^#+ .+$/gm) ?? []).map((line) =>
      line
        .replace(/^#+ /, '')
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    )
    for (const { alert, annotations } of alerts) {
      expect(annotations!.runbook, alert).to.equal(`docs/runbook.md#${alert!.toLowerCase()}`)
      expect(headings, alert).to.include(alert!.toLowerCase())
    }
  })

  it('is proven to come', () => {
    const tests = yamlOf<{ tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[] }>(
      'services/ops/prometheus/rules.test.yml',
    ).tests.flatMap((test) => test.alert_rule_test)
    const proven = tests.filter(({ exp_alerts }) => exp_alerts.length > 0).map(({ alertname }) => alertname)
    expect([...new Set(proven)].sort()).to.deep.equal(alerts.map(({ alert }) => alert).sort())
  })
})

describe('the dashboard', () => {
  it('has panels that do not lie on each other, each with an id of its own', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).to.equal(dashboard.panels.length)
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, i) => `${x + (i % w)}/${y + Math.floor(i / w)}`),
    )
    expect(new Set(cells).size).to.equal(cells.length)
    expect(Math.max(...dashboard.panels.map(({ gridPos: { x, w } }) => x + w))).to.equal(24)
  })

  it('asks the Prometheus that is provisioned', () => {
    const [{ uid }] = yamlOf<{ datasources: [{ uid: string }] }>(
      'services/ops/grafana/provisioning/datasources/prometheus.yml',
    ).datasources
    for (const { targets = [] } of dashboard.panels) for (const { datasource } of targets) expect(datasource.uid).to.equal(uid)
  })
})
