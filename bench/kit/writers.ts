import { catalog, deciders } from '../../events/catalog.ts'
import { createNote } from '../../events/note.ts'
import { topics } from '../../events/topics.ts'
import { executor } from '../../platform/log/commands/executor.ts'
import { appender } from '../../platform/log/postgres/appender.ts'
import { openListener } from '../../platform/pg/listen.ts'
import { openDb } from '../../platform/pg/pool.ts'
import { openWaiter } from '../../projections/engine/wait.ts'
import { views } from '../../projections/index.ts'
import type { Stack } from '../../test/kit/stack.ts'

/** Writes notes to a running stack from this process, like its API. */
export interface Writers {
  /** Resolves at the commit. */
  write(n: number): Promise<unknown>
  /** Resolves when all views affected by the note show it. */
  writeAndWait(n: number): Promise<void>
  /** Creates a note without text; resolves with its id at the commit. */
  createEmpty(note: { userId: number; videoId: string; timestamp: string }): Promise<number>
  close(): Promise<void>
}

export async function openWriters({ databaseUrl }: Stack): Promise<Writers> {
  const db = openDb(databaseUrl, { name: 'bench writers' })
  const listener = openListener(databaseUrl)
  const waiter = openWaiter(db, listener, views)
  const { execute } = executor({ appender: appender(db), catalog, deciders, topics })
  await listener.ready()

  const write = (n: number) =>
    execute(
      createNote({
        userId: 1 + (n % 50),
        videoId: `video${String(n % 500).padStart(6, '0')}`,
        timestamp: '12:34',
        text: `Note ${n}`,
      }),
      { actor: null, correlationId: null },
    )
  return {
    write,
    async writeAndWait(n) {
      const { positions } = await write(n)
      if (!(await waiter.visible(['notes', 'user-videos', 'videos'], positions))) throw new Error('not visible in time')
    },
    async createEmpty(note) {
      return (await execute(createNote({ ...note, text: null }), { actor: null, correlationId: null })).result.noteId
    },
    async close() {
      waiter.close()
      await listener.close()
      await db.close()
    },
  }
}
