import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Recorded } from '#events/kit/envelope.ts'

/** The folder of the committed histories, over which views and deciders are fingerprinted. */
export const HISTORIES_FOLDER = join(import.meta.dirname, '..', '..', 'events', 'histories')

/** Several example logs, each complete from its first event. */
export type History = readonly (readonly Recorded[])[]

/** Reads the committed histories, by name. Histories are added, never changed. */
export async function readCommittedHistories(folder = HISTORIES_FOLDER): Promise<Map<string, History>> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort()
  return new Map(
    await Promise.all(names.map(async (name) => [name.replace('.json', ''), await read(join(folder, name))] as const)),
  )
}

const read = async (file: string): Promise<History> =>
  (JSON.parse(await readFile(file, 'utf8')) as (Omit<Recorded, 'data'> & { data: unknown })[][]).map((life) =>
    life.map((event) => ({ ...event, data: JSON.stringify(event.data) })),
  )
