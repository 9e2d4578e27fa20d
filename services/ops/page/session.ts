import { useEffect, useState } from 'preact/hooks'

export interface Who {
  name: string
  role: 'viewer' | 'operator'
}

/** The person who is signed in, if any. `ended`: the session has ended and the person has to sign in again; the screen's content stays. */
export interface Session {
  who: Who | undefined
  ended: boolean
  /** Grows with each sign-in, so that loads that failed without a session are repeated. */
  times: number
}

let session: Session = { who: undefined, ended: false, times: 0 }
const subscribers = new Set<(session: Session) => void>()

const set = (next: Session) => {
  session = next
  for (const callback of [...subscribers]) callback(session)
}

export const begin = (who: Who) => set({ who, ended: false, times: session.times + 1 })
/** Call it when the server no longer knows this session. */
export const lose = () => {
  if (session.who && !session.ended) set({ ...session, ended: true })
}
export const leave = () => set({ who: undefined, ended: false, times: session.times })

export function useSession(): Session {
  const [seen, see] = useState(session)
  useEffect(() => {
    subscribers.add(see)
    see(session)
    return () => void subscribers.delete(see)
  }, [])
  return seen
}
