/** The channel on which a consumer hears that its checkpoint was moved; otherwise only the next event would fence it. */
export const RESET = 'reset'
