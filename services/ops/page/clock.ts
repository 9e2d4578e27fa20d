import { useEffect, useState } from 'preact/hooks'

/** How far the server's clock is ahead of this one, in milliseconds. Ages are computed by the server's clock. */
let aheadMs = 0

export const setServerTime = (at: number) => {
  aheadMs = at - Date.now()
}

/** Milliseconds since the epoch, by the server's clock. */
export const now = () => Date.now() + aheadMs

/** One timer for all ages on the page, so that they change together. */
const ticking = new Set<(at: number) => void>()
setInterval(() => {
  if (!document.hidden) for (const tick of [...ticking]) tick(now())
}, 1_000)

/** Like `now`, but re-renders the component every second. */
export function useNow(): number {
  const [at, set] = useState(now)
  useEffect(() => {
    ticking.add(set)
    return () => void ticking.delete(set)
  }, [])
  return at
}
