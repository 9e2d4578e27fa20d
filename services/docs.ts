import { catalog, deciders } from '#events/catalog.ts'
import { topics } from '#events/topics.ts'
import { settingsTables } from '#platform/config/page.ts'
import { shape } from '#platform/config/settings/chapters.ts'
import { readSettings } from '#platform/config/settings.ts'
import { code, markdownTable } from '#platform/text/markdown.ts'
import { views } from '#projections/index.ts'
import { type Rules, rulesOf } from './api/limits.ts'
import { routeTables, shapeTable } from './api/openapi/tables.ts'
import { about } from './index.ts'

/** The generated parts of the docs, by the name in `<!-- generated: name -->`; `vidwiz docs` writes and checks them. */
export const generatedParts: Readonly<Record<string, () => string>> = {
  settings: settingsTables,
  limits: limitTable,
  routes: routeTables,
  shapes: shapeTable,
  topics: topicTable,
  views: viewTable,
  services: serviceTable,
}

function topicTable(): string {
  const streamsOf = (name: string) => deciders.filter(({ stream }) => stream.topic.name === name)
  const eventsOf = (name: string) => [...catalog.values()].filter(({ topic }) => topic.name === name)
  return markdownTable(
    ['topic', 'key', 'streams', 'events'],
    topics.map(({ name, key }) => [
      code(name),
      key,
      streamsOf(name)
        .map(({ stream }) => code(stream.of('…')))
        .join(', '),
      eventsOf(name)
        .map(({ type }) => type)
        .join(' · '),
    ]),
  )
}

function viewTable(): string {
  return markdownTable(
    ['view', 'from', 'a row for each', 'columns'],
    views.map(({ name, topic, key, columns }) => [code(name), code(topic.name), code(key), Object.keys(columns).join(', ')]),
  )
}

function serviceTable(): string {
  return markdownTable(
    ['service', 'reads', 'does'],
    Object.entries(about).map(([name, { reads, does }]) => [code(name), reads, does]),
  )
}

/** Default request limits by ENVIRONMENT. */
function limitTable(): string {
  const local = rulesOf(readSettings({ ENVIRONMENT: 'local' }))
  const open = rulesOf(readSettings({ ENVIRONMENT: 'production' }))
  const written = ({ limit, windowMs }: Rules[keyof Rules]) => `${limit}/${windowMs / 1000}`
  const rules = Object.keys(local) as (keyof Rules)[]
  return markdownTable(
    ['setting', 'of', 'local', 'staging, production'],
    rules.map((rule) => {
      const name = `RATE_LIMIT_${rule.toUpperCase() as Uppercase<keyof Rules>}` as const
      const of = shape[name].meta()?.description?.replace(/^Limit of (.*)\.$/, '$1') ?? ''
      return [code(name), of, written(local[rule]), written(open[rule])]
    }),
  )
}
