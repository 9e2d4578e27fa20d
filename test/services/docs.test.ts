import { expect } from 'chai'
import { catalog } from '#events/catalog.ts'
import { usualPolicy } from '#events/task.ts'
import { topics } from '#events/topics.ts'
import { readCommittedHistories } from '#platform/log/committed-histories.ts'
import { views } from '#projections/index.ts'
import { aiNotes } from '#services/ai-notes/reactor.ts'
import { fetchScheduler } from '#services/fetch-scheduler/reactor.ts'
import { about, services } from '#services/index.ts'
import { mediaBridge } from '#services/media-bridge/bridge.ts'
import { mediaScheduler } from '#services/media-scheduler/reactor.ts'
import { sqsBridge } from '#services/sqs-bridge/bridge.ts'
import { summaries } from '#services/summaries/reactor.ts'

/** What a consumer asks only when an event comes. */
const unasked = (): never => {
  throw new Error('no event comes here')
}

const consumers = [
  fetchScheduler(usualPolicy),
  aiNotes({ notesThatWait: unasked, emptyNotes: unasked }),
  summaries(),
  mediaScheduler({ isOn: true }),
  sqsBridge({ execute: unasked, changedSince: unasked, post: unasked }),
  mediaBridge({ execute: unasked, post: unasked, watchUrl: '', untilShown: unasked }),
]

describe('what the docs say of services', () => {
  it('is said of each, and of no other', () => expect(Object.keys(about)).to.deep.equal(Object.keys(services)))

  for (const { name, topics } of consumers)
    it(`names the topics that ${name} reads`, () =>
      expect(about[name]!.reads.split(', ').sort()).to.deep.equal(topics.map((topic) => `\`${topic.name}\``).sort()))

  it('names every topic for the projector, since each has a view', () => {
    expect(about.projector!.reads).to.equal('every topic')
    expect(new Set(views.map(({ topic }) => topic.name))).to.deep.equal(new Set(topics.map(({ name }) => name)))
  })
})

describe('what the docs say of topics', () => {
  it('is the key by which events are partitioned', async () => {
    const events = [...(await readCommittedHistories()).values()].flat(2)
    for (const topic of topics) {
      const field = topic.key.replace(/ (\w)/g, (_, letter: string) => letter.toUpperCase())
      const own = events.filter(({ type }) => catalog.get(type)!.topic.name === topic.name)
      expect(own, topic.name).to.not.deep.equal([])
      for (const { type, key, data } of own) expect(key, type).to.equal(String(JSON.parse(data)[field]))
    }
  })
})
