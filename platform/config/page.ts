import type { z } from 'zod'
import { code, markdownTable } from '../text/markdown.ts'
import { chapters } from './settings/chapters.ts'

/** Generates the chapters of docs/configuration.md from the schemas of the settings. */
export const settingsTables = (): string =>
  chapters
    .map(({ title, about, settings }) =>
      [
        `## ${title}`,
        ...(about ? [about] : []),
        markdownTable(
          ['variable', 'when not set', 'meaning'],
          Object.entries(settings).map(([name, setting]) => [code(name), whenNotSet(name, setting), meaningOf(setting)]),
        ),
      ].join('\n\n'),
    )
    .join('\n\n')

/** @throws Error when the schema does not say what happens while the setting is not set */
function whenNotSet(name: string, setting: z.ZodType): string {
  const { unset } = setting.meta() ?? {}
  if (unset) return unset
  const value = setting.parse(undefined)
  if (value === undefined) throw new Error(`${name} has no default: "unset" in its meta must say what happens without it`)
  if (typeof value === 'boolean') return code(value ? '1' : '0')
  return String(value) === '' ? 'none' : code(String(value))
}

function meaningOf(setting: z.ZodType): string {
  const { description, secret } = setting.meta() ?? {}
  return `${description}${secret ? ' Secret.' : ''}`
}
