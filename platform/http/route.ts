import { z } from 'zod'
import type { Content } from './content.ts'
import type { JsonText } from './json.ts'
import type { Request } from './request.ts'
import type { EventStream } from './stream.ts'

type Maybe<S> = S extends z.ZodType ? z.output<S> : undefined
type Answers = Record<number, z.ZodType>

/** An answer with another status than the route's lowest, or with a callback if it is not delivered. */
export class Answer {
  readonly status: number
  readonly body: unknown
  /** Called when the client disconnected before the answer was written. */
  readonly undelivered: (() => void) | undefined
  constructor(status: number, body?: unknown, { undelivered }: { undelivered?: () => void } = {}) {
    this.status = status
    this.body = body
    this.undelivered = undelivered
  }
}

/** Declares an answer without a body. */
export const noContent = z.null().meta({ description: 'Nothing' })

/** Authenticates a request. Throws an HttpError to refuse it. */
export type Guard<App, Who> = (request: Request, app: App) => Who | Promise<Who>

/** What a handler gets, together with the application's tools. */
export interface Input<Who, P, Q, B> {
  request: Request
  user: Who
  params: Maybe<P>
  query: Maybe<Q>
  body: Maybe<B>
}

/** Declares what a route accepts, who may use it, and what it answers. The API description is generated from it. */
export interface Spec<App, Tools, Who, P, Q, B, A> {
  /** What the route does, for the API description: a few words, no full stop. */
  summary?: string
  auth?: Guard<App, Who>
  params?: P
  query?: Q
  body?: B
  /** Maximum bytes of the body; 1 MiB if not given. */
  bodyLimitBytes?: number
  /** Maximum number of lists, objects and keys in a long body; 50,000 if not given. */
  bodyLimitParts?: number
  answers: A
  /** Names of the views that the answer is read from. */
  reads?: readonly string[]
  /** The answer has the ETag of one resource: the state that the answer shows. A read of it answers 304 to `If-None-Match`. */
  givesETag?: true
  /** A write that is carried out only if the resource still has one of the ETags in `If-Match`; else the answer is 412. */
  takesIfMatch?: true
  /** Descriptions by status of refusals that do not follow from the rest of this declaration. */
  refuses?: Record<number, string>
  /** Checks a well-formed query before authentication. Throws an HttpError to refuse it. */
  precheck?: (query: Maybe<Q>) => void
  /** Called when only the body is malformed. Throws when the resource does not exist, because that error has precedence. */
  exists?: (input: Omit<Input<Who, P, Q, B>, 'body'> & Tools) => Promise<unknown>
}

/** A route without its specific types, as the edge runs it. */
export interface Route<App = never, Tools = never> {
  method: string
  /** With `:name` for each parameter. */
  path: string
  // biome-ignore lint/suspicious/noExplicitAny: the factory below has checked that spec and handler fit
  spec: Spec<App, Tools, any, z.ZodType | undefined, z.ZodType | undefined, z.ZodType | undefined, Answers>
  // biome-ignore lint/suspicious/noExplicitAny: as above
  handle: (input: any) => unknown
  /** The status when a handler returns just a body. */
  status: number
}

/**
 * Makes the `route` function of an application.
 *
 * `More` is what every route of the application must declare in addition to `Spec`.
 *
 * A handler returns the body for the lowest declared status, an `Answer` with another status, a `Content`, or an `EventStream`.
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
