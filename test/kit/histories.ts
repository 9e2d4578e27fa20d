import fc from 'fast-check'
import type { Command } from '#events/kit/command.ts'
import { aiWishes } from './histories/ai.ts'
import { conversationWishes } from './histories/conversation.ts'
import { mediaWishes } from './histories/media.ts'
import { noteWishes } from './histories/note.ts'
import { operationWishes } from './histories/ops.ts'
import { taskWishes } from './histories/task.ts'
import { userWishes } from './histories/user.ts'
import type { Wished } from './histories/usually.ts'
import { videoWishes } from './histories/video.ts'

/** Events, payloads and commands for tests: one file per kind of stream, as in `events/`. */
export * from './histories/ai.ts'
export * from './histories/any.ts'
export * from './histories/conversation.ts'
export { EMAIL, GUEST, QUOTA, VIDEO } from './histories/few.ts'
export * from './histories/media.ts'
export * from './histories/note.ts'
export * from './histories/ops.ts'
export * from './histories/task.ts'
export * from './histories/user.ts'
export * from './histories/video.ts'

const wishes = {
  ...userWishes,
  ...videoWishes,
  ...noteWishes,
  ...taskWishes,
  ...conversationWishes,
  ...aiWishes,
  ...mediaWishes,
  ...operationWishes,
}
type Wishes = typeof wishes

/** A command as data, so that counterexamples are readable. */
export type Wish = { [W in keyof Wishes]: { wish: W; for: Parameters<Wishes[W]['command']>[0] } }[keyof Wishes]

/** The command for a wish. */
export const commandOf = ({ wish, for: cmd }: Wish): Command => (wishes[wish] as Wished<unknown>).command(cmd)

export const anyWish: fc.Arbitrary<Wish> = fc.oneof(
  ...Object.entries(wishes as unknown as Record<string, Wished<unknown>>).map(([wish, { weight, cmd }]) => ({
    weight,
    arbitrary: cmd.map((data) => ({ wish, for: data }) as Wish),
  })),
)

/** Random sequences of commands. */
export const anyWishes = fc.array(anyWish, { maxLength: 60, size: 'max' })
