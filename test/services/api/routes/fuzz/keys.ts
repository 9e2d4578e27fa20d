/** Tokens and ids that get a request past the first checks. */
export interface Keys {
  secret: string
  userId: number
  user: string
  longTerm: string
  admin: string
  /** What Google gave somebody. */
  credential: string
  /** Of the user's. */
  note: number
  conversation: number
  video: string
}
