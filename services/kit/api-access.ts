import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { secrets } from '#platform/config/secrets.ts'
import type { Settings } from '#platform/config/settings.ts'
import { OperatorError } from '#platform/service.ts'

/** The API's URL, without `/v2`: on this machine, unless the settings say otherwise. */
export const apiUrl = ({ API_URL, PORT }: Settings): string => API_URL ?? `http://127.0.0.1:${PORT}`

/**
 * The token with which workers identify themselves to the API. The data folder's token is only sent to an API on this machine:
 * another machine must not get to see it.
 * @throws OperatorError when there is none
 */
export function adminToken(settings: Settings): string {
  if (settings.ADMIN_TOKEN) return settings.ADMIN_TOKEN
  const isHere = /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(new URL(apiUrl(settings)).hostname)
  if (isHere && existsSync(join(settings.VIDWIZ_DATA, 'secrets.json'))) return secrets(settings.VIDWIZ_DATA).ADMIN_TOKEN
  throw new OperatorError('ADMIN_TOKEN is not set: it must be the one that the API has')
}
