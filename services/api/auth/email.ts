import { domainToASCII, domainToUnicode } from 'node:url'
import { z } from 'zod'
import { codePoints, isStorable, strip } from '#platform/http/text.ts'

/** A text that is not an e-mail address. The message gives the reason, for people. */
export class EmailError extends Error {}

const ATOM = /^[\w!#$%&'*+\-/=?^`{|}~\u{80}-\u{10ffff}]+$/u
const HOST = /^[a-z0-9.\-\u{80}-\u{10ffff}]+$/iu
/** Blanks, invisible and unassigned characters; also a leading combining mark, which would merge with the character before it. */
const UNSAFE = /^\p{M}|[\p{Z}\p{C}]/u
const LABEL = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/
/** IDNA reserves labels with `--` after two characters for encodings; `xn--` is the only one in use. */
const RESERVED_LABEL = /^(?!xn)..--/
/** Domains that cannot receive mail. */
const SPECIAL_USE = ['arpa', 'invalid', 'local', 'localhost', 'onion', 'test']
const NAMED = /^(?:"[^"]+"\s*|[\p{L}\p{N}\s!#$%&'*+\-/=?^_`{|}~]*)<([^<>]+)>$/u
/** Includes a name around the address. Also bounds the work of the regular expressions below. */
const MAX_LENGTH = 2048

/**
 * Reads an e-mail address, also one given as `Name <a@b.co>`. All spellings of one address give the same text.
 *
 * @returns the address in lower case, composed (NFC), its domain in Unicode
 * @throws EmailError
 */
export function emailOf(given: string): string {
  if (given.length > MAX_LENGTH) throw new EmailError('The email address is too long.')
  if (!isStorable(given)) throw new EmailError('It contains characters that are not allowed.')
  const text = strip(given)
  const address = strip(NAMED.exec(text)?.[1] ?? text)
  const [local, domain, ...more] = address.split('@')
  if (domain === undefined) throw new EmailError('An email address must have an @-sign.')
  if (more.length > 0) throw new EmailError('An email address must have only one @-sign.')
  const ascii = asciiDomain(domain)
  const email = `${localPart(local!)}@${domainToUnicode(ascii)}`.toLowerCase()
  if (email.length > 254 || Buffer.byteLength(email) > 254) throw new EmailError('The email address is too long.')
  return email
}

function localPart(local: string): string {
  if (local === '') throw new EmailError('There must be something before the @-sign.')
  if (codePoints(local) > 64) throw new EmailError('The email address is too long before the @-sign.')
  if (!local.split('.').every((atom) => atom !== ''))
    throw new EmailError('The part before the @-sign cannot start or end with a period or have two in a row.')
  const composed = local.normalize('NFC')
  if (!composed.split('.').every((atom) => ATOM.test(atom)) || UNSAFE.test(composed))
    throw new EmailError('The email address contains invalid characters before the @-sign.')
  return composed
}

function asciiDomain(domain: string): string {
  if (domain === '') throw new EmailError('There must be something after the @-sign.')
  // `domainToASCII` also maps Unicode full stops and wide letters, as mail programs do.
  const ascii = HOST.test(domain) && !UNSAFE.test(domain) ? domainToASCII(domain) : ''
  const labels = ascii.split('.')
  if (ascii.length > 253 || !labels.every((label) => LABEL.test(label) && !RESERVED_LABEL.test(label)))
    throw new EmailError('The part after the @-sign contains invalid characters.')
  if (labels.length < 2) throw new EmailError('The part after the @-sign is not valid. It should have a period.')
  if (!/[a-z]$/.test(ascii)) throw new EmailError('The part after the @-sign is not within a valid top-level domain.')
  if (SPECIAL_USE.includes(labels.at(-1)!))
    throw new EmailError('The part after the @-sign is a special-use or reserved name that cannot be used with email.')
  return ascii
}

/** A field that holds an e-mail address. */
export const emailField = z
  .string()
  .transform((given, { issues }) => {
    try {
      return emailOf(given)
    } catch (error) {
      if (!(error instanceof EmailError)) throw error
      issues.push({ code: 'custom', message: `value is not a valid email address: ${error.message}`, input: given })
      return z.NEVER
    }
  })
  .meta({ format: 'email' })
