/** A text as it is compared when case does not matter; the same under every collation of the database. */
export const folded = (text: string) => text.toLowerCase()
