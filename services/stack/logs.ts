import { createWriteStream, mkdirSync, renameSync, statSync, type WriteStream } from 'node:fs'
import { join } from 'node:path'

const LARGE_BYTES = 20 * 1024 * 1024

export interface Logs {
  folder: string
  write(part: string, line: string): void
  close(): void
}

/** One log file per part of the system; a large one is put aside when it is opened. */
export function openLogs(folder: string): Logs {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const files = new Map<string, WriteStream>()
  const open = (part: string) => {
    const path = join(folder, `${part}.log`)
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > LARGE_BYTES) renameSync(path, `${path}.1`)
    const file = createWriteStream(path, { flags: 'a', mode: 0o600 })
    // Without its log everything else still runs.
    file.on('error', (error) => console.error(`vidwiz: ${path} cannot be written: ${error.message}`))
    files.set(part, file)
    return file
  }
  return {
    folder,
    write: (part, line) => void (files.get(part) ?? open(part)).write(`${line}\n`),
    close: () => {
      for (const file of files.values()) file.end()
    },
  }
}

/** Warnings and worse are for the terminal, and so is whatever is not a log line at all. */
export const isTrouble = (line: string): boolean => !line.startsWith('{') || /^\{"level":"(warn|error|fatal)"/.test(line)

/** What a log line says, for people: its words, and which video it is about. The rest is in the file. */
export function inWords(line: string): string {
  const { msg = '', video } = JSON.parse(line) as { msg?: string; video?: string }
  return video === undefined ? msg : `${msg} (${video})`
}
