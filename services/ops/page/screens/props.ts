import type { Look } from '../../../operations/look.ts'
import type { Who } from '../session.ts'

/** Props of each screen. */
export interface ScreenProps {
  /** The rest of the address, decoded: for `#/story/note-42` it is `note-42`. */
  rest: string
  query: URLSearchParams
  who: Who
  /** The newest look; undefined before the first one. */
  look: Look | undefined
}
