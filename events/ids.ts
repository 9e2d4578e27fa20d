import { z } from 'zod'

/** Ids that clients see are positive whole numbers. */
export const id = z.int().positive()
export const userId = id
export const noteId = id
/** YouTube's id. */
export const videoId = z.string().regex(/^[A-Za-z0-9_-]{11}$/)
/**
 * The viewer of a video: a user, or a guest under a name derived from the session id. The session id itself is never used (P9).
 */
export const viewer = z.string().regex(/^(user-[1-9]\d*|guest-[\w-]{22})$/)
/** An e-mail address in the form that is compared: trimmed and in lower case. */
export const email = z.string().min(3)
