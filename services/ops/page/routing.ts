import { useEffect, useState } from 'preact/hooks'

/** A location in the page: `#/story/note-42?depth=2` is screen `story`, rest `note-42` and a query. */
export interface Place {
  screen: string
  rest: string
  query: URLSearchParams
}

export function placeOf(hash: string): Place {
  const [path = '', search = ''] = hash.replace(/^#?\/?/, '').split(/\?(.*)/s)
  const slash = path.indexOf('/')
  const screen = slash < 0 ? path : path.slice(0, slash)
  return { screen, rest: slash < 0 ? '' : decoded(path.slice(slash + 1)), query: new URLSearchParams(search) }
}

/** Address of a place, for links: `hrefTo('story', 'note-42')`. */
export function hrefTo(screen: string, rest = '', query: Record<string, string> = {}): string {
  const search = new URLSearchParams(query).toString()
  return `#/${screen}${rest && `/${encodeURIComponent(rest)}`}${search && `?${search}`}`
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

export function usePlace(): Place {
  const [hash, set] = useState(location.hash)
  useEffect(() => {
    const onChange = () => set(location.hash)
    addEventListener('hashchange', onChange)
    return () => removeEventListener('hashchange', onChange)
  }, [])
  return placeOf(hash)
}
