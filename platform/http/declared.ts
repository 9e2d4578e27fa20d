import type { Content } from './content.ts'
import type { Route } from './route.ts'
import { isEventStream } from './stream.ts'

/** Throws when an answer differs from its route's declaration, also in the order of keys. */
export function assertAnswer({ method, path, spec }: Route, status: number, json: string) {
  const declared = spec.answers[status]?.safeParse(JSON.parse(json))
  if (!declared?.success || JSON.stringify(declared.data) !== JSON.stringify(JSON.parse(json)))
    throw new Error(`${method} ${path} does not declare this answer: ${status} ${json}`)
}

export function assertContent({ method, path, spec }: Route, status: number, { type }: Content) {
  if (spec.answers[status]?.meta()?.contentType !== type)
    throw new Error(`${method} ${path} does not declare this answer: ${status} ${type}`)
}

export function assertStream({ method, path, spec }: Route) {
  if (!isEventStream(spec.answers[200])) throw new Error(`${method} ${path} does not declare that it streams`)
}
