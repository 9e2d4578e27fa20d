import type { routes } from '../routes/index.ts'

export type AnyRoute = (typeof routes)[number]

/** POST routes that write nothing and take no key: each sign-in gets a new token. */
const WRITES_NOTHING = ['/v2/auth/login', '/v2/auth/google']
/** Whether a route writes, and so takes an Idempotency-Key. */
export const isWrite = ({ method, path }: AnyRoute) => method !== 'GET' && !WRITES_NOTHING.includes(path)
