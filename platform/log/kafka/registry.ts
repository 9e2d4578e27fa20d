import { setTimeout as sleep } from 'node:timers/promises'
import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import { Ajv } from 'ajv'
import type { JsonSchema } from '#events/kit/json-schema.ts'
import { OperatorError } from '#platform/operator-error.ts'

/** A version of a subject in the registry. */
export interface Held {
  version: number
  id: number
  schema: JsonSchema
}

/** What we need of a schema registry. Every call throws an OperatorError when the registry cannot be reached or does not answer. */
export interface Registry {
  /** The id of exactly this schema under a subject, if it is registered there. */
  idOf(subject: string, schema: string): Promise<number | undefined>
  /** All versions of a subject, oldest first; none when there is no such subject. */
  held(subject: string): Promise<Held[]>
  /** The compatibility level of a subject; undefined when none is set. */
  level(subject: string): Promise<string | undefined>
  setLevel(subject: string, level: Level): Promise<void>
  /** Adds a version to a subject that has this level. @returns its id @throws Refused */
  register(subject: string, schema: string, level: Level): Promise<number>
}

export type Level = 'NONE' | 'FULL_TRANSITIVE'

/** The registry finds a schema incompatible with one that it holds. */
export class Refused extends Error {
  override name = 'Refused'
}

const CONFLICT = 409
const NOT_FOUND = 404
const PATIENCE_MS = 10_000
const TRIES = 20
const PAUSE_MS = 100

/**
 * A client of a registry with Confluent's API.
 * @param address its URL, with user and password if it needs them
 */
export function openRegistry(address: string): Registry {
  const { url, auth } = parts(address)
  // No payload is validated with this: the registry compares the schemas, and payloads were validated before their append.
  const ajvInstance = new Ajv({ strict: false, validateFormats: false, addUsedSchema: false })
  const client = new SchemaRegistry(
    { host: url, clientId: 'vidwiz', ...(auth ? { auth } : {}) },
    { [SchemaType.JSON]: { ajvInstance } },
  )
  const json = (schema: string) => ({ type: SchemaType.JSON as const, schema })

  /** Sends requests that the client does not support. Undefined for 404. */
  async function ask<T>(method: string, path: string, body?: object, tries = TRIES): Promise<T | undefined> {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        'content-type': 'application/vnd.schemaregistry.v1+json',
        ...(auth ? { authorization: `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}` } : {}),
      },
      signal: AbortSignal.timeout(PATIENCE_MS),
      ...(body ? { body: JSON.stringify(body) } : {}),
    }).catch((error) => {
      throw silent(url, error)
    })
    if (response.status === NOT_FOUND) return undefined
    // Another process makes the same change at this moment.
    if (response.status === CONFLICT && method === 'PUT' && tries > 1) {
      await sleep(PAUSE_MS)
      return ask(method, path, body, tries - 1)
    }
    if (!response.ok) throw new OperatorError(`the schema registry at ${url} answers ${method} ${path} with ${response.status}`)
    return (await response.json()) as T
  }

  const of = (subject: string) => encodeURIComponent(subject)

  return {
    async idOf(subject, schema) {
      try {
        return await client.getRegistryIdBySchema(subject, json(schema))
      } catch (error) {
        if ((error as Error).name === 'ConfluentSchemaRegistryError') return undefined // neither the subject nor the schema
        throw silent(url, error)
      }
    },
    async held(subject) {
      const versions = (await ask<number[]>('GET', `/subjects/${of(subject)}/versions`)) ?? []
      const held = await Promise.all(
        versions.map((version) =>
          ask<{ version: number; id: number; schema: string }>('GET', `/subjects/${of(subject)}/versions/${version}`),
        ),
      )
      return held.filter((one) => one !== undefined).map((one) => ({ ...one, schema: JSON.parse(one.schema) as JsonSchema }))
    },
    async level(subject) {
      return (await ask<{ compatibilityLevel: string }>('GET', `/config/${of(subject)}`))?.compatibilityLevel.toUpperCase()
    },
    async setLevel(subject, compatibility) {
      await ask('PUT', `/config/${of(subject)}`, { compatibility })
    },
    async register(subject, schema, level) {
      try {
        const options = { subject, compatibility: COMPATIBILITY[level], updateConfig: false }
        return (await client.register(json(schema), options)).id
      } catch (error) {
        if ((error as { status?: number }).status === CONFLICT) throw new Refused((error as Error).message)
        throw silent(url, error)
      }
    },
  }
}

const silent = (url: string, error: unknown) =>
  new OperatorError(`the schema registry at ${url} cannot be used: ${reason(error)}`, { cause: error })

const reason = (error: unknown): string => {
  const { message, cause } = error as Error
  return cause instanceof Error ? cause.message : message
}

/** Splits an address into the URL and the credentials, which must not be shown. */
function parts(address: string) {
  const url = new URL(address)
  const { username, password } = url
  url.username = url.password = ''
  const auth = username ? { username: decodeURIComponent(username), password: decodeURIComponent(password) } : undefined
  return { url: url.href.replace(/\/$/, ''), auth }
}
