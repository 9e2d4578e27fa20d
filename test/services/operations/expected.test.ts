import { expect } from 'chai'
import { usualPolicy } from '#events/task.ts'
import { readSettings } from '#platform/config/settings.ts'
import type { Reactor } from '#platform/log/reactor/reactor.ts'
import { aiNotes } from '#services/ai-notes/reactor.ts'
import { fetchScheduler } from '#services/fetch-scheduler/reactor.ts'
import { mediaBridge } from '#services/media-bridge/bridge.ts'
import { mediaScheduler } from '#services/media-scheduler/reactor.ts'
import { expectedOf, REACTORS } from '#services/operations/expected.ts'
import { sqsBridge } from '#services/sqs-bridge/bridge.ts'
import { summaries } from '#services/summaries/reactor.ts'

describe('the consumers that there ought to be', () => {
  it('are all reactors and bridges, by the names and the topics that these declare themselves', () => {
    const nothing = undefined as never
    const declared: Reactor[] = [
      fetchScheduler(usualPolicy),
      aiNotes(nothing),
      summaries(),
      mediaScheduler({ isOn: true }),
      sqsBridge({ execute: nothing, changedSince: nothing, post: nothing }),
      mediaBridge({ execute: nothing, post: nothing, watchUrl: '', untilShown: nothing }),
    ]
    const named = (all: { name: string; topics: readonly { name: string }[] }[]) =>
      Object.fromEntries(all.map(({ name, topics }) => [name, topics.map((topic) => topic.name).sort()]))
    expect(named(REACTORS.map(({ service: name, topics }) => ({ name, topics })))).to.deep.equal(named(declared))
  })

  it('are all views, and the relay where there is Kafka', () => {
    const of = (env: NodeJS.ProcessEnv) => expectedOf(readSettings(env)).map(({ consumer }) => consumer)
    expect(of({})).to.include.members(['users', 'operations', 'fetch-scheduler']).and.not.include('relay')
    expect(of({ KAFKA_BROKERS: 'localhost:9092' })).to.include('relay')
  })

  it('say why they do not run here, where the settings leave them out', () => {
    const reasonFor = (consumer: string, env: NodeJS.ProcessEnv) =>
      expectedOf(readSettings(env)).find((one) => one.consumer === consumer)!.leftOut
    expect(reasonFor('summaries', { VIDWIZ_WITHOUT: 'summaries' })).to.equal('left out by VIDWIZ_WITHOUT')
    expect(reasonFor('summaries', {})).to.equal(undefined)
    expect(reasonFor('sqs-bridge', {})).to.match(/_API_KEY is not set/)
  })
})
