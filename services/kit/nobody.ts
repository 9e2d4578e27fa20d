/**
 * Who asks media workers when nobody did, or nobody who has an address: a name that no mail reaches (RFC 2606), and a number that no
 * user ever has. The message and the door must say the same, for a worker looks up behind the door who asked in the message.
 */
export const NOBODY = { id: 2_147_483_647, email: 'fallback@vidwiz.invalid' }
