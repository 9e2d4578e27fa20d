/**
 * The user named to media workers when no user asked for a job, or none with an address: an address that no mail reaches
 * (RFC 2606), and an id that no user ever has. Message and door must name the same user: a worker looks up
 * the message's user behind the door.
 */
export const NOBODY = { id: 2_147_483_647, email: 'fallback@vidwiz.invalid' }
