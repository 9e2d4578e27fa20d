/**
 * Output of uv and pip about a package that is downloaded or cached: `Downloading numpy (16.1MiB)`,
 * `Downloading numpy-2.4.6-cp311-….whl (16.9 MB)`.
 */
const DOWNLOAD = /^\s*(?:Downloading|Using cached) (?:\S*\/)?(\S+?)(?:-\d\S*\.whl)? \(([\d.]+) ?([kMG])i?B\)$/

/** The package that is downloaded and its size, such as `numpy, 16.1 MB`; undefined for other lines of an installer. */
export function downloadOf(line: string): string | undefined {
  const [, name, size, unit] = DOWNLOAD.exec(line) ?? []
  if (!name || name.endsWith('.metadata')) return undefined
  return `${name.replaceAll('_', '-')}, ${size} ${unit}B`
}
