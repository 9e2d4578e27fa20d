/** Why a request to AWS failed, in a few words. Some errors of the SDK and of Node have no message. */
export function reasonOf(error: unknown): string {
  const { name, message, code } = error as Error & { code?: string }
  const says = message && message !== 'UnknownError' ? message : ''
  const kind = code ?? name
  return says.includes(kind) || !says ? says || kind : `${kind}: ${says}`
}
