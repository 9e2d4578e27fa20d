/** A time as clients get it, to the second: `2026-11-20T17:13:05+0000`. `time` is in milliseconds since the epoch. */
export const fromMs = (time: number): string => `${new Date(time).toISOString().slice(0, 19)}+0000`

/** The same from Postgres' text format (UTC): `2026-11-20 17:13:05.123+00`. */
export const fromPg = (time: string): string => `${time.slice(0, 10)}T${time.slice(11, 19)}+0000`
