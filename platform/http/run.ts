import type { z } from 'zod'
import type { Exchange } from './answers.ts'
import { isJson, isLong, NOT_JSON, parseBody, readBody } from './body.ts'
import { type HttpError, invalid, type Problem } from './errors.ts'
import { type Location, problemsOf } from './problems.ts'
import { awaitsContinue, type Request } from './request.ts'
import type { Route } from './route.ts'

export interface RunOptions<App, Tools> {
  /** Passed to guards. */
  app: App
  /** Makes what handlers get in addition to their input, once for each request. */
  tools(request: Request, who: unknown): Tools
  /** Runs the handler of a route that reads views: waits until they are ready, and runs it again if they were not. */
  reading?(request: Request, reads: readonly string[], handle: () => Promise<unknown> | unknown): Promise<unknown>
  /** Called with only the headers, before anything else of a request is read. Throws when the client must wait. */
  admit?: ((request: Request) => Promise<void> | undefined) | undefined
  /** Maximum bytes of a request's body, even where its route allows more. */
  bodyLimitBytes?: number
}

const DEFAULT_BODY_LIMIT_BYTES = 16 * 1024 * 1024
/** For routes without a limit of their own. */
const USUAL_BODY_LIMIT_BYTES = 1024 * 1024
/** A hundred times what people send; checking that many takes some 50 ms. */
const USUAL_BODY_LIMIT_PARTS = 50_000

/**
 * Runs a route on a request, and returns what its handler returned. The order of the steps is part of the API: it decides which error
 * a client gets.
 */
export async function run<App, Tools extends object>(
  options: RunOptions<App, Tools>,
  { spec, handle }: Route<App, Tools>,
  { request, req, res, params }: Exchange,
): Promise<unknown> {
  await options.admit?.(request)
  let known: { user: unknown } | undefined
  const authenticate = async () => {
    known ??= { user: await spec.auth?.(request, options.app) }
    return known.user
  }
  const raw: Parts = { params, query: spec.query && request.query, body: undefined }
  const precheck = () => {
    const early = validate({ query: spec.query }, raw)
    if (!early.error) spec.precheck?.(early.input.query as never)
  }
  if (spec.body) {
    const limitBytes = Math.min(spec.bodyLimitBytes ?? USUAL_BODY_LIMIT_BYTES, options.bodyLimitBytes ?? DEFAULT_BODY_LIMIT_BYTES)
    const admitBody = () => {
      if (isAwaited) precheck()
      return authenticate()
    }
    const isAwaited = awaitsContinue(req)
    const invite = isAwaited ? () => res.writeContinue() : undefined
    const type = request.headers['content-type']
    // A client that waits for `100 Continue` need not send a body whose type is refused anyway. An empty body has no type to refuse.
    const isWanted = !isAwaited || isJson(type) || request.headers['content-length'] === '0'
    request.bytes = await readBody(req, { limitBytes, admit: admitBody, isWanted, invite })
    const maxParts = spec.bodyLimitParts ?? USUAL_BODY_LIMIT_PARTS
    raw.body = isWanted ? await parseBody(type, request.bytes, maxParts) : NOT_JSON
  }
  if (spec.precheck) precheck()
  const user = await authenticate()
  // Validated only after authentication, because checking a large body is expensive.
  const { body } = spec
  const checked = body && isLong(request.bytes!) ? await validateLong({ ...spec, body }, raw) : validate(spec, raw)
  const input = Object.assign(options.tools(request, user), checked.input, { request, user })
  if (checked.error) {
    if (spec.exists && checked.isOnlyBodyInvalid) await spec.exists(input)
    throw checked.error
  }
  const handled = () => handle(input)
  return spec.reads && options.reading ? options.reading(request, spec.reads, handled) : handled()
}

interface Schemas {
  params?: z.ZodType | undefined
  query?: z.ZodType | undefined
  body?: z.ZodType | undefined
}

interface Parts {
  params: unknown
  query: unknown
  body: unknown
}

interface Checked {
  /** The valid parts. */
  input: Parts
  /** 422 with all problems of path, query and body, in this order. */
  error?: HttpError
  isOnlyBodyInvalid: boolean
}

/** Validates all parts of a request at once. */
export function validate(schemas: Schemas, raw: Parts): Checked {
  return together(schemas, raw, check('body', schemas.body, raw.body))
}

/** The same for a body that may be long: lets other requests run meanwhile. */
export async function validateLong(schemas: Schemas & { body: z.ZodType }, raw: Parts): Promise<Checked> {
  return together(schemas, raw, outcome('body', await schemas.body.safeParseAsync(raw.body, REPORTING)))
}

function together({ params, query }: Schemas, raw: Parts, body: Outcome): Checked {
  const parts = { params: check('path', params, raw.params), query: check('query', query, raw.query), body }
  const problems = Object.values(parts).flatMap((part) => part.problems)
  return {
    input: { params: parts.params.value, query: parts.query.value, body: body.value },
    error: problems.length > 0 ? invalid(problems) : undefined,
    isOnlyBodyInvalid: problems.length === body.problems.length,
  }
}

interface Outcome {
  value: unknown
  problems: readonly Problem[]
}

const NONE: readonly Problem[] = []
const UNDECLARED: Outcome = { value: undefined, problems: NONE }
const REPORTING = { reportInput: true }

const check = (location: Location, schema: z.ZodType | undefined, raw: unknown): Outcome =>
  schema ? outcome(location, schema.safeParse(raw, REPORTING)) : UNDECLARED

const outcome = (location: Location, parsed: z.ZodSafeParseResult<unknown>): Outcome =>
  parsed.success
    ? { value: parsed.data, problems: NONE }
    : { value: undefined, problems: problemsOf(location, parsed.error.issues) }
