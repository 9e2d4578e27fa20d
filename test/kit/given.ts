import { expect } from 'chai'
import type { Command, Decision, Rejection } from '#events/kit/command.ts'
import type { NewEvent } from '#events/kit/envelope.ts'
import { world } from './world.ts'

/** A decision under test. Each of its sentences fails when something else was decided. */
export interface Outcome<R> {
  decision: Decision<R>
  /** These events, exactly and in this order. */
  then(...events: NewEvent[]): Answer<R>
  /** No event: it is already so. */
  thenNothing(): Answer<R>
  thenRejected(code: Rejection['code'], message?: string): void
}

/** What the one who asked is told. */
export interface Answer<R> {
  answering(result: R): void
}

/**
 * A decision as a sentence: `given(noteCreated()).when(editNote({ … })).then(noteEdited({ … }))`.
 *
 * The history goes through the codec and the deciders as it would in a log. Sequences give 1 unless `ids` says otherwise.
 */
export function given(...history: NewEvent[]) {
  return {
    when<R>(command: Command<R>, ids: Record<string, number> = {}): Outcome<R> {
      const before = world()
      for (const event of history) before.append([event])
      return outcome(before.execute(command, ids))
    },
  }
}

function outcome<R>(decision: Decision<R>): Outcome<R> {
  const decided = (events: NewEvent[]): Answer<R> => {
    if (decision.rejection) return expect.fail(`rejected: ${decision.rejection.code} ${decision.rejection.message}`)
    expect(decision.events).to.deep.equal(events)
    return { answering: (result) => expect(decision.result).to.deep.equal(result) }
  }
  return {
    decision,
    // biome-ignore lint/suspicious/noThenProperty: given, when, then; nobody awaits it
    then: (...events) => decided(events),
    thenNothing: () => decided([]),
    thenRejected(code, message) {
      if (!decision.rejection) return expect.fail(`decided: ${decision.events.map(({ type }) => type).join(', ') || 'nothing'}`)
      expect(decision.rejection).to.include(message === undefined ? { code } : { code, message })
    },
  }
}
