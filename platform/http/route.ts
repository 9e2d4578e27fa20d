import { z } from 'zod'
import type { Content } from './content.ts'
import type { JsonText } from './json.ts'
import type { Request } from './request.ts'
import type { EventStream } from './stream.ts'

type Maybe<S> = S extends z.ZodType ? z.output<S> : undefined
type Answers = Record<number, z.ZodType>

/** An answer whose status is not the only one of its route, or whose fate matters. */
export class Answer {
  readonly status: number
  readonly body: unknown
  /** Called when the client left before the answer was written. */
  readonly undelivered: (() => void) | undefined
  constructor(status: number, body?: unknown, { undelivered }: { undelivered?: () => void } = {}) {
    this.status = status
    this.body = body
    this.undelivered = undelivered
  }
}

/** How a route declares that it may answer with nothing. */
export const noContent = z.null().meta({ description: 'Nothing' })

/** Finds out who asks. Throws an HttpError when it may not be. */
export type Guard<App, Who> = (request: Request, app: App) => Who | Promise<Who>

/** What a handler is given beside the application's tools. */
export interface Input<Who, P, Q, B> {
  request: Request
  user: Who
  params: Maybe<P>
  query: Maybe<Q>
  body: Maybe<B>
}

/** What a route takes, who may, and what it answers. Everything in it can be read to describe the API. */
export interface Spec<App, Tools, Who, P, Q, B, A> {
  /** What it does, for the description of the API: a few words, no full stop. */
  summary?: string
  auth?: Guard<App, Who>
  params?: P
  query?: Q
  body?: B
  /** Most bytes of the body; 1 MiB if not given. */
  bodyLimitBytes?: number
  answers: A
  /** Names of the views that it is answered from. */
  reads?: readonly string[]
  /** The answer names the state of one thing by an ETag. */
  etag?: true
  /** What it may refuse beside what follows from the rest of this, by status, in words. */
  refuses?: Record<number, string>
  /** Looks at a well-formed query even before authentication. Throws an HttpError. */
  precheck?: (query: Maybe<Q>) => void
  /** Asked when nothing but the body is malformed: that the thing itself is not there is said first. Throws. */
  exists?: (input: Omit<Input<Who, P, Q, B>, 'body'> & Tools) => Promise<unknown>
}

/** A route with its types forgotten, as the edge runs it. */
export interface Route<App = never, Tools = never> {
  method: string
  /** With `:name` for each parameter. */
  path: string
  // biome-ignore lint/suspicious/noExplicitAny: the factory below has checked that spec and handler fit
  spec: Spec<App, Tools, any, z.ZodType | undefined, z.ZodType | undefined, z.ZodType | undefined, Answers>
  // biome-ignore lint/suspicious/noExplicitAny: as above
  handle: (input: any) => unknown
  /** The status of the answer that a handler gives by returning its body. */
  status: number
}

/**
 * Makes the `route` function of an application.
 *
 * `More` is what all its routes must say beside what any route says.
 *
 * A handler returns the body of the route's first answer, an `Answer` with another status, a `Content`, or an `EventStream`.
 */
export function routesOf<App, Tools, More = unknown>() {
  return function route<
    Who = undefined,
    P extends z.ZodType | undefined = undefined,
    Q extends z.ZodType | undefined = undefined,
    B extends z.ZodType | undefined = undefined,
    A extends Answers = Answers,
  >(
    method: string,
    path: string,
    spec: Spec<App, Tools, Who, P, Q, B, A> & More,
    handle: (input: Input<Who, P, Q, B> & Tools) => Promise<z.input<A[keyof A]> | Answer | JsonText | Content | EventStream>,
  ): Route<App, Tools> {
    return { method, path, spec: spec as never, handle, status: Math.min(...Object.keys(spec.answers).map(Number)) }
  }
}
