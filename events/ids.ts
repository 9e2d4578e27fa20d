import { z } from 'zod'

/** Ids that clients see are positive whole numbers. */
export const id = z.int().positive()
export const userId = id
export const noteId = id
/** The id YouTube gave. */
export const videoId = z.string().regex(/^[A-Za-z0-9_-]{11}$/)
/** Who watches a video: a user, or a guest by the name that stands for its session id, never by the id itself (P9). */
export const viewer = z.string().regex(/^(user-[1-9]\d*|guest-[\w-]{22})$/)
/** An address as it is compared: trimmed and in lower case. */
export const email = z.string().min(3)
