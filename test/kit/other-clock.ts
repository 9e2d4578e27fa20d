/** For `--import`: sets the process's clock ahead by `OTHER_CLOCK_MS`. */
const aheadMs = Number(process.env.OTHER_CLOCK_MS)
const Own = Date

globalThis.Date = class extends Own {
  constructor(...given: unknown[]) {
    if (given.length === 0) super(Own.now() + aheadMs)
    else super(...(given as [number]))
  }
  static override now() {
    return Own.now() + aheadMs
  }
} as DateConstructor
