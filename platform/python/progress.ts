/** What uv and pip say when they begin to fetch a package, or have it still: `Downloading numpy (16.1MiB)`, `Downloading numpy-2.4.6-cp311-….whl (16.9 MB)`. */
const DOWNLOAD = /^\s*(?:Downloading|Using cached) (?:\S*\/)?(\S+?)(?:-\d\S*\.whl)? \(([\d.]+) ?([kMG])i?B\)$/

/** The package that is fetched and its size, as `numpy, 16.1 MB`; undefined when a line of an installer says something else. */
export function downloadOf(line: string): string | undefined {
  const [, name, size, unit] = DOWNLOAD.exec(line) ?? []
  if (!name || name.endsWith('.metadata')) return undefined
  return `${name.replaceAll('_', '-')}, ${size} ${unit}B`
}
