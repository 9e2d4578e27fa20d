/** An answer; its body is parsed if it is JSON. */
export interface Answer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it
  body: any
  headers: Headers
}

/** An API client like the web app: `call('POST', '/v2/…', body)`. */
export interface Client {
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  /** Repeats a write under one Idempotency-Key until it is answered, whatever dies meanwhile. */
  surely(method: string, path: string, body?: unknown): Promise<Answer>
}

const GIVE_UP_MS = 60_000

export function client(url: string, token?: string): Client {
  const call: Client['call'] = async (method, path, body, headers = {}) => {
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: parsed(text) }
  }
  return {
    call,
    async surely(method, path, body) {
      const key = crypto.randomUUID()
      const until = Date.now() + GIVE_UP_MS
      while (true) {
        const answer = await call(method, path, body, { 'idempotency-key': key }).catch((error) => error as Error)
        if (!(answer instanceof Error) && answer.status < 500) return answer
        if (Date.now() > until) throw new Error(`no answer to ${method} ${path} within ${GIVE_UP_MS} ms`, { cause: answer })
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
  }
}

const parsed = (text: string) => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

let people = 0

/** Registers a new user and logs in. */
export async function newUser(url: string): Promise<Client & { token: string; email: string; password: string }> {
  const email = `person${++people}.${process.pid}@example.com`
  const password = `pass word ${people}`
  const guest = client(url)
  await guest.surely('POST', '/v2/auth/register', { email, password, name: `Person ${people}` })
  const { body } = await guest.surely('POST', '/v2/auth/login', { email, password })
  return { ...client(url, body.token), token: body.token, email, password }
}
