/** A text of valid length for a note by AI. */
export const LINE = 'Somebody promises that they are never going to give you up.'
/** A text of valid length for a summary. */
export const SUMMARY = 'Somebody promises a lot, again and again, and sings about it. '.repeat(5).trim()
/** Half a minute of plain English, for speech and transcription. */
export const PLANTS =
  `Plants make their own food from light. Their leaves take in carbon dioxide from the air, and their roots take up water
  from the soil. Inside every green cell, sunlight splits the water. What is left over is the oxygen that animals breathe.
  The plant stores the energy as sugar, and at night it burns a part of that sugar to grow. Without plants there would be no
  animals, because all the food of the world begins in a green leaf.`.replace(/\s+/g, ' ')
