/**
 * Order of the rows shown. While somebody points at the table no row moves: existing rows stay in place, new ones come last.
 * @param shown keys in the current order
 * @param wanted keys in the desired order, the worst first
 */
export function settle(shown: readonly string[], wanted: readonly string[], isHeld: boolean): readonly string[] {
  if (!isHeld) return wanted
  const left = new Set(wanted)
  const kept = shown.filter((key) => left.delete(key))
  return [...kept, ...left]
}
