import { expect } from 'chai'
import type { Command, Decision, Rejection } from '#events/kit/command.ts'
import type { NewEvent } from '#events/kit/envelope.ts'
import { world } from './world.ts'

/** A decision under test. Each method fails if something else was decided. */
export interface Outcome<R> {
  decision: Decision<R>
  /** Exactly these events, in this order. */
  then(...events: NewEvent[]): Answer<R>
  /** No event: nothing had to change. */
  thenNothing(): Answer<R>
  thenRejected(code: Rejection['code'], message?: string): void
}

/** Asserts the command's result. */
export interface Answer<R> {
  answering(result: R): void
}

/**
 * Tests a decision: `given(noteCreated()).when(editNote({ … })).then(noteEdited({ … }))`.
 *
 * The history passes through the codec and the deciders, as in a log. Sequences give 1 unless `ids` says otherwise.
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
