import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { services as all } from '#services/index.ts'

export const repository = join(import.meta.dirname, '..', '..')

export const textOf = (path: string): string => readFileSync(join(repository, path), 'utf8')

export const isThere = (path: string): boolean => existsSync(join(repository, path))

/** The Markdown pages of a folder, without those of folders in it: `docs/api.md`. */
export const pagesIn = (folder: string): string[] => globSync(`${folder}/*.md`, { cwd: repository }).sort()

/** A YAML file, with its anchors and merges resolved. */
export const yamlOf = <T>(path: string): T => parse(textOf(path), { merge: true }) as T

/** The services that run as a process of their own on many machines: there S3 and SQS are those of AWS. */
export const services: string[] = Object.keys(all).filter((name) => name !== 'local-aws')
