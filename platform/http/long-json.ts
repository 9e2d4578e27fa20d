import { breather } from '../breather.ts'

/** Items serialized between two pauses. */
const AT_ONCE = 500

/** Serializes a list as JSON.stringify does, in UTF-8. Lets other requests run meanwhile. */
export async function longJson(items: readonly object[], pause: () => Promise<void> | undefined = breather()): Promise<Buffer> {
  const parts: Buffer[] = []
  for (let at = 0; at < items.length; at += AT_ONCE) {
    const some = JSON.stringify(items.slice(at, at + AT_ONCE)).slice(1, -1)
    parts.push(Buffer.from(at === 0 ? some : `,${some}`))
    await pause()
  }
  return Buffer.concat([Buffer.from('['), ...parts, Buffer.from(']')])
}
