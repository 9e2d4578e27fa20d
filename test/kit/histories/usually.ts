import fc from 'fast-check'
import type { z } from 'zod'
import type { Command } from '#events/kit/command.ts'
import type { EventType } from '#events/kit/stream.ts'

/** Makes a builder of events with usual values; a test passes only those that matter. */
export const usually =
  <T extends string, S extends z.ZodType<object>>(type: EventType<T, S>, usual: z.input<S>) =>
  (but: Partial<z.input<S>> = {}) =>
    type({ ...(usual as object), ...(but as object) } as z.input<S>)

/** A random command, and how often it comes among others. */
export interface Wished<C> {
  weight: number
  command(cmd: C): Command
  cmd: fc.Arbitrary<C>
}

export const wished = <C>(weight: number, command: (cmd: C) => Command<unknown>, cmd: fc.Arbitrary<C>): Wished<C> => ({
  weight,
  command: command as (cmd: C) => Command,
  cmd,
})

export const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
export const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary)
