import { createWriteStream, mkdirSync, renameSync, statSync, type WriteStream } from 'node:fs'
import { join } from 'node:path'

const LARGE_BYTES = 20 * 1024 * 1024

export interface Logs {
  folder: string
  write(part: string, line: string): void
  close(): void
}

/** A log file for each part of the system; a large one is renamed when it is opened. */
export function openLogs(folder: string): Logs {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const files = new Map<string, WriteStream>()
  const open = (part: string) => {
    const path = join(folder, `${part}.log`)
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > LARGE_BYTES) renameSync(path, `${path}.1`)
    const file = createWriteStream(path, { flags: 'a', mode: 0o600 })
    // Everything else runs without the log.
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

/** Whether a line belongs into the terminal: warnings, errors, and anything that is not a log line. */
export const isForTerminal = (line: string): boolean => !line.startsWith('{') || /^\{"level":"(warn|error|fatal)"/.test(line)

/** The message of a log line and its video, for people. The rest is in the file. */
export function inWords(line: string): string {
  const { msg = '', video } = JSON.parse(line) as { msg?: string; video?: string }
  return video === undefined ? msg : `${msg} (${video})`
}
