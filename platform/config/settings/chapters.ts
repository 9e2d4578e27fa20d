import { accounts } from './accounts.ts'
import { ai } from './ai.ts'
import { aws } from './aws.ts'
import { chat } from './chat.ts'
import { database } from './database.ts'
import { helpers } from './helpers.ts'
import { kafka } from './kafka.ts'
import type { Chapter } from './kinds.ts'
import { machine } from './machine.ts'
import { media } from './media.ts'
import { models } from './models.ts'
import { operators } from './operators.ts'
import { requests } from './requests.ts'
import { youtube } from './youtube.ts'

/** Every setting by name. */
export const shape = {
  ...machine.settings,
  ...database.settings,
  ...kafka.settings,
  ...accounts.settings,
  ...requests.settings,
  ...youtube.settings,
  ...aws.settings,
  ...models.settings,
  ...chat.settings,
  ...ai.settings,
  ...helpers.settings,
  ...media.settings,
  ...operators.settings,
}

/** The chapters of docs/configuration.md in order. */
export const chapters: readonly Chapter[] = [
  machine,
  database,
  kafka,
  accounts,
  requests,
  youtube,
  aws,
  models,
  chat,
  ai,
  helpers,
  media,
  operators,
]
