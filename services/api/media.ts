/** How much media workers do for users. */
export interface MediaOptions {
  /** Jobs that a user may ask for in a day (UTC). */
  quota?: number
  /** How long nothing may be heard of a job before its message is sent again. */
  silenceMs?: number
}

export const mediaOf = ({ quota = 10, silenceMs = 20 * 60_000 }: MediaOptions = {}): Required<MediaOptions> => ({
  quota,
  silenceMs,
})
