import { globSync } from 'node:fs'
import { basename } from 'node:path'
import { expect } from 'chai'
import { repository, textOf } from './repository.ts'

const PLACES = ['README.md', '{docs,bench}/**/*.{md,ts}', '{events,platform,projections,services}/**/*.{ts,js,sql,yml,json}']
/** It knows the steps from before the first release, which are one file now. */
const KNOWS_OLD_STEPS = 'platform/pg/squashed.ts'

const filesOf = (patterns: string[]) =>
  globSync(patterns, { cwd: repository, exclude: (path) => String(path).includes('node_modules') })
const existing = filesOf(['{platform,services}/**/migrations/*.sql']).map((file) => basename(file))

/** `001_log.sql`, or `migration 001`. */
const mentionsIn = (text: string): string[] => text.match(/\b\d{3}_\w+\.sql\b|\bmigration \d{3}\b/g) ?? []
const isMigration = (mention: string) =>
  existing.includes(mention) || existing.some((file) => mention === `migration ${file.slice(0, 3)}`)

describe('migrations that pages and comments name', () => {
  const named = filesOf(PLACES)
    .filter((file) => file !== KNOWS_OLD_STEPS)
    .flatMap((file) => mentionsIn(textOf(file)).map((mention) => ({ file, mention })))

  it('exist', () => {
    expect(named.length).to.be.at.least(3)
    expect(named.filter(({ mention }) => !isMigration(mention))).to.deep.equal([])
  })

  it('are refused here when they do not', () => {
    const gone = 'see 022_stories.sql and migration 025; 001_log.sql stays'
    expect(mentionsIn(gone).filter((mention) => !isMigration(mention))).to.deep.equal(['022_stories.sql', 'migration 025'])
  })
})
