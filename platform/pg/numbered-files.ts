import { readdirSync } from 'node:fs'

/** Migrations of VidWiz's main database. */
export const OURS = new URL('./migrations/', import.meta.url)

/** The numbered SQL files of a folder, in the order in which they are applied. */
export const numberedFiles = (folder: URL = OURS): string[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
