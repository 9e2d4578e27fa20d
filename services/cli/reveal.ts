import { Command } from 'commander'
import { catalog, deciders } from '#events/catalog.ts'
import { topics } from '#events/topics.ts'
import { executor } from '#platform/log/commands/executor.ts'
import { appender } from '#platform/log/postgres/appender.ts'
import { OperatorError } from '#platform/service.ts'
import { operate } from '#services/operations/operation.ts'
import { reveal, revealAct, type Secret } from '#services/operations/reveal.ts'
import { connected } from './connect.ts'
import { operator } from './recorded.ts'

/** `reveal`: prints data that the operators' page masks; a reason is required and recorded. */
export const revealCommand = (): Command => {
  const command = new Command('reveal').description(
    'print what the page for operators masks. The operator, the target and the reason are recorded; the content is not',
  )
  const add = (name: string, args: [string, string][], what: (...values: string[]) => Secret) => {
    const one = command.command(name).requiredOption('--reason <text>', 'why it must be seen')
    for (const [argument, description] of args) one.argument(argument, description)
    one.action((...given) => show(what(...(given.slice(0, args.length) as string[])), given[args.length].reason))
  }
  add('event', [['<id>', 'of the event']], (event) => ({ event }))
  add(
    'letter',
    [
      ['<consumer>', 'for example notes'],
      ['<position>', 'of the event'],
    ],
    (consumer, pos) => ({
      letter: { consumer: consumer!, pos: Number(pos) },
    }),
  )
  add(
    'row',
    [
      ['<view>', 'for example notes'],
      ['<id>', 'its key'],
    ],
    (view, id) => ({ row: { view: view!, id: id! } }),
  )
  return command
}

const show = (what: Secret, reason: string) =>
  connected(async ({ db }) => {
    if ('letter' in what && !Number.isSafeInteger(what.letter.pos)) throw new OperatorError('a position is a whole number')
    const { execute } = executor({ appender: appender(db), catalog, deciders, topics })
    const seen = await operate(execute, operator(), revealAct(what, reason), () => reveal(db, what))
    console.log(JSON.stringify(seen, null, 2))
  })
